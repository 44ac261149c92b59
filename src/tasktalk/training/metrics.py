"""Scores per task and their means."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from tasktalk.core.task import Task

TaskScores = dict[str, Any]
"""Scores of one task: ``n`` labels, and metrics; None where a metric is not defined. Spans also have ``types``."""

METRICS = ("f1", "precision", "recall", "error", "accuracy", "auroc", "average_precision", "rmse", "mae", "r2", "loss")
"""All metrics, in the order in which files and tables have them."""

_OF_CLASSIFICATION = ("error", "accuracy", "auroc", "average_precision", "loss")
_OF_REGRESSION = ("rmse", "mae", "r2", "loss")


def scores_of(
    task: Task, answers: Float[np.ndarray, "examples outputs"], labels: Float[np.ndarray, " examples"]
) -> TaskScores:
    """The scores that suit the kind of a task.

    Args:
        task: the task.
        answers: probabilities of its classes; of a regression the values, in their own unit.
        labels: class indices or values, NaN where missing.
    """
    if task.kind == "regression":
        return regression_scores(answers, labels, task)
    return classification_scores(answers, labels)


def classification_scores(
    probabilities: Float[np.ndarray, "examples classes"], labels: Float[np.ndarray, " examples"]
) -> TaskScores:
    """Scores of a classification where it is labelled.

    Returns:
        ``n``, ``error`` in percent, ``accuracy`` (0 to 1), ``auroc`` and ``average_precision`` (0 to 1; of the second
        class where there are two, else the mean of each class against the rest), ``loss`` (negative log-likelihood in
        nats). The two areas are not defined where all labels are of one class, and nothing is where an answer is not
        a number.
    """
    known = ~np.isnan(labels)
    n = int(known.sum())
    given = probabilities[known]
    if n == 0 or not np.isfinite(given).all():
        return {"n": n, **dict.fromkeys(_OF_CLASSIFICATION)}
    truth = labels[known].astype(np.int64)
    right = int((given.argmax(axis=1) == truth).sum())
    likelihood = np.maximum(given[np.arange(n), truth], np.finfo(np.float64).tiny)
    return {
        "n": n,
        "error": 100 * (n - right) / n,
        "accuracy": right / n,
        **_areas(given, truth),
        "loss": float(-np.log(likelihood).mean()),
    }


def regression_scores(
    values: Float[np.ndarray, "examples 1"], labels: Float[np.ndarray, " examples"], task: Task
) -> TaskScores:
    """Scores of a regression where it is labelled.

    Returns:
        ``n``, ``rmse`` and ``mae`` in the unit of the labels, ``r2`` (not defined where the labels do not differ) and
        ``loss``, which is a network's: half the mean squared error in units of ``task.std``. Nothing is defined where
        an answer is not a number.
    """
    known = ~np.isnan(labels)
    n = int(known.sum())
    if n == 0:
        return {"n": 0, **dict.fromkeys(_OF_REGRESSION)}
    truth = labels[known]
    with np.errstate(all="ignore"):  # an answer may be anything
        residuals = values[known, 0] - truth
        squared = np.square(residuals).mean()
        scores = {
            "rmse": np.sqrt(squared),
            "mae": np.abs(residuals).mean(),
            "r2": 1 - squared / truth.var() if np.ptp(truth) > 0 else np.nan,
            "loss": np.square(residuals / task.std).mean() / 2,
        }
    return {"n": n, **{name: float(score) if np.isfinite(score) else None for name, score in scores.items()}}


def summarise(tasks: Sequence[Task], scores: Mapping[str, TaskScores]) -> dict[str, object]:
    """One split of ``metrics.json``: ``mean_scores`` of the tasks, in their order."""
    return mean_scores({task.name: scores[task.name] for task in tasks})


def mean_scores(scores: Mapping[str, TaskScores]) -> dict[str, object]:
    """The scores of some tasks, and their means.

    Returns:
        ``mean``: the mean of each metric over the tasks for which it is defined, and ``tasks``, the number of tasks
        that have labels. ``defined``: over how many tasks a mean was taken, for the metrics for which these are others
        than ``tasks``. ``tasks``: the scores of every task.
    """
    labelled = sum(s["n"] != 0 for s in scores.values())
    mean: TaskScores = {}
    defined: dict[str, int] = {}
    for name in (name for name in METRICS if any(name in s for s in scores.values())):
        values = [v for s in scores.values() if (v := s.get(name)) is not None]
        mean[name] = sum(values) / len(values) if values else None
        if len(values) != labelled:
            defined[name] = len(values)
    mean["tasks"] = labelled
    return {"mean": mean, "defined": defined, "tasks": dict(scores)}


def _areas(given: Float[np.ndarray, "known classes"], truth: Int[np.ndarray, " known"]) -> dict[str, float | None]:
    """Areas under the receiver operating characteristic, and under precision over recall (average precision)."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    classes = [1] if given.shape[1] == 2 else list(range(given.shape[1]))
    pairs = [(truth == c, given[:, c]) for c in classes if 0 < (truth == c).sum() < len(truth)]
    if not pairs:
        return {"auroc": None, "average_precision": None}
    return {
        "auroc": float(np.mean([roc_auc_score(positive, p) for positive, p in pairs])),
        "average_precision": float(np.mean([average_precision_score(positive, p) for positive, p in pairs])),
    }
