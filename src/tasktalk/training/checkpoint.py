"""State of a run in one safetensors file: tensors as they are, everything else as JSON in its header."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tasktalk.core.errors import RunFolderError
from tasktalk.core.files import whole_file


def save_tensors(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any] | None = None) -> None:
    """Write tensors and JSON-able facts, whole or not at all, from where they lie in memory.

    Raises:
        RunFolderError: the folder is read-only or full; a file of that name stays as it was.
    """
    metadata = {"facts": json.dumps(facts or {})}
    for left in path.parent.glob(".tmp??????"):  # by a process that was killed while safetensors wrote
        left.unlink(missing_ok=True)
    with whole_file(path) as part:
        part.touch()
        mode = part.stat().st_mode  # as every new file has it; safetensors lets only the owner read
        try:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part, metadata)
        except SafetensorError as error:
            raise OSError(str(error)) from error
        part.chmod(mode)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what ``save_tensors`` wrote.

    Raises:
        RunFolderError: the file is missing or damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {}).get("facts", "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, facts  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read as weights ({error})") from error


def load_weights(network: nn.Module, path: Path) -> None:
    """Put the weights of a file into a network.

    Raises:
        RunFolderError: the file is missing or damaged, or holds the weights of another network.
    """
    tensors, _ = load_tensors(path)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise RunFolderError(f"{path}: holds the weights of another network ({_last_line(error)})") from error


def save_state(
    path: Path,
    network: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    facts: Mapping[str, Any],
    draws: Sequence[Tensor] = (),
) -> None:
    """Write a checkpoint: weights, the optimisers' state, torch's generators, and facts such as epoch and step.

    Args:
        path: the file.
        network: whose weights.
        optimizers: whose state.
        facts: what else there is to know.
        draws: ``processes.random_states`` of every process; empty for that of this one.
    """
    tensors: dict[str, Tensor] = {f"network/{name}": x for name, x in network.state_dict().items()}
    states = draws or [torch.get_rng_state()]
    tensors |= {_generator(number): state for number, state in enumerate(states)}
    numbers: dict[str, Any] = {}
    for o, optimizer in enumerate(optimizers):
        for index, state in optimizer.state_dict()["state"].items():
            for key, value in state.items():
                name = f"optimizer/{o}/{index}/{key}"
                (tensors if isinstance(value, Tensor) else numbers)[name] = value
    save_tensors(path, tensors, {**facts, "optimizer": numbers})


def load_state(
    path: Path, network: nn.Module, optimizers: Sequence[torch.optim.Optimizer], process: int = 0
) -> dict[str, Any]:
    """Put a checkpoint back and give its facts; what follows is what would have followed.

    Args:
        path: the file.
        network: gets the weights.
        optimizers: get their state.
        process: number of this process; if more of them go on than there were, its generator stays as it is.

    Raises:
        RunFolderError: the file is missing, damaged, or of another network.
    """
    tensors, facts = load_tensors(path)
    weights = {name.removeprefix("network/"): x for name, x in tensors.items() if name.startswith("network/")}
    try:
        values: dict[str, Any] = {**facts.pop("optimizer"), **tensors}
        network.load_state_dict(weights)
        if process == 0 or _generator(process) in tensors:
            _set_random_state(tensors[_generator(process)])
    except (RuntimeError, KeyError) as error:
        raise RunFolderError(f"{path}: is not a checkpoint of this network ({_last_line(error)})") from error
    for o, optimizer in enumerate(optimizers):
        state = optimizer.state_dict()
        state["state"] = _optimizer_state(values, f"optimizer/{o}/")
        optimizer.load_state_dict(state)
    return facts


def _generator(process: int) -> str:
    return f"generator/{process}" if process else "generator"


def _set_random_state(state: Tensor) -> None:
    """The state of the CPU's generator, and behind it that of the device if the training was on one."""
    size = len(torch.get_rng_state())
    torch.set_rng_state(state[:size])
    if len(state) > size and torch.cuda.is_available():
        torch.cuda.set_rng_state(state[size:])


def _last_line(error: Exception) -> str:
    """Every parameter that does not fit has a line of its own in torch's message; one is enough."""
    return str(error).splitlines()[-1].strip()


def _optimizer_state(values: Mapping[str, Any], prefix: str) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {}
    for name, value in values.items():
        if name.startswith(prefix):
            index, key = name.removeprefix(prefix).split("/")
            state.setdefault(int(index), {})[key] = value
    return state
