"""Records of CSV, TSV and JSONL files, each with its line number."""

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasktalk.core.errors import DataError, nearest
from tasktalk.data.lines import PACKED, TextFile, read_lines

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_WHOLE_NUMBER = re.compile(r"(-?\d+)\.0+")
_LONGEST = 2**31 - 1
SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, which JSON can write and no file can hold."""
SUFFIXES = (".csv", ".tsv", ".jsonl")


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its values by column, and the line of the file where it begins (counted from 1)."""

    line: int
    values: Mapping[str, object]


@dataclass(frozen=True)
class Records:
    """A table.

    Args:
        path: the file.
        columns: names of its columns (JSONL: every key, in the order of first appearance).
        rows: the records.
        sha256: checksum of the file.
    """

    path: Path
    columns: tuple[str, ...]
    rows: list[Record]
    sha256: str

    def require(self, column: str) -> None:
        """Refuse a column that is not there.

        Raises:
            DataError: it is not there; the message names the columns that are.
        """
        if column not in self.columns:
            found = ", ".join(map(repr, self.columns))
            refuse_other_separator(self.columns, self.path)
            hint = nearest(column, self.columns)
            raise DataError(f"expected a column {column!r}, found {found}; {hint}", self.path)

    def string(self, record: Record, column: str) -> str | None:
        """A value as text; None for a JSON ``null``, NaN or missing key.

        Raises:
            DataError: a JSON list or object, or an escape that stands for no character.
        """
        value = record.values.get(column)
        if isinstance(value, str):
            if SURROGATE.search(value):
                raise DataError(f"expected text in {column!r}, found half of a surrogate pair", self.path, record.line)
            return value
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, (int, float)):
            return str(value)
        found = json.dumps(value, ensure_ascii=False)[:40]
        raise DataError(f"expected text or a number in {column!r}, found {found}", self.path, record.line)

    def text(self, record: Record, column: str) -> str:
        """A value that must be there, though it may be empty.

        Raises:
            DataError: it is missing, or a JSON list or object.
        """
        value = self.string(record, column)
        if value is None:
            raise DataError(f"expected text in {column!r}, found none", self.path, record.line)
        return value

    def label(self, record: Record, column: str) -> str:
        """A label without outer white space, empty where it is missing.

        ``1.0`` is ``1``, as spreadsheets and pandas write it beside empty cells.

        Raises:
            DataError: a JSON list or object.
        """
        value = (self.string(record, column) or "").strip()
        whole = _WHOLE_NUMBER.fullmatch(value)
        return whole[1] if whole else value


def read_records(path: Path) -> Records:
    """Read a table by its ending: ``.csv``, ``.tsv`` (both with a header) or ``.jsonl``. Blank lines are skipped.

    Each may be packed and then ends in ``.gz`` as well.

    Raises:
        DataError: another ending, no records, bytes that are not UTF-8, or a record that cannot be read.
    """
    suffix = _ending(path)
    if suffix not in SUFFIXES:
        raise DataError(f"expected a file that ends in {', '.join(SUFFIXES)}", path)
    file = read_lines(path)
    records = _jsonl(file) if suffix == ".jsonl" else _separated(file, _SEPARATORS[suffix])
    if not records.rows:
        raise DataError("expected rows, found none", path)
    return records


def refuse_other_separator(columns: Sequence[str], path: Path) -> None:
    """Refuse a header that is one column because its columns are separated by something else, as spreadsheets do.

    Raises:
        DataError: it has another separator.
    """
    expected = _SEPARATORS.get(_ending(path), "")
    other = next((found for found in ";\t,|" if found in columns[0] and found != expected), "")
    if expected and other and len(columns) == 1:
        raise DataError(f"expected columns separated by {expected!r}, found {other!r} between them", path)


def _ending(path: Path) -> str:
    """The ending that tells the format: of ``a.csv.gz`` this is ``.csv``."""
    return (Path(path.stem) if path.suffix.lower() == PACKED else path).suffix.lower()


def _separated(file: TextFile, separator: str) -> Records:
    lines = _fields(file, separator)
    if not lines:
        raise DataError("expected a header, found only blank lines", file.path)
    header_line, columns = lines[0][0], [column.strip() for column in lines[0][1]]
    for column in columns:
        if columns.count(column) > 1:
            raise DataError(f"expected different column names, found {column!r} twice", file.path, header_line)
    rows = []
    for line, fields in lines[1:]:
        if len(fields) != len(columns):
            raise DataError(f"expected {len(columns)} fields, found {len(fields)}", file.path, line)
        rows.append(Record(line, dict(zip(columns, fields, strict=True))))
    return Records(file.path, tuple(columns), rows, file.sha256)


def _fields(file: TextFile, separator: str) -> list[tuple[int, list[str]]]:
    """The fields of each row that is not blank, with the line where it begins (a quoted field may span lines)."""
    reader = csv.reader((line + "\n" for line in file.lines), delimiter=separator, strict=True)
    found = []
    line = 1
    try:
        with long_fields():
            for fields in reader:
                if fields:
                    found.append((line, fields))
                line = reader.line_num + 1
    except csv.Error as error:
        kind = _ending(file.path)[1:].upper()
        raise DataError(f"the row that begins here cannot be read as {kind}: {error}", file.path, line) from error
    return found


def _jsonl(file: TextFile) -> Records:
    rows = []
    columns: dict[str, None] = {}
    for line, content in enumerate(file.lines, start=1):
        if content.strip():
            values = json_object(content, file.path, line)
            columns |= dict.fromkeys(values)
            rows.append(Record(line, values))
    return Records(file.path, tuple(columns), rows, file.sha256)


def json_object(content: str, path: Path, line: int) -> dict[str, object]:
    """The object in a line of JSON.

    Raises:
        DataError: there is none, or it cannot be read.
    """
    try:
        values = json.loads(content)
    except json.JSONDecodeError as error:
        raise DataError(f"expected a JSON object, found {error.msg!r} at column {error.colno}", path, line) from error
    except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
        raise DataError(f"expected a JSON object, found one that cannot be read ({error})", path, line) from error
    if not isinstance(values, dict):
        raise DataError(f"expected a JSON object, found {content[:40]!r}", path, line)
    return values


@contextmanager
def long_fields() -> Iterator[None]:
    """Let Python's reader of CSV take fields of any length, which is a whole book in some tables."""
    before = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)
