"""Pretrained word vectors from files.

Formats, by the end of the file name:

- text (anything else): GloVe's, a word and its numbers in each line, separated by spaces; the header line of word2vec
  and fastText ("words width") is skipped;
- ``.gz``: the same, compressed;
- ``.zip``: the same as a member, named after a colon (``glove.6B.zip:glove.6B.200d.txt``) unless it is the only one;
- ``.npz``: ``words``, one string joined by line feeds, and ``vectors``, an array of shape (words, width).

A word takes the vector of its exact spelling, else that of its lower-case spelling.
"""

import gzip
import hashlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Bool, Float

from tasktalk.core.errors import DataError, nearest


def load_vectors(
    paths: Sequence[Path | str], words: Sequence[str]
) -> tuple[Float[np.ndarray, "words features"], Bool[np.ndarray, " words"]]:
    """Vectors of some words; the vectors of several files stand side by side.

    A text file is read as a stream: only the wanted vectors are held.

    Args:
        paths: one file or more, in the formats above.
        words: the words wanted, in the order of the rows.

    Returns:
        float32 vectors, zeros where a file lacks the word; and which words stand in at least one of the files.

    Raises:
        DataError: a missing or damaged file, a line of another width, something that is not a number, wrong arrays in
            an ``.npz``, or a file that has none of the words.
    """
    if not paths:
        raise DataError("expected at least one file of word vectors, found none")
    parts = [_load_one(path, words) for path in paths]
    vectors = np.concatenate([part for part, _ in parts], axis=1)
    return vectors, np.logical_or.reduce([found for _, found in parts])


def vector_words(paths: Sequence[Path | str], words: Iterable[str]) -> set[str]:
    """The words that have a vector in at least one of the files, by their exact or lower-case spelling.

    Raises:
        DataError: as ``load_vectors``, except that no word need be found.
    """
    wanted = list(words)
    spellings = _spellings(wanted)
    present = {word for path in paths for word, _ in _rows(str(path), spellings)}
    return {word for word in wanted if word in present or word.lower() in present}


def vector_checksums(paths: Sequence[Path | str]) -> dict[str, str]:
    """SHA-256 of every file of vectors, by its name (with the member, for one of a zip)."""
    sums = {}
    for path in map(str, paths):
        archive, is_member, _ = path.partition(".zip:")
        with Path(archive + ".zip" if is_member else path).open("rb") as file:
            sums[Path(path).name] = hashlib.file_digest(file, "sha256").hexdigest()
    return sums


def _load_one(
    path: Path | str, words: Sequence[str]
) -> tuple[Float[np.ndarray, "words width"], Bool[np.ndarray, " words"]]:
    have: dict[str, np.ndarray] = {}
    for word, vector in _rows(str(path), _spellings(words)):
        have.setdefault(word, vector)
    rows = [have.get(word, have.get(word.lower())) for word in words]
    found = np.array([row is not None for row in rows], dtype=bool)
    if not have:
        raise DataError(f"expected vectors for some of the {len(words)} words, found none of them", path)
    width = next(iter(have.values())).shape[0]
    vectors = np.zeros((len(words), width), dtype=np.float32)
    vectors[found] = [row for row in rows if row is not None]
    return vectors, found


def _spellings(words: Iterable[str]) -> set[str]:
    return {spelling for word in words for spelling in (word, word.lower())}


def _rows(path: str, wanted: set[str]) -> Iterator[tuple[str, Float[np.ndarray, " width"]]]:
    if path.endswith(".npz"):
        yield from _npz_rows(path, wanted)
        return
    with _reading(path), _open_text(path) as handle:
        yield from _text_rows(handle, path, wanted)


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Name the file in whatever goes wrong while it is read."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError("expected a file of word vectors, found no such file", path) from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"expected a readable file of word vectors, found: {error}", path) from error


