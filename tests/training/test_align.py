"""Other data in the terms of a run."""

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.training.align import align

RUN = (
    Task("books", "multiclass", ("bad", "good", "so so")),
    Task("dvd", "binary", ("no", "yes")),
    Task("x", "binary", ("0", "1")),
)


def dataset(tasks: tuple[Task, ...], labels: list[list[float]], owner: list[int] | None) -> Dataset:
    tokens = [[f"w{row}"] for row in range(len(labels))]
    examples = Examples(tokens, np.array(labels), None if owner is None else np.array(owner))
    return Dataset("other", tasks, {"test": examples}, "words", {"a.csv": "sum"}, ("careful",))


def test_tasks_and_classes_take_the_order_of_the_run() -> None:
    nan = np.nan
    tasks = (Task("dvd", "binary", ("yes", "no")), Task("books", "binary", ("good", "bad")))
    found = align(dataset(tasks, [[0, nan], [1, nan], [nan, 0], [nan, 1]], [0, 0, 1, 1]), RUN)
    assert found.tasks == RUN
    assert (found.name, found.sources, found.warnings) == ("other", {"a.csv": "sum"}, ("careful",))
    test = found.splits["test"]
    np.testing.assert_array_equal(test.labels, [[nan, 1, nan], [nan, 0, nan], [1, nan, nan], [0, nan, nan]])
    assert test.owner is not None and test.owner.tolist() == [1, 1, 0, 0]
    assert test.tokens == [["w0"], ["w1"], ["w2"], ["w3"]]


def test_shared_inputs_stay_shared() -> None:
    tasks = (Task("x", "binary", ("0", "1")), Task("dvd", "binary", ("no", "yes")))
    test = align(dataset(tasks, [[0.0, 1.0], [1.0, np.nan]], None), RUN).splits["test"]
    assert test.owner is None
    np.testing.assert_array_equal(test.labels, [[np.nan, 1, 0], [np.nan, np.nan, 1]])


def test_data_of_the_run_itself_does_not_change() -> None:
    own = dataset(RUN, [[2, 0, np.nan], [np.nan, 1, 1]], None)
    np.testing.assert_array_equal(align(own, RUN).splits["test"].labels, own.splits["test"].labels)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task("bokos", "binary", ("bad", "good")), "the run has no task 'bokos': did you mean 'books'?"),
        (
            Task("dvd", "binary", ("no", "yess")),
            "task 'dvd': the run was trained without the label 'yess': did you mean",
        ),
    ],
)
def test_what_the_run_does_not_know_is_refused(task: Task, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        align(dataset((task,), [[0.0], [1.0]], None), RUN)
