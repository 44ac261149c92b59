"""The catalogue."""

import re
from pathlib import Path

import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.data.catalogue import CATALOGUE, Entry, find
from tasktalk.data.corpora import KNOWN


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE.keys())
def test_entries_are_complete(entry: Entry) -> None:
    assert entry.summary
    assert entry.licence
    assert entry.citation
    assert len({file.path for file in entry.files}) == len(entry.files) > 0
    for file in entry.files:
        assert file.path.startswith(f"{entry.folder}/")
        assert file.url.startswith("https://")
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)


def test_fdu_mtl() -> None:
    entry = find("fdu-mtl")
    assert len(entry.files) == 48
    assert sum(file.needed for file in entry.files) == 32
    (books,) = (file for file in entry.files if file.path == "fdu-mtl/books.task.train")
    assert books.url == (
        "https://raw.githubusercontent.com/ccsasuke/man/b57b4c14340db1ca7bffb5d9737b7c2601dc8df2"
        "/data/fdu-mtl/books.task.train"
    )
    assert not any(file.needed for file in entry.files if file.path.endswith(".unlabel"))


def test_corpora_of_tagged_sentences_lie_where_their_reader_looks() -> None:
    for name, known in KNOWN.items():
        paths = {file.path for file in find(name).files}
        assert paths == {f"{name}/{file}" for file in known.files.values()}


def test_checksums_are_those_of_the_real_files(real_data: Path) -> None:
    listed = (line.split(maxsplit=1) for line in (real_data / "SHA256SUMS").read_text().splitlines())
    expected = {path.strip().removeprefix("./"): sha256 for sha256, path in listed}
    for entry in CATALOGUE.values():
        assert {file.path: file.sha256 for file in entry.files}.items() <= expected.items()


def test_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(ConfigError, match="unknown data set 'fdu_mlt': did you mean 'fdu-mtl'"):
        find("fdu_mlt")
