"""Descriptors of known molecules."""

import math
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import DataError
from tasktalk.data import descriptors as module
from tasktalk.data import remember
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


def test_those_of_many_molecules_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    molecules = ["C" * length for length in (1, 2, 3)]
    plain = descriptors(molecules)
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path))
    monkeypatch.setattr(remember, "_here", {})
    monkeypatch.setattr(module, "_WORTH", 3)
    np.testing.assert_array_equal(descriptors(molecules), plain)
    monkeypatch.setattr(module, "_describe", None)  # who asks it again, falls
    found = descriptors(molecules)
    np.testing.assert_array_equal(found, plain)
    assert found.dtype == plain.dtype
    assert len(list((tmp_path / remember.FOLDER).iterdir())) == 1
    with pytest.raises(TypeError):
        descriptors([*molecules, "O"])
