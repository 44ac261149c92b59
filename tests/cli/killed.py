"""Runs of ``tasktalk train`` that are killed at random moments and go on: a program, so that it can fork.

A process that has imported everything and done nothing is copied for each run, which saves the imports; what is killed
is a process like any other. ``python -m tests.cli.killed FOLDER PROCESSES KILLS``
"""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from pathlib import Path

from tasktalk.cli import app, jobs, scores  # noqa: F401 (imported here, not in every copy)
from tasktalk.cli.main import main
from tasktalk.training import processes
from tasktalk.training.lock import LOCK
from tests.cli.conftest import SMALL, reviews, write_csv
from tests.training.together import environments
from tests.training.toy import without_seconds

SAVES = ("--set", "training.checkpoint_seconds=0", "--set", "training.patience=0", "--set", "training.device=cpu")
STAGES = ("start", "training", "saving", "end", "start", "training", "end")
EPOCHS, LONGEST = 3, 240.0


@dataclass
class Launch:
    """A command in one or several processes.

    Args:
        said: file for what it prints.
        pids: of the processes that have not ended.
        codes: how those ended that have.
    """

    said: Path
    pids: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    def is_running(self) -> bool:
        for pid in list(self.pids):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self.pids.remove(pid)
                self.codes.append(os.waitstatus_to_exitcode(status))
        return bool(self.pids)

    def wait(self) -> None:
        """Wait for the end of all, which has to come."""
        end = time.monotonic() + LONGEST
        while self.is_running():
            assert time.monotonic() < end, f"it hangs: {self.said.read_text()}"
            time.sleep(0.002)


def launch(said: Path, count: int, *arguments: object) -> Launch:
    started = Launch(said)
    for environment in environments(count):
        pid = os.fork()
        if pid == 0:
            work(said, environment if count > 1 else {}, [*map(str, arguments)])
        started.pids.append(pid)
    return started


def work(said: Path, environment: dict[str, str], arguments: list[str]) -> None:
    """What a copy does; it never returns."""
    code = 1
    try:
        os.environ.update(environment)
        with said.open("a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.argv = ["tasktalk", *arguments]
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def until(started: Launch, condition: Callable[[], bool]) -> None:
    """Look very often, until a condition holds or the command has ended."""
    while not condition() and started.is_running():
        time.sleep(0.0002)


def is_trained(out: Path) -> bool:
    """Whether the last epoch is done; files come to their places after that."""
    history = out / "history.csv"
    return history.exists() and history.read_text().count("\n") == EPOCHS + 1


def wait_for_moment(stage: str, started: Launch, out: Path, draw: random.Random, lasts: tuple[float, float]) -> None:
    """Wait for a random moment of a stage of a run; ``lasts`` is how long start and end are."""
    checkpoint = out / "checkpoint.safetensors"
    if stage == "start":
        end = time.monotonic() + draw.uniform(0, lasts[0])
        until(started, lambda: time.monotonic() > end)
    elif stage == "end":
        until(started, lambda: is_trained(out))
        time.sleep(draw.uniform(0, lasts[1]))
    else:
        for _ in range(draw.randrange(1, 7)):
            before = stamp(checkpoint)
            until(started, lambda before=before: stamp(checkpoint) != before)  # type: ignore[misc]
        if stage == "saving":
            until(started, checkpoint.with_name("checkpoint.safetensors.part").exists)
        time.sleep(draw.uniform(0, 0.002 if stage == "saving" else 0.05))


@dataclass
class Killer:
    """Kills runs at moments that a seed decides.

    Args:
        folder: where everything is.
        count: processes of a run.
        kills: how often in all.
    """

    folder: Path
    count: int
    kills: int
    lasts: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.count)  # noqa: S311 (moments are no secret)
        self.stages = cycle(STAGES)
        self.killed: list[str] = []

    def start(self, out: Path) -> Launch:
        begun = (out / "config.yaml").exists()
        new = [self.folder / "shop", *SMALL, *SAVES, "--epochs", EPOCHS, "--beside", "none"]
        return launch(self.folder / "said", self.count, "train", *(["--resume"] if begun else new), "-q", "--out", out)

    def undisturbed(self, out: Path) -> None:
        began = time.monotonic()
        started = self.start(out)
        until(started, (out / "checkpoint.safetensors").exists)
        start = time.monotonic() - began
        until(started, lambda: is_trained(out))
        began = time.monotonic()
        started.wait()
        self.lasts = (start, time.monotonic() - began)
        assert set(started.codes) == {0}, started.said.read_text()

    def story(self, out: Path, kills: int) -> None:
        """A run that is killed, goes on and is killed again, until it is finished."""
        left = kills
        while not (out / "metrics.json").exists():
            started = self.start(out)
            if left:
                stage = next(self.stages)
                wait_for_moment(stage, started, out, self.draw, self.lasts)
                left -= self.kill(started, stage)
                started.wait()
            else:
                started.wait()
                assert set(started.codes) == {0}, started.said.read_text()

    def kill(self, started: Launch, stage: str) -> bool:
        """Kill all processes, or of several one alone; whether there was something to kill."""
        if not started.is_running():
            return False
        alone = len(started.pids) > 1 and self.draw.random() < 0.5
        for pid in [self.draw.choice(started.pids)] if alone else started.pids:
            os.kill(pid, signal.SIGKILL)
        self.killed.append(f"{stage}{' (one)' if alone else ''}")
        return True

    def run(self) -> None:
        self.undisturbed(self.folder / "undisturbed")
        expected, number = without_seconds(self.folder / "undisturbed"), 0
        while len(self.killed) < self.kills:
            out, number = self.folder / f"run {number}", number + 1
            self.story(out, min(5, self.kills - len(self.killed)))
            found = without_seconds(out)
            found.pop(LOCK, None)  # is left by a run that is killed after its last file, and locks nothing
            assert found == expected, self.killed
            shutil.rmtree(out)
            report(f"{len(self.killed)} kills, {number} runs: the same bits")
        report(", ".join(self.killed))


def report(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def shop(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    for task, seed in (("books", 1), ("dvd", 2)):
        yield write_csv(folder / f"{task}.csv", reviews(40, seed))


if __name__ == "__main__":
    processes._MEETING = timedelta(seconds=10)  # there is no launcher that ends a process whose other never came
    home = Path(sys.argv[1])
    assert list(shop(home / "shop"))
    Killer(home, int(sys.argv[2]), int(sys.argv[3])).run()
