"""A run from its start to an answer, stopped, killed and out of space on its way."""

import json
import resource
import signal
import time
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from safetensors import safe_open

from tests.cli.conftest import SMALL, Cli, contents, program, sentences, start, write_conll

# Without development data the weights of the last step are the ones that are kept.
SETTINGS = (
    *SMALL, "--epochs", "15", "--set", "training.batch_size=4", "--set", "training.checkpoint_seconds=0",
    "--set", "data.dev=0", "--set", "model.embeddings=shared",
)  # fmt: skip


def checkpoint(run: Path) -> dict[str, Any]:
    """Where a run is, by its latest checkpoint."""
    with safe_open(run / "checkpoint.safetensors", "np") as file:
        facts: dict[str, Any] = json.loads(file.metadata()["facts"])
    return facts


def wait_for_epoch(process: Popen[str], run: Path, epoch: int) -> None:
    """Wait until the run has done a step or more of an epoch, and not all of it."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()
        if (run / "checkpoint.safetensors").exists():
            facts = checkpoint(run)
            if facts["epoch"] >= epoch and facts["step"] > 0:
                return
        time.sleep(0.005)
    raise TimeoutError(f"no checkpoint of epoch {epoch}")


@pytest.mark.timeout(900)  # four programs that import torch, one after the other: half a minute on an idle machine
def test_stopped_and_killed_run_ends_with_the_weights_of_an_undisturbed_one(
    cli: Cli, shop: Path, tmp_path: Path
) -> None:
    whole, run = tmp_path / "whole", tmp_path / "run"
    undisturbed = start("train", shop, *SETTINGS, "--beside", "none", "--out", whole)

    stopped = start("train", shop, *SETTINGS, "--out", run)
    wait_for_epoch(stopped, run, 1)
    stopped.send_signal(signal.SIGINT)
    _, err = stopped.communicate(timeout=120)
    assert stopped.returncode == 130
    assert err.splitlines()[-1] == f"stopped; go on with: tasktalk train --resume --out {run}"
    assert "Traceback" not in err

    killed = start("train", "--resume", "--out", run)
    wait_for_epoch(killed, run, 3)
    killed.kill()
    killed.communicate(timeout=120)
    facts = checkpoint(run)
    assert killed.returncode == -signal.SIGKILL and facts["epoch"] >= 3 and not (run / "metrics.json").exists()

    resumed = program("train", "--resume", "--out", run)
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stdout.splitlines()[0].split() == ["task", "texts", "ic", "linear-per-task", "linear-easy-adapt"]
    assert undisturbed.communicate(timeout=120)[1].count("ic epoch") == 15
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert losses(run) == losses(whole)

    scores, metrics = cli("evaluate", run, "--json", "-"), (run / "metrics.json").read_text()
    assert json.loads(scores.out)["splits"] == json.loads(metrics)["splits"]
    answered = cli("predict", run, "--task", "books", stdin=b"a good plot\nthe dull star\n")
    assert [json.loads(line)["text"] for line in answered.out.splitlines()] == ["a good plot", "the dull star"]


def losses(run: Path) -> list[list[str]]:
    """The history without the times."""
    rows = [line.split(",") for line in (run / "history.csv").read_text().splitlines()]
    seconds = rows[0].index("seconds")
    return [row[:seconds] + row[seconds + 1 :] for row in rows]


@pytest.mark.timeout(900)
@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="this system has no limit of a file's size")
def test_full_disk_is_an_error_and_the_run_can_go_on(cli: Cli, shop: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def allow_small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))

    done = program("train", shop, *SETTINGS, "--out", run, "-q", preexec_fn=allow_small_files_only)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"error: {run / 'checkpoint.safetensors'}: cannot be written (")
    assert done.stderr.count("\n") == 1
    assert set(contents(run)) == {"config.yaml", "environment.json", "mask.json", "tasks.json", "vocabulary.txt"}
    assert cli("train", "--resume", "--out", run, "-q").code == 0


@pytest.mark.timeout(900)
def test_killed_tagger_ends_with_the_weights_of_an_undisturbed_one(cli: Cli, tmp_path: Path) -> None:
    path = write_conll(tmp_path / "train.conll", sentences(60, seed=0))
    tasks = ("--task", f"pos={path}:column=1", "--task", f"chunk={path}:column=2")
    settings = (
        *SMALL, "--epochs", "12", "--set", "training.batch_size=4", "--set", "training.checkpoint_seconds=0",
        "--set", "data.dev=0", "--set", "model.word_dropout=0.3", "--beside", "none",
    )  # fmt: skip
    whole, run = tmp_path / "whole", tmp_path / "run"
    killed = start("train", *tasks, *settings, "--out", run)
    wait_for_epoch(killed, run, 1)
    killed.kill()
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL and not (run / "metrics.json").exists()
    assert cli("train", "--resume", "--out", run).code == 0

    done = cli("train", *tasks, *settings, "--out", whole)
    assert done.code == 0, done.err
    assert [line.split()[:3] for line in done.out.splitlines()[:3]] == [
        ["task", "sentences", "metric"], ["pos", "12", "accuracy"], ["chunk", "12", "F1"],
    ]  # fmt: skip
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert losses(run) == losses(whole)

    scores, metrics = (
        json.loads(text) for text in (cli("evaluate", run, "--json", "-").out, (run / "metrics.json").read_text())
    )
    assert scores["splits"] == metrics["splits"]
    found = metrics["splits"]["test"]["tasks"]
    assert found["pos"]["accuracy"] > 0.9 and found["chunk"]["f1"] > 0.7 and "f1" not in found["pos"]
    answer = json.loads(cli("predict", run, "--task", "chunk", stdin=b"the dog sees a tree\n").out)
    assert answer["words"] == ["the", "dog", "sees", "a", "tree"]
    assert set(answer["predictions"]["chunk"]["tags"]) <= {"O", "B-NP", "I-NP", "B-VP", "I-VP"}
