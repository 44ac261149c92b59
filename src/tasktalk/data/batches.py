"""From examples to batches: texts as indices, epochs as plans, plans as padded tensors."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from torch import Tensor

from tasktalk.core.batch import Batch, SparseRows, TextBatch
from tasktalk.core.errors import ConfigError
from tasktalk.core.seeding import generator
from tasktalk.data.dataset import Examples
from tasktalk.data.vocabulary import Vocabulary

Schedule = Literal["alternate", "joint"]

_POOL_BATCHES = 16
"""Sentences of so many batches are sorted by length together: little padding, yet a new mixture every epoch."""
_PAIRS = 64_000_000
"""So many pairs of words has a batch at most, padding included: a model that weighs them needs no more memory."""


@runtime_checkable  # signatures are checked while the tests run
class Batchable(Protocol):
    """The encoded examples of a split: texts, molecules or nodes, ready to become batches."""

    @property
    def labels(self) -> Float[np.ndarray, "examples tasks"]:
        """As in ``Examples``."""
        ...

    @property
    def owner(self) -> Int[np.ndarray, " examples"] | None:
        """As in ``Examples``."""
        ...

    @property
    def features(self) -> csr_matrix | None:
        """Sparse features of every example for a linear model, a forest or the wide part of a network, or None."""
        ...

    def __len__(self) -> int: ...

    def sizes(self) -> Int[np.ndarray, " examples"]:
        """Words or atoms of every example: batches are made of examples of about the same size."""
        ...

    def checksum(self) -> str:
        """SHA-256: the same for examples that make the same batches."""
        ...

    def collate(self, plan: "Plan") -> Batch:
        """The batch of a plan."""
        ...


def rows_of(examples: Batchable, task: int) -> Int[np.ndarray, " rows"]:
    """The examples that a task reads: its own, or all of them if inputs are shared."""
    return np.arange(len(examples)) if examples.owner is None else np.flatnonzero(examples.owner == task)


def sparse_features(examples: Batchable) -> csr_matrix:
    """The sparse features.

    Raises:
        ConfigError: the examples were encoded without any.
    """
    if examples.features is None:
        raise ConfigError("this model needs sparse features, and these examples were encoded without any")
    return examples.features


def label_matrix(examples: Batchable, plan: "Plan") -> Float[Tensor, "receivers batch"]:
    """The labels of a plan's receivers, NaN where there is none; groups of unequal size are filled up."""
    labels = np.full((len(plan.receivers), max(len(rows) for rows in plan.rows)), np.nan, dtype=np.float32)
    for i, task in enumerate(plan.receivers):
        rows = plan.rows[i if len(plan.rows) > 1 else 0]
        labels[i, : len(rows)] = examples.labels[rows, task]
    return torch.from_numpy(labels)


@dataclass(frozen=True)
class Encoded:
    """The texts of a split as word indices.

    Args:
        words: word indices of every example, at least one each.
        labels: as in ``Examples``.
        owner: as in ``Examples``.
        features: sparse features of every example for the wide part of a model, or None.
    """

    words: list[Int[np.ndarray, " _"]]
    labels: Float[np.ndarray, "examples tasks"]
    owner: Int[np.ndarray, " examples"] | None
    features: csr_matrix | None = None

    def __len__(self) -> int:
        return len(self.words)

    def sizes(self) -> Int[np.ndarray, " examples"]:
        """Words of every text."""
        return np.array([len(words) for words in self.words], dtype=np.int64)

    def checksum(self) -> str:
        """SHA-256 of the words, labels and owners: the same for examples that make the same batches."""
        return digest_of(self.sizes(), *self.words, self.labels, np.zeros(0) if self.owner is None else self.owner)

    def collate(self, plan: "Plan") -> TextBatch:
        """Pad the texts of a plan to one tensor; groups of unequal size get rows without words and labels."""
        return collate(self, plan)


@dataclass(frozen=True)
class Plan:
    """Which examples make a batch: one array of rows per group (see ``TextBatch``)."""

    receivers: tuple[int, ...]
    rows: tuple[Int[np.ndarray, " _"], ...]


def encode(examples: Examples, vocabulary: Vocabulary, max_words: int, features: csr_matrix | None = None) -> Encoded:
    """Turn words into indices; texts are cut after ``max_words``, and an empty text becomes one unknown word."""
    words = [vocabulary.encode(tokens, max_words) for tokens in examples.tokens]
    return Encoded(words, examples.labels, examples.owner, features)


