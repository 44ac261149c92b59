import errno
import os
from pathlib import Path

import pytest

from tasktalk.core.errors import RunFolderError
from tasktalk.core.files import whole_file, write_text


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    with whole_file(path) as part:
        part.write_text("{}")
        assert not path.exists()
    assert path.read_text() == "{}"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_on_the_way_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("old")

    def fail() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"

    def fill() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(RunFolderError, match=r"model\.safetensors: cannot be written \(No space left on device\)"):
        fill()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "reason"), [("missing", "No such file or directory"), ("a_file", "Not a directory")]
)
def test_a_folder_that_is_none(tmp_path: Path, folder: str, reason: str) -> None:
    (tmp_path / "a_file").write_text("here")
    with pytest.raises(RunFolderError, match=rf"config\.yaml: cannot be written \({reason}\)"):
        write_text(tmp_path / folder / "config.yaml", "a: 1\n")
    assert (tmp_path / "a_file").read_text() == "here"


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").mkdir()
    with pytest.raises(RunFolderError, match="cannot be written"):
        write_text(tmp_path / "config.yaml", "a: 1\n")
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_read_only_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write into read-only folders")
    with pytest.raises(RunFolderError, match=r"cannot be written \(Permission denied\)"):
        write_text(folder / "config.yaml", "a: 1\n")
    assert list(folder.iterdir()) == []


def test_text_is_utf8_with_unix_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "words.txt", "naïve\n分\n")
    assert (tmp_path / "words.txt").read_bytes() == "naïve\n分\n".encode()
