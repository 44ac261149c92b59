"""Other data in the terms of a run: its tasks, its classes, their order."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples, Place, Sentences
from tasktalk.data.schemes import convert

_SHOWN = 5  # words that tell a sentence from others


def align(dataset: Dataset, tasks: Sequence[Task]) -> Dataset:
    """Give a data set the tasks of a run; those that it lacks have no labels.

    Args:
        dataset: data with some or all of the tasks and classes of the run, in any order. Few different values look
            like classes, so that those of a regression of the run may be either.
        tasks: the tasks of the run.

    Raises:
        ConfigError: a task that the run does not have, of which the message names the nearest; or a task of another
            kind.
        DataError: a label or tag that the run does not have, likewise, with its file and line; a ``ConfigError`` if
            these are not known.
    """
    columns = [_column(task, tasks) for task in dataset.tasks]
    if any(task.kind == "tagging" for task in dataset.tasks):
        return _align_tags(dataset, tasks, columns)
    classes = [_numbers(dataset, number, tasks[column]) for number, column in enumerate(columns)]
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
        for row in np.flatnonzero(~np.isnan(split.labels[:, number])).tolist() if new else ():
            words, tags = split.content.words[row], split.content.tags[int(split.labels[row, number])]
            if (word := next((n for n, tag in enumerate(tags) if tag in new), None)) is not None:
                place = split.places[row] if split.places else None
                name = _written([task.classes[tag] for tag in tags], task.scheme)[word]
                where = "" if place else f" in the sentence that begins {' '.join(words[:_SHOWN])!r}"
                hint = nearest(name, _choices(its, task.scheme or its.scheme))
                told = f"the run was trained without the label {name!r}, which {words[word]!r} has{where}: {hint}"
                raise _refusal(f"task {task.name!r}: {told}", place, word)


def _written(tags: Sequence[str], scheme: str) -> Sequence[str]:
    """Tags of a sentence as the file has them."""
    return convert(tags, scheme) if scheme else tags


def _choices(task: Task, scheme: str) -> list[str]:
    """The tags of a task that a file can have in a scheme; the classes of spans are those of BIOES."""
    whole = scheme == "bioes" or not task.scheme
    return [name for name in task.classes if whole or name[0] in "OBI"]


def _refusal(message: str, place: Place | None, word: int = 0) -> ConfigError | DataError:
    return DataError(message, place.path, place.lines[word]) if place else ConfigError(message)


def _tag_numbers(task: Task, known: Task) -> Int[np.ndarray, " classes"]:
    return np.array([known.classes.index(name) if name in known.classes else -1 for name in task.classes])


def _column(task: Task, tasks: Sequence[Task]) -> int:
    names = [known.name for known in tasks]
    if task.name not in names:
        raise ConfigError(f"the run has no task {task.name!r}: {nearest(task.name, names)}")
    return names.index(task.name)


def _numbers(dataset: Dataset, number: int, known: Task) -> list[float]:
    """For each class of a task the number that the run gives it; none for values, which stay as they are."""
    task = dataset.tasks[number]
    if known.kind == "regression":
        return [_value(dataset, number, name) for name in task.classes]
    if "tagging" in (task.kind, known.kind) and task.kind != known.kind:
        raise ConfigError(f"task {task.name!r}: the run has a {known.kind} task, and the data a {task.kind} task")
    if task.kind == "regression":
        classes = ", ".join(known.classes)
        raise ConfigError(f"task {task.name!r}: the run was trained on the classes {classes}, and these are values")
    for name in task.classes:
        if name not in known.classes:
            message = f"the run was trained without the label {name!r}: {nearest(name, known.classes)}"
            raise _refusal(f"task {task.name!r}: {message}", _place_of(dataset, number, name))
    return [float(known.classes.index(name)) for name in task.classes]


def _value(dataset: Dataset, number: int, name: str) -> float:
    try:
        return float(name)
    except ValueError as error:
        message = f"task {dataset.tasks[number].name!r}: the run was trained on values, found the label {name!r}"
        raise _refusal(message, _place_of(dataset, number, name)) from error


def _place_of(dataset: Dataset, number: int, name: str) -> Place | None:
    """Where a label of a task stands first; None if that is not known."""
    label = dataset.tasks[number].classes.index(name)
    for split in dataset.splits.values():
        rows = np.flatnonzero(split.labels[:, number] == label)
        if len(rows) and split.places:
            return split.places[rows[0]]
    return None


def _examples(examples: Examples, columns: Sequence[int], classes: Sequence[Sequence[float]], tasks: int) -> Examples:
    labels = np.full((len(examples), tasks), np.nan)
    for old, (new, numbers) in enumerate(zip(columns, classes, strict=True)):
        found = examples.labels[:, old]
        known = ~np.isnan(found)
        labels[known, new] = np.array(numbers)[found[known].astype(np.int64)] if numbers else found[known]
    owner = None if examples.owner is None else np.array(columns, dtype=np.int64)[examples.owner]
    return Examples(examples.content, labels, owner)
