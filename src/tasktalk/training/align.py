"""Other data in the terms of a run: its tasks, its classes, their order."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from tasktalk.core.errors import ConfigError, nearest
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples, Sentences

_SHOWN = 5  # words that tell a sentence from others


def align(dataset: Dataset, tasks: Sequence[Task]) -> Dataset:
    """Give a data set the tasks of a run; those that it lacks have no labels.

    Args:
        dataset: data with some or all of the tasks and classes of the run, in any order. Few different values look
            like classes, so that those of a regression of the run may be either.
        tasks: the tasks of the run.

    Raises:
        ConfigError: a task or a class that the run does not have, of which the message names the nearest; or a task of
            another kind.
    """
    columns = [_column(task, tasks) for task in dataset.tasks]
    if any(task.kind == "tagging" for task in dataset.tasks):
        return _align_tags(dataset, tasks, columns)
    classes = [_numbers(task, tasks[column]) for task, column in zip(dataset.tasks, columns, strict=True)]
    splits = {name: _examples(split, columns, classes, len(tasks)) for name, split in dataset.splits.items()}
    return replace(dataset, tasks=tuple(tasks), splits=splits)


def _align_tags(dataset: Dataset, tasks: Sequence[Task], columns: Sequence[int]) -> Dataset:
    """The same for tags: every sequence is that of one example."""
    for split in dataset.splits.values():
        _refuse_new_tags(split, dataset.tasks, [tasks[k] for k in columns])
    numbers = [_tag_numbers(task, tasks[k]) for task, k in zip(dataset.tasks, columns, strict=True)]
    splits = {}
    for name, split in dataset.splits.items():
        content, (rows, old) = split.content, np.nonzero(~np.isnan(split.labels))
        if not isinstance(content, Sentences) or split.owner is None:
            raise TypeError(f"expected sentences with tags of their own, found {type(content).__name__}")
        labels = np.full((len(split), len(tasks)), np.nan)
        labels[rows, np.array(columns)[old]] = np.arange(len(rows))
        sequences = [content.tags[int(split.labels[row, k])] for row, k in zip(rows, old, strict=True)]
        tags = [numbers[k][sequence] for k, sequence in zip(old, sequences, strict=True)]
        owner = np.array(columns, dtype=np.int64)[split.owner]
        splits[name] = Examples(Sentences(content.words, tags), labels, owner)
    return replace(dataset, tasks=tuple(tasks), splits=splits)


def _refuse_new_tags(split: Examples, tasks: Sequence[Task], known: Sequence[Task]) -> None:
    """Tags that the run has not learned, with a word that has one; others may be possible, but do not stand there."""
    if not isinstance(split.content, Sentences):
        return
    for number, (task, its) in enumerate(zip(tasks, known, strict=True)):
        if its.kind != "tagging":
            raise ConfigError(f"task {task.name!r}: the run has a {its.kind} task, and the data a tagging task")
        new = {tag for tag, name in enumerate(task.classes) if name not in its.classes}
        for row in np.flatnonzero(~np.isnan(split.labels[:, number])) if new else ():
            words, tags = split.content.words[row], split.content.tags[int(split.labels[row, number])]
            if (place := next((n for n, tag in enumerate(tags) if tag in new), None)) is not None:
                name, start = task.classes[tags[place]], " ".join(words[:_SHOWN])
                raise ConfigError(
                    f"task {task.name!r}: the run was trained without the label {name!r}, which {words[place]!r} has "
                    f"in the sentence that begins {start!r}: {nearest(name, its.classes)}"
                )


def _tag_numbers(task: Task, known: Task) -> Int[np.ndarray, " classes"]:
    return np.array([known.classes.index(name) if name in known.classes else -1 for name in task.classes])


def _column(task: Task, tasks: Sequence[Task]) -> int:
    names = [known.name for known in tasks]
    if task.name not in names:
        raise ConfigError(f"the run has no task {task.name!r}: {nearest(task.name, names)}")
    return names.index(task.name)


def _numbers(task: Task, known: Task) -> list[float]:
    """For each class of a task the number that the run gives it; none for values, which stay as they are."""
    if known.kind == "regression":
        return [_value(task, name) for name in task.classes]
    if "tagging" in (task.kind, known.kind) and task.kind != known.kind:
        raise ConfigError(f"task {task.name!r}: the run has a {known.kind} task, and the data a {task.kind} task")
    if task.kind == "regression":
        classes = ", ".join(known.classes)
        raise ConfigError(f"task {task.name!r}: the run was trained on the classes {classes}, and these are values")
    for name in task.classes:
        if name not in known.classes:
            hint = nearest(name, known.classes)
            raise ConfigError(f"task {task.name!r}: the run was trained without the label {name!r}: {hint}")
    return [float(known.classes.index(name)) for name in task.classes]


def _value(task: Task, name: str) -> float:
    try:
        return float(name)
    except ValueError as error:
        raise ConfigError(f"task {task.name!r}: the run was trained on values, found the label {name!r}") from error


def _examples(examples: Examples, columns: Sequence[int], classes: Sequence[Sequence[float]], tasks: int) -> Examples:
    labels = np.full((len(examples), tasks), np.nan)
    for old, (new, numbers) in enumerate(zip(columns, classes, strict=True)):
        found = examples.labels[:, old]
        known = ~np.isnan(found)
        labels[known, new] = np.array(numbers)[found[known].astype(np.int64)] if numbers else found[known]
    owner = None if examples.owner is None else np.array(columns, dtype=np.int64)[examples.owner]
    return Examples(examples.content, labels, owner)
