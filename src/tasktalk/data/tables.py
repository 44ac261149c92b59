"""Tables of texts: one table per task (separate inputs), or one label column per task (shared inputs)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.core.task import Kind
from tasktalk.data.assemble import SPLITS, Row, Table, assemble
from tasktalk.data.dataset import Dataset
from tasktalk.data.records import Records, read_records
from tasktalk.data.split import split_rows

_WHOLE = "whole"  # beside train, dev and test: a file that is still to be split


def load_tables(
    sources: Sequence[str | Path],
    *,
    text: str = "text",
    label: str | None = None,
    labels: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    tokenizer: str = "words",
    kinds: Mapping[str, Kind] | None = None,
    dev: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
    known: Mapping[str, Sequence[str]] | None = None,
) -> Dataset:
    """Load CSV, TSV or JSONL tables.

    Separate inputs: every table is a task, with a text and a label column. Shared inputs: one table has a text column
    and a label column per task, where an empty cell is a missing label. A single table is read as shared inputs when
    ``labels`` is given, or when it has no column ``label`` and none is named. A table may be several files, found by
    their names: ``books.train.csv``, ``books.dev.csv``, ``books.test.csv`` (or ``train.csv``, ... in a folder). Only
    one that is a single file ``books.csv`` gives up rows for testing; a missing dev file is taken from the training
    rows. Both are drawn at random (``data.split``).

    Args:
        sources: paths; ``NAME=PATH`` gives the task another name than the file's.
        text: name of the text column.
        label: name of the label column of separate inputs; None means ``label``.
        labels: names of the label columns of shared inputs; None means every column but the text.
        tasks: names of the tasks to load; None loads all.
        tokenizer: name of the tokeniser.
        kinds: kind by task name, where it is not to be inferred.
        dev: share of the rows for development where there is no dev file.
        test: share of the rows for testing where a table is a single file.
        seed: seed of the split.
        known: classes by task, where the tables are only to be scored (``data.assemble``).

    Raises:
        TasktalkError: an unknown task or tokeniser, arguments that contradict each other, or something wrong in a file.
    """
    tables = {name: _read(files) for name, files in _group(sources).items()}
    first = next(iter(next(iter(tables.values())).values()))
    shared = _is_shared(first, len(tables), label, labels)
    names = _choose(_label_columns(first, text, labels) if shared else list(tables), tasks)
    if shared:
        (table,) = tables.values()
        parts = [{split: _shared_rows(records, text, names) for split, records in table.items()}]
    else:
        parts = [_rows_by_split(tables[name], text, label or "label", name) for name in names]
    rows = _splits(parts, dev, test, seed, kinds)
    return assemble(Table(_name(tables, first), names, rows, shared, _checksums(tables)), tokenizer, None, kinds, known)


def _name(tables: Mapping[str, Mapping[str, Records]], first: Records) -> str:
    return next(iter(tables)) if len(tables) == 1 else first.path.resolve().parent.name


def _rows_by_split(table: Mapping[str, Records], text: str, label: str, task: str) -> dict[str, list[Row]]:
    return {split: _task_rows(records, text, label, task) for split, records in table.items()}


def _is_shared(first: Records, tables: int, label: str | None, labels: Sequence[str] | None) -> bool:
    """Whether one table has the labels of all tasks."""
    shared = labels is not None or (label is None and tables == 1 and "label" not in first.columns)
    if shared and (label is not None or tables > 1):
        raise ConfigError(f"label columns go with one table and no label column, found {tables} and {label!r}")
    return shared


def _group(sources: Sequence[str | Path]) -> dict[str, dict[str, Path]]:
    """The files of each table by split, the tables by name."""
    if not sources:
        raise ConfigError("expected at least one table, found none")
    groups: dict[str, dict[str, Path]] = {}
    for source in sources:
        given, path = _named(source)
        stem, files = _files_of_table(path)
        name = given or stem or path.resolve().parent.name
        if groups.setdefault(name, files) != files:
            raise ConfigError(f"two tables named {name!r}, the second is {path}: rename one with NAME=PATH")
    return groups


def _named(source: str | Path) -> tuple[str, Path]:
    path = Path(source)
    name, equals, rest = str(source).partition("=")
    return (name, Path(rest)) if equals and not path.exists() else ("", path)


def _files_of_table(path: Path) -> tuple[str, dict[str, Path]]:
    """The stem of a file without its split, and the files beside it that belong to the same table."""
    if not path.exists():
        raise DataError("no such file", path)
    stem, dot, split = path.stem.rpartition(".")
    if split not in SPLITS:
        stem, dot = path.stem, "."
    beside = {split: path.with_name(f"{stem}{dot}{split}{path.suffix}") for split in SPLITS}
    files = {split: file for split, file in beside.items() if file.exists()}
    whole = path.with_name(f"{stem}{path.suffix}")
    if stem and whole.exists():
        if "train" in files:
            raise DataError(f"found {files['train'].name} beside it, so that the training rows are in doubt", whole)
        return stem, {"train" if files else _WHOLE: whole, **files}
    if "train" not in files:
        raise DataError(f"expected {beside['train'].name} beside it to train on, found none", path)
    return stem, files


def _read(files: Mapping[str, Path]) -> dict[str, Records]:
    return {split: read_records(path) for split, path in files.items()}


def _choose(found: list[str], wanted: Sequence[str] | None) -> list[str]:
    for name in wanted or ():
        if name not in found:
            raise ConfigError(f"no task {name!r}: {nearest(name, found)}")
    return [name for name in found if wanted is None or name in wanted]


def _label_columns(records: Records, text: str, labels: Sequence[str] | None) -> list[str]:
    records.require(text)
    found = (
        list(dict.fromkeys(labels)) if labels is not None else [column for column in records.columns if column != text]
    )
    if not found:
        raise DataError(f"expected label columns beside {text!r}, found none", records.path)
    return found


def _task_rows(records: Records, text: str, label: str, task: str) -> list[Row]:
    """The rows of separate inputs: each has a label of this one task."""
    records.require(text)
    records.require(label)
    rows = []
    for record in records.rows:
        value = records.label(record, label)
        if not value:
            raise DataError(f"expected a label in column {label!r}, found none", records.path, record.line)
        rows.append(Row(records.text(record, text), {task: value}, records.path, record.line))
    return rows


def _shared_rows(records: Records, text: str, tasks: Sequence[str]) -> list[Row]:
    """The rows of shared inputs: each has the labels that are not empty."""
    for column in (text, *tasks):
        records.require(column)
    rows = []
    for record in records.rows:
        found = {task: records.label(record, task) for task in tasks}
        known = {task: value for task, value in found.items() if value}
        rows.append(Row(records.text(record, text), known, records.path, record.line))
    return rows


def _splits(
    parts: Sequence[Mapping[str, list[Row]]], dev: float, test: float, seed: int, kinds: Mapping[str, Kind] | None
) -> dict[str, list[Row]]:
    """Join the tables split by split, and draw what is missing."""
    whole = [row for part in parts for row in part.get(_WHOLE, ())]
    without_dev = [row for part in parts if "dev" not in part for row in part.get("train", ())]
    splits = {split: [row for part in parts for row in part.get(split, ())] for split in ("dev", "test")}
    splits["train"] = [row for part in parts if "dev" in part for row in part["train"]]
    for drawn in (split_rows(whole, dev, test, seed, kinds), split_rows(without_dev, dev, 0.0, seed, kinds)):
        for split, rows in drawn.items():
            splits[split] += rows
    return splits


def _checksums(tables: Mapping[str, Mapping[str, Records]]) -> dict[str, str]:
    """SHA-256 by file name, or by path where two files have the same name."""
    files = [records for table in tables.values() for records in table.values()]
    names = [records.path.name for records in files]
    return {
        records.path.name if names.count(records.path.name) == 1 else str(records.path): records.sha256
        for records in files
    }
