"""Two tiny tasks as files, and two ways to run the command: in this process, and as a program."""

import io
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SMALL = ("--set", "model.hidden=6", "--set", "model.embedding_features=6", "--set", "training.tracker=none")
"""Settings of a network that trains in a second."""
PROGRAM = Path(sys.executable).with_name("tasktalk")
COMMAND = [str(PROGRAM)] if PROGRAM.exists() else [sys.executable, "-m", "tasktalk"]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


Cli = Callable[..., Done]


def reviews(rows: int, seed: int) -> list[tuple[str, str]]:
    """Texts of seven words, one of which gives the label away."""
    rng = np.random.default_rng(seed)
    fillers = ["the", "a", "of", "it", "plot", "star", "page", "disc", "long", "cover"]
    found = []
    for row in range(rows):
        label = ("neg", "pos")[row % 2]
        tell = rng.choice({"neg": ["bad", "poor", "dull"], "pos": ["good", "fine", "great"]}[label])
        words = [tell, *rng.choice(fillers, size=6)]
        rng.shuffle(words)
        found.append((" ".join(words), label))
    return found


def write_csv(path: Path, rows: list[tuple[str, str]], header: str = "text,label") -> Path:
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with two tasks."""
    folder = tmp_path / "shop"
    folder.mkdir()
    write_csv(folder / "books.csv", reviews(40, seed=1))
    write_csv(folder / "dvd.csv", reviews(40, seed=2))
    return folder


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command in this process."""
    from tasktalk.cli.main import main

    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # main sets it; this puts it back

    def run(*args: object, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["tasktalk", *map(str, args)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        return Done(int(end.value.code or 0), shown.out, shown.err)

    return run


def program(*args: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command as a program, and wait for its end."""
    return subprocess.run([*COMMAND, *map(str, args)], capture_output=True, text=True, check=False, **options)


def hear_interrupts() -> None:
    """As in a terminal, also if the tests run in the background of a script, where SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*args: object, **options: Any) -> subprocess.Popen[str]:
    """Start the command as a program that can be interrupted."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*COMMAND, *map(str, args)], text=True, preexec_fn=hear_interrupts, **(pipes | options))  # noqa: PLW1509 (no threads here)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished run of a linear model on the two tasks, in ``run`` beside the folder ``shop``. Not to be changed."""
    from tasktalk.data.load import load
    from tasktalk.training.config import make_config
    from tasktalk.training.train import train

    home = tmp_path_factory.mktemp("trained")
    shop = home / "shop"
    shop.mkdir()
    for task, seed in (("books", 1), ("dvd", 2)):
        write_csv(shop / f"{task}.csv", reviews(40, seed))
    train(load(shop), make_config({"data": {"source": [str(shop)]}, "model": {"name": "linear"}}), home / "run")
    before = contents(home)
    yield home
    assert contents(home) == before, "a test has changed the shared run folder"
