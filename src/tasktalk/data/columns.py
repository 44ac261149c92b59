"""Column files as annotators have them: a word per line, its tags beside it, a blank line after each sentence."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from tasktalk.core.errors import DataError
from tasktalk.data.lines import TextFile, read_lines

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
    """A line and its columns, none if it is blank."""

    line: int
    cells: list[str]


def read_columns(path: Path, *, token: int = 0, tag: int | None = -1, separator: Separator = "whitespace") -> Tagged:
    """Read a column file; arguments and errors as for ``sentences_in``, or it cannot be read."""
    file = read_lines(path)
    return Tagged(sentences_in(file, token=token, tag=tag, separator=separator), {path.name: file.sha256})


def sentences_in(
    file: TextFile, *, token: int = 0, tag: int | None = -1, separator: Separator = "whitespace"
) -> list[Sentence]:
    """The sentences of a column file.

    Blank lines and ``-DOCSTART-`` lines end a sentence. A line before the first word of a sentence that begins with
    ``#`` is a comment if it has more or fewer columns than the sentence; with as many it is a word, because tweets
    begin with ``#``. A comment that has exactly as many columns by chance needs another ``separator``.

    Args:
        file: the file.
        token: column of the words, counted from 0; from the end if negative.
        tag: column of the tags, likewise; None reads no tags.
        separator: what stands between columns: ``whitespace`` (one or more blanks and tabs), a single ``tab`` or a
            single ``space``.

    Raises:
        DataError: the file has no sentence, or a line has too few columns. Where columns are counted from the end, all
            lines of a file have equally many.
    """
    path = file.path
    blocks = _without_comments([*_blocks(_rows(file.lines, separator))])
    if not blocks:
        raise DataError("expected sentences, a word per line, found none", path)
    if token < 0 or (tag is not None and tag < 0):
        _refuse_ragged(blocks, path)
    words = _take(blocks, token, "word", path)
    tags = [[] for _ in blocks] if tag is None else _take(blocks, tag, "tag", path)
    first = blocks[0][0]
    if tag is not None and token % len(first.cells) == tag % len(first.cells):
        message = f"expected a word and a tag in two columns, found both in column {token} of {_columns(first)}"
        raise DataError(message, path, first.line)
    lines = [[row.line for row in block] for block in blocks]
    return [Sentence(*parts, path) for parts in zip(words, tags, lines, strict=True)]


def _rows(lines: Sequence[str], separator: Separator) -> list[_Row]:
    """The columns of every line; none if it is blank."""
    match separator:
        case "whitespace":
            cells = [_NO_BLANKS.findall(line) for line in lines]
        case "tab":
            cells = [[cell.strip(" ") for cell in line.split("\t")] if line.strip(" \t") else [] for line in lines]
        case "space":
            cells = [line.rstrip(" ").split(" ") if line.strip(" \t") else [] for line in lines]
    return [_Row(number, found) for number, found in enumerate(cells, start=1)]


def _blocks(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """The lines between blank lines and the starts of documents."""
    block: list[_Row] = []
    for row in rows:
        if row.cells and row.cells[0] != _DOCUMENT:
            block.append(row)
        elif block:
            yield block
            block = []
    if block:
        yield block


def _without_comments(blocks: Sequence[list[_Row]]) -> list[list[_Row]]:
    """Blocks that begin with a word; those of comments alone are left out."""
    surely = [next((len(row.cells) for row in block if row.cells[0][:1] != _COMMENT), 0) for block in blocks]
    usual = next(filter(None, surely), 0)
    kept = []
    for block, found in zip(blocks, surely, strict=True):
        width = found or usual or len(block[0].cells)
        words = (n for n, row in enumerate(block) if row.cells[0][:1] != _COMMENT or len(row.cells) == width)
        if (first := next(words, None)) is not None:
            kept.append(block[first:])
    return kept


def _take(blocks: Sequence[Sequence[_Row]], column: int, what: str, path: Path) -> list[list[str]]:
    """One column of every sentence."""
    for block in blocks:
        for row in block:
            there = -len(row.cells) <= column < len(row.cells)
            if not there or not row.cells[column]:
                found = "found it empty" if there else f"found {_columns(row)}"
                raise DataError(f"expected a {what} in column {column} (the first is 0), {found}", path, row.line)
    return [[sys.intern(row.cells[column]) for row in block] for block in blocks]


def _refuse_ragged(blocks: Sequence[Sequence[_Row]], path: Path) -> None:
    first = blocks[0][0]
    for block in blocks:
        for row in block:
            if len(row.cells) != len(first.cells):
                message = f"expected {_columns(first)} as in line {first.line}, found {_columns(row)}"
                raise DataError(message, path, row.line)


def _columns(row: _Row) -> str:
    return f"{len(row.cells)} column{'s' * (len(row.cells) != 1)}"
