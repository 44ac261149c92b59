"""The command in several processes, as a launcher starts them: what is said, how it ends, and that it can be killed."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import SMALL, Cli, hear_interrupts, program, reviews, write_csv
from tests.training.toy import without_seconds

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "tasktalk"]
ACCELERATE = [
    *(sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "--multi_gpu", "--main_process_port", "0"),
    *("--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"),
    *("-m", "tasktalk"),
]
ALONE = [sys.executable, "-m", "tasktalk"]
SAVES = ("--set", "training.checkpoint_seconds=0", "--set", "training.patience=0", "--epochs", "3", "--beside", "none")


def start(command: list[str], *args: object) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(  # type: ignore[call-overload]
        [*command, *map(str, args)], env=environment, preexec_fn=hear_interrupts, **pipes
    )


def done(started: "subprocess.Popen[str]", seconds: float = 120) -> str:
    """What a command has said, launcher and all."""
    try:
        return started.communicate(timeout=seconds)[0]
    finally:
        for process in workers(started):
            process.kill()
        started.kill()


def workers(started: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The processes that train."""
    try:
        launcher = psutil.Process(started.pid)
        return [launcher] if "torch.distributed.run" not in started.args else launcher.children()  # type: ignore[operator]
    except psutil.NoSuchProcess:
        return []


@pytest.mark.parametrize("launcher", [TORCHRUN, ACCELERATE], ids=["torchrun", "accelerate"])
def test_a_launched_command_says_and_writes_everything_once(launcher: list[str], shop: Path) -> None:
    out = shop.parent / "run"
    started = start(launcher, "train", shop, "--epochs", "1", "--beside", "linear", "--out", out, *SMALL)
    said = done(started)
    assert started.returncode == 0, said
    assert said.count("ic epoch 1/1") == said.count("Run folder:") == said.count("Test error in %") == 1
    assert (out / "metrics.json").is_file() and (out / "beside" / "linear-per-task" / "metrics.json").is_file()
    assert '"processes": 2' in (out / "environment.json").read_text()
    again = start(launcher, "train", shop, "--epochs", "1", "--out", out, *SMALL)
    said = done(again)
    assert again.returncode
    assert said.count("error:") - said.count("exitcode") <= said.count("exists already") == 1, said


