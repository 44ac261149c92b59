"""Fingerprints of molecules: which surroundings of atoms occur, and how often."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from tasktalk.core.errors import DataError
from tasktalk.data.atoms import parse, require_rdkit


def ecfp(molecules: Sequence[Any], size: int = 2048, radius: int = 2) -> csr_matrix:
    """Extended-connectivity fingerprints with counts (Rogers and Hahn 2010, doi:10.1021/ci100050t).

    Radius 2 is ECFP4. Surroundings are those of RDKit's Morgan generator, without chirality.

    Args:
        molecules: SMILES or molecules of RDKit.
        size: number of columns; surroundings that are hashed to the same one add up.
        radius: how many bonds away surroundings reach.

    Returns:
        Counts, float32, one row per molecule.

    Raises:
        DataError: RDKit cannot read a SMILES.
        TasktalkError: RDKit is not installed.
    """
    require_rdkit()
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    generator = GetMorganGenerator(radius=radius, fpSize=size)
    counts = [generator.GetCountFingerprint(_molecule(given)).GetNonzeroElements() for given in molecules]
    columns = [sorted(row) for row in counts]
    values = [row[column] for row, found in zip(counts, columns, strict=True) for column in found]
    ends = np.cumsum([0, *map(len, columns)])
    indices = np.array([column for found in columns for column in found], dtype=np.int64)
    return csr_matrix((np.array(values, dtype=np.float32), indices, ends), shape=(len(counts), size))


def _molecule(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    molecule = parse(given)
    if molecule is None:
        raise DataError(f"expected a molecule, found {given!r}, which RDKit cannot read")
    return molecule
