import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from tasktalk.core.batch import Adjacency
from tasktalk.core.graphs import adjacency, join, normalised, sparse_product, sparse_rows

EDGES = np.array([[0, 1, 3, 0], [1, 2, 4, 3]])
KINDS_OF_EDGES = np.array([0, 1, 0, 1])
POSITIONS = 6  # the last one has no edge


def dense(edges: Adjacency) -> Tensor:
    """(kinds, targets, sources); the transpose is checked on the way."""
    gather = edges.gather.to_dense()
    assert torch.equal(edges.scatter.to_dense(), gather.t())
    return gather.view(edges.kinds, -1, gather.shape[1])


def loops_of(weights: Tensor) -> Tensor:
    return torch.stack([torch.diag(kind) for kind in weights])


def test_one_kind_is_the_normalisation_of_torch_geometric() -> None:
    edges = normalised(EDGES, np.zeros(4, int), 1, POSITIONS, loops_apart=False, precision=torch.float64)
    both_ways = torch.tensor(np.concatenate((EDGES, EDGES[::-1]), axis=1))
    (sources, targets), weights = gcn_norm(both_ways, num_nodes=POSITIONS, dtype=torch.float64)
    expected = torch.zeros(POSITIONS, POSITIONS, dtype=torch.float64)
    expected[targets, sources] = weights
    torch.testing.assert_close(dense(edges)[0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("loops_apart", [True, False])
def test_kinds_are_normalised_together(loops_apart: bool) -> None:
    found = normalised(EDGES, KINDS_OF_EDGES, 2, POSITIONS, loops_apart, torch.float64)
    expected = torch.zeros(2 + loops_apart, POSITIONS, POSITIONS, dtype=torch.float64)
    degree = [sum(int(i in edge) for edge in EDGES.T) for i in range(POSITIONS)]
    for (i, j), kind in zip(EDGES.T, KINDS_OF_EDGES, strict=True):
        for target, source in ((i, j), (j, i)):
            expected[kind + loops_apart, target, source] = ((degree[i] + 1) * (degree[j] + 1)) ** -0.5
    for i in range(POSITIONS):
        expected[0, i, i] = 1 / (degree[i] + 1)
    torch.testing.assert_close(dense(found), expected, rtol=0, atol=1e-12)


def test_directed_edges_stand_where_they_end_and_add_up() -> None:
    sources, targets, kinds = np.array([0, 0, 2, 0]), np.array([1, 1, 1, 1]), np.array([0, 0, 0, 1])
    found = adjacency(sources, targets, np.array([0.5, 0.25, 2.0, 3.0]), kinds, 2, 3)
    assert found.gather.dtype == torch.float32
    assert dense(found).tolist() == [[[0, 0, 0], [0.75, 0, 2], [0, 0, 0]], [[0, 0, 0], [3, 0, 0], [0, 0, 0]]]


def test_graphs_are_joined_without_edges_between_them() -> None:
    edges = [np.array([[0], [1]]), np.zeros((2, 0), int), np.array([[0, 1], [1, 2]])]
    kinds = [np.array([1]), np.zeros(0, int), np.array([0, 1])]
    joined = join(edges, kinds, [2, 1, 3])
    assert joined.edges.tolist() == [[0, 3, 4], [1, 4, 5]]
    assert joined.kinds_of_edges.tolist() == [1, 0, 1]
    assert joined.graph_of.tolist() == [0, 0, 1, 2, 2, 2]
    together = dense(normalised(joined.edges, joined.kinds_of_edges, 2, 6))
    start = 0
    for own_edges, own_kinds, size in zip(edges, kinds, (2, 1, 3), strict=True):
        part = slice(start, start + size)
        assert torch.equal(together[:, part, part], dense(normalised(own_edges, own_kinds, 2, size)))
        start += size
    assert torch.count_nonzero(together) == 2 * 3 + 6


def test_graphs_without_edges_have_their_loops() -> None:
    nothing = np.zeros((2, 0), int)
    assert dense(normalised(nothing, np.zeros(0, int), 2, 3)).tolist() == [
        torch.eye(3).tolist(),
        *[[[0.0] * 3] * 3] * 2,
    ]
    joined = join([], [], [])
    assert joined.edges.shape == (2, 0) and joined.graph_of.shape == (0,)
    assert normalised(joined.edges, joined.kinds_of_edges, 1, 0).gather.shape == (0, 0)


@pytest.mark.parametrize(
    ("edges", "kinds", "message"),
    [
        ([[0, 2], [1, 2]], [0, 0], "an edge joins position 2 with itself"),
        ([[0], [3]], [0], "an edge ends at position 3, but there are 3 positions"),
        ([[0], [1]], [2], "exceeds matrix dimension"),
        ([[0], [1]], [-2], "negative"),
        ([[-1], [1]], [0], "negative"),
    ],
)
def test_edges_that_cannot_be_are_refused(edges: list[list[int]], kinds: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        normalised(np.array(edges), np.array(kinds), 2, 3)


def test_a_target_that_does_not_exist_is_not_one_of_the_next_kind() -> None:
    with pytest.raises(ValueError, match="edges end at positions 1 to 3, but there are 3"):
        adjacency(np.array([0, 0]), np.array([1, 3]), np.ones(2), np.array([0, 0]), 2, 3)


def test_sparse_rows() -> None:
    matrix = sparse_rows(torch.tensor([0, 1, 1, 3]), torch.tensor([2, 0, 1]), torch.tensor([1.0, 2.0, 3.0]), 3)
    assert matrix.to_dense().tolist() == [[0, 0, 1], [0, 0, 0], [2, 3, 0]]


@pytest.mark.parametrize("columns", [3, 0])
def test_a_sparse_product_is_a_product_whatever_stood_there_before(columns: int) -> None:
    starts = [0, 1, 1, 3] if columns else [0, 0, 0, 0]
    indices = torch.tensor([2, 0, 1] if columns else [], dtype=torch.int64)
    matrix = sparse_rows(torch.tensor(starts), indices, torch.ones(len(indices)), columns)
    x, out = torch.randn(columns, 2, generator=torch.Generator().manual_seed(0)), torch.full((3, 2), torch.nan)
    expected = matrix.to_dense() @ x
    torch.testing.assert_close(sparse_product(matrix, x), expected)
    assert sparse_product(matrix, x, out) is out
    torch.testing.assert_close(out, expected)
