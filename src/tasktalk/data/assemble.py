"""From labelled rows to a data set: classes, label matrices, and the checks that every format shares."""

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from tasktalk.core.errors import DataError, nearest
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.duplicates import shared_texts_warning
from tasktalk.data.tokenize import tokenizer

SPLITS = ("train", "dev", "test")
_FEW_NUMBERS = 10
_FEW_CLASSES = 100


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


def assemble(table: Table, tokenizer_name: str, class_names: Mapping[str, str] | None = None) -> Dataset:
    """Build the data set: infer tasks from the training labels, index the labels, make the words.

    Args:
        table: the rows.
        tokenizer_name: the tokeniser (``data.tokenize``).
        class_names: names shown in place of the labels of the files, for tasks that have exactly these labels.

    Raises:
        ConfigError: an unknown tokeniser.
        DataError: a task without two classes or with values that are no classes, or a label that training lacks.
    """
    tokenize = tokenizer(tokenizer_name)
    labels = {task: _classes(task, table.splits["train"]) for task in table.tasks}
    splits = {}
    for split in SPLITS:
        rows = table.splits.get(split, ())
        if rows:
            tokens = [[sys.intern(word) for word in tokenize(row.text)] for row in rows]
            splits[split] = Examples(tokens, _matrix(rows, labels), None if table.shared else _owners(rows, labels))
    tasks = tuple(_task(name, found, class_names or {}) for name, found in labels.items())
    dataset = Dataset(table.name, tasks, splits, tokenizer_name, dict(table.sources))
    return replace(dataset, warnings=shared_texts_warning(dataset, "dev"))


def natural_order(labels: Sequence[str]) -> list[str]:
    """Sort labels: numbers by value, everything else so that ``a2`` stands before ``a10``."""
    if all(_is_number(label) for label in labels):
        return sorted(labels, key=lambda label: (float(label), label))
    return sorted(labels, key=_natural_key)


def _natural_key(label: str) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"\d+|\D+", label)
    return [(int(part), "") if part.isdecimal() else (sys.maxsize, part.casefold()) for part in parts], label


def _is_number(label: str) -> bool:
    try:
        return math.isfinite(float(label))
    except ValueError:
        return False


def _classes(task: str, rows: Sequence[Row]) -> list[str]:
    """The labels of a task in training, sorted; refuses what is no classification."""
    counts = Counter(row.labels[task] for row in rows if task in row.labels)
    path = next((row.path for row in rows if task in row.labels), rows[0].path)
    found = natural_order(list(counts))
    if len(found) < 2:
        only = f"only {found[0]!r}" if found else "no label"
        raise DataError(f"task {task!r}: expected at least two classes in training, found {only}", path)
    whole = all(_is_number(label) and float(label).is_integer() for label in found)
    if len(found) > _FEW_NUMBERS and not whole and all(_is_number(label) for label in found):
        raise DataError(
            f"task {task!r}: expected classes, found {len(found)} different numbers such as {found[0]} and {found[-1]};"
            " regression is not supported yet",
            path,
        )
    if len(found) > _FEW_CLASSES and 2 * len(found) > counts.total():
        raise DataError(
            f"task {task!r}: expected classes, found {len(found)} different values in {counts.total()} training rows;"
            " name the label columns if this is none",
            path,
        )
    return found


def _task(name: str, labels: Sequence[str], class_names: Mapping[str, str]) -> Task:
    names = tuple(class_names[label] for label in labels) if set(labels) == set(class_names) else tuple(labels)
    return Task(name, "binary" if len(names) == 2 else "multiclass", names)


def _matrix(rows: Sequence[Row], labels: Mapping[str, Sequence[str]]) -> Float[np.ndarray, "rows tasks"]:
    """Class indices, NaN where missing."""
    columns = {
        task: (column, {label: index for index, label in enumerate(found)})
        for column, (task, found) in enumerate(labels.items())
    }
    matrix = np.full((len(rows), len(labels)), np.nan)
    for number, row in enumerate(rows):
        for task, label in row.labels.items():
            column, index = columns[task]
            if label not in index:
                hint = nearest(label, index)
                raise DataError(f"task {task!r}: label {label!r} is not in training; {hint}", row.path, row.line)
            matrix[number, column] = index[label]
    return matrix


def _owners(rows: Sequence[Row], tasks: Iterable[str]) -> Int[np.ndarray, " rows"]:
    index = {task: number for number, task in enumerate(tasks)}
    return np.array([index[next(iter(row.labels))] for row in rows], dtype=np.int64)
