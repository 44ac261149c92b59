"""Scores per task and their means."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from tasktalk.core.task import Task

TaskScores = dict[str, float | int | None]
"""Scores of one task: ``n`` labels, and metrics; None where a metric is not defined."""


def classification_scores(
    probabilities: Float[np.ndarray, "examples classes"], labels: Float[np.ndarray, " examples"]
) -> TaskScores:
    """``error`` in percent, ``accuracy`` (0 to 1), ``loss`` (negative log-likelihood in nats), where labelled."""
    known = ~np.isnan(labels)
    n = int(known.sum())
    if n == 0:
        return {"n": 0, "error": None, "accuracy": None, "loss": None}
    truth = labels[known].astype(np.int64)
    given = probabilities[known]
    right = int((given.argmax(axis=1) == truth).sum())
    likelihood = np.maximum(given[np.arange(n), truth], np.finfo(np.float64).tiny)
    return {
        "n": n,
        "error": 100 * (n - right) / n,
        "accuracy": right / n,
        "loss": float(-np.log(likelihood).mean()),
    }


def summarise(tasks: Sequence[Task], scores: Mapping[str, TaskScores]) -> dict[str, object]:
    """One split of ``metrics.json``: every task's scores, and the mean of each metric over the tasks that have it."""
    names = [name for name in ("error", "accuracy", "loss") if any(name in s for s in scores.values())]
    mean: TaskScores = {}
    for name in names:
        values = [v for s in scores.values() if (v := s.get(name)) is not None]
        mean[name] = sum(values) / len(values) if values else None
    mean["tasks"] = sum(s["n"] != 0 for s in scores.values())
    return {"mean": mean, "tasks": {task.name: scores[task.name] for task in tasks}}
