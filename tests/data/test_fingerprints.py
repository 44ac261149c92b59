"""Counts of surroundings of atoms."""

import re

import numpy as np
import pytest

from tasktalk.core.errors import DataError
from tasktalk.data.atoms import parse
from tasktalk.data.fingerprints import ecfp

pytest.importorskip("rdkit", reason="RDKit is not installed")

SMILES = ["CCO", "C", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1"]


@pytest.mark.parametrize(("size", "radius"), [(2048, 2), (64, 3)])
def test_counts_equal_those_of_rdkit_as_a_vector(size: int, radius: int) -> None:
    from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

    generator = GetMorganGenerator(radius=radius, fpSize=size)
    expected = [generator.GetCountFingerprintAsNumPy(parse(smiles)) for smiles in SMILES]
    found = ecfp(SMILES, size, radius)
    assert found.dtype == np.float32 and found.has_canonical_format
    np.testing.assert_array_equal(found.toarray(), expected)


def test_benzene_has_three_surroundings_of_six_atoms_each() -> None:
    """At radius 0, 1 and 2 all six atoms look alike; at radius 2 each surrounding covers other bonds."""
    assert sorted(ecfp(["c1ccccc1"]).data.tolist()) == [6, 6, 6]


def test_strings_and_molecules_are_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    strings, molecules = ecfp(SMILES), ecfp([parse(smiles) for smiles in SMILES])
    np.testing.assert_array_equal(strings.toarray(), molecules.toarray())
    np.testing.assert_array_equal(ecfp(["OCC"]).toarray(), strings[0].toarray())
    assert ecfp([]).shape == (0, 2048)
    assert capfd.readouterr().err == ""


def test_what_is_no_molecule_is_named() -> None:
    with pytest.raises(DataError, match=re.escape("expected a molecule, found 'C1CC', which RDKit cannot read")):
        ecfp(["C", "C1CC"])
