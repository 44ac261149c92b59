"""Descriptors of whole molecules, as RDKit computes them: size, polarity, logP and some two hundred more numbers."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from tasktalk.core.errors import DataError
from tasktalk.data.atoms import parse, require_rdkit
from tasktalk.data.remember import pack, remember

_SLOW = {"Ipc", "AvgIpc"}
_WORTH = 100
"""Of so many molecules the descriptors are kept between runs."""


def descriptor_names() -> list[str]:
    """The names of RDKit's descriptors without ``Ipc`` and ``AvgIpc``, which take seconds for a large molecule.

    They are in RDKit's order, and other versions of RDKit may have others.

    Raises:
        TasktalkError: RDKit is not installed.
    """
    require_rdkit()
    from rdkit.Chem import Descriptors

    return [name for name, _ in Descriptors.descList if name not in _SLOW]


def descriptors(smiles: Sequence[str]) -> Float[np.ndarray, "molecules descriptors"]:
    """All descriptors of some molecules (milliseconds each; those of the last molecules are remembered).

    Those of many molecules together are also kept on the disk (``data.remember``).

    Some range over many orders of magnitude, so every value x is given as sign(x) log(1 + |x|). What RDKit cannot
    compute for a molecule, such as the charges of a metal, is 0.

    Raises:
        DataError: RDKit cannot read a SMILES.
        TasktalkError: RDKit is not installed.
    """
    names = descriptor_names()
    if len(smiles) < _WORTH:
        return _describe_all(smiles, len(names))
    from rdkit import __version__

    what = f"descriptors 1, RDKit {__version__}: {names}"  # count on where _describe_all gives other numbers
    return remember(what, pack(smiles).values(), lambda: {"values": _describe_all(smiles, len(names))})["values"]


def _describe_all(smiles: Sequence[str], width: int) -> Float[np.ndarray, "molecules descriptors"]:
    return np.stack([_describe(text) for text in smiles]) if smiles else np.zeros((0, width), dtype=np.float32)


def _value(function: Callable[[Any], float], molecule: Any) -> float:
    try:
        return float(function(molecule))
    except (ArithmeticError, RuntimeError, ValueError):  # some are not defined for every molecule
        return np.nan


@lru_cache(maxsize=1)
def _functions() -> list[Callable[[Any], float]]:
    from rdkit.Chem import Descriptors

    return [function for name, function in Descriptors.descList if name not in _SLOW]


@lru_cache(maxsize=1 << 15)
def _describe(smiles: str) -> Float[np.ndarray, " descriptors"]:
    from rdkit.rdBase import BlockLogs

    molecule = parse(smiles)
    if molecule is None:
        raise DataError(f"expected a SMILES that RDKit can read, found {smiles!r}")
    with BlockLogs():  # RDKit reports what it leaves as it is
        values = np.array([_value(function, molecule) for function in _functions()], dtype=np.float64)
    values[~np.isfinite(values)] = 0
    return (np.sign(values) * np.log1p(np.abs(values))).astype(np.float32)
