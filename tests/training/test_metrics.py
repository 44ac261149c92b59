"""Scores by hand."""

import json

import numpy as np
import pytest

from tasktalk.core.task import Task
from tasktalk.training.metrics import (
    METRICS,
    TaskScores,
    classification_scores,
    regression_scores,
    scores_of,
    summarise,
)

NAN = float("nan")
TASKS = tuple(Task(name, "binary", ("no", "yes")) for name in ("a", "b", "c"))
AGE = Task("age", "regression", mean=30.0, std=2.0)
NOTHING: TaskScores = {
    "n": 0,
    "error": None,
    "accuracy": None,
    "auroc": None,
    "average_precision": None,
    "loss": None,
}


def area_by_pairs(truth: np.ndarray, score: np.ndarray) -> float:
    """The share of pairs of a positive and a negative example in which the positive one is ahead; a tie is half."""
    pairs = [(p, n) for p in score[truth] for n in score[~truth]]
    return sum((p > n) + (p == n) / 2 for p, n in pairs) / len(pairs)


def precision_at_each_positive(truth: np.ndarray, score: np.ndarray) -> float:
    """The mean over the positive examples of the precision among those that score at least as high."""
    return float(np.mean([truth[score >= s].mean() for s in score[truth]]))


def test_scores_by_hand_where_labelled() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.8, 0.2], [0.5, 0.5]])
    labels = np.array([0, 0, 1, NAN, 1])
    scores = classification_scores(probabilities, labels)
    assert (scores["n"], scores["error"], scores["accuracy"]) == (4, 50.0, 0.5)  # a tie goes to the first class
    assert scores["loss"] == pytest.approx(-np.log([0.9, 0.4, 0.7, 0.5]).mean())
    assert scores["auroc"] == 0.75  # of the pairs (0.7, 0.1), (0.7, 0.6), (0.5, 0.1), (0.5, 0.6) all but the last
    assert scores["average_precision"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert [*scores] == ["n", *(name for name in METRICS if name in scores)]


@pytest.mark.parametrize("classes", [2, 4])
def test_areas_equal_those_by_pairs(classes: int) -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(classes), size=60).round(2)  # rounded, so that some are equal
    labels = rng.integers(0, min(classes, 3), size=60).astype(float)  # of four classes one has no example
    labels[rng.random(60) < 0.2] = NAN
    known = ~np.isnan(labels)
    positive = [1] if classes == 2 else [0, 1, 2]
    pairs = [(labels[known] == c, probabilities[known, c]) for c in positive]
    scores = classification_scores(probabilities, labels)
    assert scores["auroc"] == pytest.approx(np.mean([area_by_pairs(*pair) for pair in pairs]))
    expected = np.mean([precision_at_each_positive(*pair) for pair in pairs])
    assert scores["average_precision"] == pytest.approx(expected)


def test_three_classes() -> None:
    scores = classification_scores(np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]]), np.array([2.0, 1, 1]))
    assert scores["error"] == pytest.approx(100 / 3)
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["loss"] == pytest.approx(-np.log([0.5, 0.3, 0.8]).mean())


def test_without_a_label_nothing_is_defined() -> None:
    assert classification_scores(np.full((2, 2), 0.5), np.full(2, NAN)) == NOTHING
    assert classification_scores(np.zeros((0, 2)), np.zeros(0)) == NOTHING
    expected = {"n": 0, "rmse": None, "mae": None, "r2": None, "loss": None}
    assert regression_scores(np.zeros((2, 1)), np.full(2, NAN), AGE) == expected


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_with_one_class_there_is_no_area(label: float) -> None:
    scores = classification_scores(np.array([[0.4, 0.6], [0.2, 0.8]]), np.array([label, label]))
    assert (scores["auroc"], scores["average_precision"]) == (None, None)
    assert scores["accuracy"] == label


def test_an_impossible_label_has_a_large_loss_that_is_still_a_number() -> None:
    loss = classification_scores(np.array([[1.0, 0.0]]), np.array([1.0]))["loss"]
    assert loss == pytest.approx(-np.log(np.finfo(np.float64).tiny))


def test_a_regression_by_hand() -> None:
    scores = regression_scores(np.array([[1.0], [5.0], [9.0], [4.0]]), np.array([2.0, 3.0, NAN, 4.0]), AGE)
    assert scores == {
        "n": 3,
        "rmse": pytest.approx((5 / 3) ** 0.5),
        "mae": 1.0,
        "r2": pytest.approx(1 - 5 / 2),
        "loss": pytest.approx(5 / 3 / 2**2 / 2),
    }


@pytest.mark.parametrize("labels", [[3.0], [0.1, 0.1, 0.1], [1e-200, 2e-200]])
def test_without_spread_there_is_no_r2(labels: list[float]) -> None:
    scores = regression_scores(np.ones((len(labels), 1)), np.array(labels), AGE)
    assert (scores["mae"], scores["r2"]) == (pytest.approx(abs(1 - labels[0])), None)


@pytest.mark.parametrize("answer", [NAN, float("inf"), 1e300])
def test_answers_that_are_no_numbers_have_no_scores(answer: float) -> None:
    values = regression_scores(np.array([[answer], [1.0]]), np.array([0.0, 1.0]), AGE)
    assert (values["n"], values["rmse"], values["loss"]) == (2, None, None)
    json.dumps(values, allow_nan=False)
    probabilities = np.array([[NAN, NAN], [0.5, 0.5], [0.5, 0.5]])
    assert classification_scores(probabilities, np.array([0.0, 0, 1])) == {**NOTHING, "n": 3}
    assert classification_scores(probabilities, np.array([NAN, 0, 1]))["n"] == 2  # nobody asked about the first


def test_scores_suit_the_kind() -> None:
    labels = np.array([0.0, 1.0])
    assert "auroc" in scores_of(TASKS[0], np.array([[0.6, 0.4], [0.6, 0.4]]), labels)
    assert "rmse" in scores_of(AGE, np.zeros((2, 1)), labels)


def test_the_mean_is_over_the_tasks_that_have_labels_and_says_over_how_many() -> None:
    scores: dict[str, TaskScores] = {
        "c": {"n": 10, "error": 30.0, "accuracy": 0.7, "loss": 1.0},
        "a": {"n": 1000, "error": 10.0, "accuracy": 0.9, "loss": 0.5},
        "b": {"n": 0, "error": None, "accuracy": None, "loss": None},
    }
    summary = summarise(TASKS, scores)
    assert summary["mean"] == {"error": 20.0, "accuracy": 0.8, "loss": 0.75, "tasks": 2}
    assert summary["defined"] == {}
    assert summary["tasks"] == scores
    assert list(scores) != list(summary["tasks"]) == ["a", "b", "c"]


def test_a_mean_over_fewer_tasks_says_over_how_many() -> None:
    scores: dict[str, TaskScores] = {
        "a": {"n": 4, "error": 10.0, "auroc": 0.5, "loss": 0.5},
        "b": {"n": 4, "error": 30.0, "auroc": None, "loss": 0.5},
        "c": {"n": 4, "rmse": 2.0, "loss": 0.2},
    }
    summary = summarise(TASKS, scores)
    assert summary["mean"] == {"error": 20.0, "auroc": 0.5, "rmse": 2.0, "loss": pytest.approx(0.4), "tasks": 3}
    assert summary["defined"] == {"error": 2, "auroc": 1, "rmse": 1}


def test_a_mean_over_nothing_is_not_defined() -> None:
    mean = summarise(TASKS[:1], {"a": NOTHING})["mean"]
    expected = {name: None for name in NOTHING if name != "n"}
    assert mean == {**expected, "tasks": 0}
