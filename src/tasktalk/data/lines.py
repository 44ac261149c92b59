"""Lines of a text file: bytes are decoded line by line, so that an error can name its line."""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

from tasktalk.core.errors import DataError

PACKED = ".gz"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class TextFile:
    """A text file in memory.

    Args:
        path: where it was read.
        lines: its lines without their ends; line ``n`` of the file is ``lines[n - 1]``.
        content: its bytes, unpacked.
        sha256: checksum of its bytes, as they lie on the disk.
    """

    path: Path
    lines: list[str]
    content: bytes
    sha256: str


def read_lines(path: Path, fallback: str | None = None) -> TextFile:
    r"""Read a file and split it at ``\n`` and ``\r\n``, and nowhere else.

    ``str.splitlines`` would also split at U+0085 and other characters that may stand inside a text.

    Args:
        path: the file; a byte order mark is dropped. A name that ends in ``.gz`` is unpacked.
        fallback: encoding of the lines that are not UTF-8, for example ``cp1252``; None refuses them.

    Raises:
        DataError: the file cannot be read or unpacked, is empty, or a line cannot be decoded.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})", path) from error
    unpacked = _unpack(content, path) if path.suffix.lower() == PACKED else content
    parts = unpacked.removeprefix(_BOM).split(b"\n")
    if not parts[-1]:
        parts.pop()
    if not parts:
        raise DataError("expected rows, found an empty file", path)
    return TextFile(path, _lines(parts, fallback, path), unpacked, hashlib.sha256(content).hexdigest())


def _lines(parts: list[bytes], fallback: str | None, path: Path) -> list[str]:
    try:  # all at once is far faster, and most files are whole
        return [part.removesuffix("\r") for part in b"\n".join(parts).decode("utf-8").split("\n")]
    except UnicodeDecodeError:
        return [_decode(part.removesuffix(b"\r"), fallback, path, line) for line, part in enumerate(parts, start=1)]


def _unpack(content: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"cannot be unpacked ({error})", path) from error


def _decode(part: bytes, fallback: str | None, path: Path, line: int) -> str:
    try:
        return part.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = error
    if fallback is not None:
        try:
            return part.decode(fallback)
        except UnicodeDecodeError as error:
            reason = error
    expected = "UTF-8" if fallback is None else f"UTF-8 or {fallback}"
    found = f"byte 0x{part[reason.start]:02x} as byte {reason.start + 1} of the line"
    raise DataError(f"expected text in {expected}, found {found}", path, line)
