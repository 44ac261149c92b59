"""Molecules as graphs: what is told of an atom, and which kinds of bonds there are.

The properties are those that chemprop (Yang et al. 2019, doi:10.1021/acs.jcim.9b00237, supporting table 1) and
MoleculeNet's graph convolutions (Wu et al. 2018, doi:10.1039/C7SC02664A) list: element, degree, charge, hydrogens,
hybridisation, aromaticity, rings, chirality and mass. Chirality is the CIP label, which does not depend on the order
of the atoms.
"""

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from tasktalk.core.errors import TasktalkError
from tasktalk.data.dataset import MoleculeGraph

BOND_KINDS = ("loop", "single", "double", "triple", "aromatic")
"""Kinds of bonds by index. Kind 0 is from an atom to itself; dative and all other bonds count as single."""

ELEMENTS = (
    "H", "Li", "B", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti",
    "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Sr", "Y", "Zr", "Pd",
    "Ag", "Cd", "In", "Sn", "Sb", "I", "Ba", "La", "Gd", "Pt", "Au", "Hg", "Tl", "Pb", "Bi",
)  # fmt: skip
"""Elements that are told apart; all others are one."""
RING_SIZES = (3, 4, 5, 6, 7, 8)

_MASS_UNIT = 100.0
_CHOICES: dict[str, tuple[Hashable, ...]] = {
    "element": (*ELEMENTS, "other"),
    "degree": (0, 1, 2, 3, 4, 5, "other"),
    "charge": (-2, -1, 0, 1, 2, "other"),
    "hydrogens": (0, 1, 2, 3, 4, "other"),
    "hybridisation": ("SP", "SP2", "SP3", "other"),
    "chirality": ("R", "S", "other"),
}
_RINGS = ("in a ring", *(f"in a ring of {size}" for size in RING_SIZES))

ATOM_FEATURES = (
    *(f"{name} {choice}" for name, choices in _CHOICES.items() for choice in choices),
    *_RINGS,
    "aromatic",
    "mass / 100",
)
"""Name of every column of ``MoleculeGraph.atoms``: 1 where the atom is so, else 0; the last is a number."""


_COLUMNS = [
    {choice: ATOM_FEATURES.index(f"{name} {choice}") for choice in choices} for name, choices in _CHOICES.items()
]
_FIRST_RING = ATOM_FEATURES.index(_RINGS[0])


def parse(smiles: str) -> Any:
    """A molecule of RDKit, or None where RDKit rejects the string or finds no atom in it.

    Raises:
        TasktalkError: RDKit is not installed.
    """
    require_rdkit()
    from rdkit.Chem import MolFromSmiles
    from rdkit.rdBase import BlockLogs

    with BlockLogs():  # RDKit reports every string that it rejects
        molecule = MolFromSmiles(smiles)
    return molecule if molecule is not None and molecule.GetNumAtoms() else None


def require_rdkit() -> None:
    """Refuse to go on without RDKit.

    Raises:
        TasktalkError: it is not installed; the sentence says how to install it.
    """
    try:
        import rdkit  # noqa: F401
    except ImportError as error:
        raise TasktalkError('molecules need RDKit: pip install "tasktalk[molecules]"') from error


def molecule_graph(molecule: Any) -> MoleculeGraph:
    """The graph of a molecule of RDKit.

    Returns:
        Atoms in RDKit's order with the columns ``ATOM_FEATURES``, float32; every bond once, with its index in
        ``BOND_KINDS``.
    """
    from rdkit.Chem import BondType

    kinds = {BondType.DOUBLE: 2, BondType.TRIPLE: 3, BondType.AROMATIC: 4}
    atoms = np.stack(
        [
            _row(
                atom.GetSymbol(),
                atom.GetDegree(),
                atom.GetFormalCharge(),
                atom.GetTotalNumHs(),
                atom.GetHybridization().name,
                atom.GetProp("_CIPCode") if atom.HasProp("_CIPCode") else "other",
                atom.GetIsAromatic(),
                atom.GetMass(),
            )
            for atom in molecule.GetAtoms()
        ]
    )
    for ring in molecule.GetRingInfo().AtomRings():
        atoms[list(ring), _FIRST_RING] = 1
        if len(ring) in RING_SIZES:
            atoms[list(ring), _FIRST_RING + 1 + RING_SIZES.index(len(ring))] = 1
    bonds = [
        (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx(), kinds.get(bond.GetBondType(), 1)) for bond in molecule.GetBonds()
    ]
    table = np.array(bonds, dtype=np.int64).reshape(-1, 3).T
    return MoleculeGraph(atoms, table[:2], table[2])


@lru_cache(maxsize=4096)  # most atoms are like others
def _row(*properties: Any) -> Float[np.ndarray, " atom_features"]:
    """The columns of an atom without those of rings: its choices in the order of ``_CHOICES``, aromatic, mass."""
    *choices, aromatic, mass = properties
    row = np.zeros(len(ATOM_FEATURES), dtype=np.float32)
    for columns, choice in zip(_COLUMNS, choices, strict=True):
        row[columns.get(choice, columns["other"])] = 1
    row[-2:] = aromatic, mass / _MASS_UNIT
    return row
