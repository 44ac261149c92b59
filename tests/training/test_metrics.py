"""Scores by hand."""

import numpy as np
import pytest

from tasktalk.core.task import Task
from tasktalk.training.metrics import TaskScores, classification_scores, summarise

NAN = float("nan")
TASKS = tuple(Task(name, "binary", ("no", "yes")) for name in ("a", "b", "c"))


def test_scores_by_hand_where_labelled() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.8, 0.2], [0.5, 0.5]])
    labels = np.array([0, 0, 1, NAN, 1])
    scores = classification_scores(probabilities, labels)
    assert (scores["n"], scores["error"], scores["accuracy"]) == (4, 50.0, 0.5)  # a tie goes to the first class
    assert scores["loss"] == pytest.approx(-np.log([0.9, 0.4, 0.7, 0.5]).mean())


def test_three_classes() -> None:
    scores = classification_scores(np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]]), np.array([2.0, 1, 1]))
    assert scores["error"] == pytest.approx(100 / 3)
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["loss"] == pytest.approx(-np.log([0.5, 0.3, 0.8]).mean())


def test_without_a_label_nothing_is_defined() -> None:
    expected = {"n": 0, "error": None, "accuracy": None, "loss": None}
    assert classification_scores(np.full((2, 2), 0.5), np.full(2, NAN)) == expected
    assert classification_scores(np.zeros((0, 2)), np.zeros(0)) == expected


def test_an_impossible_label_has_a_large_loss_that_is_still_a_number() -> None:
    loss = classification_scores(np.array([[1.0, 0.0]]), np.array([1.0]))["loss"]
    assert loss == pytest.approx(-np.log(np.finfo(np.float64).tiny))


def test_the_mean_is_over_the_tasks_that_have_labels_and_says_over_how_many() -> None:
    scores: dict[str, TaskScores] = {
        "c": {"n": 10, "error": 30.0, "accuracy": 0.7, "loss": 1.0},
        "a": {"n": 1000, "error": 10.0, "accuracy": 0.9, "loss": 0.5},
        "b": {"n": 0, "error": None, "accuracy": None, "loss": None},
    }
    summary = summarise(TASKS, scores)
    assert summary["mean"] == {"error": 20.0, "accuracy": 0.8, "loss": 0.75, "tasks": 2}
    assert summary["tasks"] == scores
    assert list(scores) != list(summary["tasks"]) == ["a", "b", "c"]  # type: ignore[call-overload]


def test_a_mean_over_nothing_is_not_defined() -> None:
    nothing: TaskScores = {"n": 0, "error": None, "accuracy": None, "loss": None}
    mean = summarise(TASKS[:1], {"a": nothing})["mean"]
    assert mean == {"error": None, "accuracy": None, "loss": None, "tasks": 0}
