"""``tasktalk transfer``, as a program: old answers stay, the new task answers, and what is refused."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import (
    ASSAYS,
    GRAPH_SMALL,
    SMALL,
    Cli,
    assays,
    contents,
    program,
    reviews,
    start,
    write_csv,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished run of two tasks, in ``run`` beside the table of a third one, ``new.csv``. Not to be changed."""
    home = tmp_path_factory.mktemp("home")
    for name, rows, seed in (("books", 40, 1), ("dvd", 40, 2), ("new", 60, 3), ("long", 600, 4)):
        write_csv(home / f"{name}.csv", reviews(rows, seed))
    small = [*SMALL, "--epochs", 3, "--set", "training.learning_rate=0.02"]
    done = program("train", "books.csv", "dvd.csv", *small, "--beside", "none", "--out", "run", cwd=home)
    assert done.returncode == 0, done.stderr
    (home / "texts.txt").write_text("a good plot\nthe star of it is dull\nfine disc\n", encoding="utf-8")
    before = contents(home / "run")
    yield home
    assert contents(home / "run") == before, "a test has changed the shared run folder"


def answers(found: str) -> list[dict[str, dict[str, Any]]]:
    return [json.loads(line) for line in found.splitlines()]


def test_old_tasks_answer_as_before_and_the_new_one_answers(home: Path, tmp_path: Path) -> None:
    out, texts = tmp_path / "run", home / "texts.txt"
    done = program("transfer", home / "run", "--data", home / "new.csv", "--name", "garden", "--out", out)
    assert done.returncode == 0, done.stderr
    before, after = (program("predict", run, texts) for run in (home / "run", out))
    assert (before.returncode, after.returncode) == (0, 0), before.stderr + after.stderr
    both = answers(after.stdout)
    garden = [row["predictions"].pop("garden") for row in both]
    assert both == answers(before.stdout)
    before, after = (program("predict", run, texts, "--task", "dvd") for run in (home / "run", out))
    assert before.returncode == 0 and before.stdout == after.stdout
    asked = answers(program("predict", out, texts, "--task", "garden").stdout)
    assert garden == [row["predictions"]["garden"] for row in asked]


def test_molecules(tmp_path: Path, cli: Cli) -> None:
    """Through the command line: old tasks answer to the last bit, alone and together; scores; listening."""
    table = write_csv(tmp_path / "assays.csv", assays(60, seed=0), ASSAYS)
    new = write_csv(tmp_path / "new.csv", [row[1:3] for row in assays(90, seed=5)], "smiles,active")
    run, out, given = tmp_path / "run", tmp_path / "out", tmp_path / "given.txt"
    labels = ("--smiles", "smiles", "--labels", "oxygen,ring", "--model", "mitten", "--beside", "none")
    assert cli("train", table, *labels, *GRAPH_SMALL, "--out", run).code == 0
    columns = ("--label", "active", "--epochs", 3, "--unfreeze-after", 1)
    done = cli("transfer", run, "--data", new, "--name", "assay 3", *columns, "--out", out)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[1].startswith("assay 3 ")
    assert lines[-1] == f"Try next:   echo CCO | tasktalk predict {out} --task 'assay 3'"
    assert "words" not in done.out
    given.write_text("CCO\nNc1ccccc1\nC1CC1\n", encoding="utf-8")
    both = answers(cli("predict", out, given).out)
    assert all(set(row["predictions"].pop("assay 3")) == {"label", "probabilities"} for row in both)
    assert both == answers(cli("predict", run, given).out)
    before, after = (cli("predict", one, given, "--task", "ring").out for one in (run, out))
    assert before == after != ""
    other = write_csv(tmp_path / "other.csv", [row[1:4] for row in assays(30, seed=7)], "smiles,oxygen,ring")
    scores = [json.loads(cli("evaluate", one, "--data", other, "--json", "-").out)["splits"] for one in (run, out)]
    assert scores[0]["train"]["tasks"]["ring"] == scores[1]["train"]["tasks"]["ring"]
    own = json.loads(cli("evaluate", out, "--json", "-").out)["splits"]["test"]["tasks"]
    assert own["assay 3"] == json.loads((out / "metrics.json").read_text())["splits"]["test"]["tasks"]["assay 3"]
    assert own["assay 3"]["n"] > 0 and own["ring"]["n"] == 0


