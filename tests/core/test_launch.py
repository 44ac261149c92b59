"""What a launcher tells."""

import os

import pytest

from tasktalk.core import launch
from tasktalk.core.errors import ConfigError

NAMES = ("WORLD_SIZE", "RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "PMI_SIZE", "PMI_RANK", "MASTER_PORT")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*NAMES, "ACCELERATE_MIXED_PRECISION"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_without_a_launcher_there_is_one_process(environment: pytest.MonkeyPatch) -> None:
    assert (launch.count(), launch.rank(), launch.is_main()) == (1, 0, True)
    launch.refuse_several("tasktalk compare")
    environment.setenv("WORLD_SIZE", "")  # as an empty variable of a shell
    assert launch.count() == 1


@pytest.mark.parametrize(("size", "rank"), [NAMES[:2], NAMES[2:4], NAMES[4:6]])
def test_launchers_name_things_differently(size: str, rank: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(size, "4")
    environment.setenv(rank, "3")
    assert (launch.count(), launch.rank(), launch.is_main()) == (4, 3, False)
    with pytest.raises(ConfigError, match="tasktalk compare runs in one process, and a launcher has started 4: start"):
        launch.refuse_several("tasktalk compare")


def test_several_processes_asked_for_in_vain_are_noticed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("MASTER_PORT", "29500")
    assert not launch.asked_in_vain()  # not accelerate
    environment.setenv("ACCELERATE_MIXED_PRECISION", "no")
    assert launch.asked_in_vain()
    environment.setenv("WORLD_SIZE", "2")
    assert not launch.asked_in_vain()


def test_torch_is_quiet_where_there_are_several_processes(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TORCH_CPP_LOG_LEVEL", "")  # is what it was again after the test
    environment.delenv("TORCH_CPP_LOG_LEVEL")
    launch.keep_torch_quiet()
    assert "TORCH_CPP_LOG_LEVEL" not in os.environ
    environment.setenv("WORLD_SIZE", "2")
    launch.keep_torch_quiet()
    assert os.environ["TORCH_CPP_LOG_LEVEL"] == "FATAL"
    os.environ["TORCH_CPP_LOG_LEVEL"] = "INFO"
    launch.keep_torch_quiet()
    assert os.environ["TORCH_CPP_LOG_LEVEL"] == "INFO"
