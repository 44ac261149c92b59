"""What ``data check`` counts."""

import json
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.task import Task
from tasktalk.data.check import check
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.fdu import load_fdu

NAN = np.nan
TASKS = (Task("a", "binary", ("no", "yes")), Task("b", "binary", ("0", "1")))


def separate() -> Dataset:
    train = Examples(
        [["x", "y"], ["x"], ["x", "y", "z", "z"], ["q"]],
        np.array([[0, NAN], [1, NAN], [1, NAN], [NAN, 0]]),
        np.array([0, 0, 0, 1]),
    )
    labels = np.array([[0, NAN], [1, NAN], [0, NAN]])
    test = Examples([["x", "y"], [], ["q", "new", "new", "y"]], labels, np.zeros(3, int))
    return Dataset("name", TASKS, {"train": train, "test": test}, "words", warnings=("beware",))


def test_separate_inputs() -> None:
    report = check(separate(), ["x", "y", "q"])
    assert [(part.task, part.split, part.examples) for part in report.parts] == [
        ("a", "train", 3),
        ("a", "test", 3),
        ("b", "train", 1),
    ]
    train, test, _ = report.parts
    assert train.classes == {"no": 1, "yes": 2}
    assert (train.median_words, train.max_words, train.empty) == (2, 4, 0)
    assert train.unknown_to_vectors == pytest.approx(2 / 7)
    assert train.unknown_to_train is None
    assert train.also_in_train is None
    assert (test.median_words, test.p95_words, test.max_words, test.empty) == (2, 2, 4, 1)
    assert test.unknown_to_vectors == test.unknown_to_train == pytest.approx(2 / 6)
    assert test.also_in_train == 1
    assert report.warnings == ("beware",)


def test_shared_inputs_count_the_labelled_examples_of_each_task() -> None:
    train = Examples([["x"], ["y", "y"], []], np.array([[0, 1], [1, NAN], [NAN, NAN]]), None)
    parts = check(Dataset("name", TASKS, {"train": train}, "words")).parts
    counts = [(part.task, part.examples, part.max_words, part.empty) for part in parts]
    assert counts == [("a", 2, 2, 0), ("b", 1, 1, 0)]
    assert parts[1].classes == {"0": 0, "1": 1}
    assert parts[0].unknown_to_vectors is None


def test_rows_and_json() -> None:
    report = check(separate())
    row = report.rows()[0]
    assert row["classes"] == "no 1, yes 2"
    assert all(value is None or isinstance(value, (str, int, float)) for value in row.values())
    written = json.loads(json.dumps(report.as_json()))
    assert written["parts"][1]["also_in_train"] == 1
    assert written["parts"][0]["classes"] == {"no": 1, "yes": 2}


def test_regression_has_no_classes() -> None:
    train = Examples([["x"], ["y"]], np.array([[0.3], [NAN]]), None)
    (part,) = check(Dataset("name", (Task("a", "regression"),), {"train": train}, "words")).parts
    assert (part.examples, part.classes) == (1, {})


def test_real_data(real_data: Path) -> None:
    report = check(load_fdu(real_data / "fdu-mtl"))
    assert len(report.parts) == 48
    assert sum(part.also_in_train or 0 for part in report.parts if part.split == "test") == 491
    assert {(part.task, part.split) for part in report.parts if part.empty} == {("sports_outdoors", "train")}
