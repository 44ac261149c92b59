"""How much mean weights depend on which samples happened to be there: bootstrap over samples."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from tasktalk.analysis.chance import resampled
from tasktalk.analysis.overview import Overview, too_few_samples
from tasktalk.analysis.tree import mirrored

DRAWS = 500
KEEPS = 0.95
"""Share of the draws in which a listener's strongest source has to stay its strongest."""


@dataclass(frozen=True)
class Spread:
    """What the draws of a bootstrap agree on.

    Args:
        draws: mean weights of each draw, as ``shown_weights`` gives them.
        error: standard error of each mean weight; NaN where a single sample stands behind it, or none.
        kept: for each task the share of the draws in which its strongest source is the same; NaN for a task with less
            than two samples.
    """

    draws: Float[np.ndarray, "draws tasks sources"]
    error: Float[np.ndarray, "tasks sources"]
    kept: Float[np.ndarray, " tasks"]


def shown_weights(overview: Overview, mean: Float[np.ndarray, "tasks sources"]) -> Float[np.ndarray, "tasks sources"]:
    """Mean weights without a diagonal that is the same in every model (see ``fixed_diagonal``).

    A likeness is the mean of what two tasks see of each other, so that it has no direction.
    """
    shown = mean.astype(np.float64) if overview.directed else mirrored(mean.astype(np.float64))
    if fixed_diagonal(overview):
        shown = np.where(np.eye(len(shown), dtype=bool), np.nan, shown)
    return shown


def fixed_diagonal(overview: Overview) -> bool:
    """Whether what a task takes from itself is the same in all models: all of likeness, or nothing."""
    diagonal = np.diagonal(overview.weights, axis1=1, axis2=2) if overview.between_tasks else np.ones(1)
    return not overview.directed or not diagonal.any()


def counts(overview: Overview) -> Int[np.ndarray, "tasks sources"]:
    """How many samples stand behind each mean weight."""
    own = np.array([len(overview.own(k)) for k in range(len(overview.tasks))])
    if overview.directed or overview.owner is None:
        return np.repeat(own[:, None], len(overview.sources), axis=1)
    return own[:, None] + own


def strongest(
    weights: Float[np.ndarray, "*draws tasks sources"], between_tasks: bool = True
) -> Int[np.ndarray, "*draws tasks"]:
    """The source with the largest weight, of whatever sign, for each task; -1 for a task without weights.

    Args:
        weights: mean weights.
        between_tasks: whether the sources are tasks; then a task itself is none.
    """
    size = np.abs(weights)
    if between_tasks:
        size = np.where(np.eye(size.shape[-2], dtype=bool), np.nan, size)
    known = ~np.isnan(size)
    return np.where(known.any(axis=-1), np.where(known, size, -1.0).argmax(axis=-1), -1)


def bootstrap(overview: Overview, seed: int = 0, draws: int = DRAWS) -> Spread:
    """Draw samples with replacement, of each task as many as it has, and take the means again.

    Args:
        overview: weights of every sample.
        seed: of the draws.
        draws: how often.
    """
    own = [overview.own(k) for k in range(len(overview.tasks))]
    drawn = resampled(len(overview.samples), overview.owner, draws, seed)
    means = np.full((draws, len(overview.tasks), len(overview.sources)), np.nan)
    for task, its in enumerate(own):
        if len(its):
            means[:, task] = drawn[:, its] @ overview.weights[its, task].astype(np.float64) / len(its)
    shown = np.stack([shown_weights(overview, mean) for mean in means])
    several = np.array([len(its) > 1 for its in own])
    enough = several[:, None] & (np.ones(len(overview.sources), dtype=bool) if overview.directed else several)
    usual = strongest(shown_weights(overview, overview.mean()), overview.between_tasks)
    same = (strongest(shown, overview.between_tasks) == usual).mean(axis=0)
    error = np.where(enough, shown.std(axis=0), np.nan)
    return Spread(shown, error, np.where(several & (usual >= 0), same, np.nan))


def varies(overview: Overview) -> bool:
    """Whether the weights differ between samples at all; those of stitches do not."""
    return bool(len(overview.weights) > 1 and np.ptp(overview.weights, axis=0).max() > 1e-6)


def too_few_that_vary(overview: Overview) -> str:
    """As ``too_few_samples``, but any number will do where the weights are the same for all of them."""
    same = len(overview.samples) > 1 and not varies(overview)
    return "" if same else too_few_samples(overview)


def unsure(spread: Spread) -> Bool[np.ndarray, " tasks"]:
    """The tasks whose strongest source is another one in too many draws."""
    return spread.kept < KEEPS