@pytest.mark.parametrize("unfreeze", [(), ("--unfreeze-after", "2")])
def test_what_is_told(unfreeze: tuple[str, ...], home: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "run with garden"
    done = cli("transfer", home / "run", "--data", home / "new.csv", "--name", "garden", "--epochs", 4,
               "--out", out, *unfreeze)  # fmt: skip
    assert done.code == 0, done.err
    assert "ic garden epoch 4/4  loss" in done.err
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["task", "garden"]
    assert "0.0 % of the words of garden are unknown to the run and stay so." in lines
    told = "From epoch 3 on what the tasks share was trained too, for garden only: the other tasks keep what they had, "
    assert (told + "and answer as before." in lines) == bool(unfreeze)
    assert lines[-1] == f"Try next:   echo 'some text' | tasktalk predict '{out}' --task garden"

    assert answers(cli("predict", out, home / "texts.txt", "--task", "dvd").out) == answers(
        cli("predict", home / "run", home / "texts.txt", "--task", "dvd").out
    )
    scores = json.loads(cli("evaluate", out, "--json", "-").out)["splits"]["test"]["tasks"]
    assert scores["garden"] == json.loads((out / "metrics.json").read_text())["splits"]["test"]["tasks"]["garden"]
    assert (scores["garden"]["n"], scores["books"]["n"]) == (12, 0)
    old, new = (json.loads(cli("evaluate", run, "--data", home / "books.csv", "--json", "-").out)["splits"]
                for run in (home / "run", out))  # fmt: skip
    assert new["train"]["tasks"]["books"] == old["train"]["tasks"]["books"]


def test_help_shows_an_example(cli: Cli) -> None:
    done = cli("transfer", "--help")
    assert done.code == 0
    assert "tasktalk transfer runs/shop-ic --data garden.csv --name garden" in done.out


def test_the_folder_stands_beside_the_run(
    cli: Cli, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").symlink_to(home)
    reviewed = write_csv(tmp_path / "t.csv", reviews(40, seed=9), "review,stars")
    given = ("--data", reviewed, "--name", "t", "--text", "review", "--label", "stars", "--epochs", 1, "-q")
    done = cli("transfer", "runs/run", *given, "--set", "data.test=0.5", "--out", "new")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[1].split()[:2] == ["t", "20"]
    assert cli("evaluate", "new").out.splitlines()[2].split()[:2] == ["t", "20"]
    done = cli("transfer", "runs/run", *given, "--out", "new")
    assert (done.code, "new: exists already" in done.err) == (2, True)
    assert cli("transfer", "new", *given[:3], "u", *given[4:]).code == 0
    assert [task["name"] for task in json.loads((tmp_path / "new-u/tasks.json").read_text())["tasks"]] == [
        "books", "dvd", "t", "u",
    ]  # fmt: skip


def test_interrupted_and_resumed(home: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "run"
    given = ("transfer", home / "run", "--data", home / "long.csv", "--name", "garden", "--epochs", 3)
    process = start(*given, "--set", "training.checkpoint_seconds=0", "--out", out)
    deadline = time.monotonic() + 120
    while not (out / "checkpoint.safetensors").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert f"stopped; go on with: tasktalk transfer --resume --out {out}" in err

    done = cli("train", "--resume", "--out", out)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"go on with tasktalk transfer --resume --out {out}" in done.err
    done = cli("transfer", "--resume", "--out", out)
    assert done.code == 0, done.err
    assert cli(*given, "--out", tmp_path / "whole").code == 0
    for file in ("model.safetensors", "model-task-3.safetensors"):
        assert (out / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    done = cli("transfer", "--resume", "--out", out)
    assert (done.code, done.err) == (2, f"error: {out}: this run is finished, there is nothing to resume\n")


BAD = {
    "name": (["--name", "dvd"], "run: has a task 'dvd' already: choose another name for the new one"),
    "unknown": (["--data", "unknown.csv"], "unknown.csv: task 'garden': expected training texts with words that the"),
    "one class": (
        ["--data", "class.csv"],
        "class.csv: task 'garden': expected at least two classes in training, found only 'pos'",
    ),
    "one label": (
        ["--data", "label.csv"],
        "label.csv: task 'garden': expected at least two classes in training, found only 'pos'",
    ),
    "empty": (["--data", "empty.csv"], "empty.csv"),
    "no file": (["--data", "nothing.csv"], "nothing.csv: no such file"),
    "no name": (["--name", ""], "expected --name, for example tasktalk transfer runs/shop-ic"),
    "no such column": (["--label", "stars"], "stars"),
    "late": (["--unfreeze-after", "3"], "--unfreeze-after 3: nothing would be unfrozen in 3 epochs"),
    "model": (["--set", "model.hidden=5"], "--set model.hidden: a task is added to the run as it is"),
    "setting": (["--set", "training.epoch=5"], "unknown setting 'training.epoch'"),
    "no data set": (["--data", "fdu-mlt"], "did you mean 'fdu-mtl'"),
    "resume": (["--resume"], "--resume goes with --out and --quiet only"),
}


@pytest.mark.parametrize(("options", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(
    options: list[str], sentence: str, home: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "unknown.csv", [(f"w{row} v{row}", ("a", "b")[row % 2]) for row in range(20)])
    write_csv(tmp_path / "class.csv", [(text, "pos") for text, _ in reviews(20, 0)])
    write_csv(tmp_path / "label.csv", [("a good plot", "pos")])
    write_csv(tmp_path / "empty.csv", [])
    given = {"--data": str(home / "new.csv"), "--name": "garden"} | dict(zip(options[::2], options[1::2], strict=False))
    words = [word for option, value in given.items() for word in (option, value)]
    done = cli("transfer", home / "run", *words, "--out", "out", *(["--resume"] if "--resume" in options else []))
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert done.err.startswith("error: ") and done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["trained", "of_molecules", "of_nodes", "of_sentences"])
def test_runs_that_cannot_take_a_task(
    kind: str, home: Path, tmp_path: Path, cli: Cli, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue(kind) / "run"
    done = cli("transfer", folder, "--data", home / "new.csv", "--name", "garden", "--out", tmp_path / "out")
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    expected = "is a tagger" if kind == "of_sentences" else "take a run of ic, sp, fs or mitten"
    assert done.err.startswith(f"error: {folder}: ") and expected in done.err


def test_kind_of_the_new_task(home: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "prices.csv", [(text, str(10 * row)) for row, (text, _) in enumerate(reviews(60, 5))])
    given = (home / "run", "--data", path, "--name", "price", "--epochs", 1, "--out", tmp_path / "out")
    refused = program("transfer", *given)
    assert refused.returncode == 2 and "--kind price=regression learns them as values" in refused.stderr
    done = program("transfer", *given, "--kind", "price=regression")
    assert done.returncode == 0 and "RMSE" in done.stdout, done.stderr
