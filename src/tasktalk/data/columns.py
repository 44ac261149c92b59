"""Column files as annotators have them: a word per line, its tags beside it, a blank line after each sentence."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from tasktalk.core.errors import DataError
from tasktalk.data.lines import read_lines

Separator = Literal["whitespace", "tab", "space"]

_DOCUMENT = "-DOCSTART-"
_COMMENT = "#"
_NO_BLANKS = re.compile("[^ \t]+")  # str.split would also split at the no-break spaces that stand inside words


class Sentence(NamedTuple):
    """One sentence of a file.

    Args:
        words: its words, as they stand in the file.
        tags: the tag of each word; empty where no tags were read.
        lines: the line of each word, counted from 1.
        path: the file.
    """

    words: list[str]
    tags: list[str]
    lines: list[int]
    path: Path


@dataclass(frozen=True)
class Tagged:
    """The sentences of a source.

    Args:
        sentences: in the order of the file; none is empty.
        sources: SHA-256 of every file that was read, by file name.
    """

    sentences: list[Sentence]
    sources: Mapping[str, str]


class _Row(NamedTuple):
    """A line that is not blank."""

    line: int
    cells: list[str]


def read_columns(path: Path, *, token: int = 0, tag: int | None = -1, separator: Separator = "whitespace") -> Tagged:
    """Read a column file.

    Blank lines and ``-DOCSTART-`` lines end a sentence. A line before the first word of a sentence that begins with
    ``#`` is a comment if it has more or fewer columns than the sentence; with as many it is a word, because tweets
    begin with ``#``. A comment that has exactly as many columns by chance needs another ``separator``.

    Args:
        path: the file, in UTF-8; a byte order mark and Windows line ends are dropped.
        token: column of the words, counted from 0; from the end if negative.
        tag: column of the tags, likewise; None reads no tags.
        separator: what stands between columns: ``whitespace`` (one or more blanks and tabs), a single ``tab`` or a
            single ``space``.

    Raises:
        DataError: the file cannot be read, is not UTF-8, has no sentence, or a line has too few columns. Where columns
            are counted from the end, all lines of a file have equally many.
    """
    file = read_lines(path)
    blocks = [*_blocks(file.lines, separator)]
    usual = next((_width(block) for block in blocks if _width(block)), 0)
    blocks = [words for block in blocks if (words := _without_comments(block, usual))]
    if not blocks:
        raise DataError("expected sentences, a word per line, found none", path)
    if token < 0 or (tag is not None and tag < 0):
        _refuse_ragged(blocks, path)
    return Tagged([_sentence(block, token, tag, path) for block in blocks], {path.name: file.sha256})


def _blocks(lines: Sequence[str], separator: Separator) -> Iterator[list[_Row]]:
    """The lines between blank lines and the starts of documents."""
    block: list[_Row] = []
    for number, line in enumerate(lines, start=1):
        cells = _cells(line, separator)
        if cells and cells[0] != _DOCUMENT:
            block.append(_Row(number, cells))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _cells(line: str, separator: Separator) -> list[str]:
    """The columns of a line; none if it is blank."""
    if separator == "whitespace":
        return _NO_BLANKS.findall(line)
    if not line.strip(" \t"):
        return []
    if separator == "tab":
        return [cell.strip(" ") for cell in line.split("\t")]
    return line.rstrip(" ").split(" ")


def _width(block: Sequence[_Row]) -> int:
    """How many columns the first line has that is surely no comment; 0 if there is none."""
    return next((len(row.cells) for row in block if not row.cells[0].startswith(_COMMENT)), 0)


def _without_comments(block: list[_Row], usual: int) -> list[_Row]:
    width = _width(block) or usual
    first = 0
    while width and first < len(block) and block[first].cells[0].startswith(_COMMENT):
        if len(block[first].cells) == width:
            break
        first += 1
    return block[first:]


def _refuse_ragged(blocks: Sequence[Sequence[_Row]], path: Path) -> None:
    first = blocks[0][0]
    for block in blocks:
        for row in block:
            if len(row.cells) != len(first.cells):
                message = f"expected {_columns(first)} as in line {first.line}, found {_columns(row)}"
                raise DataError(message, path, row.line)


def _columns(row: _Row) -> str:
    return f"{len(row.cells)} column{'s' * (len(row.cells) != 1)}"


def _sentence(block: Sequence[_Row], token: int, tag: int | None, path: Path) -> Sentence:
    words = [_cell(row, token, "word", path) for row in block]
    tags = [] if tag is None else [_cell(row, tag, "tag", path) for row in block]
    width = len(block[0].cells)
    if tag is not None and token % width == tag % width:
        message = f"expected a word and a tag in two columns, found both in column {token} of {_columns(block[0])}"
        raise DataError(message, path, block[0].line)
    return Sentence(words, tags, [row.line for row in block], path)


def _cell(row: _Row, column: int, what: str, path: Path) -> str:
    if not -len(row.cells) <= column < len(row.cells):
        message = f"expected a {what} in column {column} (the first is 0), found {_columns(row)}"
        raise DataError(message, path, row.line)
    cell = row.cells[column]
    if not cell:
        raise DataError(f"expected a {what} in column {column} (the first is 0), found it empty", path, row.line)
    return sys.intern(cell)
