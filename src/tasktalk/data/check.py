"""What is in a data set: counts, balance, lengths, unknown words, duplicates."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Bool, Int

from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.duplicates import seen

Value = str | int | float | None


@dataclass(frozen=True)
class Part:
    """One task in one split; with shared inputs, its labelled examples.

    Args:
        task: name of the task.
        split: name of the split.
        examples: how many examples.
        classes: how many of each class; empty for regression.
        median_words: median length in words.
        p95_words: length that 95 % of the examples do not exceed.
        max_words: greatest length.
        empty: how many have no word.
        unknown_to_vectors: share of the words (as they run) without a vector; None if no vectors were given.
        unknown_to_train: share of the words that stand in no training text of any task; None for ``train``.
        also_in_train: how many have a text that also stands in ``train``; None for ``train``.
    """

    task: str
    split: str
    examples: int
    classes: dict[str, int]
    median_words: float
    p95_words: float
    max_words: int
    empty: int
    unknown_to_vectors: float | None
    unknown_to_train: float | None
    also_in_train: int | None


@dataclass(frozen=True)
class Report:
    """The parts of a data set, in the order of its tasks, and what was noticed while it was loaded."""

    name: str
    tokenizer: str
    parts: tuple[Part, ...]
    warnings: tuple[str, ...]

    def rows(self) -> list[dict[str, Value]]:
        """One flat row per part, ready for a table: the classes as ``negative 620, positive 780``."""
        return [
            asdict(part) | {"classes": ", ".join(f"{name} {count}" for name, count in part.classes.items())}
            for part in self.parts
        ]

    def as_json(self) -> dict[str, object]:
        """The report in types that ``json`` can write."""
        return asdict(self)


def check(dataset: Dataset, known_words: Collection[str] | None = None) -> Report:
    """Count what is in a data set.

    Args:
        dataset: the data set.
        known_words: the words that have a vector; None leaves their share out.
    """
    known = None if known_words is None else frozenset(known_words)
    trained = frozenset(word for words in dataset.splits["train"].tokens for word in words)
    columns = {}
    for split, examples in dataset.splits.items():
        later = split != "train"
        columns[split] = _Columns(
            lengths=np.array([len(words) for words in examples.tokens], dtype=np.int64),
            without_vector=None if known is None else _count_unknown(examples.tokens, known),
            not_in_train=_count_unknown(examples.tokens, trained) if later else None,
            seen=seen(examples, dataset.splits["train"]) if later else None,
        )
    parts = [
        _part(task, split, column, number, dataset.splits[split])
        for number, task in enumerate(dataset.tasks)
        for split, column in columns.items()
    ]
    return Report(dataset.name, dataset.tokenizer, tuple(part for part in parts if part.examples), dataset.warnings)


@dataclass(frozen=True)
class _Columns:
    """A number for each example of a split."""

    lengths: Int[np.ndarray, " examples"]
    without_vector: Int[np.ndarray, " examples"] | None
    not_in_train: Int[np.ndarray, " examples"] | None
    seen: Bool[np.ndarray, " examples"] | None


def _count_unknown(tokens: Sequence[Sequence[str]], known: frozenset[str]) -> Int[np.ndarray, " examples"]:
    return np.array([sum(word not in known for word in words) for words in tokens], dtype=np.int64)


def _part(task: Task, split: str, columns: _Columns, number: int, examples: Examples) -> Part:
    labels = examples.labels[:, number]
    chosen = ~np.isnan(labels)
    lengths = columns.lengths[chosen] if chosen.any() else np.zeros(1, dtype=np.int64)
    found = labels[chosen]
    return Part(
        task=task.name,
        split=split,
        examples=int(chosen.sum()),
        classes={name: int((found == index).sum()) for index, name in enumerate(task.classes)},
        median_words=float(np.median(lengths)),
        p95_words=float(np.percentile(lengths, 95, method="lower")),
        max_words=int(lengths.max()),
        empty=int((columns.lengths[chosen] == 0).sum()),
        unknown_to_vectors=_share(columns.without_vector, columns.lengths, chosen),
        unknown_to_train=_share(columns.not_in_train, columns.lengths, chosen),
        also_in_train=None if columns.seen is None else int((columns.seen & chosen).sum()),
    )


def _share(
    unknown: Int[np.ndarray, " examples"] | None,
    lengths: Int[np.ndarray, " examples"],
    chosen: Bool[np.ndarray, " examples"],
) -> float | None:
    if unknown is None:
        return None
    return float(unknown[chosen].sum() / max(lengths[chosen].sum(), 1))
