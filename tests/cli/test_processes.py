"""The command in several processes, as a launcher starts them: what is said, how it ends, and that it can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import SMALL, Cli, hear_interrupts, program, start
from tests.training.together import environments

pytestmark = pytest.mark.timeout(900)  # two processes on a machine that is busy

ROOT = Path(__file__).parents[2]
TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc_per_node", "2")
_ONE_MACHINE = ("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0")
ACCELERATE = ("accelerate.commands.accelerate_cli", "launch", "--multi_gpu", "--num_processes", "2", *_ONE_MACHINE)
LONG = (*SMALL, "--epochs", "9999", "--set", "training.patience=0", "--set", "training.checkpoint_seconds=0")


@contextmanager
def launched(launcher: tuple[str, ...], *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """``tasktalk train`` in two processes; none is left over."""
    command = [sys.executable, "-m", *launcher, "-m", "tasktalk", "train", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=environment, preexec_fn=hear_interrupts, **pipes) as started:  # type: ignore[call-overload]  # noqa: PLW1509 (no threads here)
        try:
            yield started
        finally:
            for process in [*workers(started), started]:
                process.kill()


def workers(started: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The processes that train."""
    try:
        return psutil.Process(started.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def ended(started: "subprocess.Popen[str]") -> str:
    """What was said until the end."""
    return started.communicate(timeout=600)[0]


def until(started: "subprocess.Popen[str]", condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 600
    while started.poll() is None and not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def once(launcher: tuple[str, ...], shop: Path) -> Path:
    """Two processes write one run, and say everything once."""
    out = shop.parent / "run"
    settings = ("--epochs", "1", "--beside", "linear", "--out", out, *SMALL)
    with launched(launcher, shop, *settings) as started:
        said = ended(started)
    assert started.returncode == 0, said
    assert [said.count(part) for part in ("ic epoch 1/1", "Run folder:", "Test error in %")] == [1, 1, 1]
    assert '"processes": 2' in (out / "environment.json").read_text()
    assert all((folder / "metrics.json").is_file() for folder in (out, out / "beside" / "linear-per-task"))
    return out


def test_a_launched_command_says_and_writes_everything_once(shop: Path) -> None:
    out = once(TORCHRUN, shop)
    with launched(TORCHRUN, shop, "--out", out) as started:
        said = ended(started)
    assert started.returncode
    assert said.count(f"{out}: exists already") == said.count("error: ") == 1, said


@pytest.mark.slow
def test_accelerate_launches_it_too(shop: Path) -> None:
    once(ACCELERATE, shop)


def test_an_interrupted_launch_says_once_how_to_go_on(shop: Path) -> None:
    out = shop.parent / "run"
    with launched(TORCHRUN, shop, *LONG, "--beside", "none", "--quiet", "--out", out) as started:
        until(started, (out / "checkpoint.safetensors").exists)
        started.send_signal(signal.SIGINT)
        said = ended(started)
    assert started.returncode
    assert said.count(f"stopped; go on with: tasktalk train --resume --out {out}") == 1, said
    assert "another of the 2 processes" not in said


@pytest.mark.parametrize("number", [0, 1])
def test_where_one_process_is_killed_the_launcher_ends(number: int, shop: Path) -> None:
    out = shop.parent / "run"
    with launched(TORCHRUN, shop, *LONG, "--beside", "none", "--quiet", "--out", out) as started:
        until(started, (out / "checkpoint.safetensors").exists)
        ranks = sorted(workers(started), key=lambda process: process.environ()["RANK"])
        ranks[number].kill()
        said = ended(started)
    assert started.returncode
    assert said.count("error: ") <= 1, said
    assert (out / "checkpoint.safetensors").exists()


def test_without_a_launcher_the_other_ends_too_and_no_stack_is_shown(shop: Path) -> None:
    out = shop.parent / "run"
    arguments = ("train", shop, *LONG, "--beside", "none", "--quiet", "--out", out)
    first, second = (start(*arguments, env=environment) for environment in environments(2))
    try:
        until(first, (out / "checkpoint.safetensors").exists)
        first.kill()
        said = second.communicate(timeout=600)
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()
    assert second.returncode == 2
    assert said == ("", "")  # the main process keeps the book of who has spoken


@pytest.mark.parametrize("command", ["compare", "transfer", "models", "evaluate"])
def test_other_commands_refuse_several_processes_once(command: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = f"tasktalk {command} runs in one process, and a launcher has started 2: start it without the launcher"
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        refused = cli(command, "x")
        assert refused.code == 2 and not refused.out
        assert expected in refused.err if rank == 0 else not refused.err


def test_one_process_where_several_were_asked_for_is_a_warning(shop: Path) -> None:
    told = {**os.environ, "ACCELERATE_MIXED_PRECISION": "no", "MASTER_PORT": "29500"}
    done = program("train", shop, "--model", "linear", "--beside", "none", "--out", shop.parent / "run", env=told)
    assert done.returncode == 0
    assert "warning: accelerate launch has started one process" in done.stderr


def kill_often(folder: Path, processes: int, kills: int) -> None:
    """Runs that are killed and go on have to end with the same files as one that was left alone."""
    command = [sys.executable, "-m", "tests.cli.killed", str(folder), str(processes), str(kills)]
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"\n{kills} kills" in f"\n{done.stdout}"


def test_killed_runs_end_with_the_same_bits(tmp_path: Path) -> None:
    kill_often(tmp_path, processes=2, kills=2)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("processes", [1, 2])
def test_runs_killed_at_20_random_moments_end_with_the_same_bits(processes: int, tmp_path: Path) -> None:
    kill_often(tmp_path, processes, kills=20)
