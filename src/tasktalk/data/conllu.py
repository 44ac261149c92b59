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
    sentences: list[Sentence] = []
    sentence = Sentence([], [], [], path)
    for number, line in enumerate([*file.lines, ""], start=1):
        if not line.strip():
            if sentence.words:
                sentences.append(sentence)
                sentence = Sentence([], [], [], path)
        elif not line.startswith("#"):
            _read_line(line, number, COLUMNS.index(tag), sentence)
    if not sentences:
        raise DataError("expected sentences in CoNLL-U, found none", path)
    return Tagged(sentences, {path.name: file.sha256})


def _read_line(line: str, number: int, column: int, sentence: Sentence) -> None:
    cells = line.split("\t")
    if len(cells) != len(COLUMNS):
        message = f"expected {len(COLUMNS)} columns between tabs, found {len(cells)}"
        raise DataError(message, sentence.path, number)
    if _NO_WORD.fullmatch(cells[0]):
        return
    if not _WORD.fullmatch(cells[0]) or not cells[1]:
        raise DataError(f"expected a number and a word, found {cells[0]!r} and {cells[1]!r}", sentence.path, number)
    tag = cells[column]
    if tag in ("", "_"):
        other = "upos" if COLUMNS[column] == "xpos" else "xpos"
        message = f"expected a tag in column {COLUMNS[column]!r}, found none; perhaps column={other} has tags"
        raise DataError(message, sentence.path, number)
    sentence.words.append(sys.intern(cells[1]))
    sentence.tags.append(sys.intern(tag))
    sentence.lines.append(number)
