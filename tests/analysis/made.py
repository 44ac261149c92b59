"""Overviews with known weights."""

from typing import Any

import numpy as np

from tasktalk.analysis.overview import Overview


def made_overview(weights: np.ndarray, samples: int = 4, noise: float = 0.0, **others: Any) -> Overview:
    """Shared samples, in each of which the weights are these and some noise.

    Args:
        weights: (tasks, sources), as many sources as tasks unless ``others`` names them.
        samples: how many.
        noise: largest difference of a sample from the weights.
        others: fields of ``Overview``.
    """
    random = np.random.default_rng(0)
    tasks = tuple(f"task {k}" for k in range(len(weights)))
    values: dict[str, Any] = {
        "tasks": tasks,
        "sources": tasks,
        "meaning": "share of the messages",
        "samples": [f"sample {n}" for n in range(samples)],
        "owner": None,
        "labels": np.full((samples, len(tasks)), np.nan),
        "weights": np.array([weights + noise * random.uniform(-1, 1, weights.shape) for _ in range(samples)]),
    }
    return Overview(**{**values, **others})
