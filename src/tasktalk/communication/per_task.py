"""Which parts of a block belong to a task: found by comparing a block for some tasks with one for a task more."""

from collections.abc import Mapping

import torch
from torch import Tensor


def permute_state(state: Mapping[str, Tensor], larger: Mapping[str, Tensor], to: list[int]) -> dict[str, Tensor]:
    """The state in which task ``to[i]`` has what task i had."""
    lists = per_task_lists(state, larger)
    origin = [to.index(j) for j in range(len(to))]
    permuted = {}
    for name, values in state.items():
        parts = name.split(".")
        called = [str(to[int(p)]) if ".".join(parts[:i]) in lists else p for i, p in enumerate(parts)]
        permuted[".".join(called)] = select(values, grown_axes(values, larger[name]), origin)
    return permuted


def per_task_lists(state: Mapping[str, Tensor], larger: Mapping[str, Tensor]) -> set[str]:
    """Paths of the lists of modules or parameters that have one entry per task."""
    lists = set()
    for name in larger.keys() - state.keys():
        parts = name.split(".")
        paths = [".".join(parts[: i + 1]) for i in range(len(parts))]
        new = next(i for i, path in enumerate(paths) if not any((key + ".").startswith(path + ".") for key in state))
        lists.add(".".join(parts[:new]))
    return lists


def owner(name: str, lists: set[str]) -> int | None:
    """The task to which a parameter belongs, or None if it is shared."""
    parts = name.split(".")
    return next((int(part) for i, part in enumerate(parts) if ".".join(parts[:i]) in lists), None)


def grown_axes(values: Tensor, larger: Tensor) -> list[int]:
    """The axes that have an entry per task."""
    return [axis for axis, size in enumerate(values.shape) if larger.shape[axis] != size]


def select(values: Tensor, axes: list[int], order: list[int]) -> Tensor:
    """The entries of some axes in another order."""
    for axis in axes:
        values = values.index_select(axis, torch.tensor(order, device=values.device))
    return values
