"""Weights as observed, made by hand, for the tests of what shows them."""

from typing import Any

import numpy as np

from tasktalk.analysis.overview import _MEANING, Overview

EVIL = '<script>alert("$x$")</script>'


def make(weights: np.ndarray, kind: str = "weights", shared: bool = False, **more: Any) -> Overview:
    """An overview of weights (samples, tasks, sources); samples belong to the tasks in turn unless they are shared."""
    samples, tasks, sources = weights.shape
    names = tuple(f"task{k}" for k in range(tasks))
    between = names if kind != "experts" else tuple(f"expert {k + 1}" for k in range(sources))
    owner = None if shared else np.arange(samples) % tasks
    labels = np.full((samples, tasks), np.nan)
    labels[np.arange(samples), np.arange(samples) % tasks] = np.arange(samples) // tasks % 2
    fields = {
        "tasks": names,
        "sources": between,
        "meaning": _MEANING[kind],
        "samples": [f"sample {k} <b>& more</b>" for k in range(samples)],
        "owner": owner,
        "labels": labels,
        "weights": weights,
        "classes": (("no", "yes"),) * tasks,
    }
    return Overview(**{**fields, **more})


def in_groups(samples: int = 90, noise: float = 1.0, seed: int = 0, diagonal: bool = True) -> np.ndarray:
    """Weights of nine tasks in groups of three, other in every sample; rows sum to 1."""
    group = np.repeat(np.arange(3), 3)
    weights = 1.0 * (group[:, None] == group) + noise * np.random.default_rng(seed).uniform(size=(samples, 9, 9))
    if not diagonal:
        weights = weights * (1 - np.eye(9))
    return weights / weights.sum(axis=2, keepdims=True)


def alike(samples: int = 40, tasks: int = 5, spread: float = 0.004, seed: int = 0) -> np.ndarray:
    """Likeness of tasks that read nearly alike."""
    low = 1 - spread * np.random.default_rng(seed).uniform(size=(samples, tasks, tasks))
    both = (low + low.swapaxes(1, 2)) / 2
    both[:, np.arange(tasks), np.arange(tasks)] = 1
    return both
