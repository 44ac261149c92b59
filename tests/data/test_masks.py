"""Masks: how many labels they leave, which, and what becomes of the examples."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Content, Dataset, Examples, MoleculeGraph, Molecules, NodeGraph, Nodes
from tasktalk.data.fdu import load_fdu
from tasktalk.data.masks import Mask, mask_labels, parse_mask

TASKS = tuple(Task(name, "binary", ("no", "yes")) for name in "abcd")
EXAMPLES = 60


def shared(missing: float = 0.3) -> Dataset:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (EXAMPLES, len(TASKS))).astype(float)
    labels[rng.random(labels.shape) < missing] = np.nan
    labels[5] = np.nan  # never had a label
    train = Examples([[str(i)] for i in range(EXAMPLES)], labels, None)
    return Dataset("d", TASKS, {"train": train, "test": Examples([["x"]], np.ones((1, 4)), None)}, "words")


def separate() -> Dataset:
    owner = np.arange(EXAMPLES) % len(TASKS)
    labels = np.full((EXAMPLES, len(TASKS)), np.nan)
    labels[np.arange(EXAMPLES), owner] = 1.0
    return replace(shared(), splits={"train": Examples([[str(i)] for i in range(EXAMPLES)], labels, owner)})


def counts(dataset: Dataset) -> list[int]:
    return (~np.isnan(dataset.splits["train"].labels)).sum(axis=0).tolist()


@pytest.mark.parametrize(
    ("text", "percent", "share"),
    [("sufficient", 100.0, 0.0), ("all:10", 10.0, 1.0), ("partial:10", 10.0, 0.5), ("partial:2.5:0.25", 2.5, 0.25)],
)
def test_masks_as_they_are_written(text: str, percent: float, share: float) -> None:
    assert parse_mask(text) == Mask(text, percent, share)


def test_a_mask_that_counts() -> None:
    assert parse_mask("few:10") == Mask("few:10", 100.0, 1.0, 10)


NO_MASKS = ["", "all", "10", "all:", "all:ten", "all:0", "all:-3", "all:101", "all:nan", "all:10:0.5", "some:10"]
NO_MASKS += ["partial", "partial:nan", "partial:10:0", "partial:10:1.5", "partial:10:nan", "partial:10:0.5:3", "All:10"]
NO_MASKS += ["few", "few:", "few:1", "few:0", "few:-3", "few:2.5", "few:10:0.5"]


@pytest.mark.parametrize("text", [*NO_MASKS, "sufficient:10"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(
        ConfigError, match=r"expected sufficient, all:PERCENT .*, or few:NUMBER .* \(2 or more\), found"
    ):
        parse_mask(text)


def test_sufficient_data_stays_as_it_is() -> None:
    dataset = shared()
    same, record = mask_labels(dataset, parse_mask("sufficient"), seed=0)
    np.testing.assert_array_equal(same.splits["train"].labels, dataset.splits["train"].labels)
    assert same.splits["train"].tokens == dataset.splits["train"].tokens
    assert record["masked"] == []
    assert [(kept["kept"], kept["of"]) for kept in record["labels"].values()] == [(n, n) for n in counts(dataset)]


@pytest.mark.parametrize("dataset", [shared(), separate()], ids=["shared", "separate"])
@pytest.mark.parametrize("percent", [10, 35])
def test_every_task_keeps_its_share_exactly(dataset: Dataset, percent: int) -> None:
    masked, record = mask_labels(dataset, parse_mask(f"all:{percent}"), seed=1)
    assert counts(masked) == [round(n * percent / 100) for n in counts(dataset)]
    assert record["masked"] == ["a", "b", "c", "d"]
    found = [(kept["kept"], kept["of"]) for kept in record["labels"].values()]
    assert found == list(zip(counts(masked), counts(dataset), strict=True))
    assert json.loads(json.dumps(record)) == record == {**record, "mask": f"all:{percent}", "seed": 1}


def kept_of(dataset: Dataset, mask: str, seed: int) -> list[dict[str, float]]:
    """For each task its labels that are left, by their text."""
    train = mask_labels(dataset, parse_mask(mask), seed)[0].splits["train"]
    return [
        {train.tokens[row][0]: column[row] for row in np.flatnonzero(~np.isnan(column))} for column in train.labels.T
    ]


def test_few_labels_are_counted_nested_and_never_of_one_class() -> None:
    dataset = shared(missing=0)
    labels = dataset.splits["train"].labels
    labels[:] = 0
    labels[3] = labels[40] = 1  # a draw of two would miss them
    for seed in range(5):
        draws = [kept_of(dataset, f"few:{count}", seed) for count in (2, 3, 10, 59, 60, 1000)]
        for task in range(len(TASKS)):
            its = [draw[task] for draw in draws]
            assert [len(found) for found in its] == [2, 3, 10, 59, 60, 60]
            assert all(set(found.values()) == {0, 1} for found in its)
            assert all(less.keys() < more.keys() for less, more in pairwise(its[:5]))
    assert kept_of(dataset, "few:10", 0) == kept_of(dataset, "few:10", 0) != kept_of(dataset, "few:10", 1)


def test_few_labels_of_a_task_of_one_class_are_just_few() -> None:
    masked, record = mask_labels(separate(), parse_mask("few:4"), seed=0)
    assert counts(masked) == [4] * 4
    assert record["masked"] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(("text", "number"), [("partial:10", 2), ("partial:10:0.75", 3), ("partial:10:0.01", 1)])
def test_some_tasks_are_masked_and_the_others_keep_everything(text: str, number: int) -> None:
    dataset = shared()
    masked, record = mask_labels(dataset, parse_mask(text), seed=0)
    assert len(record["masked"]) == number
    for task, before, after in zip(TASKS, counts(dataset), counts(masked), strict=True):
        assert after == (round(before / 10) if task.name in record["masked"] else before)


def test_what_is_kept_are_labels_that_were_there_at_their_own_examples() -> None:
    dataset = shared()
    masked, _ = mask_labels(dataset, parse_mask("all:50"), seed=0)
    train = masked.splits["train"]
    before = dataset.splits["train"].labels[[int(words[0]) for words in train.tokens]]
    kept = ~np.isnan(train.labels)
    np.testing.assert_array_equal(train.labels[kept], before[kept])


def test_examples_that_lose_all_labels_leave_and_those_that_never_had_one_stay() -> None:
    masked, _ = mask_labels(shared(), parse_mask("all:20"), seed=0)
    train = masked.splits["train"]
    without = np.isnan(train.labels).all(axis=1)
    assert [words for words, none in zip(train.tokens, without, strict=True) if none] == [["5"]]
    alone, _ = mask_labels(separate(), parse_mask("all:20"), seed=0)
    train = alone.splits["train"]
    assert train.owner is not None and len(train) == len(train.owner) == 12
    assert (~np.isnan(train.labels[np.arange(12), train.owner])).all()


def test_the_given_data_and_the_other_splits_do_not_change() -> None:
    dataset, again = shared(), shared()
    masked, _ = mask_labels(dataset, parse_mask("all:10"), seed=0)
    np.testing.assert_array_equal(dataset.splits["train"].labels, again.splits["train"].labels)
    assert masked.splits["test"] is dataset.splits["test"]


def test_the_seed_decides_and_tasks_draw_by_themselves() -> None:
    def kept(seed: int, text: str = "all:20", dataset: Dataset | None = None) -> list[set[str]]:
        train = mask_labels(dataset or shared(missing=0), parse_mask(text), seed)[0].splits["train"]
        return [{train.tokens[row][0] for row in np.flatnonzero(~np.isnan(column))} for column in train.labels.T]

    assert kept(0) == kept(0) != kept(1)
    assert kept(0)[0] != kept(0)[1]
    assert all(few <= more for few, more in zip(kept(0), kept(0, "all:40"), strict=True))
    other = shared(missing=0)
    other.splits["train"].labels[::2, 3] = np.nan
    assert kept(0, dataset=other)[:3] == kept(0)[:3]
    draws = [mask_labels(shared(), parse_mask("partial:10"), seed)[1]["masked"] for seed in range(8)]
    assert len({tuple(names) for names in draws}) > 1


def test_a_task_without_any_label_left_is_refused() -> None:
    dataset = shared()
    dataset.splits["train"].labels[4:, 2] = np.nan
    dataset.splits["train"].labels[:4, 2] = 0
    with pytest.raises(DataError, match="task 'c': mask 'all:10' leaves none of its 4 training labels"):
        mask_labels(dataset, parse_mask("all:10"), seed=0)


def test_molecules_and_nodes() -> None:
    smiles = [str(i) for i in range(EXAMPLES)]
    graph = MoleculeGraph(np.zeros((1, 1)), np.zeros((2, 0), int), np.zeros(0, int))
    network = NodeGraph(smiles, np.zeros((2, 0), int), np.zeros((EXAMPLES, 0)))
    contents: list[Content] = [Molecules(smiles, smiles, [graph] * EXAMPLES), Nodes(network, np.arange(EXAMPLES))]
    text, _ = mask_labels(shared(), parse_mask("all:10"), seed=0)
    for content in contents:
        train = replace(shared().splits["train"], content=content)
        masked, _ = mask_labels(replace(shared(), splits={"train": train}), parse_mask("all:10"), seed=0)
        np.testing.assert_array_equal(masked.splits["train"].labels, text.splits["train"].labels)
        keys = masked.splits["train"].keys()
        assert [str(key) for key in keys] == [words[0] for words in text.splits["train"].tokens]


def test_fdu_mtl(real_data: Path) -> None:
    dataset = load_fdu(real_data / "fdu-mtl", ["books", "MR", "music"])
    masked, record = mask_labels(dataset, parse_mask("all:10"), seed=0)
    assert record["labels"]["books"] == {"kept": 140, "of": 1400}
    assert len(masked.splits["train"]) == 420
    assert masked.splits["dev"] is dataset.splits["dev"]
