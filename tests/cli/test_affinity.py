"""``tasktalk affinity``, the real program on the example molecules."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

pytest.importorskip("rdkit", reason="RDKit is not installed: no molecules")

MOLECULES = Path(__file__).parents[2] / "examples" / "molecules.csv"


def test_a_matrix_of_tasks_by_tasks(cli: Cli, tmp_path: Path) -> None:
    quick = ["--set", "training.epochs=2", "--set", "model.hidden=4", "--set", "model.molecules=atoms"]
    done = cli("affinity", MOLECULES, "--smiles", "smiles", *quick, "--csv", tmp_path / "a.csv")
    assert done.code == 0, done.err
    assert done.out.split("\n")[0].split() == ["helped", "by", "logp", "polar", "size"]
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [row["helped"] for row in rows] == ["logp", "polar", "size"]
    assert all(float(row[task]) < 1 for row in rows for task in ("logp", "polar", "size"))
    done = cli("affinity", MOLECULES, "--smiles", "smiles", *quick, "--json", "-")
    found = json.loads(done.out)
    assert found["tasks"] == ["logp", "polar", "size"]
    assert found["affinity"][0][1] == pytest.approx(float(rows[0]["polar"]), rel=1e-4)


def test_wrong_data_is_one_sentence(cli: Cli) -> None:
    done = cli("affinity", MOLECULES, "--smiles", "smile")
    assert done.code == 2
    assert "expected a column 'smile'" in done.err and "did you mean 'smiles'" in done.err
