"""Atoms and bonds of known molecules."""

import sys
from typing import Any

import numpy as np
import pytest

from tasktalk.core.errors import TasktalkError
from tasktalk.data.atoms import ATOM_FEATURES, BOND_KINDS, ELEMENTS, molecule_graph, parse
from tasktalk.data.dataset import MoleculeGraph

Chem: Any = pytest.importorskip("rdkit.Chem", reason="RDKit is not installed")


def graph(smiles: str) -> MoleculeGraph:
    return molecule_graph(parse(smiles))


def told(found: MoleculeGraph, atom: int) -> set[str]:
    """What is 1 for an atom, without the mass."""
    return {name for name, value in zip(ATOM_FEATURES[:-1], found.atoms[atom, :-1], strict=True) if value == 1}


def bonds(found: MoleculeGraph) -> set[tuple[int, int, str]]:
    return {
        (min(a, b), max(a, b), BOND_KINDS[kind])
        for a, b, kind in zip(*found.bonds.tolist(), found.kinds.tolist(), strict=True)
    }


def test_every_column_has_its_own_name() -> None:
    assert len(set(ATOM_FEATURES)) == len(ATOM_FEATURES)
    assert len(set(ELEMENTS)) == len(ELEMENTS)
    assert graph("C").atoms.shape == (1, len(ATOM_FEATURES))
    assert graph("C").atoms.dtype == np.float32


def test_alanine_as_a_zwitterion() -> None:
    """C[C@H]([NH3+])C(=O)[O-]: charges, hydrogens, chirality."""
    found = graph("C[C@H]([NH3+])C(=O)[O-]")
    common = {"chirality other", "charge 0"}
    assert told(found, 0) == {"element C", "degree 1", "hydrogens 3", "hybridisation SP3"} | common
    centre = {"element C", "degree 3", "charge 0", "hydrogens 1", "hybridisation SP3"}
    chirality = {f"chirality {label}" for _, label in Chem.FindMolChiralCenters(parse("C[C@H]([NH3+])C(=O)[O-]"))}
    assert told(found, 1) == centre | chirality
    nitrogen = {"element N", "degree 1", "charge 1", "hydrogens 3", "hybridisation SP3", "chirality other"}
    assert told(found, 2) == nitrogen
    assert told(found, 3) == {"element C", "degree 3", "hydrogens 0", "hybridisation SP2"} | common
    oxygen = {"element O", "degree 1", "charge -1", "hydrogens 0", "hybridisation SP2", "chirality other"}
    assert told(found, 5) == oxygen
    assert bonds(found) == {(0, 1, "single"), (1, 2, "single"), (1, 3, "single"), (3, 4, "double"), (3, 5, "single")}
    np.testing.assert_allclose(found.atoms[:, -1], np.array([12.011, 12.011, 14.007, 12.011, 15.999, 15.999]) / 100)


def test_mirror_images_differ_in_one_atom() -> None:
    one, other = graph("N[C@@H](C)C(=O)O"), graph("N[C@H](C)C(=O)O")
    assert "chirality S" in told(one, 1) and "chirality R" in told(other, 1)
    assert (one.atoms != other.atoms).sum() == 2


def test_rings_and_their_sizes() -> None:
    indane = graph("C1Cc2ccccc2C1")
    rings = [{name for name in told(indane, atom) if "ring" in name} for atom in range(9)]
    five, six = "in a ring of 5", "in a ring of 6"
    assert [found - {"in a ring"} for found in rings] == [
        {five}, {five}, {five, six}, {six}, {six}, {six}, {six}, {five, six}, {five},
    ]  # fmt: skip
    assert all("in a ring" in found for found in rings)
    assert [int("aromatic" in told(indane, atom)) for atom in range(9)] == [0, 0, 1, 1, 1, 1, 1, 1, 0]
    assert sum(kind == "aromatic" for _, _, kind in bonds(indane)) == 6
    large = graph("C1CCCCCCCCCCC1")
    assert {name for name in told(large, 0) if "ring" in name} == {"in a ring"}


@pytest.mark.parametrize(
    ("smiles", "kinds"),
    [("C#N", {"triple"}), ("[NH3]->[Pt]", {"single"}), ("CC(=C)C", {"single", "double"}), ("[Na+].[Cl-]", set())],
    ids=["triple", "dative", "double", "salt"],
)
def test_kinds_of_bonds(smiles: str, kinds: set[str]) -> None:
    found = graph(smiles)
    assert {kind for _, _, kind in bonds(found)} == kinds
    assert found.bonds.shape == (2, len(found.kinds)) and found.bonds.dtype == np.int64


def test_what_has_no_column_of_its_own_is_other() -> None:
    assert {"element other", "hydrogens 0", "charge other"} <= told(graph("[U+6]"), 0)
    assert {"degree other", "hybridisation other"} <= told(graph("F[W](F)(F)(F)(F)F"), 1)


def test_each_property_has_exactly_one_choice() -> None:
    names = ["element", "degree", "charge", "hydrogens", "hybridisation", "chirality"]
    atoms = graph("C[C@H]([NH3+])C(=O)[O-].[U+6].OB(O)c1ccsc1").atoms
    for name in names:
        columns = [column for column, feature in enumerate(ATOM_FEATURES) if feature.startswith(name + " ")]
        np.testing.assert_array_equal(atoms[:, columns].sum(1), 1)


def test_another_order_of_the_atoms_permutes_the_graph() -> None:
    molecule = parse("C[C@H](N)C(=O)N1CCC[C@@H]1C(=O)Oc1ccc(C#N)s1")
    order = np.random.default_rng(0).permutation(molecule.GetNumAtoms())
    renumbered = Chem.RenumberAtoms(molecule, order.tolist())
    Chem.AssignStereochemistry(renumbered)
    one, other = molecule_graph(molecule), molecule_graph(renumbered)
    np.testing.assert_array_equal(other.atoms, one.atoms[order])
    back = {(*sorted((int(order[a]), int(order[b]))), kind) for a, b, kind in bonds(other)}
    assert back == bonds(one)


@pytest.mark.parametrize("smiles", ["C1CC", "c1cccc1", "", "not a molecule"])
def test_what_is_no_molecule_is_none_and_says_nothing(smiles: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert parse(smiles) is None
    assert capfd.readouterr().err == ""


def test_without_rdkit_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdkit", None)
    with pytest.raises(TasktalkError, match=r'molecules need RDKit: pip install "tasktalk\[molecules\]"'):
        parse("C")
