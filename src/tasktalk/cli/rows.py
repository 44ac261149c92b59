"""Inputs of ``tasktalk predict``, row by row, so that a file of any size needs no more memory."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import typer

from tasktalk.core.errors import DataError, nearest
from tasktalk.data.records import SURROGATE, json_object, long_fields, refuse_other_separator

_BOM = b"\xef\xbb\xbf"
SEPARATORS = {".csv": ",", ".tsv": "\t"}
_JSONL = ".jsonl"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file, counted from 1, what is to be answered, and all its cells."""

    line: int
    content: str
    cells: Sequence[str]


@dataclass(frozen=True)
class Input:
    """What is read.

    Args:
        where: the file, or what stands for it in messages.
        columns: names of the cells of every row; one if there is no table.
        rows: the rows.
    """

    where: Path | str
    columns: Sequence[str]
    rows: Iterator[Row]


@contextmanager
def open_rows(file: Path | None, wanted: Sequence[str], name: str) -> Iterator[Input]:
    """Open a table (CSV, TSV or JSONL by its ending), any other file with an input in each line, or standard input.

    Args:
        file: the file; None for standard input.
        wanted: names of the column of a table that is read, the first that is there; capitals do not matter.
        name: what an input is called: ``text``, ``smiles`` or ``node``.

    Raises:
        DataError: the file cannot be read, is empty, has no such column, or a row cannot be read.
    """
    if file is None:
        if sys.stdin.isatty():
            typer.echo(f"Reading from standard input, a {name} on each line, until Ctrl-D.", err=True)
        yield _plain("standard input", _lines(sys.stdin.buffer, "standard input"), name)
        return
    with _open(file) as handle:
        if not handle.peek(1):
            raise DataError(f"expected a {name} on each line, found an empty file", file)
        lines = _lines(handle, file)
        ending = file.suffix.lower()
        if ending in SEPARATORS:
            yield _table(file, _fields(file, lines, SEPARATORS[ending]), wanted)
        elif ending == _JSONL:
            yield _table(file, _objects(file, lines, wanted), wanted)
        else:
            yield _plain(file, lines, name)


def _open(file: Path) -> BufferedReader:
    try:
        return file.open("rb")
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})", file) from error


def _lines(lines: Iterable[bytes], where: Path | str) -> Iterator[str]:
    """Lines end at a line feed and nowhere else, as in training (``data.lines``)."""
    for number, line in enumerate(lines, start=1):
        content = (line.removeprefix(_BOM) if number == 1 else line).removesuffix(b"\n").removesuffix(b"\r")
        try:
            yield content.decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"byte 0x{content[error.start]:02x} as byte {error.start + 1} of the line"
            raise DataError(f"expected text in UTF-8, found {found}", where, number) from error


def _plain(where: Path | str, lines: Iterator[str], name: str) -> Input:
    return Input(where, [name], (Row(number, line, [line]) for number, line in enumerate(lines, start=1)))


def _table(file: Path, rows: Iterator[tuple[int, list[str]]], wanted: Sequence[str]) -> Input:
    """A table from its rows, of which the first is the header."""
    line, columns = next(rows)
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise DataError(f"expected different column names, found {twice!r} twice", file, line)
    folded = [column.casefold() for column in columns]
    exact = [columns.index(name) for name in wanted if name in columns]
    alike = [folded.index(name.casefold()) for name in wanted if name.casefold() in folded]
    if not exact + alike:
        refuse_other_separator(columns, file)
        found = ", ".join(map(repr, columns))
        hint = nearest(wanted[0], columns)
        raise DataError(f"expected a column {wanted[0]!r}, found {found}; {hint}", file)
    index = (exact + alike)[0]
    return Input(file, columns, (Row(line, cells[index], cells) for line, cells in rows))


def _fields(file: Path, lines: Iterator[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """The fields of each row that is not blank, with the line where it begins (a quoted field may span lines)."""
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, strict=True)
    line, width = 1, 0
    try:
        with long_fields():
            for fields in reader:
                if fields:
                    width = width or len(fields)
                    if len(fields) != width:
                        raise DataError(f"expected {width} fields, found {len(fields)}", file, line)
                    yield line, fields
                line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"the row that begins here cannot be read: {error}", file, line) from error
    if not width:
        raise DataError("expected a header, found only blank lines", file)


def _objects(file: Path, lines: Iterator[str], wanted: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The values of each JSON object, after the keys of the first; a key that is not there is an empty cell."""
    columns: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            values = _object(file, number, line, wanted)
            if not columns:
                columns = list(values)
                yield number, columns
            other = next((key for key in values if key not in columns), None)
            if other is not None:
                raise DataError(f"expected the keys of the first row, found also {other!r}", file, number)
            yield number, [_cell(values.get(key)) for key in columns]
    if not columns:
        raise DataError("expected JSON objects, found only blank lines", file)


def _object(file: Path, number: int, line: str, wanted: Sequence[str]) -> Mapping[str, object]:
    values = json_object(line, file, number)
    if not values:
        raise DataError(f"expected a JSON object, found {line[:40]!r}", file, number)
    if "\\u" in line and SURROGATE.search(json.dumps(values, ensure_ascii=False)):
        raise DataError("expected text, found half of a surrogate pair", file, number)
    asked = [name.casefold() for name in wanted]
    for key, value in values.items():
        if key.casefold() in asked and isinstance(value, list | dict):
            found = json.dumps(value, ensure_ascii=False)[:40]
            raise DataError(f"expected text or a number in {key!r}, found {found}", file, number)
    return values


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
