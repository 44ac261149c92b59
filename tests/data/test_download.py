"""Downloads, from a server on this machine."""

import hashlib
import io
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from tasktalk.core.errors import DataError
from tasktalk.data.catalogue import RemoteFile
from tasktalk.data.download import download
from tests.data.server import Site, serve

CONTENT = b"0\ttext\n" * 50_000


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site({"a": CONTENT, "b": b"b"})) as running:
        yield running


def remote(site: Site, name: str, content: bytes = CONTENT) -> RemoteFile:
    return RemoteFile(f"set/{name}", f"{site.url}/{name}", hashlib.sha256(content).hexdigest())


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def refused(file: RemoteFile, folder: Path, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        download([file], folder, progress=False)
    assert str(caught.value).startswith(f"{folder / file.path}: ")
    assert "\n" not in str(caught.value)
    assert files_in(folder) == []


def test_files_arrive_whole(site: Site, tmp_path: Path) -> None:
    download([remote(site, "a"), remote(site, "b", b"b")], tmp_path / "new", progress=False)
    assert (tmp_path / "new/set/a").read_bytes() == CONTENT
    assert files_in(tmp_path) == ["a", "b"]


def test_progress_names_the_file(site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    download([remote(site, "b", b"b")], tmp_path, progress=True)
    captured = capsys.readouterr()
    assert "1/1 set/b" in captured.err
    assert captured.out == ""


def test_broken_connection_leaves_nothing_and_earlier_files_stay(site: Site, tmp_path: Path) -> None:
    site.broken.add("a")
    refused(remote(site, "a"), tmp_path, f"cannot be fetched from {site.url}/a: the connection broke off; run again")
    with pytest.raises(DataError, match="the connection broke off"):
        download([remote(site, "b", b"b"), remote(site, "a")], tmp_path, progress=False)
    assert files_in(tmp_path) == ["b"]


def test_other_content_than_promised(site: Site, tmp_path: Path) -> None:
    file = remote(site, "a", b"promised")
    found = hashlib.sha256(CONTENT).hexdigest()
    refused(file, tmp_path, f"expected SHA-256 {file.sha256} from {site.url}/a, found {found}; nothing was kept")


def zipped(method: int = ZIP_STORED, **members: bytes) -> bytes:
    packed = io.BytesIO()
    with ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def member(site: Site, name: str, content: bytes = CONTENT) -> RemoteFile:
    return replace(remote(site, name, content), path="set/table.csv", member="table")


def test_a_member_of_an_archive_takes_its_place(site: Site, tmp_path: Path) -> None:
    site.files["packed.zip"] = zipped(other=b"other", table=CONTENT)
    download([member(site, "packed.zip")], tmp_path, progress=False)
    assert (tmp_path / "set/table.csv").read_bytes() == CONTENT
    assert files_in(tmp_path) == ["table.csv"]


def test_the_checksum_of_a_member_is_that_of_its_content(site: Site, tmp_path: Path) -> None:
    site.files["packed.zip"] = zipped(table=b"other")
    found = hashlib.sha256(b"other").hexdigest()
    refused(member(site, "packed.zip"), tmp_path, f"from {site.url}/packed.zip, found {found}; nothing was kept")


@pytest.mark.parametrize("content", [zipped(other=CONTENT), CONTENT, b"", zipped(table=CONTENT)[:200]])
def test_an_archive_without_the_member_or_none_is_refused(content: bytes, site: Site, tmp_path: Path) -> None:
    site.files["packed.zip"] = content
    refused(member(site, "packed.zip"), tmp_path, "expected a zip archive with 'table', found none; nothing was kept")


@pytest.mark.parametrize("method", [ZIP_STORED, ZIP_DEFLATED])
def test_a_member_that_is_damaged_is_refused(method: int, site: Site, tmp_path: Path) -> None:
    packed = bytearray(zipped(method, table=b"abcdefgh" * 100))
    packed[35:40] = b"\xff" * 5  # the first bytes of its content
    site.files["packed.zip"] = bytes(packed)
    refused(member(site, "packed.zip"), tmp_path, "expected a zip archive with 'table', found none; nothing was kept")


def test_no_such_file_on_the_server(site: Site, tmp_path: Path) -> None:
    refused(remote(site, "c"), tmp_path, "the server answers 404 Not Found")


def test_no_connection(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound but not listening: connections to it are refused
        taken.bind(("127.0.0.1", 0))
        nobody = Site({}, url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        refused(remote(nobody, "a"), tmp_path, "no connection; run again to fetch what is missing")
    refused(remote(Site({}, url="http://no-such-host.invalid"), "a"), tmp_path, "no connection")


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_read_only_folder(site: Site, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match="cannot be written"):
        download([remote(site, "a")], tmp_path, progress=False)


def test_folder_that_cannot_be_made(site: Site, tmp_path: Path) -> None:
    (tmp_path / "set").write_text("a file, not a folder")
    with pytest.raises(DataError, match=r"set/a: cannot be written \(.+\)"):
        download([remote(site, "a")], tmp_path, progress=False)
    assert (tmp_path / "set").read_text() == "a file, not a folder"
