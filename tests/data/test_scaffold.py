"""The split by scaffold."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.data.assemble import Row
from tasktalk.data.scaffold import scaffold, split_by_scaffold

pytest.importorskip("rdkit", reason="RDKit is not installed")

RINGS = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "C1CCCC1", "c1ccoc1", "c1ccsc1", "C1CC1", "C1CCNCC1", "c1ccc2ccccc2c1"]


def rows_of(smiles: list[str], labels: list[str] | None = None) -> list[Row]:
    labels = labels or ["0", "1"] * len(smiles)
    return [Row(text, {"a": labels[i]}, Path("x.csv"), i + 2) for i, text in enumerate(smiles)]


def many(seed: int = 0, count: int = 300) -> list[Row]:
    rng = np.random.default_rng(seed)
    share = 0.5 ** np.arange(len(RINGS))
    rings = rng.choice(RINGS, size=count, p=share / share.sum())
    return rows_of(["C" * int(rng.integers(1, 9)) + ring for ring in rings])


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CC(=O)Nc1ccc(O)cc1", "c1ccccc1"),
        ("O=C(CCc1ccccc1)C1CCC1Cl", "O=C(CCc1ccccc1)C1CCC1"),
        ("C[C@H]1CC[C@@H](C)O1", "C1CCOC1"),
        ("CCCC", ""),
        ("C1CC", ""),
    ],
    ids=["one ring", "rings and a chain", "chirality goes", "no ring", "no molecule"],
)
def test_scaffolds_of_known_molecules(smiles: str, expected: str) -> None:
    assert scaffold(smiles) == expected


def test_no_scaffold_stands_in_two_splits_and_shares_are_met() -> None:
    rows = many()
    splits = split_by_scaffold(rows, dev=0.1, test=0.1)
    where = defaultdict(set)
    for split, part in splits.items():
        for row in part:
            where[scaffold(row.text)].add(split)
    assert all(len(found) == 1 for found in where.values())
    assert sum(len(part) for part in splits.values()) == len(rows)
    assert abs(len(splits["train"]) - 240) <= 30 and splits["dev"] and splits["test"]


def test_frequent_scaffolds_are_trained_on_and_rare_ones_tested_on() -> None:
    rare = ["C1CC1", "C1CCC1", "C1CCCC1", "C1CCCCC1"]
    rows = rows_of([*rare, *("C" * (i + 1) + "c1ccncc1" for i in range(4)), *["c1ccccc1"] * 8])
    splits = split_by_scaffold(rows, dev=0.125, test=0.125)
    assert {row.text[-8:] for row in splits["train"]} == {"c1ccncc1", "c1ccccc1"}
    assert sorted(row.text for row in splits["dev"] + splits["test"]) == sorted(rare)
    assert len(splits["dev"]) == len(splits["test"]) == 2


def test_a_scaffold_larger_than_any_share_goes_where_most_room_is_left() -> None:
    splits = split_by_scaffold(rows_of(["c1ccccc1"] * 9 + ["C1CC1"]), dev=0.1, test=0.2)
    assert {split: len(part) for split, part in splits.items()} == {"train": 9, "dev": 1, "test": 0}


def test_exact_shares_where_scaffolds_allow_them() -> None:
    """Ten scaffolds of one row each; in floats 10 * (1 - 0.3 - 0.2) is less than 5."""
    splits = split_by_scaffold(rows_of([*RINGS, "C1CCC1"]), dev=0.3, test=0.2)
    assert {split: len(part) for split, part in splits.items()} == {"train": 5, "dev": 3, "test": 2}


def test_nothing_is_drawn_and_order_is_kept() -> None:
    rows = many()
    one, other = split_by_scaffold(rows, 0.1, 0.2), split_by_scaffold(rows[::-1], 0.1, 0.2)
    for split, part in one.items():
        assert part == other[split][::-1]
        assert [row.line for row in part] == sorted(row.line for row in part)


def test_an_empty_share_stays_empty() -> None:
    splits = split_by_scaffold(many(), dev=0.0, test=0.2)
    assert splits["dev"] == [] and splits["test"]
    splits = split_by_scaffold(many(), dev=0.2, test=0.0)
    assert splits["test"] == [] and splits["dev"]
    splits = split_by_scaffold(many(), dev=0.0, test=0.0)
    assert len(splits["train"]) == 300


def test_a_class_that_training_would_lack_takes_its_scaffold_there() -> None:
    smiles = ["C" * (i + 1) + "c1ccccc1" for i in range(8)] + ["CC1CC1", "C1CC1", "C1CCC1"]
    labels = ["0"] * 8 + ["1", "0", "0"]
    splits = split_by_scaffold(rows_of(smiles, labels), dev=0.0, test=0.3)
    assert [row.text for row in splits["test"]] == ["C1CCC1"]
    assert {row.labels["a"] for row in splits["train"]} == {"0", "1"}


@pytest.mark.parametrize(("dev", "test"), [(-0.1, 0.2), (0.5, 0.5)])
def test_shares_that_leave_nothing(dev: float, test: float) -> None:
    with pytest.raises(ConfigError, match="shares of dev and test: expected at least 0 and a sum below 1"):
        split_by_scaffold(many(), dev, test)
