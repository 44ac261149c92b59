"""Words to vectors."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

_RANGE = 0.1  # uniform(-0.1, 0.1), as the message-passing paper initialises


@runtime_checkable
class Embedding(Protocol):
    """Words to vectors, for some receiving tasks."""

    features: int
    """Size of a vector."""

    def __call__(
        self, tokens: Int[Tensor, "groups batch words"], receivers: tuple[int, ...]
    ) -> Float[Tensor, "groups_or_receivers batch words features"]:
        """Vectors of the words."""
        ...

    def set_vectors(self, vectors: Float[Tensor, "words features"], found: Bool[Tensor, " words"]) -> None:
        """Take the pretrained vectors of the words that were found."""
        ...


class WordEmbedding(nn.Module):
    """One look-up table for all tasks; index 0 is padding and stays zero.

    Args:
        words: size of the vocabulary, padding and unknown included.
        features: size of a vector.
        trainable: whether the vectors are learned.
        sparse: whether their gradient has only the rows of the batch (needs an optimiser that takes sparse gradients).
    """

    def __init__(self, words: int, features: int, trainable: bool = True, sparse: bool = True) -> None:
        super().__init__()
        self.features = features
        self.table = nn.Embedding(words, features, padding_idx=0, sparse=sparse)
        nn.init.uniform_(self.table.weight.data[1:], -_RANGE, _RANGE)
        self.table.weight.requires_grad_(trainable)

    @torch.no_grad()
    def set_vectors(self, vectors: Float[Tensor, "words features"], found: Bool[Tensor, " words"]) -> None:
        """Take the pretrained vectors of the words that were found; the others keep their random ones."""
        self.table.weight[found] = vectors[found].to(self.table.weight)
        self.table.weight[0] = 0  # padding, also where a file happens to have a word that is spelled like it

    def forward(
        self, tokens: Int[Tensor, "groups batch words"], receivers: tuple[int, ...]
    ) -> Float[Tensor, "groups batch words features"]:
        """Vectors of the words; ``receivers`` makes no difference to a table that all tasks share."""
        vectors: Tensor = self.table(tokens)
        return vectors


class PrivateEmbedding(nn.Module):
    """A look-up table for each task, nothing shared.

    Args:
        words: size of the vocabulary.
        features: size of a vector.
        tasks: how many tasks.
        sparse: as in ``WordEmbedding``.
    """

    def __init__(self, words: int, features: int, tasks: int, sparse: bool = True) -> None:
        super().__init__()
        self.features = features
        self.tables = nn.ModuleList(WordEmbedding(words, features, sparse=sparse) for _ in range(tasks))

    def set_vectors(self, vectors: Float[Tensor, "words features"], found: Bool[Tensor, " words"]) -> None:
        """Take pretrained vectors into every table."""
        for table in self.tables:
            table.set_vectors(vectors, found)  # type: ignore[operator]

    def forward(
        self, tokens: Int[Tensor, "groups batch words"], receivers: tuple[int, ...]
    ) -> Float[Tensor, "receivers batch words features"]:
        """Every receiver's own vectors of its words."""
        tokens = tokens.expand(len(receivers), -1, -1)
        return torch.stack([self.tables[k](x[None], (k,))[0] for k, x in zip(receivers, tokens, strict=True)])


class PartlySharedEmbedding(nn.Module):
    """A shared table beside a small one per task (Collobert and Weston 2008: look-up tables shared partially).

    Args:
        shared: the table of all tasks.
        own: the tables of the tasks.
    """

    def __init__(self, shared: WordEmbedding, own: PrivateEmbedding) -> None:
        super().__init__()
        self.features = shared.features + own.features
        self.shared = shared
        self.own = own

    def set_vectors(self, vectors: Float[Tensor, "words features"], found: Bool[Tensor, " words"]) -> None:
        """Take pretrained vectors into the shared table."""
        self.shared.set_vectors(vectors, found)

    def forward(
        self, tokens: Int[Tensor, "groups batch words"], receivers: tuple[int, ...]
    ) -> Float[Tensor, "receivers batch words features"]:
        """Shared and own vectors of every receiver's words."""
        tokens = tokens.expand(len(receivers), -1, -1)
        return torch.cat((self.shared(tokens, receivers), self.own(tokens, receivers)), dim=-1)
