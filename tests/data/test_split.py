"""Seeded splits."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasktalk.core.errors import ConfigError
from tasktalk.data.assemble import Row
from tasktalk.data.split import split_rows


def rows(labels: list[dict[str, str]], texts: list[str] | None = None) -> list[Row]:
    names = texts or [f"text {number}" for number in range(len(labels))]
    return [Row(text, given, Path("a.csv"), line) for line, (text, given) in enumerate(zip(names, labels, strict=True))]


def two_tasks() -> list[Row]:
    """300 rows of task a (a third is y) and 100 of task b (a tenth is y)."""
    first = [{"a": "y" if number % 3 == 0 else "n"} for number in range(300)]
    return rows(first + [{"b": "y" if number % 10 == 0 else "n"} for number in range(100)])


def test_shares_hold_for_each_class_of_each_task() -> None:
    splits = split_rows(two_tasks(), dev=0.1, test=0.2, seed=0)
    assert [len(splits[split]) for split in ("train", "dev", "test")] == [280, 40, 80]
    for task, label, count in (("a", "y", 100), ("a", "n", 200), ("b", "y", 10), ("b", "n", 90)):
        for split, share in (("dev", 0.1), ("test", 0.2)):
            found = sum(row.labels.get(task) == label for row in splits[split])
            assert abs(found - share * count) <= 1


def test_repeated_texts_count_as_often_as_they_stand_there() -> None:
    texts = [f"text {number // 4}" for number in range(400)]  # every text four times
    repeated = rows([{"a": "y" if number % 8 < 4 else "n"} for number in range(400)], texts)
    alone = rows([{"b": "yn"[number % 2]} for number in range(40)], [f"other {number}" for number in range(40)])
    splits = split_rows([*repeated, *alone], dev=0.1, test=0.2, seed=0)
    assert all(abs(len(splits[split]) - share * 440) <= 4 for split, share in (("dev", 0.1), ("test", 0.2)))


def test_the_seed_decides_and_nothing_else() -> None:
    first = split_rows(two_tasks(), dev=0.1, test=0.2, seed=3)
    assert split_rows(two_tasks(), dev=0.1, test=0.2, seed=3) == first
    other = split_rows(two_tasks(), dev=0.1, test=0.2, seed=4)
    assert {row.text for row in first["test"]} != {row.text for row in other["test"]}


def test_no_dev_and_no_test() -> None:
    splits = split_rows(two_tasks(), dev=0.0, test=0.0, seed=0)
    assert splits == {"train": two_tasks(), "dev": [], "test": []}
    assert split_rows([], dev=0.1, test=0.2, seed=0) == {"train": [], "dev": [], "test": []}


@pytest.mark.parametrize(("dev", "test"), [(-0.1, 0.2), (0.2, -0.1), (0.5, 0.5)])
def test_impossible_shares(dev: float, test: float) -> None:
    with pytest.raises(ConfigError, match=f"a sum below 1, found {dev} and {test}"):
        split_rows(two_tasks(), dev=dev, test=test, seed=0)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.dictionaries(st.sampled_from("ab"), st.sampled_from("012"))), min_size=1),
    st.integers(0, 2**32),
)
def test_every_row_once_texts_together_and_classes_in_training(
    drawn: list[tuple[int, dict[str, str]]], seed: int
) -> None:
    given_rows = rows([labels for _, labels in drawn], [str(text) for text, _ in drawn])
    splits = split_rows(given_rows, dev=0.2, test=0.3, seed=seed)
    assert sorted(row.line for found in splits.values() for row in found) == list(range(len(given_rows)))
    assert all([row.line for row in found] == sorted(row.line for row in found) for found in splits.values())
    texts = [{row.text for row in found} for found in splits.values()]
    assert sum(map(len, texts)) == len(set.union(*texts))
    labels = {label for row in given_rows for label in row.labels.items()}
    assert {label for row in splits["train"] for label in row.labels.items()} == labels
