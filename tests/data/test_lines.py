"""Lines and their encodings."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from tasktalk.core.errors import DataError
from tasktalk.data.lines import read_lines


def write(folder: Path, content: bytes) -> Path:
    path = folder / "file.txt"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\r\nb", ["a", "b"]),
        (b"\xef\xbb\xbfa\n\nb\n", ["a", "", "b"]),
        ("a\u0085b\u2028c\x0b\x0c\x1cd\re\nf".encode(), ["a\u0085b\u2028c\x0b\x0c\x1cd\re", "f"]),
    ],
)
def test_only_line_feeds_end_a_line(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    file = read_lines(write(tmp_path, content))
    assert file.lines == lines
    assert (file.content, file.sha256) == (content, hashlib.sha256(content).hexdigest())


def test_each_line_falls_back_for_itself(tmp_path: Path) -> None:
    path = write(tmp_path, b"na\xc3\xafve\nna\xefve \x85\n")
    assert read_lines(path, fallback="cp1252").lines == ["naïve", "naïve …"]


def test_undecodable_bytes_name_file_line_and_byte(tmp_path: Path) -> None:
    path = write(tmp_path, b"fine\nna\xefve\n")
    expected = f"{path}, line 2: expected text in UTF-8, found byte 0xef as byte 3 of the line"
    with pytest.raises(DataError, match=re.escape(expected)):
        read_lines(path)
    path = write(tmp_path, b"fine\nna\xefve \x81\n")
    expected = f"{path}, line 2: expected text in UTF-8 or cp1252, found byte 0x81 as byte 7 of the line"
    with pytest.raises(DataError, match=re.escape(expected)):
        read_lines(path, fallback="cp1252")


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_empty_file(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=re.escape("file.txt: expected rows, found an empty file")):
        read_lines(write(tmp_path, content))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing: cannot be read \(No such file or directory\)"):
        read_lines(tmp_path / "nothing")
    with pytest.raises(DataError, match=re.escape("cannot be read")):
        read_lines(tmp_path)


def test_a_packed_file_is_unpacked_and_named_by_the_bytes_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfa\r\nb\n"))
    file = read_lines(path)
    assert file.lines == ["a", "b"]
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(DataError, match=re.escape("a.txt.gz: expected rows, found an empty file")):
        read_lines(path)


@pytest.mark.parametrize("damage", ["not packed", "cut", "flipped"])
def test_a_packed_file_that_is_damaged(tmp_path: Path, damage: str) -> None:
    packed = gzip.compress(b"text\n" * 99)
    middle = len(packed) // 2
    content = {
        "not packed": b"text\n",
        "cut": packed[:middle],
        "flipped": packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :],
    }
    path = tmp_path / "a.csv.gz"
    path.write_bytes(content[damage])
    with pytest.raises(DataError, match=re.escape(f"{path}: cannot be unpacked (")):
        read_lines(path)
