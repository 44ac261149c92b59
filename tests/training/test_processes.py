"""Whole runs in two processes: the weights of one, the same files, resumed in either layout."""

import json
import shutil
import socket
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from tasktalk.core.errors import TrainingError
from tasktalk.training import processes
from tasktalk.training.checkpoint import load_tensors
from tasktalk.training.run import Run
from tasktalk.training.run_folder import CHECKPOINT, MODEL
from tasktalk.training.train import resume, train
from tests.training.together import ENDINGS, copy_of, in_two, run_config, stopped
from tests.training.toy import config, files, toy, without_seconds

pytestmark = pytest.mark.timeout(900)  # two processes on a machine that is busy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes have left, after one had stopped runs for them."""
    found = tmp_path_factory.mktemp("runs")
    for name in ENDINGS:
        stopped(found / f"{name} from one", run_config(name, dropout=0.0))
    in_two(found, "runs")
    return found


def assert_close(one: Path, other: Path) -> None:
    """The same files; weights within 1e-5, and scores that do not differ."""
    assert files(one).keys() == files(other).keys()
    for file in files(one):
        if file.startswith("model"):
            weights, others = load_tensors(one / file)[0], load_tensors(other / file)[0]
            for name, weight in weights.items():  # factors are searched for, on a grid that is finer and finer
                torch.testing.assert_close(weight, others[name], atol=1e-3 if name == "wide.mix" else 1e-5, rtol=0)
    first, second = (json.loads((run / "metrics.json").read_text())["splits"] for run in (one, other))
    assert first["test"]["mean"]["error"] == second["test"]["mean"]["error"]
    assert first["test"]["mean"]["loss"] == pytest.approx(second["test"]["mean"]["loss"], abs=1e-5)


@pytest.mark.parametrize("name", ENDINGS)
def test_two_processes_train_to_the_weights_of_one(name: str, folder: Path, tmp_path: Path) -> None:
    train(toy(), run_config(name, dropout=0.0), tmp_path / "run")
    assert_close(folder / f"{name} whole", tmp_path / "run")
    facts = json.loads((folder / f"{name} whole" / "environment.json").read_text())
    assert facts["machine"]["processes"] == 2


@pytest.mark.parametrize("name", ENDINGS)
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(name: str, folder: Path) -> None:
    assert without_seconds(folder / f"{name} resumed") == without_seconds(folder / f"{name} undisturbed")


@pytest.mark.parametrize("name", ENDINGS)
def test_what_one_process_began_two_finish(name: str, folder: Path) -> None:
    assert_close(folder / f"{name} from one", folder / f"{name} whole")


@pytest.mark.parametrize("name", ENDINGS)
def test_what_two_processes_began_one_finishes(name: str, folder: Path) -> None:
    run = copy_of(folder, f"{name} to one")
    resume(toy(), run)
    assert_close(run, folder / f"{name} whole")


def test_every_process_draws_for_itself_and_the_checkpoint_knows(folder: Path) -> None:
    tensors, facts = load_tensors(folder / "dropout" / CHECKPOINT)
    assert facts["processes"] == 2
    assert not torch.equal(tensors["generator"], tensors["generator/1"])
    one, other = (load_tensors(folder / f"ic {kind}" / MODEL)[0] for kind in ("undisturbed", "whole"))
    assert any(not torch.equal(one[name], other[name]) for name in one)  # with dropout, without


def test_a_simple_model_is_the_work_of_one(folder: Path, tmp_path: Path) -> None:
    train(toy(), config("linear"), tmp_path / "run")
    assert files(folder / "linear")[MODEL] == files(tmp_path / "run")[MODEL]
    assert Run.load(folder / "linear").metrics["splits"] == Run.load(tmp_path / "run").metrics["splits"]


def test_processes_tell_each_other_what_they_found(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    in_two(tmp_path, "talk", "lose")


@pytest.mark.parametrize("rank", [0, 1])
def test_who_meets_nobody_says_so(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {"WORLD_SIZE": 2, "RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(processes, "_MEETING", timedelta(seconds=1))
    monkeypatch.setattr(processes, "_stores", [])
    with pytest.raises(TrainingError, match=rf"^the 2 processes cannot reach each other at 127\.0\.0\.1:{port}: .+$"):
        processes.join()
    assert processes.is_first_to_speak() and not torch.distributed.is_initialized()


def test_alone_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    before = torch.get_rng_state()
    processes.join()
    processes.wait()
    processes.leave()
    processes.draw_apart(0)
    assert processes.is_main() and processes.rank() == 0 and processes.is_first_to_speak()
    assert processes.on_main(lambda: (1,)) == (1,) == processes.main_first(lambda: (1,))
    (state,) = processes.random_states(torch.device("cpu"))
    assert torch.equal(state, before) and torch.equal(torch.get_rng_state(), before)


def test_processes_that_cannot_meet_say_where(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "0"), ("MASTER_PORT", "no port"), ("MASTER_ADDR", "127.0.0.1")):
        monkeypatch.setenv(name, value)
    with pytest.raises(TrainingError, match="the 2 processes cannot reach each other at 127.0.0.1:no port"):
        processes.join()


def test_a_folder_of_a_run_killed_at_its_start_is_free(tmp_path: Path) -> None:
    for trace in (".write-test", "config.yaml.part", "training.lock"):
        (tmp_path / trace).touch()
    train(toy(), config("linear"), tmp_path)
    shutil.rmtree(tmp_path)
