"""``tasktalk transfer --leave-one-out`` and ``--labels``, as a program: the whole flow, resuming, what is refused."""

import json
import re
import signal
import time
from pathlib import Path

import pytest

from tasktalk.cli.leave_one_out import parse_labels
from tasktalk.core.errors import ConfigError
from tests.cli.conftest import Cli, contents, program, reviews, start, write_csv

TASKS = ("books", "dvd", "Music")
SMALL = ("--set", "model.hidden=4", "--set", "model.embedding_features=4", "--set", "training.tracker=none")
LEAVE = ("transfer", "--leave-one-out", "--data", "shop", "--epochs", "1", "--target-epochs", "1", *SMALL)


def write_fdu(folder: Path, rows: int = 212) -> Path:
    """Three tasks in FDU format, of which all but the last 200 rows are training texts."""
    folder.mkdir()
    for seed, name in enumerate(TASKS):
        for split, count in (("train", rows), ("test", 10)):
            found = reviews(count, seed + 10 * len(split))
            lines = [f"{int(label == 'pos')}\t{text}" for text, label in found]
            (folder / f"{name}.task.{split}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the data in ``shop``."""
    write_fdu(tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_task_is_left_out_and_a_finished_run_is_taken(home: Path, cli: Cli) -> None:
    out = home / "runs/shop-ic-leave-one-out"
    plain = ("train", "shop", "--task", "dvd", "--task", "Music", "--model", "ic", "--epochs", "1", *SMALL)
    done = cli(*plain, "--beside", "none", "--out", out / "seed-0/without-books")
    assert done.code == 0, done.err
    before = contents(out)
    ended = program(*LEAVE, "--target", "books", "--labels", "4")
    assert ended.returncode == 0, ended.stderr
    assert "without-books" not in ended.stderr and "seed-0/books (2 of 8) ..." in ended.stderr
    assert {name: data for name, data in contents(out).items() if name in before} == before
    shown = ended.stdout.splitlines()
    assert re.split(r" {2,}", shown[0]) == ["task", "transfer", "ic alone", "lstm alone", "all tasks"]
    assert shown[1].split()[0] == "books" and len(shown[1].split()) == 5
    at = shown.index("Test error by training labels, books:")
    assert [line.split()[0] for line in shown[at + 1 : at + 4]] == ["labels", "4", "all"]
    assert max(map(len, shown)) <= 80
    files = {"leave-one-out.json", "leave-one-out.csv", "leave-one-out.md"}
    files |= {f"learning-curve.{kind}" for kind in ("json", "csv", "png", "svg")}
    assert {path.name for path in out.iterdir() if path.is_file()} == files
    assert sorted(path.name for path in (out / "seed-0/labels-4").iterdir()) == [
        "alone-books-ic", "alone-books-lstm", "books",
    ]  # fmt: skip
    found = json.loads((out / "leave-one-out.json").read_text())
    assert found["command"].startswith("tasktalk transfer --leave-one-out --data shop")
    assert [row["method"] for row in found["table"]] == ["transfer", "ic alone", "lstm alone", "all tasks"]

    before = contents(out)
    done = cli(*LEAVE, "--target", "books", "--labels", "4", "-q")  # all is there
    assert (done.code, done.err.count("...")) == (0, 0)
    assert {name for name, data in contents(out).items() if before.get(name) != data} <= files
    done = cli(*LEAVE, "--target", "books", "--target-epochs", "2")
    told = (
        "seed-0/books: this run has other settings (training.epochs=1 instead of 2); remove it or choose another --out"
    )
    assert (done.code, done.err.splitlines()[-1]) == (2, f"error: {out.relative_to(home)}/{told}")


def test_interrupted_and_gone_on_with(home: Path, cli: Cli) -> None:
    given = (*LEAVE[:5], "30", "--target-epochs", "2", *SMALL, "--target", "dvd", "--set", "training.patience=0")
    process = start(*given, "--out", "out", cwd=home)
    checkpoint = home / "out/seed-0/without-dvd/checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopped; go on with: the same command" in err
    assert not (home / "out/seed-0/dvd").exists()
    done = cli("train", "--resume", "--out", "out/seed-0/without-dvd", "-q")  # it is a run folder like any other
    assert done.code == 0, done.err
    done = cli(*given, "--out", "out")
    assert done.code == 0, done.err
    assert "seed-0/without-dvd" not in done.err and "seed-0/all (5 of 5) trained" in done.err


def test_the_curve_of_an_own_task_of_a_finished_run(home: Path, cli: Cli) -> None:
    write_csv(home / "garden.csv", reviews(40, seed=9))
    done = cli("train", "shop", "--epochs", "1", *SMALL, "--beside", "none", "--out", "run", "-q")
    assert done.code == 0, done.err
    given = ("transfer", "run", "--data", "garden.csv", "--name", "garden", "--labels", "5", "--seeds", "2")
    done = cli(*given, "--epochs", "1")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert re.split(r" {2,}", lines[0]) == ["task", "transfer", "ic alone", "lstm alone"]
    assert "Test error by training labels, garden:" in lines
    assert max(map(len, lines)) <= 80
    out = home / "run-garden-labels"
    assert sorted(path.name for path in (out / "seed-1").iterdir()) == [
        "alone-garden-ic", "alone-garden-lstm", "garden", "labels-5",
    ]  # fmt: skip
    found = json.loads((out / "learning-curve.json").read_text())["points"]
    assert [(row["labels"], row["seeds"]) for row in found] == [(5, 2), (28, 2)] * 3


def test_help_shows_an_example(cli: Cli) -> None:
    done = cli("transfer", "--help")
    assert done.code == 0
    assert "tasktalk transfer --leave-one-out --data fdu-mtl --model ic" in " ".join(done.out.split())


def test_labels_are_numbers_in_any_order() -> None:
    assert parse_labels(["100, 10", "50,10"]) == (10, 50, 100)
    assert parse_labels([]) == ()
    for word in ("1", "0", "ten", "2.5", "-3"):
        with pytest.raises(ConfigError, match=f"--labels: expected numbers .*, 2 or more each .* found '{word}'"):
            parse_labels([f"10,{word}"])


EACH = ("--leave-one-out", "--data", "shop")
OWN = ("run", "--data", "garden.csv", "--name", "garden")
BAD = {
    "one label": ((*EACH, "--labels", "1"), "--labels: expected numbers of training labels, 2 or more each"),
    "too many": ((*EACH, "--labels", "13"), "--labels 13: books has 12 training labels; choose fewer"),
    "target": ((*EACH, "--target", "bookz"), "--target: no task 'bookz': did you mean 'books'"),
    "no data": (("--leave-one-out",), "expected --data, for example tasktalk transfer --leave-one-out --data fdu-mtl"),
    "no such data": (("--leave-one-out", "--data", "fdu-mlt"), "did you mean 'fdu-mtl'"),
    "run": (("run", *EACH), "RUN: not with --leave-one-out, which trains its own runs"),
    "name": ((*EACH, "--name", "x"), "--name: not with --leave-one-out"),
    "resume": ((*EACH, "--resume", "--out", "x"), "--leave-one-out goes on with the same command, without --resume"),
    "overwrite": ((*EACH, "--overwrite"), "--overwrite: not with --leave-one-out or --labels"),
    "model": ((*EACH, "--model", "dc"), "model 'dc' has no shared layer"),
    "seed": ((*EACH, "--set", "training.seed=1"), "--set training.seed cannot be set here: the seeds are those of"),
    "mask": (
        (*EACH, "--set", "data.mask=all:10"),
        "--set data.mask cannot be set here: labels are counted",
    ),
    "setting": ((*EACH, "--set", "training.epoch=1"), "unknown setting 'training.epoch'"),
    "alone": ((*OWN, "--target-epochs", "3"), "--target-epochs: only with --leave-one-out or --labels"),
    "own": ((*OWN, "--labels", "10", "--model", "ic"), "--model: only with --leave-one-out"),
    "own data": (("run", "--labels", "10"), "expected --data, --name, for example tasktalk transfer runs/shop-ic"),
    "own run": ((*OWN, "--labels", "10"), "run: is not a run folder, config.yaml is missing"),
}


@pytest.mark.parametrize(("options", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(options: tuple[str, ...], sentence: str, home: Path, cli: Cli) -> None:
    done = cli("transfer", *options)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert done.err.startswith("error: ") and done.err.count("\n") == 1
    assert {path.name for path in home.iterdir()} == {"shop"}


def test_one_class_is_refused(home: Path, cli: Cli) -> None:
    path = home / "shop/dvd.task.train"
    path.write_text(path.read_text().replace("1\t", "0\t"), encoding="utf-8")
    done = cli(*LEAVE)
    assert (done.code, done.out) == (2, "")
    assert "task 'dvd': expected at least two classes in training, found only '0'" in done.err


def test_a_run_folder_does_not_become_one_of_many_runs(home: Path, cli: Cli) -> None:
    (home / "run").mkdir()
    (home / "run" / "config.yaml").touch()
    done = cli("transfer", *EACH, "--out", "run")
    assert (done.code, done.err) == (2, "error: run: is the folder of a run; choose another --out\n")
    assert [path.name for path in (home / "run").iterdir()] == ["config.yaml"]
