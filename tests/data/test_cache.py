"""The cache of downloaded data sets."""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasktalk.core.errors import DataError
from tasktalk.data.cache import fetch, missing_files
from tasktalk.data.catalogue import Entry, RemoteFile, find
from tasktalk.data.dataset import Dataset
from tasktalk.data.fdu import load_fdu
from tasktalk.data.request import Request
from tests.data.server import Site, serve

FILES = {"one": b"1" * 100_000, "two": b"2" * 100_000, "extra": b"3"}


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site(dict(FILES))) as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path))
    return tmp_path


def load_toy(folder: Path, request: Request) -> Dataset:
    return load_fdu(folder, request.tasks)


def entry(site: Site) -> Entry:
    files = tuple(
        RemoteFile(f"toy/{name}", f"{site.url}/{name}", hashlib.sha256(content).hexdigest(), needed=name != "extra")
        for name, content in FILES.items()
    )
    return Entry("toy", "a toy", "none", "nobody", files, load_toy)


def names(files: list[RemoteFile]) -> list[str]:
    return [file.path for file in files]


def test_needed_files_first_the_rest_on_request(site: Site, cache: Path) -> None:
    toy = entry(site)
    assert fetch(toy, progress=False) == cache / "toy"
    assert site.asked == ["one", "two"]
    assert missing_files(toy) == []
    assert names(missing_files(toy, everything=True)) == ["toy/extra"]
    fetch(toy, everything=True, progress=False)
    assert site.asked == ["one", "two", "extra"]
    assert {path.name: path.read_bytes() for path in (cache / "toy").iterdir()} == FILES


def test_stopped_fetch_goes_on_where_it_was(site: Site, cache: Path) -> None:
    site.broken.add("two")
    with pytest.raises(DataError, match="toy/two: cannot be fetched"):
        fetch(entry(site), progress=False)
    assert [path.name for path in (cache / "toy").iterdir()] == ["one"]
    site.broken.clear()
    fetch(entry(site), progress=False)
    assert site.asked == ["one", "two", "two"]


def test_file_with_another_checksum_is_refused_and_left_alone(site: Site, cache: Path) -> None:
    (cache / "toy").mkdir()
    changed = cache / "toy" / "two"
    changed.write_bytes(b"mine")
    expected, found = (hashlib.sha256(content).hexdigest() for content in (FILES["two"], b"mine"))
    message = f"{changed}: expected SHA-256 {expected}, found {found}; move the file away to fetch it again"
    with pytest.raises(DataError, match=re.escape(message)):
        fetch(entry(site), progress=False)
    assert changed.read_bytes() == b"mine"
    assert site.asked == []


def test_something_that_is_no_file(site: Site, cache: Path) -> None:
    (cache / "toy" / "one").mkdir(parents=True)
    with pytest.raises(DataError, match=r"toy/one: cannot be read \(Is a directory\)"):
        missing_files(entry(site))


def test_complete_cache_is_only_read(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKTALK_DATA", str(real_data))
    monkeypatch.setitem(sys.modules, "tasktalk.data.download", None)  # importing it would fail
    assert fetch(find("fdu-mtl"), everything=True) == real_data / "fdu-mtl"
