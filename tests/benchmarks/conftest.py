"""A small table of molecules with computed labels."""

from pathlib import Path

import numpy as np
import pytest

from tasktalk.data.dataset import Dataset
from tasktalk.data.load import load


def write_molecules(path: Path, count: int = 60) -> Path:
    """Chains of random groups; whether they have chlorine, an aromatic ring, nitrogen."""
    rng = np.random.default_rng(0)
    found: set[str] = set()
    while len(found) < count:
        groups = rng.choice(["C", "O", "N", "CC", "C(=O)", "C(Cl)"], size=rng.integers(2, 6))
        found.add("C" + "".join(groups) + rng.choice(["", "Cl", "c1ccccc1"]))
    rows = [f"{s},{int('Cl' in s)},{int('c1' in s)},{int('N' in s)}" for s in sorted(found)]
    path.write_text("\n".join(["smiles,halogen,ring,amine", *rows]) + "\n")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The table as a file."""
    return write_molecules(tmp_path / "m.csv")


@pytest.fixture
def molecules(table: Path) -> Dataset:
    """The table as a data set."""
    return load(table, smiles="smiles")
