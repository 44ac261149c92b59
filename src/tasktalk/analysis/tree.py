"""Which tasks talk alike: a binary tree over the rows of a matrix of weights, and groups cut from it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

MOST_GROUPS = 8
"""More groups than this are not looked for."""


@dataclass(frozen=True)
class Tree:
    """A hierarchical clustering.

    Args:
        order: the rows from one end to the other; rows that are alike stand side by side.
        merges: as ``scipy.cluster.hierarchy.linkage`` gives them, average linkage; empty for one row.
    """

    order: Int[np.ndarray, " rows"]
    merges: Float[np.ndarray, "merges 4"]

    def cut(self, groups: int) -> Int[np.ndarray, " rows"]:
        """The group of every row, numbered from 0 along ``order``.

        Args:
            groups: how many there may be; fewer come out where rows are equal.
        """
        if len(self.order) == 1:
            return np.zeros(1, dtype=np.int64)
        from scipy.cluster.hierarchy import fcluster

        found = fcluster(self.merges, groups, criterion="maxclust")
        _, first = np.unique(found[self.order], return_index=True)
        along = found[self.order][np.sort(first)]
        return np.array([int(np.flatnonzero(along == group)[0]) for group in found])


def grow(distances: Float[np.ndarray, "rows rows"]) -> Tree:
    """The tree of some distances, its leaves in the order that keeps neighbours most alike."""
    if len(distances) == 1:
        return Tree(np.zeros(1, dtype=np.int64), np.zeros((0, 4)))
    from scipy.cluster.hierarchy import leaves_list, linkage

    upper = distances[np.triu_indices(len(distances), 1)]
    merges = linkage(upper, method="average", optimal_ordering=True)
    return Tree(leaves_list(merges).astype(np.int64), merges)


def task_distances(matrix: Float[np.ndarray, "tasks tasks"], directed: bool) -> Float[np.ndarray, "tasks tasks"]:
    """How unlike tasks are in what they listen to and in who listens to them.

    Args:
        matrix: weights of sources (columns) for tasks (rows); NaN where there is none.
        directed: whether a weight has a direction. If not, it says itself how alike two tasks are.
    """
    if directed:
        return profile_distances(np.concatenate((matrix, matrix.T), axis=1))
    both = mirrored(matrix)
    return _filled(np.nanmax(both, initial=0) - both)


def profile_distances(profiles: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows rows"]:
    """Root of the mean squared difference of every two rows, over the columns that both know."""
    known = ~np.isnan(profiles)
    squares = (np.nan_to_num(profiles)[:, None] - np.nan_to_num(profiles)) ** 2
    shared = known[:, None] & known
    counts = shared.sum(axis=2)
    total = np.where(shared, squares, 0.0).sum(axis=2)
    return _filled(np.sqrt(np.divide(total, counts, out=np.full(counts.shape, np.nan), where=counts > 0)))


def mirrored(matrix: Float[np.ndarray, "tasks tasks"]) -> Float[np.ndarray, "tasks tasks"]:
    """The mean of a matrix and its transpose; where one of them is NaN, the other."""
    both = np.stack((matrix, matrix.T))
    known = ~np.isnan(both)
    count = known.sum(axis=0)
    return np.divide(np.where(known, both, 0.0).sum(axis=0), count, out=np.full(count.shape, np.nan), where=count > 0)


def groups(distances: Float[np.ndarray, "rows rows"], count: int | None = None) -> Int[np.ndarray, " rows"]:
    """Groups of rows: the tree of the distances, cut.

    Args:
        distances: between rows.
        count: how many; None takes from 2 to ``MOST_GROUPS`` the number with the best silhouette.

    Returns:
        The group of every row, numbered along the tree; one group where rows do not differ.
    """
    tree = grow(distances)
    if count is not None:
        return tree.cut(count)
    from sklearn.metrics import silhouette_score

    rows = len(distances)
    best, found = -np.inf, np.zeros(rows, dtype=np.int64)
    if distances.max() < 1e-12:
        return found
    for number in range(2, min(MOST_GROUPS, rows - 1) + 1):
        candidate = tree.cut(number)
        if 2 <= len(set(candidate)) < rows:
            score = float(silhouette_score(distances, candidate, metric="precomputed"))
            best, found = (score, candidate) if score > best else (best, found)
    return found


def _filled(distances: Float[np.ndarray, "rows rows"]) -> Float[np.ndarray, "rows rows"]:
    """Without NaN, which becomes the largest distance, and with zeros on the diagonal."""
    filled = np.where(np.isnan(distances), np.nanmax(distances, initial=0), np.maximum(distances, 0))
    filled[np.diag_indices(len(filled))] = 0
    return filled
