"""What is counted, against numbers by hand, and the command in a small size."""

import json
from pathlib import Path

import numpy as np
import pytest

from tasktalk.benchmarks.planted import GROUPS
from tasktalk.benchmarks.planted_deletion import (
    TITLES,
    Found,
    dendrogram_groups,
    inside_first,
    main,
    markdown,
    membership,
    rand_index,
    summarise,
)

RIGHT = (GROUPS[:, None] == GROUPS).astype(float)


def test_known_groups_are_found() -> None:
    random = np.random.default_rng(0)
    noisy = RIGHT + 0.3 * random.random((9, 9))
    assert rand_index(noisy) == 1
    assert len(set(dendrogram_groups(noisy))) == 3
    assert abs(np.mean([rand_index(random.random((9, 9))) for _ in range(50)])) < 0.1
    assert rand_index(RIGHT[::-1, ::-1]) == 1


def test_the_diagonal_does_not_count() -> None:
    noisy = RIGHT + 0.3 * np.random.default_rng(0).random((9, 9))
    loud = noisy + 100 * np.eye(9)
    missing = np.where(np.eye(9, dtype=bool), np.nan, noisy)
    assert rand_index(loud) == rand_index(missing) == rand_index(noisy)
    assert membership(loud) == membership(missing) == membership(noisy)
    assert inside_first(loud) == inside_first(missing) == 1


def test_membership_is_yes_or_no() -> None:
    assert membership(RIGHT) == pytest.approx(1)
    distinct = RIGHT + 1e-3 * np.random.default_rng(0).random((9, 9))
    assert membership(distinct) == pytest.approx(0.75, abs=0.01)
    assert membership(-distinct) == pytest.approx(-0.75, abs=0.01)


def test_seeds_that_agree_are_told_from_chance() -> None:
    random = np.random.default_rng(0)
    right = [Found(0.8, RIGHT + 0.1 * random.random((9, 9)), RIGHT + random.random((9, 9))) for _ in range(3)]
    wrong = [Found(0.8, random.random((9, 9)), random.random((9, 9))) for _ in range(3)]
    good, bad = summarise("right", right), summarise("wrong", wrong)
    assert good.groups == [1, 1, 1]
    assert max(good.p_weights, good.p_harm) < 0.002
    assert bad.p_weights > 0.05
    assert "| right | 0.800 | 1.00 (1.00 to 1.00) |" in markdown([good, bad], 100)


def test_the_command_writes_a_table(tmp_path: Path) -> None:
    quick = ["--set", "training.epochs=2", "--set", "model.hidden=4"]
    main(["--out", str(tmp_path / "found"), "--seeds", "1", "--labels", "20", *quick])
    rows = json.loads((tmp_path / "found.json").read_text())
    assert [row["row"] for row in rows] == list(TITLES)
    for row in rows:
        assert all(-1 <= value <= 1 for name in ("groups", "weights", "harm", "agree", "inside") for value in row[name])
    assert len([line for line in (tmp_path / "found.md").read_text().splitlines() if line.startswith("| ")]) == 4
