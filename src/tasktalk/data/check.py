"""What is in a data set: counts, balance, lengths, unknown words, duplicates, sizes of molecules and graphs."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples, Molecules, Nodes, Sentences, noun
from tasktalk.data.duplicates import seen
from tasktalk.data.schemes import OUTSIDE, spans

Value = str | int | float | None


@dataclass(frozen=True)
class Part:
    """One task in one split; with shared inputs, its labelled examples. What there is of words only is else None.

    Args:
        task: name of the task.
        split: name of the split.
        examples: how many examples.
        classes: how many of each class; empty for regression. Tagging: how many words have each tag, or where tags mark
            spans, how many spans are of each type.
        positive: share of the second class where there are two, else None.
        mean: mean of the values of a regression, else None.
        std: their standard deviation, else None.
        also_in_train: how many also stand in ``train``; None for ``train``.
        words: how many words all examples have.
        median_words: median length in words.
        p95_words: length that 95 % of the examples do not exceed.
        max_words: greatest length.
        empty: how many have no word.
        unknown_to_vectors: share of the words (as they run) without a vector; None if no vectors were given.
        unknown_to_train: share of the words that stand in no training text of any task; None for ``train``.
    """

    task: str
    split: str
    examples: int
    classes: dict[str, int]
    positive: float | None
    mean: float | None
    std: float | None
    also_in_train: int | None
    words: int | None = None
    median_words: float | None = None
    p95_words: float | None = None
    max_words: int | None = None
    empty: int | None = None
    unknown_to_vectors: float | None = None
    unknown_to_train: float | None = None


@dataclass(frozen=True)
class Spread:
    """Median, 95th percentile and greatest of some numbers."""

    median: float
    p95: float
    greatest: int


@dataclass(frozen=True)
class Graphs:
    """The graphs of a data set.

    Args:
        atoms: molecules: atoms of each; None of nodes.
        nodes: nodes of the one graph, labelled or not; None of molecules.
        edges: its edges.
        features: how many numbers are known of each node.
        neighbours: how many edges a node has.
        alone: nodes without an edge.
    """

    atoms: Spread | None = None
    nodes: int | None = None
    edges: int | None = None
    features: int | None = None
    neighbours: Spread | None = None
    alone: int | None = None


@dataclass(frozen=True)
class Report:
    """The parts of a data set, in the order of its tasks, and what was noticed while it was loaded.

    Args:
        name: name of the data set.
        inputs: what its examples are: ``texts``, ``sentences``, ``molecules`` or ``nodes``.
        tokenizer: name of the tokeniser; empty where there are no words.
        examples: how many examples a split has.
        graphs: of molecules and nodes, else None.
        parts: every task in every split where it has labels.
        skipped: how many examples could not be read.
        warnings: sentences of the loader.
    """

    name: str
    inputs: str
    tokenizer: str
    examples: dict[str, int]
    graphs: Graphs | None
    parts: tuple[Part, ...]
    skipped: int
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
        known_words: texts and sentences: the words that have a vector; None leaves their share out.
    """
    train = dataset.splits["train"]
    known = None if known_words is None else frozenset(known_words)
    what = noun(train.content)
    has_words = what in ("texts", "sentences")
    trained = frozenset(word for words in train.tokens for word in words) if has_words else None
    columns = {}
    for split, examples in dataset.splits.items():
        later = split != "train"
        words = None if trained is None else _count_words(examples, known, trained if later else None)
        columns[split] = _Columns(words, seen(examples, train) if later else None)
    parts = [
        _part(task, split, column, number, dataset.splits[split])
        for number, task in enumerate(dataset.tasks)
        for split, column in columns.items()
    ]
    return Report(
        dataset.name,
        what,
        dataset.tokenizer,
        {split: len(examples) for split, examples in dataset.splits.items()},
        _graphs(list(dataset.splits.values())),
        tuple(part for part in parts if part.examples),
        len(dataset.skipped),
        dataset.warnings,
    )