@contextmanager
def _open_text(path: str) -> Iterator[Iterable[bytes]]:
    archive, is_member, member = path.partition(".zip:")
    if is_member or path.endswith(".zip"):
        with zipfile.ZipFile(archive + ".zip" if is_member else path) as file, file.open(_member(file, member)) as text:
            yield text
    else:
        with gzip.open(path) if path.endswith(".gz") else Path(path).open("rb") as text:
            yield text


def _member(archive: zipfile.ZipFile, member: str) -> str:
    members = [info.filename for info in archive.infolist() if not info.is_dir()]
    if member in members or (not member and len(members) == 1):
        return member or members[0]
    found = repr(member) if member else f"{len(members)} members"
    raise DataError(
        f"expected one of the archive's members after a colon, found {found}; {nearest(member, members)}",
        archive.filename,
    )


def _text_rows(
    lines: Iterable[bytes], path: str, wanted: set[str]
) -> Iterator[tuple[str, Float[np.ndarray, " width"]]]:
    # Bytes are compared, so that only wanted lines are decoded and a line ends at a line feed and nowhere else.
    keys = {word.encode(errors="surrogatepass"): word for word in wanted}
    stream = iter(lines)
    first = next(stream, b"")
    header = _is_header(first)
    width = int(first.split()[1]) if header else first.rstrip().count(b" ")
    if width == 0:
        raise DataError(f"expected a word and its numbers, found {first[:40]!r}", path, 1)
    for number, line in enumerate(stream if header else chain([first], stream), 2 if header else 1):
        fields = line.rstrip().split(b" ", 1)
        numbers = fields[-1].count(b" ") + 1 if len(fields) == 2 else 0
        if numbers != width and not _is_spaced_word(line, width):
            raise DataError(f"expected a word and {width} numbers, found {numbers} numbers", path, number)
        if numbers == width and fields[0] in keys:
            yield keys[fields[0]], _parse(fields[1], path, number)


def _is_header(line: bytes) -> bool:
    fields = line.split()
    return len(fields) == 2 and all(field.isdigit() for field in fields)


def _is_spaced_word(line: bytes, width: int) -> bool:
    """Whether the line's word holds spaces itself, as some of GloVe 840B do; our words never do."""
    fields = line.rstrip().rsplit(b" ", width)
    if len(fields) != width + 1:
        return False
    try:
        float(fields[0].rpartition(b" ")[2])
    except ValueError:
        return True
    return False


def _parse(numbers: bytes, path: str, line: int) -> Float[np.ndarray, " width"]:
    try:
        vector = np.array(numbers.split(b" ")).astype(np.float32)
    except ValueError as error:
        raise DataError(f"expected numbers after the word, found: {error}", path, line) from error
    if not np.isfinite(vector).all():
        raise DataError("expected finite numbers after the word, found an infinity or NaN", path, line)
    return vector


def _npz_rows(path: str, wanted: set[str]) -> Iterator[tuple[str, Float[np.ndarray, " width"]]]:
    with _reading(path), Path(path).open("rb") as file:
        words, vectors = _npz_arrays(file, path)
    if vectors.ndim != 2 or len(vectors) != len(words) or vectors.dtype.kind != "f":
        found = f"{vectors.dtype} of shape {vectors.shape}"
        raise DataError(f"expected floating-point vectors for {len(words)} words, one row each, found {found}", path)
    for word, vector in zip(words, vectors, strict=True):
        if word in wanted:
            yield word, vector.astype(np.float32)


def _npz_arrays(file: BinaryIO, path: str) -> tuple[list[str], np.ndarray]:
    expected = "expected an .npz of the arrays 'words' and 'vectors'"
    try:
        arrays = np.load(file, allow_pickle=False)
        if not isinstance(arrays, np.lib.npyio.NpzFile):
            raise DataError(f"{expected}, found a single array", path)
        if not {"words", "vectors"} <= set(arrays.files):
            raise DataError(f"{expected}, found {', '.join(arrays.files) or 'none'}", path)
        return str(arrays["words"]).split("\n"), arrays["vectors"]
    except ValueError as error:  # NumPy's refusal to unpickle
        raise DataError(f"{expected}, found: {error}", path) from error
