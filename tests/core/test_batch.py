import dataclasses

import jaxtyping
import pytest
import torch

from tasktalk.core.batch import Adjacency, GraphBatch, SparseRows, TextBatch


def make_batch() -> TextBatch:
    tokens = torch.tensor([[[3, 2], [4, 0]]])
    wide = SparseRows(torch.tensor([5, 1]), torch.tensor([0, 2]), torch.tensor([0.5, 1.0]))
    return TextBatch((1, 0), tokens, tokens != 0, torch.zeros(2, 2), wide)


def test_a_batch_moves_whole() -> None:
    moved = make_batch().to(torch.device("meta"))
    assert moved.receivers == (1, 0)
    assert moved.wide is not None
    tensors = [moved.tokens, moved.mask, moved.labels, moved.wide.indices, moved.wide.offsets, moved.wide.values]
    assert {x.device.type for x in tensors} == {"meta"}
    assert moved.labels.shape == (2, 2)


def test_a_batch_without_wide_features_moves_too() -> None:
    assert dataclasses.replace(make_batch(), wide=None).to(torch.device("cpu")).wide is None


def make_graphs() -> GraphBatch:
    """Three positions, two receivers, two examples."""
    gather = torch.eye(3).to_sparse_csr()
    wide = SparseRows(torch.tensor([5, 1]), torch.tensor([0, 2]), torch.tensor([0.5, 1.0]))
    graph_of, nodes = torch.tensor([0, 0, 1]), torch.tensor([2, 0])
    return GraphBatch((1, 0), torch.ones(3, 4), Adjacency(1, gather, gather), torch.zeros(2, 2), graph_of, nodes, wide)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state")
def test_graphs_move_whole() -> None:
    batch = make_graphs()
    moved = batch.to(torch.device("meta"))
    assert (moved.receivers, moved.adjacency.kinds) == ((1, 0), 1)
    assert moved.graph_of is not None and moved.nodes is not None and moved.wide is not None
    tensors = [moved.features, moved.labels, moved.graph_of, moved.nodes]
    tensors += [moved.adjacency.gather, moved.adjacency.scatter]
    tensors += [moved.wide.indices, moved.wide.offsets, moved.wide.values]
    assert {x.device.type for x in tensors} == {"meta"}
    assert moved.adjacency.gather.layout == torch.sparse_csr
    rest = dataclasses.replace(batch, graph_of=None, nodes=None, wide=None).to(torch.device("cpu"))
    assert (rest.graph_of, rest.nodes, rest.wide) == (None, None, None)


@pytest.mark.parametrize(
    "change",
    [
        {"graph_of": torch.tensor([0, 1])},
        {"nodes": torch.tensor([0])},
        {"features": torch.ones(3, 4, dtype=torch.int64)},
        {"labels": torch.zeros(1, 2, 2)},
    ],
)
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta state")
def test_shapes_of_graphs_are_checked_while_the_tests_run(change: dict[str, torch.Tensor]) -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        dataclasses.replace(make_graphs(), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"mask": torch.ones(1, 2, 3, dtype=torch.bool)},
        {"mask": torch.ones(1, 2, 2)},
        {"labels": torch.zeros(2, 3)},
        {"labels": torch.zeros(2, 2, dtype=torch.int64)},
        {"tokens": torch.zeros(1, 2, 2)},
    ],
)
def test_shapes_and_types_are_checked_while_the_tests_run(change: dict[str, torch.Tensor]) -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        dataclasses.replace(make_batch(), **change)  # type: ignore[arg-type]
