"""Batches, and what a network answers to them.

One type for both regimes. *Separate inputs*: every receiver reads examples of its own (``groups == receivers``).
*Shared inputs*: all receivers read the same examples (``groups == 1``). A missing label is NaN.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Record = dict[str, Tensor]
"""Who listened to whom: the named weights of a block, detached, the receiver always first.

Each block documents its names and shapes, for example ``alpha``: (receivers, batch, words, senders).
"""


@dataclass(frozen=True)
class SparseRows:
    """Sparse feature rows in the form of ``torch.nn.functional.embedding_bag``, one row per example.

    The rows are in the order of a flattened (groups, batch).
    """

    indices: Int[Tensor, " nonzeros"]
    offsets: Int[Tensor, " rows"]
    values: Float[Tensor, " nonzeros"]

    def part(self, start: int, stop: int) -> "SparseRows":
        """The rows from ``start`` to ``stop`` (exclusive)."""
        first = int(self.offsets[start])
        last = int(self.offsets[stop]) if stop < len(self.offsets) else len(self.indices)
        return SparseRows(self.indices[first:last], self.offsets[start:stop] - first, self.values[first:last])

    def to(self, device: torch.device) -> "SparseRows":
        """The same rows on another device."""
        return SparseRows(self.indices.to(device), self.offsets.to(device), self.values.to(device))


@dataclass(frozen=True)
class Spelling:
    """How the words of a batch are written; every different spelling stands here once.

    Args:
        letters: indices of characters, 0 where padded. Row 0 is padding and has none.
        capitals: how a spelling uses capitals, digits and signs (a small index), 0 for padding.
        of_word: row of every word's spelling, 0 where padded.
    """

    letters: Int[Tensor, "spellings letters"]
    capitals: Int[Tensor, " spellings"]
    of_word: Int[Tensor, "groups batch words"]

    def to(self, device: torch.device) -> "Spelling":
        """The same spellings on another device."""
        return Spelling(self.letters.to(device), self.capitals.to(device), self.of_word.to(device))


@dataclass(frozen=True)
class TextBatch:
    """Sentences for some receiving tasks.

    Args:
        receivers: index of every task that reads this batch.
        tokens: word indices, 0 where padded; shape (groups, batch, words), groups is 1 or len(receivers).
        mask: True where there is a word. Padding stands only at the end of a sentence.
        labels: class index or value for each receiver; NaN where the label is missing. Tagging: any number where there
            are tags.
        wide: sparse features for the wide part of a model, if it has one.
        spelling: how the words are written, if that was encoded.
        tags: tagging: the tag of each word for each receiver, -1 where there is none.
    """

    receivers: tuple[int, ...]
    tokens: Int[Tensor, "groups batch words"]
    mask: Bool[Tensor, "groups batch words"]
    labels: Float[Tensor, "receivers batch"]
    wide: SparseRows | None = None
    spelling: Spelling | None = None
    tags: Int[Tensor, "receivers batch words"] | None = None

    def to(self, device: torch.device) -> "TextBatch":
        """The same batch on another device."""
        return TextBatch(
            self.receivers,
            self.tokens.to(device),
            self.mask.to(device),
            self.labels.to(device),
            None if self.wide is None else self.wide.to(device),
            None if self.spelling is None else self.spelling.to(device),
            None if self.tags is None else self.tags.to(device),
        )


@dataclass(frozen=True)
class Adjacency:
    """Who is a neighbour of whom in a graph or in a batch of graphs, by kind of edge, ready to be multiplied.

    Kind k stands in rows k * positions to (k + 1) * positions of ``gather``: its entry (k * positions + i, j) is the
    normalised weight of the edge from j to i. Loops from a position to itself belong to a kind as well.

    Args:
        kinds: how many kinds of edges.
        gather: sparse CSR matrix.
        scatter: its transpose, which the backward pass multiplies by; also CSR.
    """

    kinds: int
    gather: Float[Tensor, "kinds_times_positions positions"]
    scatter: Float[Tensor, "positions kinds_times_positions"]

    def to(self, device: torch.device) -> "Adjacency":
        """The same edges on another device."""
        return Adjacency(self.kinds, self.gather.to(device), self.scatter.to(device))


@dataclass(frozen=True)
class GraphBatch:
    """Positions of graphs (atoms, nodes) for some receiving tasks, which all read the same examples.

    An example is a whole graph (a molecule; ``graph_of`` says which position belongs to which), or one node of a large
    graph (``nodes`` says which).

    Args:
        receivers: index of every task that reads this batch.
        features: what is known of every position; no column where a model learns a vector for each.
        adjacency: the edges.
        labels: class index or value for each receiver; NaN where the label is missing.
        graph_of: graph of every position, ascending; None for nodes.
        nodes: the position that is the example, for each example; None for whole graphs.
        wide: sparse features of each example, such as a fingerprint.
    """

    receivers: tuple[int, ...]
    features: Float[Tensor, "positions input_features"]
    adjacency: Adjacency
    labels: Float[Tensor, "receivers batch"]
    graph_of: Int[Tensor, " positions"] | None = None
    nodes: Int[Tensor, " batch"] | None = None
    wide: SparseRows | None = None

    def to(self, device: torch.device) -> "GraphBatch":
        """The same batch on another device."""
        return GraphBatch(
            self.receivers,
            self.features.to(device),
            self.adjacency.to(device),
            self.labels.to(device),
            None if self.graph_of is None else self.graph_of.to(device),
            None if self.nodes is None else self.nodes.to(device),
            None if self.wide is None else self.wide.to(device),
        )


Batch = TextBatch | GraphBatch


@dataclass(frozen=True)
class Output:
    """What a network answers.

    Args:
        logits: for each receiver a (batch, outputs of that task) tensor; tagging: (batch, words, tags of that task).
        record: who listened to whom.
        penalty: a scalar added to the loss (adversarial or orthogonality terms), or None.
        losses: L_k of every receiver where the network takes it itself, as a CRF does, whose scores of neighbouring
            tags are its own; None where it is a function of the logits and the labels, or where there are no tags.
    """

    logits: tuple[Float[Tensor, "batch *_"], ...]
    record: Record
    penalty: Float[Tensor, ""] | None = None
    losses: Float[Tensor, " receivers"] | None = None


@dataclass(frozen=True)
class Listening:
    """A record together with what it is about: every task read the same texts.

    Args:
        tokens: the words of each text.
        tasks: names of the tasks, in the order of the record's first axis.
        record: as the block gives it, (tasks, texts, ...).
    """

    tokens: list[list[str]]
    tasks: tuple[str, ...]
    record: Record
