"""Parse trees of the Penn Treebank (``.mrg``): the words and their parts of speech."""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from tasktalk.core.errors import DataError
from tasktalk.data.columns import Sentence, Tagged

SUFFIX = ".mrg"
_EMPTY = "-NONE-"  # the tag of traces, which nobody wrote
_PIECE = re.compile(r"[()]|[^\s()]+")


def read_treebank(path: Path) -> Tagged:
    """Read the words and tags of parse trees; traces (``-NONE-``) are dropped, words stay escaped (``-LRB-``).

    Args:
        path: a file, or a folder or zip archive whose ``.mrg`` files are read in the order of their names, those
            in folders inside as well.

    Raises:
        DataError: nothing there, a file that is not UTF-8, or brackets that do not match.
    """
    files = [*_files(path)]
    sentences = [sentence for file, content in files for sentence in _sentences(file, content)]
    if not sentences:
        raise DataError(f"expected parse trees in {SUFFIX} files, found none", path)
    if path.is_dir():
        return Tagged(sentences, {file.relative_to(path).as_posix(): _sha256(content) for file, content in files})
    return Tagged(sentences, {path.name: _sha256(path.read_bytes())})


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _files(path: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file and what is in it; a file of an archive stands below the archive."""
    try:
        if path.is_dir():
            for file in sorted(file for file in path.rglob("*") if file.suffix.lower() == SUFFIX):
                yield file, file.read_bytes()
        elif path.suffix.lower() == ".zip":
            with ZipFile(path) as archive:
                for name in sorted(name for name in archive.namelist() if name.lower().endswith(SUFFIX)):
                    yield path / name, archive.read(name)
        else:
            yield path, path.read_bytes()
    except BadZipFile as error:
        raise DataError(f"cannot be unpacked ({error})", path) from error
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})", path) from error


def _sentences(path: Path, content: bytes) -> Iterator[Sentence]:
    """The trees of a file: what stands between two outermost brackets."""
    depth, line = 0, 1
    last: list[str] = []  # since the last bracket: a tag and a word, where a bracket closes that has no others inside
    sentence = Sentence([], [], [], path)
    for line, piece in _pieces(path, content):
        if piece not in "()":
            last.append(piece)
        elif piece == "(":
            depth, last = depth + 1, []
        else:
            if last and last[0] != _EMPTY:
                if len(last) != 2:
                    raise DataError(f"expected a tag and a word, found {' '.join(last)!r}", path, line)
                sentence.tags.append(sys.intern(last[0]))
                sentence.words.append(sys.intern(last[1]))
                sentence.lines.append(line)
            depth, last = depth - 1, []
        if depth < 0 or (depth == 0 and piece != ")"):
            raise DataError(f"expected a tree that begins with '(', found {piece!r}", path, line)
        if depth == 0 and sentence.words:
            yield sentence
            sentence = Sentence([], [], [], path)
    if depth:
        raise DataError(f"expected {depth} more ')', found the end of the file", path, line)


def _pieces(path: Path, content: bytes) -> Iterator[tuple[int, str]]:
    for number, part in enumerate(content.split(b"\n"), start=1):
        try:
            text = part.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            found = f"byte 0x{part[error.start]:02x} as byte {error.start + 1} of the line"
            raise DataError(f"expected text in UTF-8, found {found}", path, number) from error
        for piece in _PIECE.findall(text):
            yield number, piece
