"""Whether the same model, trained with other seeds, shows the same picture."""

from collections.abc import Sequence
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from tasktalk.analysis.chance import chance_of, rank_correlation
from tasktalk.analysis.grids import grid_figure, grid_interactive
from tasktalk.analysis.overview import Overview
from tasktalk.analysis.picture import Check, Picture
from tasktalk.analysis.spread import too_few_that_vary
from tasktalk.core.errors import ConfigError

REPEATS = 0.5
"""Seeds agree if the mean rank correlation of their weights is at least this."""
_SIGNIFICANT = 0.05
_NAME = "spread over seeds"
_Matrices = Float[np.ndarray, "seeds tasks sources"]


def seeds_check(overviews: Sequence[Overview], seed: int = 0) -> Check:
    """Whether seeds rank the edges alike: Spearman's correlation of the mean weights of every two seeds.

    It passes if the mean of the correlations is at least ``REPEATS`` and larger than with the tasks of each seed in
    another order (p below 0.05). Experts are not compared: expert 1 of a seed is not that of another.

    Args:
        overviews: of runs that differ in nothing but the seed, on the same samples.
        seed: of the permutations.

    Raises:
        ConfigError: they are of other tasks or sources.
    """
    matrices = _matrices(overviews)
    if len(overviews) < 2:
        return Check(_NAME, None, "There is one run only: give runs of other seeds to see what repeats.")
    if not overviews[0].between_tasks:
        return Check(_NAME, None, "Experts have no names that hold across seeds, so their weights cannot be compared.")
    there = np.all([overview.edges() for overview in overviews], axis=0)
    found = _agreement(matrices, there)
    if np.isnan(found):
        return Check(_NAME, None, "There are too few edges, or all weights are the same.")
    if problem := too_few_that_vary(overviews[0]):
        return Check(_NAME, None, problem)
    count, tasks = len(overviews), len(overviews[0].tasks)
    if (orders := factorial(tasks) ** (count - 1)) * _SIGNIFICANT <= 1:
        told = (
            f"Over {count} seeds the rank correlation of the weights is {found:+.2f} on average, but {tasks} tasks have"
        )
        return Check(_NAME, None, f"{told} only {orders} orders, so chance gives any one too often: add a seed.")
    p = chance_of(found, lambda draw: _agreement(_relabelled(matrices, draw), there), seed=seed)
    each = [rank_correlation(a[there], b[there]) for a, b in combinations(matrices, 2)]
    spread, between = matrices[:, there].std(axis=0).mean(), matrices[:, there].mean(axis=0).std()
    passed = bool(found >= REPEATS and p < _SIGNIFICANT)
    verdict = "the picture repeats" if passed else "the picture does not pass, it depends on the seed"
    sentence = (
        f"Over {count} seeds the rank correlation of the weights is {found:+.2f} on average (two seeds: "
        f"{min(each):+.2f} to {max(each):+.2f}; p = {p:.3f} by permutation of the tasks; it passes from {REPEATS}): "
        f"{verdict}. "
        f"An edge varies by {spread:.4f} over seeds, the edges differ by {between:.4f} (standard deviations)."
    )
    return Check(_NAME, passed, sentence)


def seeds_picture(overviews: Sequence[Overview]) -> Picture:
    """Mean of the weights over seeds, and their standard deviation.

    Raises:
        ConfigError: no overview, or overviews of other tasks or sources.
    """
    matrices = _matrices(overviews)
    mean, spread = matrices.mean(axis=0), matrices.std(axis=0)
    tasks, sources = overviews[0].tasks, overviews[0].sources
    titles = (f"mean over {len(overviews)} seeds", "standard deviation")
    rows: list[tuple[Any, ...]] = [
        (task, source, float(mean[k, i]), float(spread[k, i]), *(float(matrix[k, i]) for matrix in matrices))
        for k, task in enumerate(tasks)
        for i, source in enumerate(sources)
        if not np.isnan(mean[k, i])
    ]
    largest = max(rows, key=lambda row: row[2], default=None)
    text = (
        "No weights."
        if largest is None
        else (
            f"Two heat maps on one scale, mean and standard deviation over {len(overviews)} seeds. The largest mean is "
            f"{largest[0]} ← {largest[1]}: {largest[2]:.3f}, standard deviation {largest[3]:.3f}."
        )
    )
    return Picture(
        "seeds",
        "Weights over seeds: mean and spread",
        text,
        grid_figure((mean, spread), titles, tasks, sources),
        ("receiver", "source", "mean", "standard deviation", *(f"run {n + 1}" for n in range(len(overviews)))),
        rows,
        grid_interactive((mean, spread), titles, tasks, sources),
    )


def _matrices(overviews: Sequence[Overview]) -> _Matrices:
    """Mean weights of every seed, without what a task gives itself."""
    if not overviews:
        raise ConfigError("expected at least one overview, found none")
    if len({(overview.tasks, overview.sources, overview.meaning) for overview in overviews}) > 1:
        raise ConfigError("expected runs of the same model on the same tasks, which differ in the seed alone")
    return np.stack([overview.heard() for overview in overviews])


def _agreement(matrices: _Matrices, there: Bool[np.ndarray, "tasks sources"]) -> float:
    return float(np.mean([_correlation(a, b, there) for a, b in combinations(matrices, 2)]))


def _correlation(
    a: Float[np.ndarray, "tasks sources"],
    b: Float[np.ndarray, "tasks sources"],
    there: Bool[np.ndarray, "tasks sources"],
) -> float:
    """Over the edges that both have: relabelled, another one may be missing."""
    both = there & ~np.isnan(a) & ~np.isnan(b)
    return rank_correlation(a[both], b[both])


def _relabelled(matrices: _Matrices, draw: np.random.Generator) -> _Matrices:
    """Each seed with its tasks in another order."""
    orders = [draw.permutation(matrices.shape[1]) for _ in matrices]
    return np.stack([matrix[np.ix_(order, order)] for matrix, order in zip(matrices, orders, strict=True)])
