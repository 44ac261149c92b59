"""Samples in which tasks talk alike: directions, clusters, and clusters of weights in which there are none."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from tasktalk.analysis.overview import Overview
from tasktalk.analysis.spread import fixed_diagonal

MOST = 8
"""More clusters than this are not looked for."""
_DIRECTIONS = 10
NULL_DRAWS = 19
"""Draws of a null; with 19, a silhouette that none of them reaches has a chance of 5%."""


@dataclass(frozen=True)
class Clusters:
    """Samples as points, and the cluster of each.

    Args:
        points: the first two directions in which the weights differ most.
        explained: share of the variance in each of the two.
        of: cluster of every sample, from 0, the largest first.
        silhouette: how far the clusters stand apart, from -1 to 1.
        count: how many there are.
    """

    points: Float[np.ndarray, "samples 2"]
    explained: Float[np.ndarray, "2"]
    of: Int[np.ndarray, " samples"]
    silhouette: float
    count: int


def features(overview: Overview) -> Float[np.ndarray, "samples features"]:
    """All weights of every sample in a row, without those that say nothing or say it twice."""
    tasks, sources = overview.weights.shape[1:]
    kept = np.ones((tasks, sources), dtype=bool)
    if not overview.directed:
        kept = np.triu(kept, 1)
    elif fixed_diagonal(overview):
        kept &= ~np.eye(tasks, dtype=bool)
    return overview.weights[:, kept].astype(np.float64)


def far_apart(rows: Float[np.ndarray, "samples features"]) -> Int[np.ndarray, " some"]:
    """The few samples that lie so far from all others that every picture would show only them.

    Ten times as far from the middle (the median of each weight) as half of the samples, and no more than 5% of all.
    """
    distance = np.linalg.norm(rows - np.median(rows, axis=0), axis=1)
    found = np.flatnonzero(distance > 10 * np.median(distance))
    few = 0 < len(found) <= 0.05 * len(rows) and np.median(distance) > 0
    return found if few else np.zeros(0, dtype=np.int64)


def find_clusters(rows: Float[np.ndarray, "samples features"], count: int | None = None, seed: int = 0) -> Clusters:
    """Principal components and k-means.

    Args:
        rows: weights of at least 3 samples that differ.
        count: how many clusters; None takes from 2 to ``MOST`` the number with the best silhouette.
        seed: of the starts of k-means.
    """
    points, explained = directions(rows)
    found, silhouette = _best(points, count, seed)
    _, sizes = np.unique(found, return_counts=True)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    two = np.zeros((len(rows), 2))
    two[:, : points.shape[1]] = points[:, :2]
    shares = np.zeros(2)
    shares[: len(explained)] = explained[:2]
    return Clusters(two, shares, rank[found], silhouette, len(sizes))


def directions(
    rows: Float[np.ndarray, "samples features"],
) -> tuple[Float[np.ndarray, "samples directions"], Float[np.ndarray, " directions"]]:
    """Principal components, at most ten, and the share of the variance of each; the largest entry is positive."""
    left, sizes, right = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    keep = max(1, min(_DIRECTIONS, int((sizes > 1e-9 * max(sizes[0], 1e-300)).sum())))
    signs = np.sign(right[np.arange(keep), np.abs(right[:keep]).argmax(axis=1)])
    variance = sizes**2
    return left[:, :keep] * sizes[:keep] * signs, variance[:keep] / max(variance.sum(), 1e-300)


def null_silhouettes(
    rows: Float[np.ndarray, "samples features"],
    draw: Callable[[Float[np.ndarray, "samples features"], np.random.Generator], Float[np.ndarray, "samples features"]],
    count: int | None = None,
    seed: int = 0,
) -> Float[np.ndarray, " draws"]:
    """Silhouettes of the best clusters where there are none; ``draw`` makes such weights of the real ones."""
    generator = np.random.default_rng(seed)
    drawn = (directions(draw(rows, generator))[0] for _ in range(NULL_DRAWS))
    return np.array([_best(points, count, seed)[1] for points in drawn])


def permuted(
    rows: Float[np.ndarray, "samples features"], generator: np.random.Generator
) -> Float[np.ndarray, "samples features"]:
    """The same weights, each dealt out anew to the samples: nothing goes together."""
    return generator.permuted(rows, axis=0)


def one_cloud(
    rows: Float[np.ndarray, "samples features"], generator: np.random.Generator
) -> Float[np.ndarray, "samples features"]:
    """Normal weights with the means and covariances of the real ones: what goes together does, in one cloud."""
    centre = rows.mean(axis=0)
    mix = generator.standard_normal((len(rows), len(rows))) / np.sqrt(len(rows))
    return centre + mix @ (rows - centre)


def _best(
    points: Float[np.ndarray, "samples directions"], count: int | None, seed: int
) -> tuple[Int[np.ndarray, " samples"], float]:
    """The clusters with the best silhouette, and that."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    different = len(np.unique(points.round(9), axis=0))
    most = min(MOST, different, len(points) - 1)
    best, found = -1.0, np.zeros(len(points), dtype=np.int64)
    for number in range(2, most + 1) if count is None else [min(count, different)]:
        labels = KMeans(number, n_init=4, random_state=seed).fit_predict(points).astype(np.int64)
        known = 2 <= len(set(labels)) < len(points)
        score = float(silhouette_score(points, labels)) if known else -1.0
        if score > best or number == count or not known:
            best, found = score, labels
    return found, best
