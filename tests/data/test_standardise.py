"""Mean and spread of training labels."""

import numpy as np
import pytest

from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.standardise import standardise

NAN = float("nan")


def dataset(labels: list[list[float]], *tasks: Task) -> Dataset:
    train = Examples([["x"]] * len(labels), np.array(labels), None)
    test = Examples([["y"]], np.full((1, len(tasks)), 1e6), None)
    return Dataset("d", tasks, {"train": train, "test": test}, "words")


def test_a_regression_gets_mean_and_deviation_of_its_training_labels() -> None:
    given = dataset(
        [[1.0, 0.0], [NAN, 1.0], [4.0, NAN], [7.0, 1.0]], Task("a", "regression"), Task("b", "binary", ("n", "y"))
    )
    found = standardise(given)
    assert found.tasks[0].mean == 4.0 and found.tasks[0].std == pytest.approx(6**0.5)
    assert found.tasks[1] == given.tasks[1]
    assert found.splits is given.splits  # labels stay in their unit


@pytest.mark.parametrize(("labels", "mean"), [([0.1, 0.1, 0.1, NAN], 0.1), ([5.0], 5.0), ([NAN], 0.0)])
def test_without_spread_the_deviation_is_one(labels: list[float], mean: float) -> None:
    (task,) = standardise(dataset([[label] for label in labels], Task("a", "regression"))).tasks
    assert task.mean == pytest.approx(mean) and task.std == 1.0
