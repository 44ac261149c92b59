"""What is costly to compute from examples, kept between runs by their content: ``<cache>/derived/<SHA-256>``.

A file is the SHA-256 of the rest, and safetensors. It may be deleted at any time: what is missing or damaged is
computed again. A cache that may not be written is left alone, and results are then kept for this process only.
"""

import hashlib
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import accumulate, chain, pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8
from safetensors.numpy import load, save

from tasktalk.core.errors import RunFolderError
from tasktalk.core.files import whole_file
from tasktalk.data.cache_folder import cache_folder

Arrays = dict[str, np.ndarray]

FOLDER = "derived"
_MOST_BYTES = 1_000_000_000
"""No more is kept on the disk; what was written first goes first."""
_MOST_HERE = 8
"""Nor more results in memory, where the disk may not be written."""
_DIGEST = hashlib.sha256().digest_size
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH

_here: dict[str, Arrays] = {}


def remember(what: str, content: Iterable[bytes | np.ndarray], compute: Callable[[], Arrays]) -> Arrays:
    """The result of an earlier call for the same content, else that of ``compute``.

    Args:
        what: what is computed, with the version of whatever computes it.
        content: all that the result depends on.
        compute: gives the result, named arrays.

    Returns:
        The arrays, which the caller may change.
    """
    key = _key(what, content)
    path = cache_folder() / FOLDER / key
    arrays = _here.get(key) or _read(path)
    if arrays is None:
        arrays = compute()
        if not _write(path, arrays):
            _here[key] = arrays
            for old in list(_here)[:-_MOST_HERE]:
                del _here[old]
    return {name: array.copy() for name, array in arrays.items()}


def content_of(texts: Sequence[Sequence[str]]) -> list[bytes | np.ndarray]:
    """The words of texts as content: different for all texts that differ in a word or in where one ends."""
    words = list(chain.from_iterable(texts))
    return [np.array([len(text) for text in texts]), *pack(words).values()]


def pack(words: Sequence[str]) -> Arrays:
    """Strings as arrays: ``letters``, in UTF-8, and ``lengths``, in characters."""
    lengths = np.fromiter(map(len, words), dtype=np.int32, count=len(words))
    letters: UInt8[np.ndarray, " bytes"] = np.frombuffer("".join(words).encode(errors="surrogatepass"), dtype=np.uint8)
    return {"letters": letters, "lengths": lengths}


def unpack(arrays: Arrays) -> list[str]:
    """The strings that ``pack`` was given."""
    text = arrays["letters"].tobytes().decode(errors="surrogatepass")
    lengths: Int[np.ndarray, " words"] = arrays["lengths"]
    return [text[start:stop] for start, stop in pairwise(accumulate(lengths.tolist(), initial=0))]


def _key(what: str, content: Iterable[bytes | np.ndarray]) -> str:
    digest = hashlib.sha256(what.encode())
    for part in content:
        given = part if isinstance(part, bytes) else np.ascontiguousarray(part).tobytes()
        digest.update(len(given).to_bytes(8, "little"))
        digest.update(given)
    return digest.hexdigest()


def _read(path: Path) -> Arrays | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if content[:_DIGEST] != hashlib.sha256(content[_DIGEST:]).digest():
        return None
    return load(content[_DIGEST:])


def _write(path: Path, arrays: Arrays) -> bool:
    """Whether it could be written."""
    content = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    if _is_protected(path.parent):
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_bytes(hashlib.sha256(content).digest() + content)
    except (OSError, RunFolderError):  # no right to write, a full disk: the result is there all the same
        return False
    _forget_oldest(path.parent)
    return True


def _is_protected(folder: Path) -> bool:
    """Whether nobody may write there: a system's administrator could, but was not meant to."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    return there.exists() and not there.stat().st_mode & _WRITABLE


def _forget_oldest(folder: Path) -> None:
    """Delete what is more than may be kept."""
    with suppress(OSError):  # another process may be doing the same
        files = sorted(((path.stat(), path) for path in folder.iterdir()), key=lambda file: -file[0].st_mtime_ns)
        for (_, path), kept in zip(files, accumulate(found.st_size for found, _ in files), strict=True):
            if kept > _MOST_BYTES:
                path.unlink()
