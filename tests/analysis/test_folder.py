"""The folder of pictures: what an earlier report left goes, what somebody else put there stays, nothing is lost."""

import hashlib
from pathlib import Path

import pytest

from tasktalk.analysis.folder import LIST, replace_files
from tasktalk.core.errors import RunFolderError


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != LIST}


def test_the_folder_holds_the_last_report_and_what_is_of_others(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "explain"
    files = {"map.png": b"1", "map.csv": b"2", "tree.png": b"3"}
    assert replace_files(folder, files) == [folder / name for name in files]
    (folder / "mine.png").write_bytes(b"1")  # as ours, but not ours
    (folder / "map.csv").write_bytes(b"2, and my notes")
    replace_files(folder, {"tree.png": b"4"})
    kept = {"tree.png": b"4", "mine.png": b"1", "map.csv": b"2, and my notes"}
    assert contents(folder) == kept
    (folder / "map.png").write_bytes(b"1")  # the old one, put back from a copy
    kept["map.png"] = b"1"
    replace_files(folder, {})
    del kept["tree.png"]
    assert contents(folder) == kept


def test_the_list_is_one_of_sha256sum(tmp_path: Path) -> None:
    replace_files(tmp_path, {"b.csv": b"x", "a b.png": b"y"})
    digests = [hashlib.sha256(content).hexdigest() for content in (b"y", b"x")]
    assert (tmp_path / LIST).read_text(encoding="utf-8") == f"{digests[0]}  a b.png\n{digests[1]}  b.csv\n"


def test_a_report_that_cannot_be_written_changes_nothing_and_is_remembered(tmp_path: Path) -> None:
    replace_files(tmp_path, {"a.png": b"1", "b.png": b"2"})
    before = contents(tmp_path)
    blocked = tmp_path / "d.png.part"
    blocked.mkdir()
    with pytest.raises(RunFolderError, match=r"d\.png: cannot be written"):
        replace_files(tmp_path, {"a.png": b"3", "c.png": b"4", "d.png": b"5"})
    blocked.rmdir()
    assert contents(tmp_path) == before
    replace_files(tmp_path, {"e.png": b"6"})
    assert contents(tmp_path) == {"e.png": b"6"}


def test_one_that_was_killed_before_it_removed_anything_is_tidied_by_the_next(tmp_path: Path) -> None:
    replace_files(tmp_path, {"a.png": b"1", "b.png": b"2"})
    blocked = tmp_path / "c.png"  # takes its place first, and cannot
    blocked.mkdir()
    with pytest.raises(RunFolderError, match=r"c\.png: cannot be written"):
        replace_files(tmp_path, {"d.png": b"4", "c.png": b"3"})
    blocked.rmdir()
    (tmp_path / "d.png").write_bytes(b"4")  # as a report leaves it that is killed in between
    replace_files(tmp_path, {"e.png": b"5"})
    assert contents(tmp_path) == {"e.png": b"5"}


@pytest.mark.parametrize("name", ["../outside.png", "folder/inside.png", "link.png", "folder", "gone.png", ""])
def test_a_list_that_was_meddled_with_removes_nothing_else(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "explain"
    (folder / "folder").mkdir(parents=True)
    for path in (tmp_path / "outside.png", folder / "folder" / "inside.png"):
        path.write_bytes(b"1")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    digest = hashlib.sha256(b"1").hexdigest()
    (folder / LIST).write_bytes(f"\n\xff no line\n{digest}  {name}\n".encode("latin-1"))
    before = sorted(tmp_path.rglob("*"))
    replace_files(folder, {})
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="file: cannot be written"):
        replace_files(tmp_path / "file", {"a.png": b""})
