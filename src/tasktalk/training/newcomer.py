"""The data of a task that comes later, in the terms of the run that it is added to."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples, Molecules, noun
from tasktalk.training.align import align
from tasktalk.training.encode import Encoder
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.graph_encoders import MoleculeEncoder


def refuse_unreadable(dataset: Dataset, encoder: Encoder, run: object) -> None:
    """Refuse examples of another kind than those of the run.

    Args:
        dataset: the data of the new task.
        encoder: the run's.
        run: what the run is called.

    Raises:
        ConfigError: texts where the run reads molecules, or something else.
    """
    content = next(iter(dataset.splits.values())).content
    expected, kind = ("molecules", Molecules) if isinstance(encoder, MoleculeEncoder) else ("texts", list)
    if not isinstance(content, kind):
        raise ConfigError(f"{run}: reads {expected}, and the data has {noun(content)}")


def refuse_one_class(dataset: Dataset) -> None:
    """Refuse a new task in whose training labels there is nothing to learn.

    Raises:
        DataError: a single label, or labels that are all the same; with the file, if it is known.
    """
    train, task = dataset.splits["train"], dataset.tasks[0]
    labels = train.labels[~np.isnan(train.labels[:, 0]), 0]
    if len(np.unique(labels)) > 1:
        return
    found = "no label"
    if len(labels):
        shown = float(labels[0]) if task.kind == "regression" else task.classes[int(labels[0])]
        found = f"{len(labels)}, {'all ' if len(labels) > 1 else ''}{shown!r}"
    where = train.places[0].path if train.places else None
    raise DataError(f"task {task.name!r}: expected training labels that differ, found {found}", where)


def share_of_unknown(dataset: Dataset, encoder: Encoder) -> float | None:
    """Which part of the words of the training texts a run does not know; None where it reads no words.

    Raises:
        DataError: it knows none of them.
    """
    if not isinstance(encoder, TextEncoder):
        return None
    train = dataset.splits["train"]
    words = [word for text in train.tokens for word in text]
    unknown = sum(word not in encoder.vocabulary.index for word in words)
    if unknown == len(words):
        where = train.places[0].path if train.places else None
        raise DataError(
            f"task {dataset.tasks[0].name!r}: expected training texts with words that the run knows, and none of their "
            f"{len(words)} words is",
            where,
        )
    return unknown / len(words)


def beside(dataset: Dataset, tasks: Sequence[Task]) -> Dataset:
    """The examples of the new task, which is the last one, with columns for the others that have no labels.

    Args:
        dataset: data with the new task only.
        tasks: the others.
    """
    joined = align(dataset, (*tasks, *dataset.tasks))
    return replace(joined, splits={name: _owned(split, len(tasks)) for name, split in joined.splits.items()})


def _owned(examples: Examples, task: int) -> Examples:
    return replace(examples, owner=np.full(len(examples), task))
