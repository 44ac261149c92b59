"""From labelled rows to a data set: classes, label matrices, and the checks that every format shares."""

import math
import re
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.core.task import Kind, Task
from tasktalk.data.dataset import Content, Dataset, Examples, Place
from tasktalk.data.duplicates import shared_texts_warning
from tasktalk.data.tokenize import tokenize_all, tokenizer

SPLITS = ("train", "dev", "test")
_FEW_NUMBERS = 10
_FEW_CLASSES = 20
_UNKNOWN = frozenset({"nan", "na", "n/a", "null"})
"""How programs write, beside numbers, that there is none."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Args:
        text: the text as it stands in the file.
        labels: label by task name; a task that is not there has no label.
        path: the file.
        line: its line, counted from 1.
    """

    text: str
    labels: Mapping[str, str]
    path: Path
    line: int


@dataclass(frozen=True)
class Table:
    """What a reader hands over.

    Args:
        name: name of the data set.
        tasks: names of the tasks, in the order of the label columns to be.
        splits: rows by split name; a split without rows is left out of the data set.
        shared: shared inputs (a row may have a label for every task), else separate inputs (exactly one).
        sources: SHA-256 by file name.
    """

    name: str
    tasks: Sequence[str]
    splits: Mapping[str, Sequence[Row]]
    shared: bool
    sources: Mapping[str, str]


