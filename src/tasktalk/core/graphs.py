"""From edges to an ``Adjacency``: several graphs become one, and edges get the weights of a graph convolution."""

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tasktalk.core.batch import Adjacency


class Joined(NamedTuple):
    """Several graphs as one graph without edges between them.

    Attributes:
        edges: the two ends of every edge.
        kinds_of_edges: kind of every edge.
        graph_of: graph of every position, ascending.
    """

    edges: Int[np.ndarray, "2 edges"]
    kinds_of_edges: Int[np.ndarray, " edges"]
    graph_of: Int[np.ndarray, " positions"]


def join(
    edges: Sequence[Int[np.ndarray, "2 _"]], kinds_of_edges: Sequence[Int[np.ndarray, " _"]], sizes: Sequence[int]
) -> Joined:
    """Put graphs one behind the other; pass the result on to ``normalised``.

    Args:
        edges: the two ends of every edge of each graph, counted from 0 in each.
        kinds_of_edges: kind of every edge of each graph.
        sizes: number of positions of each graph; a graph may have none.
    """
    if not sizes:
        return Joined(np.zeros((2, 0), int), np.zeros(0, int), np.zeros(0, int))
    starts = np.cumsum(sizes) - sizes
    shift = np.repeat(starts, [graph.shape[1] for graph in edges])
    return Joined(
        np.concatenate(edges, axis=1) + shift, np.concatenate(kinds_of_edges), np.repeat(np.arange(len(sizes)), sizes)
    )


def normalised(
    edges: Int[np.ndarray, "2 edges"],
    kinds_of_edges: Int[np.ndarray, " edges"],
    kinds: int,
    positions: int,
    loops_apart: bool = True,
    precision: torch.dtype = torch.float32,
) -> Adjacency:
    """The symmetric normalisation of Kipf and Welling 2016 (below Eq. 8), over all kinds of edges together.

    An edge between i and j weighs 1 / sqrt((deg_i + 1)(deg_j + 1)), the loop of i 1 / (deg_i + 1), where deg_i counts
    the edges of i of every kind.

    Args:
        edges: the two ends of every edge, which runs both ways and is given once.
        kinds_of_edges: kind of every edge, from 0 to ``kinds`` - 1.
        kinds: how many kinds of edges.
        positions: number of positions.
        loops_apart: whether the loops are kind 0 of the result, and kind k of the edges its kind k + 1; otherwise the
            loops are among the edges of kind 0, and with one kind this is the graph convolution as published.
        precision: type of the weights.

    Raises:
        ValueError: an edge from a position to itself, to a position that does not exist, or of a kind that does not.
    """
    left, right = edges
    if (left == right).any():
        raise ValueError(f"an edge joins position {left[left == right][0]} with itself; loops are added to every one")
    scale = 1 / np.sqrt(np.bincount(edges.ravel(), minlength=positions) + 1.0)
    if len(scale) > positions:
        raise ValueError(f"an edge ends at position {edges.max()}, but there are {positions} positions")
    loops = np.arange(positions)
    sources, targets = np.concatenate((left, right, loops)), np.concatenate((right, left, loops))
    shifted = kinds_of_edges + int(loops_apart)
    return adjacency(
        sources,
        targets,
        scale[sources] * scale[targets],
        np.concatenate((shifted, shifted, np.zeros(positions, int))),
        kinds + int(loops_apart),
        positions,
        precision,
    )


def adjacency(
    sources: Int[np.ndarray, " edges"],
    targets: Int[np.ndarray, " edges"],
    weights: Float[np.ndarray, " edges"],
    kinds_of_edges: Int[np.ndarray, " edges"],
    kinds: int,
    positions: int,
    precision: torch.dtype = torch.float32,
) -> Adjacency:
    """The adjacency of directed edges; edges of one kind between the same positions add up.

    Args:
        sources: where every edge starts.
        targets: where every edge ends.
        weights: what it is multiplied by.
        kinds_of_edges: kind of every edge, from 0 to ``kinds`` - 1.
        kinds: how many kinds of edges.
        positions: number of positions.
        precision: type of the weights.

    Raises:
        ValueError: an edge from or to a position that does not exist, or of a kind that does not.
    """
    from scipy.sparse import csr_array

    if len(targets) and not 0 <= targets.min() <= targets.max() < positions:
        raise ValueError(f"edges end at positions {targets.min()} to {targets.max()}, but there are {positions}")
    rows = kinds_of_edges * positions + targets
    gather = csr_array((weights, (rows, sources)), shape=(kinds * positions, positions))
    return Adjacency(kinds, _from_scipy(gather, precision), _from_scipy(gather.T.tocsr(), precision))


def sparse_rows(
    starts: Int[Tensor, " rows_and_end"],
    columns: Int[Tensor, " nonzeros"],
    values: Float[Tensor, " nonzeros"],
    width: int,
) -> Float[Tensor, "rows {width}"]:
    """A sparse CSR matrix, without torch's warning that these are in beta state; nothing is checked.

    Args:
        starts: where each row starts among the values, and where the last one ends.
        columns: column of every value.
        values: the values.
        width: number of columns.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta state")
        return torch.sparse_csr_tensor(starts, columns, values, (len(starts) - 1, width), check_invariants=False)


def sparse_product(
    matrix: Float[Tensor, "rows columns"], x: Float[Tensor, "columns features"], out: Tensor | None = None
) -> Float[Tensor, "rows features"]:
    """A sparse matrix times a dense one, without a gradient.

    Torch's operator takes new memory twice and fills it with zeros, which can take longer than the product.

    Args:
        matrix: a sparse CSR matrix.
        x: the dense one, of the same type.
        out: where to write; None for a new tensor.
    """
    out = x.new_empty(matrix.shape[0], x.shape[1]) if out is None else out
    return torch.addmm(out, matrix, x, beta=0, out=out)


def _from_scipy(matrix: Any, precision: torch.dtype) -> Tensor:
    return sparse_rows(
        torch.from_numpy(matrix.indptr.astype(np.int64)),
        torch.from_numpy(matrix.indices.astype(np.int64)),
        torch.from_numpy(matrix.data).to(precision),
        matrix.shape[1],
    )
