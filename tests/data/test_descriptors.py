"""Descriptors of known molecules."""

import math

import numpy as np
import pytest

from tasktalk.core.errors import DataError
from tasktalk.data.descriptors import descriptor_names, descriptors

pytest.importorskip("rdkit", reason="RDKit is not installed: no molecules")


def test_known_numbers_on_their_logarithmic_scale() -> None:
    names = descriptor_names()
    water, octane = descriptors(["O", "CCCCCCCC"])
    assert "Ipc" not in names
    assert water.dtype == np.float32 and water.shape == (len(names),)
    assert water[names.index("MolWt")] == pytest.approx(math.log(1 + 18.015), abs=1e-4)
    assert octane[names.index("HeavyAtomCount")] == pytest.approx(math.log(9))
    assert octane[names.index("NumRotatableBonds")] == pytest.approx(math.log(6))
    assert water[names.index("MolLogP")] == pytest.approx(-math.log(1 + 0.8247), abs=1e-4)


def test_what_cannot_be_computed_is_zero() -> None:
    assert np.isfinite(descriptors(["[Pt]", "[Na+].[Cl-]", "C"])).all()


def test_no_molecules_and_a_broken_one() -> None:
    assert descriptors([]).shape == (0, len(descriptor_names()))
    with pytest.raises(DataError, match="expected a SMILES that RDKit can read, found 'C1CC'"):
        descriptors(["C1CC"])