def assemble(
    table: Table,
    tokenizer_name: str,
    class_names: Mapping[str, str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    known: Mapping[str, Sequence[str]] | None = None,
) -> Dataset:
    """Build a data set of texts: infer tasks from the training labels, index the labels, make the words.

    Args:
        table: the rows.
        tokenizer_name: the tokeniser (``data.tokenize``).
        class_names: names shown in place of the labels of the files, for tasks that have exactly these labels.
        kinds: kinds of tasks that are not to be inferred.
        known: classes by task, none of a regression, where the data is only to be scored: tasks are then inferred from
            the labels of all splits, and from these where they are fewer than two.

    Raises:
        ConfigError: an unknown tokeniser, or a kind for a task that there is not.
        DataError: a task without two classes or with values that are no classes, or a label that training lacks.
    """
    tokenizer(tokenizer_name)  # an unknown one is refused before the rows are looked at

    def words(rows: Sequence[Row]) -> list[list[str]]:
        return tokenize_all([row.text for row in rows], tokenizer_name)

    dataset = build(table, words, class_names, kinds, known)
    warnings = (*dataset.warnings, *shared_texts_warning(dataset, "dev"))
    return replace(dataset, tokenizer=tokenizer_name, warnings=warnings)


def build(
    table: Table,
    content: Callable[[Sequence[Row]], Content],
    class_names: Mapping[str, str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    known: Mapping[str, Sequence[str]] | None = None,
) -> Dataset:
    """Build a data set of anything: infer tasks from the training labels, index the labels.

    A column of more than ten different numbers that are not all whole is a regression, any other a classification. A
    sentence in ``Dataset.warnings`` names whole numbers that may be values all the same.

    Args:
        table: the rows.
        content: what a split's rows are about, in their order.
        class_names: as in ``assemble``.
        kinds: as in ``assemble``.
        known: as in ``assemble``.

    Raises:
        ConfigError: a kind for a task that there is not.
        DataError: as in ``assemble``.
    """
    for name in kinds or {}:
        if name not in table.tasks:
            raise ConfigError(f"no task {name!r} to give a kind to: {nearest(name, table.tasks)}")
    seen = [row for split in (("train",) if known is None else SPLITS) for row in table.splits.get(split, ())]
    labels = {task: _classes(task, seen, (kinds or {}).get(task), (known or {}).get(task)) for task in table.tasks}
    splits = {}
    for split in SPLITS:
        rows = table.splits.get(split, ())
        if rows:
            owner = None if table.shared else _owners(rows, labels)
            places = [Place(row.path, (row.line,)) for row in rows]
            splits[split] = Examples(content(rows), _matrix(rows, labels), owner, places)
    tasks = tuple(_task(name, found, class_names or {}) for name, found in labels.items())
    inferred = {task: found for task, found in labels.items() if known is None and task not in (kinds or {})}
    return Dataset(table.name, tasks, splits, "", dict(table.sources), _warnings(inferred))


def natural_order(labels: Sequence[str]) -> list[str]:
    """Sort labels: numbers by value, everything else so that ``a2`` stands before ``a10``."""
    if all(_is_number(label) for label in labels):
        return sorted(labels, key=lambda label: (float(label), label))
    return sorted(labels, key=_natural_key)


def _natural_key(label: str) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"\d+|\D+", label)
    return [(int(part), "") if part.isdecimal() else (sys.maxsize, part.casefold()) for part in parts], label


def are_measured(labels: Collection[str]) -> bool:
    """Whether labels are the values of a regression: more than ten different numbers that are not all whole."""
    found = set(labels)
    if len(found) <= _FEW_NUMBERS or not all(_is_number(label) for label in found):
        return False
    return not all(float(label).is_integer() for label in found)


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def _classes(task: str, rows: Sequence[Row], kind: Kind | None, known: Sequence[str] | None) -> list[str]:
    """The labels of a task in some rows, sorted; none for a regression. Refuses what is neither."""
    counts = Counter(row.labels[task] for row in rows if task in row.labels)
    path = next((row.path for row in rows if task in row.labels), rows[0].path)
    found = natural_order(list(counts))
    if len(found) < 2 and known is not None:
        return natural_order(list({*found, *known})) if known else []
    if len(found) < 2:
        only = f"only {found[0]!r}" if found else "no label"
        what = "values" if kind == "regression" else "classes"
        raise DataError(f"task {task!r}: expected at least two {what} in training, found {only}", path)
    if kind == "regression" or (kind is None and are_measured(counts)):
        return []
    if kind == "binary" and len(found) != 2:
        raise DataError(f"task {task!r}: expected two classes, found {len(found)}: {', '.join(found[:3])}", path)
    if kind is None and known is None:
        _refuse_no_classes(task, found, [row for row in rows if task in row.labels])
    return found


def _refuse_no_classes(task: str, found: Sequence[str], rows: Sequence[Row]) -> None:
    """Refuse labels that are measured, are names, or stand for a missing number; ``rows`` have them."""
    words = {label for label in found if not _is_number(label)}
    if 0 < len(words) < len(found) and all(word.casefold() in _UNKNOWN for word in words):
        row = next(row for row in rows if row.labels[task] in words)
        raise DataError(
            f"task {task!r}: expected numbers, found {row.labels[task]!r}; leave the cell empty where nothing is "
            f"known, or say {_as_kind(task, 'multiclass')} if it is a class",
            row.path,
            row.line,
        )
    if len(found) > _FEW_CLASSES and 2 * len(found) > len(rows):
        measured = "" if words else f"; {_as_kind(task, 'regression')} learns them as values"
        raise DataError(
            f"task {task!r}: expected classes, found {len(found)} different values in {len(rows)} training rows"
            f"{measured}; {_as_kind(task, 'multiclass')} takes them for classes, and --labels (--label) names the "
            "label columns if this is none",
            rows[0].path,
        )


def _warnings(labels: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Of each task whose classes are so many whole numbers, so far apart, that they may be values."""
    return tuple(
        f"task {task!r}: {len(found)} different whole numbers from {found[0]} to {found[-1]} are learned as classes; "
        f"{_as_kind(task, 'regression')} learns them as values, {_as_kind(task, 'multiclass')} says that they are "
        "classes"
        for task, found in labels.items()
        if len(found) > _FEW_NUMBERS
        and all(map(_is_number, found))
        and float(found[-1]) - float(found[0]) >= _FEW_CLASSES
    )


def _as_kind(task: str, kind: Kind) -> str:
    return f"--kind {shlex.quote(f'{task}={kind}')}"


def _task(name: str, labels: Sequence[str], class_names: Mapping[str, str]) -> Task:
    if not labels:
        return Task(name, "regression")
    names = tuple(class_names[label] for label in labels) if set(labels) == set(class_names) else tuple(labels)
    return Task(name, "binary" if len(names) == 2 else "multiclass", names)


def _matrix(rows: Sequence[Row], labels: Mapping[str, Sequence[str]]) -> Float[np.ndarray, "rows tasks"]:
    """Class indices or values, NaN where missing."""
    columns = {
        task: (column, {label: index for index, label in enumerate(found)})
        for column, (task, found) in enumerate(labels.items())
    }
    matrix = np.full((len(rows), len(labels)), np.nan)
    for number, row in enumerate(rows):
        for task, label in row.labels.items():
            column, index = columns[task]
            matrix[number, column] = _index(row, task, label, index) if index else _number(row, task, label)
    return matrix


def _index(row: Row, task: str, label: str, index: Mapping[str, int]) -> int:
    if label not in index:
        hint = nearest(label, index)
        raise DataError(f"task {task!r}: label {label!r} is not in training; {hint}", row.path, row.line)
    return index[label]


def _number(row: Row, task: str, label: str) -> float:
    if not _is_number(label):
        raise DataError(f"task {task!r}: expected a number, found {label!r}", row.path, row.line)
    return float(label)


def _owners(rows: Sequence[Row], tasks: Iterable[str]) -> Int[np.ndarray, " rows"]:
    index = {task: number for number, task in enumerate(tasks)}
    return np.array([index[next(iter(row.labels))] for row in rows], dtype=np.int64)