def _graphs(splits: Sequence[Examples]) -> Graphs | None:
    content = splits[0].content
    if isinstance(content, Molecules):
        sizes = [len(g.atoms) for part in splits if isinstance(part.content, Molecules) for g in part.content.graphs]
        return Graphs(atoms=_spread(np.array(sizes)))
    if not isinstance(content, Nodes):
        return None
    graph = content.graph
    degrees = np.bincount(graph.edges.ravel(), minlength=len(graph.names))
    return Graphs(
        nodes=len(graph.names),
        edges=graph.edges.shape[1],
        features=graph.features.shape[1],
        neighbours=_spread(degrees),
        alone=int((degrees == 0).sum()),
    )


def _spread(numbers: Int[np.ndarray, " _"]) -> Spread:
    p95 = np.percentile(numbers, 95, method="lower")
    return Spread(float(np.median(numbers)), float(p95), int(numbers.max()))


@dataclass(frozen=True)
class _Words:
    """A number for each text of a split."""

    lengths: Int[np.ndarray, " examples"]
    without_vector: Int[np.ndarray, " examples"] | None
    not_in_train: Int[np.ndarray, " examples"] | None


@dataclass(frozen=True)
class _Columns:
    """What is known of each example of a split."""

    words: _Words | None
    seen: Bool[np.ndarray, " examples"] | None


def _count_words(examples: Examples, known: frozenset[str] | None, trained: frozenset[str] | None) -> _Words:
    return _Words(
        lengths=np.array([len(words) for words in examples.tokens], dtype=np.int64),
        without_vector=None if known is None else _count_unknown(examples.tokens, known),
        not_in_train=None if trained is None else _count_unknown(examples.tokens, trained),
    )


def _count_unknown(tokens: Sequence[Sequence[str]], known: frozenset[str]) -> Int[np.ndarray, " examples"]:
    return np.array([sum(word not in known for word in words) for words in tokens], dtype=np.int64)


def _part(task: Task, split: str, columns: _Columns, number: int, examples: Examples) -> Part:
    labels: Float[np.ndarray, " examples"] = examples.labels[:, number]
    chosen = ~np.isnan(labels)
    found = labels[chosen]
    measured = task.kind == "regression" and len(found) > 0
    return Part(
        task=task.name,
        split=split,
        examples=len(found),
        classes=_class_counts(task, found, examples),
        positive=float((found == 1).mean())
        if len(task.classes) == 2 and task.kind == "binary" and len(found)
        else None,
        mean=float(found.mean()) if measured else None,
        std=float(found.std()) if measured else None,
        also_in_train=None if columns.seen is None else int((columns.seen & chosen).sum()),
        **({} if columns.words is None else _of_words(columns.words, chosen)),
    )


def _class_counts(task: Task, labels: Float[np.ndarray, " labels"], examples: Examples) -> dict[str, int]:
    if not isinstance(examples.content, Sentences):
        return {name: int((labels == index).sum()) for index, name in enumerate(task.classes)}
    sequences = [[task.classes[tag] for tag in examples.content.tags[int(label)]] for label in labels]
    if not task.scheme:
        counts = Counter(tag for tags in sequences for tag in tags)
        return {name: counts[name] for name in task.classes}
    counts = Counter(span.type for tags in sequences for span in spans(tags))
    return {name: counts[name] for name in dict.fromkeys(tag[2:] for tag in task.classes if tag != OUTSIDE)}


def _of_words(columns: _Words, chosen: Bool[np.ndarray, " examples"]) -> dict[str, Any]:
    spread = _spread(columns.lengths[chosen] if chosen.any() else np.zeros(1, dtype=np.int64))
    return {
        "words": int(columns.lengths[chosen].sum()),
        "median_words": spread.median,
        "p95_words": spread.p95,
        "max_words": spread.greatest,
        "empty": int((columns.lengths[chosen] == 0).sum()),
        "unknown_to_vectors": _share(columns.without_vector, columns.lengths, chosen),
        "unknown_to_train": _share(columns.not_in_train, columns.lengths, chosen),
    }


def _share(
    unknown: Int[np.ndarray, " examples"] | None,
    lengths: Int[np.ndarray, " examples"],
    chosen: Bool[np.ndarray, " examples"],
) -> float | None:
    if unknown is None:
        return None
    return float(unknown[chosen].sum() / max(lengths[chosen].sum(), 1))
