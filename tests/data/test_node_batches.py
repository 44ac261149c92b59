"""Nodes as batches."""

import numpy as np
import pytest
import torch

from tasktalk.core.batch import GraphBatch
from tasktalk.core.errors import ConfigError
from tasktalk.data.batches import Batchable, Plan, plan_epoch, plan_evaluation
from tasktalk.data.dataset import Examples, NodeGraph, Nodes
from tasktalk.data.node_batches import EncodedNodes, NodeFeatures, encode_graph, encode_nodes
from tasktalk.data.spectral import spectral_embedding

EDGES = np.array([[0, 1, 2, 0], [1, 2, 3, 4]])


def graph(features: int = 0) -> NodeGraph:
    return NodeGraph(list("abcdef"), EDGES, np.arange(6.0 * features).reshape(6, features))


def examples(of: NodeGraph) -> Examples:
    labels = np.array([[0, 1], [1, np.nan], [np.nan, 0], [1, 1]])
    return Examples(Nodes(of, np.array([5, 0, 2, 3])), labels, None)


def encoded(features: int = 0, node_features: NodeFeatures = "learned") -> EncodedNodes:
    whole = graph(features)
    return encode_nodes(examples(whole), encode_graph(whole, node_features, size=3))


def test_a_batch_is_the_whole_graph_and_the_nodes_of_the_plan() -> None:
    batch = encoded(features=2).collate(Plan((0, 1), (np.array([2, 0]),)))
    assert isinstance(batch, GraphBatch)
    assert batch.receivers == (0, 1)
    assert batch.graph_of is None
    assert batch.wide is None
    assert batch.nodes is not None
    assert batch.nodes.tolist() == [2, 5]
    np.testing.assert_array_equal(batch.labels.numpy(), [[np.nan, 0], [0, 1]])
    np.testing.assert_array_equal(batch.features.numpy(), np.arange(12).reshape(6, 2))


def test_the_adjacency_is_that_of_a_graph_convolution() -> None:
    batch = encoded().collate(Plan((0,), (np.array([0]),)))
    expected = np.eye(6)
    for left, right in EDGES.T:
        expected[left, right] = expected[right, left] = 1
    degrees = expected.sum(1)
    expected /= np.sqrt(np.outer(degrees, degrees))
    assert batch.adjacency.kinds == 1
    np.testing.assert_allclose(batch.adjacency.gather.to_dense().numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("columns", "node_features", "width"),
    [(0, "learned", 0), (2, "learned", 2), (0, "spectral", 3), (2, "spectral", 5), (2, "both", 5)],
)
def test_what_is_known_of_a_node(columns: int, node_features: NodeFeatures, width: int) -> None:
    nodes = encoded(columns, node_features)
    known = nodes.graph.features
    assert known.shape == (6, width)
    assert known.dtype == torch.float32
    np.testing.assert_array_equal(known[:, :columns].numpy(), graph(columns).features)
    if node_features != "learned":
        np.testing.assert_array_equal(known[:, columns:].numpy(), spectral_embedding(EDGES, 6, 3))
    if width:
        assert nodes.features is not None
        np.testing.assert_array_equal(nodes.features.toarray(), known[[5, 0, 2, 3]].numpy())
    else:
        assert nodes.features is None


def test_they_are_batchable() -> None:
    nodes = encoded()
    assert isinstance(nodes, Batchable)
    assert (len(nodes), len(nodes.graph)) == (4, 6)
    seen = [row for plan in plan_epoch(nodes, 3, seed=0, epoch=0) for row in plan.rows[0].tolist()]
    assert {*seen} == {0, 1, 2, 3}
    assert [plan.rows[0].tolist() for plan in plan_evaluation(nodes, (0, 1), 3)] == [[0, 1, 2], [3]]
    assert nodes.owner is None


def test_the_checksum_notices_every_difference() -> None:
    base, whole = examples(graph()), encode_graph(graph())
    fewer = NodeGraph(graph().names, EDGES[:, :3], graph().features)
    assert isinstance(base.content, Nodes)
    labels = np.nan_to_num(base.labels)
    sums = [
        encode_nodes(base, whole).checksum(),
        encode_nodes(Examples(base.content, labels, None), whole).checksum(),
        encode_nodes(Examples(Nodes(graph(), np.array([4, 0, 2, 3])), base.labels, None), whole).checksum(),
        encode_nodes(base, encode_graph(fewer)).checksum(),
        encode_nodes(base, encode_graph(graph(1))).checksum(),
    ]
    assert len({*sums}) == len(sums)
    assert encoded().checksum() == sums[0]


def test_texts_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected nodes, found texts"):
        encode_nodes(Examples([["a"]], np.zeros((1, 1)), None), encode_graph(graph()))
