"""The files of a run folder, and when it is refused."""

import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest

from tasktalk import __version__
from tasktalk.core.errors import RunFolderError
from tasktalk.core.task import Task
from tasktalk.training import run_folder
from tasktalk.training.run_folder import (
    CONFIG,
    MODEL,
    TASKS,
    environment,
    open_folder,
    read_json,
    read_tasks,
    refuse_existing,
    write_json,
    write_tasks,
)

SOME_TASKS = (Task("books", "binary", ("no", "yes")), Task("dvd, old", "multiclass", ("ü", "v", "w"), 0.25))


def test_a_new_folder_is_made_and_is_empty(tmp_path: Path) -> None:
    open_folder(tmp_path / "runs" / "one")
    assert list((tmp_path / "runs" / "one").iterdir()) == []
    open_folder(tmp_path / "runs" / "one")  # it is still empty


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for refuse in (open_folder, refuse_existing):
        with pytest.raises(RunFolderError, match="exists already; choose another --out, or give --overwrite or --res"):
            refuse(tmp_path)
        with pytest.raises(RunFolderError, match="notes.txt: exists already"):
            refuse(tmp_path / "notes.txt")
    refuse_existing(tmp_path / "new")


def test_a_path_that_cannot_be_looked_at_is_refused(tmp_path: Path) -> None:
    for refuse in (open_folder, refuse_existing):
        with pytest.raises(RunFolderError, match="u: cannot be looked at .File name too long"):
            refuse(tmp_path / ("u" * 300))


def test_only_run_folders_are_overwritten(tmp_path: Path) -> None:
    run, other = tmp_path / "run", tmp_path / "other"
    for folder in (run, other):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "file").touch()
    (run / CONFIG).touch()
    open_folder(run, overwrite=True)
    assert list(run.iterdir()) == []
    for path in (other, other / "deep" / "file"):
        with pytest.raises(RunFolderError, match="is not a run folder .config.yaml is missing., so it is not"):
            open_folder(path, overwrite=True)
    assert (other / "deep" / "file").exists()


def test_what_can_be_resumed_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="nothing to resume, config.yaml is missing"):
        open_folder(tmp_path, resume=True)
    (tmp_path / CONFIG).write_text("x")
    open_folder(tmp_path, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == [CONFIG]


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="file/run: cannot be written .Not a directory"):
        open_folder(tmp_path / "file" / "run")

    def read_only(self: Path, mode: int = 0o666, exist_ok: bool = True) -> None:
        raise OSError(30, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "touch", read_only)
    with pytest.raises(RunFolderError, match="run: cannot be written .Read-only file system"):
        open_folder(tmp_path / "run")


def test_json_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, {"ü": [1, None, 0.1 + 0.2]})
    assert path.read_text(encoding="utf-8").startswith('{\n  "ü": [')
    assert read_json(path) == {"ü": [1, None, 0.1 + 0.2]}
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json(path, {"loss": value})
    assert read_json(path) == {"ü": [1, None, 0.1 + 0.2]}
    assert [p.name for p in tmp_path.iterdir()] == ["metrics.json"]


def test_json_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="gone.json: cannot be read .No such file"):
        read_json(tmp_path / "gone.json")
    for content in (b'{"a": ', b"\xff"):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(RunFolderError, match="bad.json: is not JSON"):
            read_json(tmp_path / "bad.json")


def test_tasks_and_the_files_of_their_weights(tmp_path: Path) -> None:
    write_tasks(tmp_path, SOME_TASKS, "words")
    assert read_tasks(tmp_path) == (SOME_TASKS, "words", {"books": MODEL, "dvd, old": MODEL})
    write_tasks(tmp_path, SOME_TASKS, "words", {"dvd, old": "other.safetensors"})
    assert read_tasks(tmp_path)[2] == {"books": MODEL, "dvd, old": "other.safetensors"}


def test_mean_and_spread_of_a_regression_come_back_exactly(tmp_path: Path) -> None:
    tasks = (Task("age", "regression", mean=1 / 3, std=1e-7 / 3), Task("year", "regression", mean=-1e12 / 7))
    write_tasks(tmp_path, tasks, "")
    assert read_tasks(tmp_path)[:2] == (tasks, "")


@pytest.mark.parametrize("content", ["[]", "{}", '{"tasks": [{"name": "a"}], "tokenizer": "words"}', '{"tasks": 3}'])
def test_damaged_tasks(content: str, tmp_path: Path) -> None:
    (tmp_path / TASKS).write_text(content)
    with pytest.raises(RunFolderError, match="tasks.json: is not a list of tasks"):
        read_tasks(tmp_path)


def test_the_environment_says_what_a_result_depends_on(tmp_path: Path) -> None:
    (tmp_path / "glove.txt").write_bytes(b"a 1\n")
    found = environment(7, {"a.csv": "abc"}, [str(tmp_path / "glove.txt")])
    assert list(found) == ["versions", "seed", "machine", "commit", "command", "data", "vectors"]
    assert (found["seed"], found["data"]) == (7, {"a.csv": "abc"})
    assert found["vectors"] == {"glove.txt": "6a03830a1811a4a0f43d6bf891c9461728aa0f1b49f389fcdc8b36e67e6560c2"}
    versions, machine = found["versions"], found["machine"]
    assert isinstance(versions, dict) and isinstance(machine, dict)
    assert {"python", "tasktalk", "torch", "numpy", "scikit-learn"} <= set(versions)
    assert versions["tasktalk"] in (__version__, None)
    assert machine["threads"] >= 1 and machine["system"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_is_that_of_the_source_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    source = tmp_path / "source.py"
    source.write_text("one")
    monkeypatch.setattr(run_folder, "__file__", str(source))
    assert environment(0, {}, [])["commit"] is None  # no repository
    git("init", "--quiet")
    (tmp_path / "other.py").touch()
    git("add", "other.py")
    git("commit", "--quiet", "--message", "x")
    assert environment(0, {}, [])["commit"] is None  # a repository that knows nothing of this file
    git("add", "source.py")
    git("commit", "--quiet", "--message", "y")
    git("tag", "v1")
    assert environment(0, {}, [])["commit"] == git("rev-parse", "HEAD")
    source.write_text("two")
    assert environment(0, {}, [])["commit"] == git("rev-parse", "HEAD") + "-dirty"
