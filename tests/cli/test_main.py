"""Where the program begins: Ctrl-C while Python imports, in a real process."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import PROGRAM, hear_interrupts, write_csv

BEGINNINGS = [[sys.executable, "-m", "tasktalk"], *([[str(PROGRAM)]] if PROGRAM.exists() else [])]
TOLD = "\nstopped; nothing was written\n"
COMMANDS = {
    "train": ["train", "a.csv"],
    "tune": ["tune", "a.csv"],
    "compare": ["compare", "a.csv"],
    "transfer": ["transfer", "run", "--data", "a.csv", "--name", "a"],
}


def stopped(
    command: list[str], module: str, folder: Path, says: str = "time.sleep(60)", **variables: str
) -> tuple[int, str]:
    """Exit code and last words of a command that is interrupted while it imports a module."""
    stub = folder / "stub"
    stub.mkdir()
    (stub / f"{module}.py").write_text(f"import time\nprint('here', flush=True)\n{says}\n")
    write_csv(folder / "a.csv", [("good", "1"), ("bad", "0")])
    paths = os.pathsep.join([str(stub), *filter(None, sys.path)])
    started = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509 (no threads here)
    )
    assert started.stdout is not None and started.stdout.readline() == "here\n", started.communicate()
    started.send_signal(signal.SIGINT)
    _, told = started.communicate(timeout=60)
    # Of a program that ends with 130 Python itself makes one that SIGINT has ended, if exec ran when it came.
    return 130 if started.returncode == -signal.SIGINT else started.returncode, told


@pytest.mark.parametrize("beginning", BEGINNINGS, ids=["module", "program"][: len(BEGINNINGS)])
def test_interrupt_before_there_is_a_command(beginning: list[str], tmp_path: Path) -> None:
    assert stopped([*beginning, "train", "a.csv"], "typer", tmp_path) == (130, TOLD)


@pytest.mark.parametrize("command", COMMANDS)
def test_interrupt_while_a_command_imports(command: str, tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "tasktalk", *COMMANDS[command]]
    assert stopped(arguments, "numpy", tmp_path) == (130, TOLD)


def test_interrupt_that_becomes_another_error_on_its_way(tmp_path: Path) -> None:
    says = "try:\n    time.sleep(60)\nexcept KeyboardInterrupt as error:\n    raise RuntimeError('of torch') from error"
    assert stopped([sys.executable, "-m", "tasktalk", "train", "a.csv"], "numpy", tmp_path, says) == (130, TOLD)


def test_of_several_processes_one_speaks(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tasktalk", "train", "a.csv"]
    assert stopped(command, "typer", tmp_path, WORLD_SIZE="2", RANK="1") == (130, "")
