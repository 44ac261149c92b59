"""The format of FDU-MTL (Liu et al. 2017): ``label<TAB>tokenised text``, one set of files per task.

``<task>.task.train`` holds train and dev together, ``<task>.task.test`` is optional, ``<task>.task.unlabel`` has text
only and is not read.
"""

from collections.abc import Sequence
from pathlib import Path

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.data.assemble import Row, Table, assemble
from tasktalk.data.dataset import Dataset
from tasktalk.data.lines import TextFile, read_lines

_TRAIN, _TEST = ".task.train", ".task.test"
_CLASS_NAMES = {"0": "negative", "1": "positive"}


def load_fdu(
    folder: Path, tasks: Sequence[str] | None = None, tokenizer: str = "whitespace", dev_rows: int = 200
) -> Dataset:
    """Load a folder in FDU format as separate inputs.

    Lines that are not UTF-8 are read as cp1252 (some in ``MR.*`` and one of dvd in the original data). The labels 0 and
    1 are shown as ``negative`` and ``positive``.

    Args:
        folder: the folder.
        tasks: names (file stems) of the tasks to load; None loads all. They are always sorted, ignoring case.
        tokenizer: name of the tokeniser; the texts of the original data are tokenised already.
        dev_rows: how many rows at the end of each train file are the development split.

    Raises:
        ConfigError: a task that the folder does not have.
        DataError: no task in the folder, or something wrong in a file.
    """
    names = _choose(task_names(folder), tasks, folder)
    splits: dict[str, list[Row]] = {"train": [], "dev": [], "test": []}
    sources = {}
    for name in names:
        file = read_lines(folder / f"{name}{_TRAIN}", fallback="cp1252")
        sources[file.path.name] = file.sha256
        rows = _rows(file, name)
        if len(rows) <= dev_rows:
            raise DataError(
                f"expected more than {dev_rows} rows (the last {dev_rows} are for development), found {len(rows)}",
                file.path,
            )
        cut = len(rows) - dev_rows
        splits["train"] += rows[:cut]
        splits["dev"] += rows[cut:]
        if (folder / f"{name}{_TEST}").exists():
            file = read_lines(folder / f"{name}{_TEST}", fallback="cp1252")
            sources[file.path.name] = file.sha256
            splits["test"] += _rows(file, name)
    return assemble(Table(folder.name, names, splits, False, sources), tokenizer, _CLASS_NAMES)


def task_names(folder: Path) -> list[str]:
    """The tasks of a folder in FDU format, sorted ignoring case; empty if it is no such folder."""
    return sorted((path.name.removesuffix(_TRAIN) for path in folder.glob(f"*{_TRAIN}")), key=str.casefold)


def _choose(found: list[str], wanted: Sequence[str] | None, folder: Path) -> list[str]:
    if not found:
        raise DataError(f"expected files <task>{_TRAIN}, found none", folder)
    for name in wanted or ():
        if name not in found:
            raise ConfigError(f"{folder}: no task {name!r}: {nearest(name, found)}")
    return [name for name in found if wanted is None or name in wanted]


def _rows(file: TextFile, task: str) -> list[Row]:
    rows = []
    for line, content in enumerate(file.lines, start=1):
        label, tab, text = content.partition("\t")
        if not tab or not label.strip():
            raise DataError(f"expected label<TAB>text, found {content[:40]!r}", file.path, line)
        rows.append(Row(text, {task: label.strip()}, file.path, line))
    return rows
