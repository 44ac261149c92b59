"""Texts that stand in two splits."""

import numpy as np

from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.duplicates import seen, shared_texts_warning

NAN = np.nan


def examples(texts: list[str], labels: list[list[float]], owner: list[int] | None) -> Examples:
    owners = None if owner is None else np.array(owner)
    return Examples([text.split() for text in texts], np.array(labels, dtype=np.float64), owners)


def test_separate_inputs_compare_within_a_task() -> None:
    train = examples(["x y", "z"], [[0, NAN], [NAN, 1]], [0, 1])
    test = examples(["x  y", "x y", "z", "y x"], [[1, NAN], [NAN, 0], [NAN, 0], [0, NAN]], [0, 1, 1, 0])
    assert seen(test, train).tolist() == [True, False, True, False]


def test_shared_inputs_compare_everything_and_count_labels() -> None:
    tasks = (Task("a", "binary", ("0", "1")), Task("b", "binary", ("0", "1")))
    train = examples(["x", "y", "v"], [[0, 1], [1, NAN], [0, 0]], None)
    dev = examples(["x", "y", "w"], [[NAN, 1], [0, 0], [1, 1]], None)
    unlabelled = examples(["v"], [[NAN, NAN]], None)
    dataset = Dataset("name", tasks, {"train": train, "dev": dev, "test": unlabelled}, "words")
    assert seen(dev, train).tolist() == [True, True, False]
    assert shared_texts_warning(dataset, "dev") == ("2 of 3 dev texts also stand in train: a 1, b 2",)
    assert shared_texts_warning(dataset, "test") == ("1 of 1 test texts also stand in train: none of them labelled",)


def test_nothing_shared_or_no_such_split() -> None:
    tasks = (Task("a", "binary", ("0", "1")),)
    train, dev = examples(["x", "y"], [[0], [1]], [0, 0]), examples(["w"], [[0]], [0])
    dataset = Dataset("name", tasks, {"train": train, "dev": dev}, "words")
    assert shared_texts_warning(dataset, "dev") == ()
    assert shared_texts_warning(dataset, "test") == ()