@pytest.mark.parametrize("command", ["compare", "transfer", "models", "evaluate"])
def test_other_commands_refuse_several_processes_once(command: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        ended = cli(command, "--leave" if False else "x")
        assert ended.code == 2
        expected = (
            f"tasktalk {command} runs in one process, and a launcher has started 2: start it without the launcher"
        )
        assert (expected in ended.err) == (rank == 0)
        assert rank == 0 or not ended.err


def test_one_process_where_several_were_asked_for_is_a_warning(shop: Path) -> None:
    told = {**os.environ, "ACCELERATE_MIXED_PRECISION": "no", "MASTER_PORT": "29500"}
    ended = program("train", shop, "--model", "linear", "--beside", "none", "--out", shop.parent / "run", env=told)
    assert ended.returncode == 0
    assert "warning: accelerate launch has started one process" in ended.stderr


def test_an_interrupted_launch_says_once_how_to_go_on(shop: Path) -> None:
    out = shop.parent / "run"
    settings = [*SMALL, "--epochs", "1000", "--set", "training.patience=0", "--set", "training.checkpoint_seconds=0"]
    started = start(TORCHRUN, "train", shop, "--beside", "none", "--quiet", "--out", out, *settings)
    until(started, lambda: (out / "checkpoint.safetensors").exists())
    started.send_signal(signal.SIGINT)
    said = done(started)
    assert started.returncode
    assert said.count(f"stopped; go on with: tasktalk train --resume --out {out}") == 1, said


# Killed at any moment.


def until(started: "subprocess.Popen[str]", condition: Callable[[], bool], seconds: float = 120) -> None:
    """Look very often, until a condition holds or the command has ended."""
    end = time.monotonic() + seconds
    while started.poll() is None and not condition():
        assert time.monotonic() < end
        time.sleep(0.0005)


def stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def wait_for_moment(stage: str, started: "subprocess.Popen[str]", out: Path, draw: random.Random, slow: float) -> None:
    """Wait for a random moment of a stage of a run.

    Args:
        stage: ``start``, ``training``, ``saving`` or ``end``.
        started: the command.
        out: its run folder.
        draw: of moments.
        slow: seconds until the training begins.
    """
    checkpoint, history = out / "checkpoint.safetensors", out / "history.csv"
    if stage == "start":
        time.sleep(draw.uniform(0, slow))
    elif stage == "training":
        for _ in range(draw.randrange(1, 12)):
            before = stamp(checkpoint)
            until(started, lambda before=before: stamp(checkpoint) != before)  # type: ignore[misc]
        time.sleep(draw.uniform(0, 0.05))
    elif stage == "saving":
        saves = draw.randrange(1, 6)
        for _ in range(saves):
            before = stamp(checkpoint)
            until(started, lambda before=before: stamp(checkpoint) != before)  # type: ignore[misc]
        until(started, checkpoint.with_name("checkpoint.safetensors.part").exists)
        time.sleep(draw.uniform(0, 0.002))
    else:
        until(started, lambda: history.exists() and history.read_text().count("\n") == 4)
        time.sleep(draw.uniform(0, 0.4))


def story(out: Path, shop: Path, command: list[str], stages: Iterator[str], kills: int, draw: random.Random) -> int:
    """A run that is killed, goes on and is killed again, until it is finished; how often it was killed."""
    killed = 0
    while not (out / "metrics.json").exists():
        begun = (out / "config.yaml").exists()
        arguments = ["--resume"] if begun else [shop, *SMALL, *SAVES]
        started = start(command, "train", *arguments, "--quiet", "--out", out)
        if killed < kills:
            wait_for_moment(next(stages), started, out, draw, slow=6.0)
            ranks = workers(started)
            if len(ranks) == 2 and draw.random() < 0.5:  # of two one alone
                ranks = [draw.choice(ranks)]
            for rank in ranks:
                rank.kill()
            killed += bool(ranks)
        said = done(started)  # and not waiting for ever
        assert started.returncode == 0 or killed, said
        assert killed <= kills
    return killed


def endless(stages: tuple[str, ...]) -> Iterator[str]:
    while True:
        yield from stages


def kill_often(shop: Path, command: list[str], kills: int, each: int, stages: Iterator[str]) -> None:
    """Kill runs until it has been done often enough; each has to end with the files of one that was left alone."""
    out, draw = shop.parent / "undisturbed", random.Random(0)
    assert story(out, shop, command, stages, 0, draw) == 0
    expected, total = without_seconds(out), 0
    while total < kills:
        out = shop.parent / f"killed {total}"
        killed = story(out, shop, command, stages, min(each, kills - total), draw)
        assert without_seconds(out) == expected
        total += killed
        shutil.rmtree(out)


def test_a_killed_process_ends_all_and_the_run_goes_on(tmp_path: Path) -> None:
    kill_often(small_shop(tmp_path), TORCHRUN, 2, 2, iter(["training", "end", "end"]))


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("command", [ALONE, TORCHRUN], ids=["one", "two"])
def test_runs_killed_at_20_random_moments_end_with_the_same_bits(command: list[str], tmp_path: Path) -> None:
    stages = endless(("start", "training", "saving", "end", "training", "start", "saving"))
    kill_often(small_shop(tmp_path), command, 20, 5, stages)


def small_shop(folder: Path) -> Path:
    shop = folder / "shop"
    shop.mkdir()
    for task, seed in (("books", 1), ("dvd", 2)):
        write_csv(shop / f"{task}.csv", reviews(40, seed))
    return shop
