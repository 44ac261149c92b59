"""Whether planted groups are found: what is counted, against numbers by hand, and the command in a small size."""

import json
from pathlib import Path

import numpy as np
import pytest

from tasktalk.benchmarks.planted import GROUPS, ROWS, main, off_diagonal, permutation_test, share_inside

RIGHT = (GROUPS[:, None] == GROUPS).astype(float)


def test_what_a_task_gives_itself_does_not_count() -> None:
    weights = np.array([[0.8, 0.15, 0.05], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]])
    expected = np.array([[0, 0.75, 0.25], [0, 0, 1], [0.5, 0.5, 0]])
    np.testing.assert_allclose(off_diagonal(weights), expected)
    assert share_inside(weights, np.array([0, 0, 1])) == pytest.approx((0.75 + 0 + 0) / 3)


def test_shares_of_known_matrices() -> None:
    assert share_inside(RIGHT, GROUPS) == 1
    assert share_inside(np.ones((9, 9)), GROUPS) == pytest.approx(0.25)
    assert share_inside(1 - RIGHT, GROUPS) == 0


def test_chance_is_told_from_structure() -> None:
    random = np.random.default_rng(0)
    noise = [random.uniform(size=(9, 9)) for _ in range(5)]
    assert permutation_test([RIGHT + matrix for matrix in noise], GROUPS) < 0.001
    assert 0.02 < permutation_test(noise, GROUPS) < 0.98


def test_the_command_writes_a_table_of_every_row(tmp_path: Path) -> None:
    quick = ["--set", "training.epochs=2", "--set", "model.hidden=4"]
    main(["--out", str(tmp_path / "planted"), "--seeds", "1", "--labels", "20", *quick])
    rows = json.loads((tmp_path / "planted.json").read_text())
    assert [row["row"] for row in rows] == list(ROWS)
    for row in rows:
        assert all(0 <= share <= 1 for share in [*row["weights"], *row["dependency"], *row["auroc"]])
        assert (row["p_weights"] is None) == (not row["weights"])
    table = (tmp_path / "planted.md").read_text().splitlines()
    assert sum(line.startswith("| 20 |") for line in table) == len(ROWS)
