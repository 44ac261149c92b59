"""Tiny data sets of texts, molecules and nodes as files, and two ways to run the command: in this process, and as a
program.
"""

import io
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

GRAPH_SMALL = ("--set", "model.hidden=8", "--set", "training.tracker=none", "--epochs", "1")
"""Settings of a network for molecules or nodes that trains in a second or two."""
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


def write_csv(path: Path, rows: Sequence[tuple[str, ...]], header: str = "text,label") -> Path:
    path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", encoding="utf-8")
    return path


def assays(rows: int, seed: int) -> list[tuple[str, ...]]:
    """Molecules: a name, SMILES, whether there is oxygen (some unknown), which ring there is, and a size."""
    rng = np.random.default_rng(seed)
    found: list[tuple[str, ...]] = []
    for row in range(rows):
        ring = ("", "c1ccccc1", "C1CC1")[row % 3]
        smiles = ring + "".join(rng.choice(["C", "N", "O", "CC"], size=rng.integers(1, 6)))
        oxygen = "" if row % 5 == 4 else str(int("O" in smiles))
        found.append((f"id{row}", smiles, oxygen, ("none", "benzene", "propane")[row % 3], f"{len(smiles) * 1.5:.1f}"))
    return found


ASSAYS = "id,smiles,oxygen,ring,size"
BROKEN = "C1CC("
"""A ring and a branch that do not end."""


def write_graph(folder: Path, people: int = 40, seed: int = 0) -> tuple[Path, Path]:
    """The labels of people, and who knows whom: most know those of their own side."""
    rng = np.random.default_rng(seed)
    labels = [(f"p{row}", ("left", "right")[row % 2], str(row % 3) if row % 4 else "") for row in range(people)]
    links = {(row, (row + 2 * int(rng.integers(1, 9))) % people) for row in range(people) for _ in range(3)}
    edges = [(f"p{one}", f"p{other}") for one, other in sorted(links) if one < other]
    return (
        write_csv(folder / "people.csv", labels, "node,side,group"),
        write_csv(folder / "friends.csv", edges, "one,other"),
    )


def sentences(count: int, seed: int) -> list[list[str]]:
    """Lines of sentences: a word, its part of speech, and the phrase that it belongs to, in IOB2."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        lines = []
        for _ in range(rng.integers(1, 4)):
            lines += [f"{rng.choice(['the', 'a'])} DT B-NP", f"{rng.choice(['dog', 'Cat', 'tree'])} NN I-NP"]
            lines += [f"{rng.choice(['sees', 'likes'])} VB B-VP"] * int(rng.integers(2))
        found.append([*lines, ". . O"])
    return found


def write_conll(path: Path, found: Sequence[Sequence[str]]) -> Path:
    path.write_text("\n".join("\n".join(lines) + "\n" for lines in found), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def of_sentences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished run of two tasks, ``pos`` and ``chunk``, in ``run`` beside ``train.conll``. Not to be changed."""
    home = tmp_path_factory.mktemp("sentences")
    path = write_conll(home / "train.conll", sentences(60, seed=0))
    source = [f"pos={path}:column=1", f"chunk={path}:column=2"]
    small = {"name": "fs", "hidden": 8, "embedding_features": 8, "dropout": 0.0}
    training = {"epochs": 6, "tracker": "none", "learning_rate": 0.02, "device": "cpu"}
    yield from finished(home, {"data": {"source": source}, "model": small, "training": training})


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
    home = tmp_path_factory.mktemp("trained")
    shop = home / "shop"
    shop.mkdir()
    for task, seed in (("books", 1), ("dvd", 2)):
        write_csv(shop / f"{task}.csv", reviews(40, seed))
    yield from finished(home, {"data": {"source": [str(shop)]}, "model": {"name": "linear"}})


@pytest.fixture(scope="session")
def of_molecules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished run of a small forest, in ``run`` beside ``assays.csv``. Not to be changed."""
    home = tmp_path_factory.mktemp("molecules")
    rows = assays(60, seed=0)
    rows[3] = ("id3", BROKEN, *rows[3][2:])
    table = write_csv(home / "assays.csv", rows, ASSAYS)
    data = {"source": [str(table)], "smiles": "smiles", "labels": ["oxygen", "ring", "size"]}
    yield from finished(home, {"data": data, "model": {"name": "forest", "trees": 5}})


@pytest.fixture(scope="session")
def of_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished run of a linear model, in ``run`` beside ``people.csv`` and ``friends.csv``. Not to be changed."""
    home = tmp_path_factory.mktemp("nodes")
    people, friends = write_graph(home)
    data = {"source": [str(people)], "edges": str(friends)}
    yield from finished(home, {"data": data, "model": {"name": "linear"}})


def finished(home: Path, values: dict[str, Any]) -> Iterator[Path]:
    """A folder in which a run has been trained; at the end it has to be as it was."""
    from tasktalk.data.load import load_request
    from tasktalk.training.config import make_config
    from tasktalk.training.train import train

    config = make_config(values)
    train(load_request(config.data.source, config.data.request()), config, home / "run")
    before = contents(home)
    yield home
    assert contents(home) == before, "a test has changed the shared run folder"
