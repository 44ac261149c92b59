"""``tasktalk tune`` on small tables."""

import json
import signal
import sys
import time
from pathlib import Path

import pytest

from tasktalk.training.config import make_config, read_config
from tests.cli.conftest import SMALL, Cli, program, start

GRID = ("--model", "linear", "--search", "data.min_count=1,3", "--sampler", "grid")


def test_a_search_and_the_training_with_its_best_settings(shop: Path, tmp_path: Path) -> None:
    searched = ("--search", "model.hidden=4,8", "--search", "training.learning_rate=1e-3..1e-1:log")
    out = tmp_path / "tuned"
    done = program("tune", shop, "--model", "fs", *searched, *SMALL[2:], "--epochs", "2", "--trials", "3", "--out", out)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines[:-2])) <= 80
    assert lines[0].split()[::2] == ["trial", "trial", "trial", "importance"]
    assert [line.split()[0] for line in lines[1:4]] == ["dev", "model.hidden", "training.learning_rate"]
    assert lines[4] == "3 trials: 3 finished."
    assert lines[5] == "Importance: too few trials were trained to the end (3, of at least 8)."
    assert lines[-1] == f"Try next:    tasktalk train --config {out / 'best.yaml'}"
    told = [line for line in done.stderr.splitlines() if line.startswith("trial ")]
    assert len(told) == 3 and told[2].endswith(")") and "(3 of 3, best " in told[2]
    summary = json.loads((out / "tune.json").read_text(encoding="utf-8"))
    trained = program("train", "--config", out / "best.yaml", "--out", tmp_path / "run", "-q")
    assert trained.returncode == 0, trained.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["splits"]["dev"]["mean"]["error"] == summary["best"]["value"]


def test_the_same_command_goes_on_and_another_one_is_refused(shop: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "tuned"
    first = cli("tune", shop, *GRID, "--trials", 1, "--out", out)
    assert first.code == 0 and "1 trial: 1 finished." in first.out
    second = cli("tune", shop, *GRID, "--out", out)
    assert "2 trials: 2 finished." in second.out and second.err.count("trial ") == 1
    again = cli("tune", shop, *GRID, "--out", out, "--quiet")
    assert (again.code, again.out, again.err) == (0, second.out, "")
    other = cli("tune", shop, *GRID[:3], "data.min_count=1,4", *GRID[4:], "--out", out)
    assert other.code == 2 and "another search space: data.min_count is 1, 3 there, 1, 4 here" in other.err
    elsewhere = cli("tune", shop, *GRID, "--out", out, "--study", "second", "-q")
    assert elsewhere.code == 0


def test_a_database(shop: Path, tmp_path: Path, cli: Cli) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    done = cli("tune", shop, *GRID, "--out", tmp_path / "one", "--storage", url, "-q")
    assert done.code == 0
    other = cli("tune", shop, *GRID, "--out", tmp_path / "two", "--storage", url)
    assert other.out.splitlines()[:3] == done.out.splitlines()[:3] and other.err == ""
    assert (tmp_path / "one" / "best.yaml").read_bytes() == (tmp_path / "two" / "best.yaml").read_bytes()


def test_the_grid_of_the_paper_is_tried_without_a_search(shop: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "paper"
    done = cli("tune", shop, "--model", "fs", *SMALL[2:], "--epochs", 1, "--trials", 1, "--out", out, "-q")
    assert done.code == 0, done.err
    summary = json.loads((out / "tune.json").read_text(encoding="utf-8"))
    assert (summary["sampler"], summary["pruner"], summary["grid"]) == ("grid", "none", 9)
    assert summary["space"] == {"model.hidden": "100, 200, 300", "training.weight_decay": "0.0, 5e-05, 1e-05"}
    assert make_config(read_config(out / "best.yaml")).model.hidden in (100, 200, 300)


def test_an_interrupt_tells_how_to_go_on(shop: Path, tmp_path: Path) -> None:
    arguments = ("tune", shop, "--model", "fs", *SMALL, "--search", "model.dropout=0.1,0.2", "--epochs", "50")
    process = start(*arguments, "--set", "training.patience=0", "--out", tmp_path / "tuned", "-q")
    journal = tmp_path / "tuned" / "trials" / "0000" / "history.csv"
    while not journal.exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert "stopped; go on with: tasktalk tune " in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--search", "model.hiden=1,2"), "unknown setting 'model.hiden': did you mean 'model.hidden'"),
        (("--grid", "papers"), "unknown --grid 'papers': did you mean 'paper'?"),
        (("--grid", "paper", "--search", "model.hidden=1,2"), "--grid names what to try, and so does --search"),
        (("--sampler", "tep"), "unknown --sampler 'tep': did you mean 'tpe'?"),
        (("--pruner", "medan"), "unknown --pruner 'medan': did you mean 'median'?"),
        (("--model", "linear"), "the paper's grid has no setting of linear; name what to try with --search"),
        (("--sampler", "grid", "--search", "model.hidden=1..9"), "a grid needs values"),
        (("--model", "icc", "--search", "model.hidden=1,2"), "unknown model 'icc'"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: tuple[str, ...], told: str, shop: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = cli("tune", shop, *arguments)
    assert done.code == 2 and done.out == ""
    assert done.err.startswith("error: ") and told in done.err and done.err.count("\n") == 1


def test_no_trial_that_can_be_trained(shop: Path, tmp_path: Path, cli: Cli) -> None:
    hopeless = ("--model", "fs", *SMALL, "--search", "training.learning_rate=1e35,1e36", "--sampler", "grid")
    done = cli("tune", shop, *hopeless, "--epochs", 2, "--set", "training.clip=0", "--out", tmp_path / "tuned", "-q")
    assert done.code == 2 and "none of 2 trials was trained to the end, the last: " in done.err


def test_the_folder_of_a_run_is_left_alone(trained: Path, cli: Cli) -> None:
    done = cli("tune", trained / "shop", *GRID, "--out", trained / "run")
    assert done.code == 2 and "is the folder of a run; choose another --out" in done.err


def test_without_optuna(shop: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = cli("tune", shop, *GRID)
    assert done.code == 2 and 'tuning needs optuna: pip install "tasktalk[tune]"' in done.err
