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


AGE = Task("age", "regression", mean=40.0, std=10.0)


@pytest.mark.parametrize("given", [Task("age", "regression"), Task("age", "multiclass", ("7.5", "20", "41"))])
def test_values_stay_values_also_where_they_looked_like_classes(given: Task) -> None:
    labels = [7.5, 41.0, np.nan, 20.0] if given.kind == "regression" else [0, 2, np.nan, 1]
    found = align(dataset((given,), [[label] for label in labels], None), (RUN[0], AGE))
    assert found.tasks == (RUN[0], AGE)
    np.testing.assert_array_equal(found.splits["test"].labels, [[np.nan, y] for y in (7.5, 41.0, np.nan, 20.0)])


def test_a_task_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="task 'age': the run was trained on values, found the label 'old'"):
        align(dataset((Task("age", "binary", ("old", "young")),), [[0.0], [1.0]], None), (AGE,))
    with pytest.raises(ConfigError, match="task 'x': the run was trained on the classes 0, 1, and these are values"):
        align(dataset((Task("x", "regression"),), [[0.5], [1.0]], None), RUN)


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
