"""One process at a time trains in a run folder; what a dead one has left is in nobody's way."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import pytest

from tasktalk.core.errors import RunFolderError
from tasktalk.training import lock
from tasktalk.training.lock import LOCK, held, refuse_trained
from tasktalk.training.run import Run
from tasktalk.training.train import resume, train
from tasktalk.training.transfer import resume_transfer, transfer, transfer_config
from tests.training.test_transfer import newcomer
from tests.training.toy import Recorder, config, files, stop_at_epoch, toy, without_seconds

ROOT = Path(__file__).parents[2]
REFUSED = "another process is training in it; wait until it ends or stop it, or choose another --out"
STOPS = """
import sys
from pathlib import Path
from tasktalk.training.train import train
from tests.training.toy import Recorder, config, toy

def wait(row):
    if row["epoch"] == 2:
        print("training", flush=True)
        sys.stdin.read()

train(toy(), config(training__epochs=4), Path(sys.argv[1]), reporter=Recorder(on_epoch=wait))
"""
"""A training that stops in its second epoch, with a checkpoint of the first."""


@contextmanager
def training(out: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process, which trains in a folder."""
    command = [sys.executable, "-c", STOPS, str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None and started.stdout.readline() == "training\n"
            yield started
        finally:
            started.kill()


def test_a_second_process_is_refused_and_a_killed_run_goes_on_at_once(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with training(out) as other:
        before = files(out)
        assert {LOCK, "checkpoint.safetensors"} <= set(before)
        with pytest.raises(RunFolderError, match=f"{out}: {REFUSED}"):
            resume(toy(), out)
        with pytest.raises(RunFolderError, match=f"{out}: {REFUSED}"):
            train(toy(), config(), out, overwrite=True)
        with pytest.raises(RunFolderError, match="exists already"):
            train(toy(), config(), out)
        assert files(out) == before
        other.kill()
        other.wait()
    assert (out / LOCK).exists()
    resume(toy(), out)
    assert not (out / LOCK).exists()
    undisturbed = train(toy(), config(training__epochs=4), tmp_path / "undisturbed")
    assert without_seconds(out) == without_seconds(undisturbed.folder)


def _transfer(out: Path, run: Run) -> Run:
    settings = transfer_config(run, "games.csv", "games", {"training": {"epochs": 3}}, [])
    return transfer(run, newcomer(), settings, out, overwrite=True)


WAYS: dict[str, Callable[[Path, Run], Run]] = {
    "train": lambda out, run: train(toy(), config("linear"), out, overwrite=True),
    "resume": lambda out, run: resume(toy(), out),
    "transfer": _transfer,
    "resume_transfer": lambda out, run: resume_transfer(newcomer(), out),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run. Not to be changed."""
    return train(toy(), config(), tmp_path_factory.mktemp("run") / "run")


@pytest.fixture
def stopped(run: Run, tmp_path: Path) -> dict[str, Path]:
    """A folder in which each way has something to do."""
    folders = {name: tmp_path / name for name in WAYS}
    for name in ("train", "resume"):
        with pytest.raises(KeyboardInterrupt):
            train(toy(), config(), folders[name], reporter=stop_at_epoch(2))
    settings = transfer_config(run, "games.csv", "games", {"training": {"epochs": 3}}, [])
    for name in ("transfer", "resume_transfer"):
        with pytest.raises(KeyboardInterrupt):
            transfer(run, newcomer(), settings, folders[name], reporter=stop_at_epoch(2))
    return folders


def test_every_way_to_train_holds_the_folder(run: Run, stopped: dict[str, Path]) -> None:
    for name, way in WAYS.items():
        out = stopped[name]
        assert LOCK not in files(out), name  # an error ends it, too
        with held(out):
            before = files(out)
            with pytest.raises(RunFolderError, match=f"{out}: {REFUSED}"):
                way(out, run)
            assert files(out) == before, name
        way(out, run)
        assert "metrics.json" in files(out) and LOCK not in files(out), name


def test_a_folder_is_held_while_it_is_trained_until_it_is_scored(run: Run, tmp_path: Path) -> None:
    seen = []

    def look(row: dict[str, object]) -> None:
        with pytest.raises(RunFolderError, match=REFUSED), held(tmp_path / "run"):
            pass
        seen.append(row["epoch"])

    train(toy(), config(), tmp_path / "run", reporter=Recorder(on_epoch=look))
    settings = transfer_config(run, "games.csv", "games", {"training": {"epochs": 1}}, [])
    transfer(run, newcomer(), settings, tmp_path / "run", overwrite=True, reporter=Recorder(on_epoch=look))
    assert seen == [1, 2, 1]


def test_a_run_inside_another_is_not_overwritten_with_it(run: Run, tmp_path: Path) -> None:
    train(toy(), config("linear"), tmp_path / "run")
    with held(tmp_path / "run" / "beside" / "fs"):
        with pytest.raises(RunFolderError, match=f"beside/fs: {REFUSED}"):
            train(toy(), config("linear"), tmp_path / "run", overwrite=True)
        assert "metrics.json" in files(tmp_path / "run")
    (tmp_path / "run" / "beside" / "fs" / LOCK).touch()  # left by one that was killed
    train(toy(), config("linear"), tmp_path / "run", overwrite=True)
    assert not (tmp_path / "run" / "beside").exists()


def test_a_run_that_another_process_finished_meanwhile_stays(
    run: Run, stopped: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = lock._make

    def late(path: Path) -> int:
        (path.parent / "metrics.json").touch()
        return make(path)

    monkeypatch.setattr(lock, "_make", late)
    for name in ("resume", "resume_transfer"):
        with pytest.raises(RunFolderError, match="this run is finished, there is nothing to resume"):
            WAYS[name](stopped[name], run)


def test_a_lock_of_a_process_that_ends_in_this_moment_counts_for_nothing(tmp_path: Path) -> None:
    with held(tmp_path):
        file = os.open(tmp_path / LOCK, os.O_RDWR)
    with pytest.raises(RunFolderError, match=REFUSED):
        lock._lock(file, tmp_path)
    refuse_trained(tmp_path)
    refuse_trained(tmp_path / "nowhere")


def test_a_folder_that_is_deleted_while_it_is_held(tmp_path: Path) -> None:
    with held(tmp_path / "run"):
        (tmp_path / "run" / LOCK).unlink()
        (tmp_path / "run").rmdir()
    assert not (tmp_path / "run").exists()


def test_without_locks_that_is_said_once_and_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def without(file: int, blocking: bool) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock, "lock_descriptor", without)
    lock._warn.cache_clear()
    for name in ("one", "other"):
        train(toy(), config("linear"), tmp_path / name)
        assert LOCK not in files(tmp_path / name)
    assert caplog.messages == [
        "warning: no locks here (No locks available): nothing keeps another process from training in the same folder"
    ]
    lock._warn.cache_clear()


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(RunFolderError, match="file/run: cannot be written .Not a directory"), held(file / "run"):
        pass

    def read_only(path: Path, flags: int, mode: int = 0o777) -> int:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    (tmp_path / LOCK).touch()
    monkeypatch.setattr(os, "open", read_only)
    refuse_trained(tmp_path)
    with pytest.raises(RunFolderError, match=f"{tmp_path}: cannot be written .Read-only file system"), held(tmp_path):
        pass
