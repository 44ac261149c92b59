"""CoNLL-U, the format of Universal Dependencies: ten columns between tabs."""

import re
import sys
from pathlib import Path

from tasktalk.core.errors import DataError
from tasktalk.data.columns import Sentence, Tagged
from tasktalk.data.lines import read_lines

COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")

_WORD = re.compile(r"\d+")
_NO_WORD = re.compile(r"\d+[-.]\d+")  # several words written as one (didn't), and words that nobody wrote


def read_conllu(path: Path, tag: str = "xpos") -> Tagged:
    """Read the words and one column of a CoNLL-U file; ``n-m`` and ``n.m`` lines and comments are skipped.

    Args:
        path: the file, in UTF-8.
        tag: the column, one of ``COLUMNS``.

    Raises:
        DataError: the file cannot be read, is not UTF-8, has no sentence, or a line is no CoNLL-U; or a word has no tag
            (``_``).
    """
    file = read_lines(path)
    column = COLUMNS.index(tag)
    sentences = [Sentence([], [], [], path)]
    for number, line in enumerate(file.lines, start=1):
        cells = line.split("\t")
        if not line.strip():
            if sentences[-1].words:
                sentences.append(Sentence([], [], [], path))
        elif line[0] == "#" or (len(cells) == len(COLUMNS) and _NO_WORD.fullmatch(cells[0])):
            continue
        elif message := _misfit(cells, column):
            raise DataError(message, path, number)
        else:
            sentences[-1].words.append(sys.intern(cells[1]))
            sentences[-1].tags.append(sys.intern(cells[column]))
            sentences[-1].lines.append(number)
    found = [sentence for sentence in sentences if sentence.words]
    if not found:
        raise DataError("expected sentences in CoNLL-U, found none", path)
    return Tagged(found, {path.name: file.sha256})


def _misfit(cells: list[str], column: int) -> str:
    """Why a line is no tagged word; empty if it is one."""
    if len(cells) != len(COLUMNS):
        return f"expected {len(COLUMNS)} columns between tabs, found {len(cells)}"
    if not _WORD.fullmatch(cells[0]) or not cells[1]:
        return f"expected a number and a word, found {cells[0]!r} and {cells[1]!r}"
    if cells[column] in ("", "_"):
        other = "upos" if COLUMNS[column] == "xpos" else "xpos"
        return f"expected a tag in column {COLUMNS[column]!r}, found none; perhaps column={other} has tags"
    return ""
