"""The mean and spread of regression labels, so that a network learns numbers of about the same size for every task."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset


def standardise(dataset: Dataset) -> Dataset:
    """Give every regression task the mean and the standard deviation of its training labels.

    Labels stay as they are, in their own unit. Call it after anything that takes training labels away.

    Returns:
        The same data with other tasks. A deviation is 1 where the labels do not differ.
    """
    labels = dataset.splits["train"].labels
    return replace(dataset, tasks=tuple(_measured(task, labels[:, k]) for k, task in enumerate(dataset.tasks)))


def _measured(task: Task, labels: Float[np.ndarray, " examples"]) -> Task:
    known = labels[~np.isnan(labels)]
    if task.kind != "regression" or not len(known):
        return task
    spread = float(known.std()) if np.ptp(known) > 0 else 0.0  # that of equal numbers is not quite 0
    return replace(task, mean=float(known.mean()), std=spread or 1.0)
