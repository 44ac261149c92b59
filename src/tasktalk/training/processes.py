"""Several processes that train one network: how they meet, wait and tell each other things.

The main process, number 0, alone writes files, in ``on_main``, which begins when all have arrived and ends when it is
done: so nobody reads what is just being written, and all decide alike.
"""

import atexit
import hashlib
import importlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.rendezvous import rendezvous

from tasktalk.core import errors, launch
from tasktalk.core.errors import RunFolderError, TasktalkError, TrainingError
from tasktalk.core.joint import alone, noticing_the_lost
from tasktalk.core.seeding import generator

T = TypeVar("T")

_LONGEST_WAIT = timedelta(days=1)
"""The main process may download, fit or score for hours; that one has died is noticed at once anyway."""
_MEETING = timedelta(minutes=5)
"""Launchers start all processes together; who waits longer waits for one that has died."""
_LAST_WORDS = timedelta(seconds=10)
"""Who leaves while another still hears the last message looks lost to it."""
_PURPOSE = 1_919_247_214  # keeps these draws apart from those that use the same seed for something else
_stores: list[Any] = []
"""What a launcher's processes write messages into, once they have met."""


def join() -> None:
    """Meet the other processes that a launcher has started; nothing happens without one, or a second time.

    Raises:
        TrainingError: they cannot reach each other.
    """
    if launch.count() == 1 or dist.is_initialized():
        return
    # Its functions' defaults hold the group that stands when it is imported, which would outlive ``_part``.
    importlib.import_module("torch.distributed.nn.functional")
    atexit.register(_part)
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29500")
    try:
        store, rank, count = next(rendezvous("env://", launch.rank(), launch.count(), timeout=_MEETING))
        _stores.append(store)
        # What is told goes through gloo, whatever the device; gradients go where they are.
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=_LONGEST_WAIT)
    except (RuntimeError, ValueError) as error:
        if not _stores:  # who meets nobody speaks for itself
            _stores.append(dist.HashStore())  # type: ignore[attr-defined]
        where, reason = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}", str(error).partition("\n")[0]
        raise TrainingError(f"the {launch.count()} processes cannot reach each other at {where}: {reason}") from error


def leave() -> None:
    """Part when all are done."""
    if alone():
        return
    wait()
    with suppress(RuntimeError):  # the process that keeps the store has gone on: so all were here
        if _stores[0].add("tasktalk/leaving", 1) == dist.get_world_size():
            _stores[0].set("tasktalk/all are leaving", "")
        _stores[0].wait(["tasktalk/all are leaving"], _LAST_WORDS)
    _part()
    _stores.clear()


def _part() -> None:
    """Leave at once. Gloo's threads end here: one that still held a tensor when Python ends would abort the process."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process among those that have met, from 0."""
    return 0 if alone() else dist.get_rank()


def is_main() -> bool:
    """Whether this is the process that writes and speaks."""
    return rank() == 0


def is_first_to_speak() -> bool:
    """Whether no other process has asked this before; so a sentence that all have to say is said once."""
    try:
        return _stores[0].add("tasktalk/spoken", 1) == 1 if _stores else launch.is_main()
    except RuntimeError:  # whoever kept the book has ended, and will have said why
        return False


def wait() -> None:
    """Wait until all processes are here."""
    if not alone():
        with noticing_the_lost():
            dist.all_reduce(torch.zeros(1))  # a barrier would go through every device


def on_main(action: Callable[[], T]) -> T:
    """Do something in the main process, while the others wait, and give all what it gives.

    Args:
        action: gives something that JSON can hold.

    Raises:
        TasktalkError: that of the action, in all processes.
    """
    if alone():
        return action()
    wait()
    if not is_main():
        return _hear()  # type: ignore[return-value]
    try:
        found = action()
    except TasktalkError as error:
        _tell({"error": type(error).__name__, "sentence": str(error)})
        raise
    _tell({"found": found})
    return found


def main_first(action: Callable[[], T]) -> T:
    """Do something in every process, but first in the main one, so that the others find what it put into caches.

    Raises:
        TasktalkError: that of the action, in all processes.
    """
    if alone():
        return action()
    found: list[T] = []
    on_main(lambda: found.append(action()))
    return found[0] if found else action()


def gather(numbers: Tensor) -> Tensor:
    """What each process has, (processes, ...): tensors of one shape."""
    parts = [torch.empty_like(numbers) for _ in range(dist.get_world_size())]
    with noticing_the_lost():
        dist.all_gather(parts, numbers)
    return torch.stack(parts)


@torch.no_grad()
def share_weights(network: nn.Module) -> None:
    """Give all processes the weights of the main one."""
    if not alone():
        with noticing_the_lost():
            for tensor in network.state_dict().values():
                dist.broadcast(tensor, 0)


def check_weights(network: nn.Module) -> None:
    """Compare the weights of all processes.

    Raises:
        TrainingError: they have drifted apart.
    """
    if alone():
        return
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    found = gather(torch.frombuffer(bytearray(digest.digest()), dtype=torch.uint8))
    other = [number for number, row in enumerate(found) if not torch.equal(row, found[0])]
    if other:
        raise TrainingError(
            f"the weights of process {other[0]} are no longer those of process 0: processes that train one network "
            "need the same versions of everything and the same kind of processor"
        )


def draw_apart(seed: int, epoch: int = 0, step: int = 0) -> None:
    """Let this process drop out other features than the main one, whose generator stays as it is."""
    if not is_main():
        torch.manual_seed(int(generator(seed, epoch, step, rank(), _PURPOSE).integers(2**63)))


def random_states(device: torch.device) -> list[Tensor]:
    """The state of every process's random generators, that of the device behind that of the CPU."""
    state = torch.get_rng_state()
    if device.type == "cuda":
        state = torch.cat((state, torch.cuda.get_rng_state(device)))
    return [state] if alone() else list(gather(state))


def _tell(value: object) -> None:
    content = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
    with noticing_the_lost():
        dist.broadcast(torch.tensor([len(content)]), 0)
        dist.broadcast(content, 0)


def _hear() -> object:
    size = torch.zeros(1, dtype=torch.int64)
    with noticing_the_lost():
        dist.broadcast(size, 0)
        content = torch.zeros(int(size), dtype=torch.uint8)
        dist.broadcast(content, 0)
    told = json.loads(content.numpy().tobytes())
    if "error" in told:
        kind: type[TasktalkError] = getattr(errors, told["error"], RunFolderError)
        raise kind(told["sentence"])
    return told["found"]