def digest_of(*parts: np.ndarray) -> str:
    """SHA-256 of the bytes of arrays."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def plan_epoch(
    examples: Batchable, batch_size: int, seed: int, epoch: int, power: float = 0.0, schedule: Schedule = "alternate"
) -> list[Plan]:
    """The batches of one epoch, a pure function of its arguments, so that a resumed run sees the same ones.

    Args:
        examples: training examples.
        batch_size: examples per task and batch.
        seed: seed of the run.
        epoch: number of the epoch.
        power: p(T) of Algorithm 1 is proportional to (number of examples of the task) ** power; 0 is uniform. Every
            task gets its share of an epoch's batches exactly (to rounding), in random order, which is a draw from p(T)
            with less noise than independent draws.
        schedule: ``alternate``, one task per batch (Algorithm 1), or ``joint``, all tasks in every batch (Eq. 14).
            With shared inputs every batch has the labels of all tasks in either case.

    Returns:
        About (number of examples) / ``batch_size`` plans, divided by the number of tasks if they go jointly.
    """
    rng = generator(seed, epoch)
    tasks = range(examples.labels.shape[1])
    if examples.owner is None:
        stream = _stream(examples, np.arange(len(examples)), batch_size, rng)
        return [Plan(tuple(tasks), (next(stream),)) for _ in range(-(-len(examples) // batch_size))]
    rows = [rows_of(examples, k) for k in tasks]
    present = [k for k in tasks if len(rows[k])]
    streams = {k: _stream(examples, rows[k], batch_size, rng) for k in present}
    total = -(-len(examples) // batch_size)
    if schedule == "joint":
        plans = [
            Plan(tuple(present), tuple(next(streams[k]) for k in present)) for _ in range(-(-total // len(present)))
        ]
        return [part for plan in plans for part in _parts(plan, examples.sizes())]
    sizes = np.array([len(rows[k]) for k in present])
    share = (sizes / sizes.max()) ** power
    order = rng.permutation(np.repeat(present, _apportion(share / share.sum(), total)))
    return [Plan((int(k),), (next(streams[int(k)]),)) for k in order]


def plan_evaluation(examples: Batchable, tasks: tuple[int, ...], batch_size: int) -> list[Plan]:
    """Every example that these tasks read, once, sorted by size; only shared inputs are read by several tasks."""
    sizes = examples.sizes()
    rows = rows_of(examples, tasks[0])
    rows = rows[np.argsort(sizes[rows], kind="stable")]
    return [Plan(tasks, (batch,)) for batch in _cut(rows, sizes, batch_size)]


def collate(examples: Encoded, plan: Plan) -> TextBatch:
    """Pad the examples of a plan to one tensor; groups of unequal size get rows without words and labels."""
    tensor = torch.from_numpy(padded(examples.words, plan.rows))
    wide = None if examples.features is None else sparse_rows(examples.features, plan)
    return TextBatch(plan.receivers, tensor, tensor != 0, label_matrix(examples, plan), wide)


def padded(
    words: Sequence[Int[np.ndarray, " _"]], groups: Sequence[Int[np.ndarray, " _"]]
) -> Int[np.ndarray, "groups batch words"]:
    """The word indices of some examples, by group, 0 where padded; groups of unequal size get rows without words."""
    length = max(len(words[r]) for rows in groups for r in rows)
    tokens = np.zeros((len(groups), max(map(len, groups)), length), dtype=np.int64)
    for g, rows in enumerate(groups):
        for b, r in enumerate(rows):
            tokens[g, b, : len(words[r])] = words[r]
    return tokens


def sparse_rows(features: csr_matrix, plan: Plan) -> SparseRows:
    """The sparse features of a plan's examples; groups of unequal size get empty rows."""
    batch = max(len(rows) for rows in plan.rows)
    indices, values, counts = [], [], []
    for rows in plan.rows:
        part = features[rows]
        indices.append(part.indices)
        values.append(part.data)
        counts.append(np.pad(np.diff(part.indptr), (0, batch - len(rows))))
    offsets = np.concatenate(([0], np.cumsum(np.concatenate(counts))[:-1]))
    return SparseRows(
        torch.from_numpy(np.concatenate(indices).astype(np.int64)),
        torch.from_numpy(offsets.astype(np.int64)),
        torch.from_numpy(np.concatenate(values).astype(np.float32)),
    )


def _stream(
    examples: Batchable, rows: Int[np.ndarray, " rows"], batch_size: int, rng: np.random.Generator
) -> Iterator[Int[np.ndarray, " batch"]]:
    """Batches of sentences of about the same length, without end: a new shuffle whenever all were seen."""
    sizes = examples.sizes()
    while True:
        shuffled = rng.permutation(rows)
        batches: list[np.ndarray] = []
        for start in range(0, len(shuffled), batch_size * _POOL_BATCHES):
            pool = shuffled[start : start + batch_size * _POOL_BATCHES]
            batches += _cut(pool[np.argsort(sizes[pool], kind="stable")], sizes, batch_size)
        for i in rng.permutation(len(batches)):
            yield batches[i]


def _cut(
    rows: Int[np.ndarray, " rows"], sizes: Int[np.ndarray, " examples"], batch_size: int
) -> list[Int[np.ndarray, " _"]]:
    """Batches of rows that are sorted by size: of ``batch_size``, and fewer where they are long (``_PAIRS``)."""
    batches, start = [], 0
    while start < len(rows):
        stop = min(start + batch_size, len(rows))
        while stop > start + 1 and (stop - start) * int(sizes[rows[stop - 1]]) ** 2 > _PAIRS:
            stop -= 1
        batches.append(rows[start:stop])
        start = stop
    return batches


def _parts(plan: Plan, sizes: Int[np.ndarray, " examples"]) -> list[Plan]:
    """A plan of several groups, which are padded to the longest of all; as several plans where that is too much."""
    longest = max(int(sizes[rows].max()) for rows in plan.rows)
    limit = max(1, _PAIRS // max(1, len(plan.rows) * longest**2))
    parts = []
    for start in range(0, max(map(len, plan.rows)), limit):
        groups = [
            (k, part)
            for k, rows in zip(plan.receivers, plan.rows, strict=True)
            if len(part := rows[start : start + limit])
        ]
        parts.append(Plan(tuple(k for k, _ in groups), tuple(part for _, part in groups)))
    return parts


def _apportion(share: Float[np.ndarray, " tasks"], total: int) -> Int[np.ndarray, " tasks"]:
    """Whole numbers in proportion to the shares that add up to the total (largest remainder)."""
    exact = share * total
    whole = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: total - int(whole.sum())]] += 1
    return whole
