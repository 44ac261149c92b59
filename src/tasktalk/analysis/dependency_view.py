"""What the pictures of the general dependency share: weights, their spread, trees, and what is to be seen, in words."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from tasktalk.analysis.heatmap import digits
from tasktalk.analysis.overview import Overview
from tasktalk.analysis.spread import Spread, bootstrap, shown_weights, strongest
from tasktalk.analysis.tree import Tree, groups, grow, profile_distances, task_distances

_ALIKE = 0.05
_CONSTANT = 1e-6


@dataclass(frozen=True)
class View:
    """Mean weights, ready to be drawn.

    Args:
        overview: where they come from.
        weights: mean weights; NaN where nothing is shown.
        spread: what a bootstrap over the samples agrees on.
        rows: tree of the tasks.
        columns: tree of the sources; between tasks the same.
        groups: group of every task.
    """

    overview: Overview
    weights: Float[np.ndarray, "tasks sources"]
    spread: Spread
    rows: Tree
    columns: Tree
    groups: Int[np.ndarray, " tasks"]

    @property
    def decimals(self) -> int:
        """How many tell the weights apart."""
        return digits(self.weights)


def look(overview: Overview, seed: int = 0) -> View:
    """Average the weights of an overview and look which tasks are alike; ``seed`` is that of the bootstrap."""
    weights = shown_weights(overview, overview.mean())
    spread = bootstrap(overview, seed)
    distances = distances_of(overview, weights)
    rows = grow(distances)
    columns = rows if overview.between_tasks else grow(profile_distances(weights.T))
    return View(overview, weights, spread, rows, columns, groups(distances))


def distances_of(overview: Overview, weights: Float[np.ndarray, "tasks sources"]) -> Float[np.ndarray, "tasks tasks"]:
    """How unlike tasks are; what a task takes from itself says nothing about that."""
    if not overview.between_tasks:
        return profile_distances(weights)
    return task_distances(without_diagonal(weights), overview.directed)


def without_diagonal(weights: Float[np.ndarray, "tasks tasks"]) -> Float[np.ndarray, "tasks tasks"]:
    """The same with NaN on the diagonal."""
    return np.where(np.eye(len(weights), dtype=bool), np.nan, weights)


def listened_to(view: View) -> Float[np.ndarray, " sources"]:
    """Mean weight of every source over the tasks that listen, itself not among them."""
    weights = without_diagonal(view.weights) if view.overview.between_tasks else view.weights
    known = ~np.isnan(weights)
    total = np.where(known, np.abs(weights), 0.0).sum(axis=0)
    return np.divide(total, known.sum(axis=0), out=np.zeros(len(total)), where=known.any(axis=0))


def finding(view: View) -> str:
    """What is to be seen in the mean weights, in one or two sentences."""
    known = others(view)
    if not len(known):
        return "No task has samples, so there is nothing to see."
    low, high = (f"{value:.{view.decimals}f}" for value in (known.min(), known.max()))
    if np.ptp(known) < _CONSTANT:
        return f"All weights are the same ({low}): the model does not tell its sources apart."
    if not view.overview.directed:
        pairs = f"the likeness of every two tasks lies between {low} and {high}"
        if known.min() > 1 - _ALIKE:
            return f"All tasks read nearly alike: {pairs}. The colours spread out differences that are tiny."
        return f"From pair to pair tasks read more or less alike: {pairs}."
    return _hub(view) or _strongest_edges(view, low, high)


def others(view: View) -> Float[np.ndarray, " known"]:
    """The weights that are known, between tasks without those of a task for itself."""
    weights = without_diagonal(view.weights) if view.overview.between_tasks else view.weights
    return weights[np.isfinite(weights)]


def grouped(view: View) -> str:
    """The groups, by the names of their tasks."""
    names = [
        ", ".join(view.overview.tasks[k] for k in view.rows.order if view.groups[k] == group)
        for group in range(view.groups.max() + 1)
    ]
    return "; ".join(f"({name})" for name in names)


def silent(overview: Overview) -> list[str]:
    """The tasks without samples."""
    return [name for k, name in enumerate(overview.tasks) if not len(overview.own(k))]


def _hub(view: View) -> str:
    """One source that nearly all tasks listen to most, if there is one."""
    best = strongest(view.weights, view.overview.between_tasks)
    heard = best[best >= 0]
    source = int(np.bincount(heard).argmax())
    listeners = np.flatnonzero(best == source)
    able = len(heard) - int(view.overview.between_tasks and best[source] >= 0)
    if len(listeners) < max(3, 0.75 * able):
        return ""
    taken = view.weights[listeners, source]
    low, high = f"{taken.min():.{view.decimals}f}", f"{taken.max():.{view.decimals}f}"
    return (
        f"{len(listeners)} of {able} tasks listen most to {view.overview.sources[source]} ({low} to {high}). A source "
        "that all listen to is a channel that they share; it does not say that they are alike."
    )


def _strongest_edges(view: View, low: str, high: str) -> str:
    overview, best = view.overview, strongest(view.weights, view.overview.between_tasks)
    ranked = sorted((k for k in range(len(best)) if best[k] >= 0), key=lambda k: -abs(view.weights[k, best[k]]))
    told = ", ".join(
        f"{overview.tasks[k]} to {overview.sources[best[k]]} ({view.weights[k, best[k]]:.{view.decimals}f})"
        for k in ranked[:3]
    )
    return f"Weights lie between {low} and {high}. Those who listen most: {told}."
