"""OpenMP is told how to wait before torch loads it, unless somebody has told it already."""

import os
import subprocess
import sys

import pytest

LOADED = "from tasktalk.core.threads import wait_briefly; wait_briefly(); import torch"
NAMES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


@pytest.fixture(scope="module", autouse=True)
def gnu() -> None:
    """Every test here is of GNU's OpenMP; whether torch has it is seen without our code."""
    if "GOMP_SPINCOUNT" not in told([sys.executable, "-c", "import torch"]):
        pytest.skip("torch has another OpenMP than GNU's here")


def told(command: list[str], status: int = 0, **around: str) -> str:
    """What GNU's OpenMP of a new process says of its settings when it is loaded."""
    kept = {name: value for name, value in os.environ.items() if name not in NAMES}
    environment = {**kept, "OMP_DISPLAY_ENV": "verbose", **around}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done.stderr


def test_it_hears_how_to_wait() -> None:
    assert "GOMP_SPINCOUNT = '10000'" in told([sys.executable, "-c", LOADED])


@pytest.mark.parametrize(
    ("around", "expected"),
    [({"GOMP_SPINCOUNT": "77"}, "GOMP_SPINCOUNT = '77'"), ({"OMP_WAIT_POLICY": "passive"}, "GOMP_SPINCOUNT = '0'")],
)
def test_what_somebody_has_set_stays(around: dict[str, str], expected: str) -> None:
    assert expected in told([sys.executable, "-c", LOADED], 0, **around)


def test_the_command_line_says_it_in_time() -> None:
    command = [sys.executable, "-m", "tasktalk", "evaluate", "no folder"]
    assert "GOMP_SPINCOUNT = '10000'" in told(command, status=2)
