"""The TMDb 5000 movies: a plot, and the genres that it has."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.data.assemble import Row, Table, assemble
from tasktalk.data.dataset import Dataset
from tasktalk.data.records import Record, Records, read_records
from tasktalk.data.request import Request
from tasktalk.data.split import split_rows

_TEXT, _GENRES, _TITLE = "overview", "genres", "title"


def load_tmdb(folder: Path, request: Request) -> Dataset:
    """Load the movies as shared inputs: every genre is a binary task with the classes ``no`` and ``yes``.

    A movie without an overview has nothing to read. A movie without a genre is left out as well: nobody said which it
    has, and twenty times ``no`` would be wrong about at least one. Both are listed in ``skipped``.

    Args:
        folder: the folder with ``tmdb_5000_movies.csv``.
        request: ``tasks`` (genres, which are in alphabetical order), ``tokenizer`` (``words`` if none is named),
            ``kinds``, ``dev``, ``test`` and ``seed``.

    Raises:
        ConfigError: an unknown genre or tokeniser.
        DataError: something wrong in the file.
    """
    records = read_records(folder / "tmdb_5000_movies.csv")
    for column in (_TEXT, _GENRES, _TITLE):
        records.require(column)
    movies = [(record, _genres(records, record)) for record in records.rows]
    tasks = _choose(sorted({genre for _, genres in movies for genre in genres}), request.tasks)
    rows, skipped = [], []
    for record, genres in movies:
        text = records.text(record, _TEXT)
        if text.strip() and genres:
            labels = {task: "yes" if task in genres else "no" for task in tasks}
            rows.append(Row(text, labels, records.path, record.line))
        else:
            lacks = _GENRES if text.strip() else _TEXT
            title = records.text(record, _TITLE)
            skipped.append(f"{records.path.name}, line {record.line}: {title!r} has no {lacks}")
    if not rows:
        raise DataError("expected movies with overview and genres, found none", records.path)
    splits = split_rows(rows, request.dev, request.test, request.seed)
    table = Table("tmdb", tasks, splits, True, {records.path.name: records.sha256})
    return replace(assemble(table, request.tokenizer or "words", kinds=request.kinds), skipped=tuple(skipped))


def _genres(records: Records, record: Record) -> set[str]:
    """The names in a cell such as ``[{"id": 18, "name": "Drama"}]``."""
    cell = records.text(record, _GENRES)
    try:
        names = [genre["name"] for genre in json.loads(cell)]
    except (json.JSONDecodeError, TypeError, KeyError):
        names = [None]
    if not all(isinstance(name, str) for name in names):
        message = f"expected a JSON list of genres with names in {_GENRES!r}, found {cell[:40]!r}"
        raise DataError(message, records.path, record.line)
    return set(names)


def _choose(found: list[str], wanted: Sequence[str] | None) -> list[str]:
    for name in wanted or ():
        if name not in found:
            raise ConfigError(f"no task {name!r}: {nearest(name, found)}")
    return [name for name in found if wanted is None or name in wanted]
