"""Nodes of one graph as batches: the whole graph, and which of its nodes are the examples."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from torch import Tensor

from tasktalk.core.batch import Adjacency, GraphBatch
from tasktalk.core.errors import ConfigError
from tasktalk.core.graphs import normalised
from tasktalk.data.batches import Plan, digest_of, label_matrix
from tasktalk.data.dataset import Examples, NodeGraph, Nodes, noun
from tasktalk.data.spectral import spectral_embedding

NodeFeatures = Literal["learned", "spectral", "both"]
"""What a model knows of a node beside its features: a vector that it learns, where it stands in the graph, or both."""


@dataclass(frozen=True, eq=False)
class EncodedGraph:
    """A graph as a network reads it; all splits share one.

    Args:
        features: what is known of every node; no column if nothing is.
        adjacency: one kind of edges, loops included, normalised as by Kipf and Welling.
    """

    features: Float[Tensor, "nodes node_features"]
    adjacency: Adjacency

    def __len__(self) -> int:
        """Number of nodes."""
        return len(self.features)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of features and edges."""
        edges = self.adjacency.gather
        return digest_of(*(part.numpy() for part in (self.features, edges.crow_indices(), edges.col_indices())))


@dataclass(frozen=True, eq=False)
class EncodedNodes:
    """The nodes of a split.

    Args:
        graph: the whole graph.
        rows: index of each node in it.
        labels: as in ``Examples``.
    """

    graph: EncodedGraph
    rows: Int[np.ndarray, " examples"]
    labels: Float[np.ndarray, "examples tasks"]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def owner(self) -> Int[np.ndarray, " examples"] | None:
        """None: every node may have a label of every task."""
        return None

    @cached_property
    def features(self) -> csr_matrix | None:
        """The features of the nodes for a linear model, or None if nothing is known of them."""
        known = self.graph.features.numpy()[self.rows]
        return csr_matrix(known) if known.shape[1] else None

    def sizes(self) -> Int[np.ndarray, " examples"]:
        """One for every node: none of them makes a batch longer."""
        return np.ones(len(self), dtype=np.int64)

    def checksum(self) -> str:
        """SHA-256 of the graph, the nodes and their labels."""
        graph = np.frombuffer(self.graph.checksum.encode(), dtype=np.uint8)
        return digest_of(graph, self.rows, self.labels)

    def collate(self, plan: Plan) -> GraphBatch:
        """The whole graph, and the nodes of the plan."""
        (rows,) = plan.rows
        nodes = torch.from_numpy(self.rows[rows])
        labels = label_matrix(self, plan)
        return GraphBatch(plan.receivers, self.graph.features, self.graph.adjacency, labels, nodes=nodes)


def encode_graph(
    graph: NodeGraph, node_features: NodeFeatures = "learned", size: int = 128, seed: int = 0
) -> EncodedGraph:
    """Make the features and the adjacency of a graph, once for all splits.

    Args:
        graph: the graph.
        node_features: ``learned`` leaves the features as they are (the model learns a vector for each node), with
            ``spectral`` and ``both`` the spectral embedding stands behind them.
        size: columns of the spectral embedding.
        seed: see ``spectral_embedding``.
    """
    nodes = len(graph.names)
    known = [graph.features]
    if node_features != "learned":
        known.append(spectral_embedding(graph.edges, nodes, size, seed))
    features = np.concatenate(known, axis=1, dtype=np.float32)
    kinds = np.zeros(graph.edges.shape[1], dtype=np.int64)
    adjacency = normalised(graph.edges, kinds, kinds=1, positions=nodes, loops_apart=False)
    return EncodedGraph(torch.from_numpy(features), adjacency)


def encode_nodes(examples: Examples, graph: EncodedGraph) -> EncodedNodes:
    """The nodes of a split in their graph.

    Raises:
        ConfigError: the examples are not nodes.
    """
    if not isinstance(examples.content, Nodes):
        raise ConfigError(f"expected nodes, found {noun(examples.content)}")
    return EncodedNodes(graph, examples.content.rows, examples.labels)
