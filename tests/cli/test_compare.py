"""``tasktalk compare``: the table, what is written, going on, and what is refused."""

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.conftest import write_molecules
from tests.cli.conftest import Cli, program, sentences, start, write_conll

SMALL = ("--smiles", "smiles", "--set", "model.hidden=8", "--set", "training.tracker=none", "--set")
ONE_EPOCH = (*SMALL, "training.epochs=1")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Sixty molecules with three labels."""
    return write_molecules(tmp_path / "m.csv")


def test_from_nothing_to_files_and_on_after_a_run_is_lost(table: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    arguments = ("compare", table, *ONE_EPOCH, "--models", "single,linear", "--seeds", 2, "--mask", "all:50")
    done = program(*arguments, "--out", out, "--results", tmp_path / "pair.md")
    assert done.returncode == 0, done.stderr
    assert "single, seed 0 (1 of 4) trained in " in done.stderr
    assert "warning: the settings model.* are of networks and do not hold for linear" in done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["model", "test", "dev", "s/run", "difference"]
    assert max(map(len, lines[:-1])) <= 80
    shown = {line.split()[0]: line for line in lines[1:3]}
    means = {
        title: [_metrics(out, title, seed)["splits"]["test"]["mean"]["auroc"] for seed in (0, 1)]
        for title in ("single", "linear")
    }
    for title, (a, b) in means.items():  # of two numbers the sample deviation is |a - b| / sqrt(2)
        assert f"{(a + b) / 2:.4f} ± {abs(a - b) / 2**0.5:.4f}" in shown[title]
    a, b = (theirs - ours for ours, theirs in zip(*means.values(), strict=True))
    assert f"{(a + b) / 2:+.4f} ± {12.706204736 * abs(a - b) / 2:.4f}" in shown["linear"]
    written = json.loads((out / "comparison.json").read_text())
    assert written["command"].startswith("tasktalk compare ") and "--out" not in written["command"]
    assert written["models"]["linear"]["settings"]["data"]["mask"] == "all:50"
    assert (out / "comparison.csv").is_file() and (out / "comparison.md").is_file()
    assert str(tmp_path) not in (tmp_path / "pair.md").read_text() + (tmp_path / "pair.json").read_text()

    shutil.rmtree(out / "linear/seed-1")
    again = cli(*arguments, "--out", out)
    assert again.code == 0
    assert again.err.count("was trained before,") == 3 and "linear, seed 1 (4 of 4) trained in" in again.err
    assert _without_seconds(again.out) == _without_seconds(done.stdout)
    more = cli(*arguments[:-4], "--seeds", 1, "--first-seed", 1, "--mask", "all:50", "--against", "best", "--out", out)
    assert more.code == 0 and "Difference from the best other" in more.out and "± n/a" in more.out


def test_interrupted_it_says_how_to_go_on_and_does(table: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    arguments: tuple[str | Path, ...]
    arguments = ("compare", table, *SMALL, "training.epochs=12", "--set", "training.patience=0", "--out", out)
    arguments = (*arguments, "--models", "single", "--variant", "low=single:training.learning_rate=0.01,model.layers=2")
    process = start(*arguments, "--seeds", 1)
    assert process.stderr is not None
    while not (line := process.stderr.readline()).startswith("single epoch 2/"):
        assert line, "ended before its second epoch"
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"stopped; the same command goes on in {out}" in rest and "Traceback" not in rest
    assert not (out / "single/seed-0/metrics.json").exists() and not (out / "comparison.json").exists()
    done = cli(*arguments, "--seeds", 1)
    assert done.code == 0, done.err
    assert "single, seed 0 (1 of 2) resumed and trained in" in done.err
    assert [line.split()[0] for line in done.out.splitlines()[1:3]] == ["single", "low"]


def test_a_failure_is_told_last_and_the_others_are_kept(table: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli(
        "compare", table, *SMALL, "training.epochs=2", "--models", "shared,single", "--seeds", 1, "-q",
        "--set", "single:training.learning_rate=1e37", "--set", "training.batch_size=32", "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.code == 2
    assert re.match(r"error: single was not trained with seed 0: the loss of task .* is nan", done.err)
    assert done.out.splitlines()[1].startswith("shared  0.")
    found = json.loads((tmp_path / "out/comparison.json").read_text())
    assert [failure["title"] for failure in found["failures"]] == ["single"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--models", "single", "--paper"), "--paper: the dependency paper has no 'm'"),
        (("--models", "single", "--metric", "rmse"), "--metric: these tasks have no 'rmse'"),
        (("--models", "single", "--against", "ic"), "--against: 'ic' is not compared"),
        (("--models", "single", "--results", "nowhere/x"), "--results: the folder nowhere does not exist"),
        (("--models", "ic"), "ic: .*molecules"),
        ((), "nothing to compare"),
    ],
)
def test_refused_in_one_sentence_before_anything_is_written(
    arguments: tuple[str, ...], sentence: str, table: Path, tmp_path: Path, cli: Cli
) -> None:
    done = cli("compare", table, *ONE_EPOCH[:2], *arguments, "--out", tmp_path / "out", "-q")
    assert (done.code, done.out) == (2, "")
    assert re.search(f"^error: {sentence}", done.err) and done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_default_folder_and_settings_from_a_file(
    table: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.yaml").write_text("data: {source: [m.csv], smiles: smiles}\n")
    done = cli("compare", "--config", "my.yaml", "--models", "linear", "--seeds", 1, "-q")
    assert done.code == 0, done.err
    assert (tmp_path / "runs/m-compare/linear/seed-0/metrics.json").is_file()
    assert done.out.splitlines()[0].split() == ["model", "test", "dev", "s/run"]


def test_help_imports_nothing_heavy_and_fits_in_80_columns() -> None:
    code = (
        "import sys; sys.argv = ['tasktalk', 'compare', '--help']\n"
        "from tasktalk.cli.main import main\n"
        "try:\n    main()\nfinally:\n"
        "    print(*sorted({'torch', 'numpy', 'scipy', 'pydantic', 'yaml'} & set(sys.modules)), file=sys.stderr)"
    )
    environment = {"COLUMNS": "80", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "\n")
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def _metrics(out: Path, title: str, seed: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / title / f"seed-{seed}" / "metrics.json").read_text())
    return found


def _without_seconds(text: str) -> list[list[str]]:
    """The words of the table; the column of seconds is another each time."""
    return [[word for word in line.split() if not word.isdecimal()] for line in text.splitlines()[:3]]


def test_taggings_are_compared_by_f1_and_by_accuracy(tmp_path: Path, cli: Cli) -> None:
    path, out = write_conll(tmp_path / "train.conll", sentences(40, seed=0)), tmp_path / "out"
    tasks = ("--task", f"pos={path}:column=1", "--task", f"chunk={path}:column=2")
    small = ("--set", "model.hidden=6", "--set", "model.embedding_features=6", "--set", "training.tracker=none")
    arguments = (
        "compare",
        *tasks,
        *small,
        "--set",
        "training.epochs=2",
        "--models",
        "fs,ic",
        "--seeds",
        1,
        "--out",
        out,
    )
    done = cli(*arguments)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "accuracy % of pos:" and lines[5] == "f1 % of chunk:"
    assert lines[1].split() == lines[6].split() == ["model", "test", "dev", "s/run", "difference"]
    assert "Test accuracy % and f1 %: mean over tasks" in done.out
    for first, task, metric in ((2, "pos", "accuracy"), (7, "chunk", "f1")):
        for line, title in zip(lines[first : first + 2], ("fs", "ic"), strict=True):
            scores = _metrics(out, title, 0)["splits"]["test"]["tasks"][task]
            assert line.split()[:2] == [title, f"{100 * scores[metric]:.2f}"]
    one = cli(*arguments, "--metric", "loss", "--task", "chunk")
    assert one.code == 2  # the runs that are there have both tasks
    refused = cli(*arguments[:3], *arguments[5:], "--metric", "f1")
    assert refused.code == 2 and "these tasks have no 'f1'" in refused.err
