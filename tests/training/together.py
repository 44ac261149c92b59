"""Runs functions of this file in several processes at once, as a launcher does; and what they leave in a folder."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tasktalk.core import joint
from tasktalk.core.errors import DataError, RunFolderError, TasktalkError, TrainingError
from tasktalk.data.dataset import Dataset
from tasktalk.training import processes
from tasktalk.training.checkpoint import save_tensors
from tasktalk.training.config import Config
from tasktalk.training.dependency import hold_out
from tasktalk.training.lock import held
from tasktalk.training.loop import Fit
from tasktalk.training.train import resume, train
from tests.training.toy import (
    OF_MOLECULES,
    Recorder,
    config,
    graph_config,
    make_fit,
    molecules,
    nodes,
    stop_at_step,
    tagged,
    toy,
)

ROOT = Path(__file__).parents[2]
STILL: dict[str, Any] = {"dropout": 0.0, "training__epochs": 1, "training__clip": 0.0}

CASES: dict[str, Callable[[], tuple[Dataset, Config]]] = {
    "ic": lambda: (toy(), config("ic", **STILL)),
    "ic, all tasks at once": lambda: (toy(), config("ic", training__schedule="joint", training__batch_size=3, **STILL)),
    "ic, most labels missing": lambda: (toy(shared=True), config("ic", training__batch_size=3, **STILL)),
    "ic, one row": lambda: (toy(sizes=(3, 2, 2)), config("ic", training__batch_size=1, **STILL)),
    "dc, a row and none": lambda: (
        toy(sizes=(3, 2, 2)),
        config("dc", training__batch_size=1, training__schedule="joint", **STILL),
    ),
    "sp": lambda: (toy(), config("sp", orthogonal=2.0, training__schedule="joint", **STILL)),
    "sp, one row": lambda: (toy(sizes=(3, 2, 2)), config("sp", orthogonal=2.0, training__batch_size=1, **STILL)),
    "mt-cnn": lambda: (toy(sizes=(9, 8, 1)), config("mt-cnn", training__batch_size=2, **STILL)),
    "wide": lambda: (toy(), config("fs", wide="joint", **STILL)),
    "no row-wise updates": lambda: (toy(), config("fs", training__optimizer="adadelta", **STILL)),
    "crf": lambda: (tagged(), config("ic", word_dropout=0.0, training__batch_size=5, **STILL)),
    "softmax, one sentence": lambda: (
        tagged({"train": 4, "dev": 2}),
        config("fs", output="softmax", word_dropout=0.0, training__batch_size=1, **STILL),
    ),
    "molecules": lambda: (molecules(), graph_config("mitten", data__smiles="smiles", training__batch_size=3)),
    "nodes": lambda: (nodes(), graph_config("mitten", **OF_MOLECULES, training__batch_size=1)),
}


def gradients(folder: Path, case: str) -> dict[str, Tensor]:
    """Gradients at every step of an epoch in which nothing is learned, by step and parameter, and the losses."""
    dataset, chosen = CASES[case]()
    reporter = Recorder()
    fit = make_fit(folder, dataset, chosen, reporter)
    if case == "nodes":  # D has labels of its own
        fit.held = hold_out(fit.splits["train"], 0)[1]
    found: dict[str, Tensor] = {}

    def note() -> None:
        for name, parameter in fit.network.named_parameters():
            if parameter.grad is not None:
                found[f"{fit.state.step}/{name}"] = parameter.grad.to_dense().clone()
                parameter.grad = None

    fit._update = note  # type: ignore[method-assign]
    fit._train_epoch()
    return found | {"loss": torch.tensor(fit.state.loss)}


ENDINGS: dict[str, dict[str, Any]] = {
    "ic": {"model": "ic", "training__decay": "cosine"},
    "sp": {"model": "sp", "training__schedule": "joint", "wide": "fitted", "training__selection": "per-task"},
}


def run_config(name: str, **settings: Any) -> Config:
    """A run of 3 epochs whose every step is saved."""
    of_all = {"training__epochs": 3, "training__patience": 0, "training__checkpoint_seconds": 0.0}
    return config(**(of_all | {"training__learning_rate": 1e-3} | ENDINGS[name] | settings))


def stopped(folder: Path, chosen: Config, step: int = 4) -> None:
    """A run that ends in its second epoch."""
    stop = stop_at_step(1, step)
    with pytest.raises(KeyboardInterrupt):
        train(toy(), chosen, folder, reporter=stop)


# In several processes.


def all_gradients(folder: Path) -> None:
    """The gradients of all cases, from every process."""
    for case in CASES:
        save_tensors(folder / f"{case} {processes.rank()}", gradients(folder, case))


def runs(folder: Path) -> None:
    """Whole runs, runs that went on, and one that is to go on in one process."""
    for name in ENDINGS:
        train(toy(), run_config(name, dropout=0.0), folder / f"{name} whole")
        train(toy(), run_config(name), folder / f"{name} undisturbed")
        stopped(folder / f"{name} resumed", run_config(name))
        resume(toy(), folder / f"{name} resumed")
        stopped(folder / f"{name} to one", run_config(name, dropout=0.0))
        resume(toy(), folder / f"{name} from one")
    stopped(folder / "dropout", run_config("ic"))
    train(toy(), config("linear"), folder / "linear")


def talk(folder: Path) -> None:
    """What processes say to each other."""
    main = processes.is_main()
    assert processes.rank() == int(os.environ["RANK"])
    done: list[int] = []

    def tell() -> str:
        done.append(1)
        return "told"

    def count() -> int:
        done.append(2)
        return len(done)

    assert processes.on_main(tell) == "told"
    assert len(done) == main
    assert processes.main_first(count) == len(done) == main + 1

    def fail() -> None:
        raise DataError("expected this", folder, 3)

    with held(folder / "held"):
        with pytest.raises(RunFolderError, match="another process is training in it"), held(folder / "held"):
            pass
        assert [path.name for path in (folder / "held").iterdir()] == ["training.lock"]
        processes.wait()  # the main one does not wait for the others to give it back
    for do in (processes.on_main, processes.main_first):
        with pytest.raises(DataError) as caught:
            do(fail)
        assert str(caught.value) == f"{folder}, line 3: expected this"
    with pytest.raises(RunFolderError, match="exists already"):
        train(toy(), config("fs"), folder)
    own = torch.tensor([1.0 + processes.rank(), 2.0], requires_grad=True)
    total = joint.joint_sum(own * own)
    assert total.tolist() == [5.0, 8.0]
    ((processes.rank() + 1) * total.sum()).backward()  # 1 here and 2 there
    assert own.grad is not None and own.grad.tolist() == (3 * 2 * own).tolist()
    assert processes.gather(torch.tensor([processes.rank()])).tolist() == [[0], [1]]
    fit = make_fit(folder, toy(), config("fs"))
    states = processes.random_states(torch.device("cpu"))
    assert not torch.equal(states[0], states[1]) and torch.equal(states[processes.rank()], torch.get_rng_state())
    drift(fit)
    first = processes.gather(torch.tensor([processes.is_first_to_speak(), processes.is_first_to_speak()]))
    assert int(first.sum()) == 1


def drift(fit: Fit) -> None:
    processes.check_weights(fit.network)
    with torch.no_grad():
        fit.dense[0].flatten()[0] += 1e-6 * processes.rank()
    with pytest.raises(TrainingError, match="the weights of process 1 are no longer those of process 0"):
        processes.check_weights(fit.network)
    processes.share_weights(fit.network)
    processes.check_weights(fit.network)


def lose(folder: Path) -> None:
    """One ends, the other notices; a bug in the main process leaves none behind."""
    if processes.is_main():
        sys.stdout.flush()
        os._exit(0)
    with pytest.raises(TasktalkError, match="another of the 2 processes has ended"):
        processes.wait()


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def environments(count: int) -> Iterator[dict[str, str]]:
    """What a launcher tells each process."""
    around = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}  # mpirun sets none
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "PYTHONPATH": paths}
    for rank in map(str, range(count)):
        whole = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
        yield {**around, **place, **whole, "RANK": rank, "LOCAL_RANK": rank}


def in_two(folder: Path, *jobs: str) -> None:
    """Do some of the functions above in two processes."""
    command = [sys.executable, "-W", "error", "-m", "tests.training.together", str(folder), *jobs]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    started = [subprocess.Popen(command, cwd=ROOT, env=env, **pipes) for env in environments(2)]  # type: ignore[call-overload]
    try:
        output = [process.communicate(timeout=800)[0] for process in started]
    finally:
        for process in started:
            process.kill()
            process.communicate()
    assert [process.returncode for process in started] == [0, 0], "\n".join(output)


def copy_of(folder: Path, name: str) -> Path:
    """A copy of a run that was stopped, to go on elsewhere."""
    return shutil.copytree(folder / name, folder / f"{name} copy")


if __name__ == "__main__":
    processes.join()
    for job in sys.argv[2:]:
        globals()[job](Path(sys.argv[1]))
        print(job, "done", flush=True)  # noqa: T201
    if "lose" not in sys.argv:
        processes.leave()
        threads = [file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")]
        assert not [name for name in threads if "gloo" in name], threads  # one could abort a process that ends
