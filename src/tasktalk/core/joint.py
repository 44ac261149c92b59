"""Sums over the examples of a batch that several processes have divided among themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from tasktalk.core.errors import TrainingError


def alone() -> bool:
    """Whether no other process works on the same batches."""
    return not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1)


@contextmanager
def noticing_the_lost() -> Iterator[None]:
    """Where processes wait for each other.

    Raises:
        TrainingError: another one has ended.
    """
    try:
        yield
    except RuntimeError as error:
        raise TrainingError(
            f"another of the {dist.get_world_size()} processes has ended, so this one stops too; "
            "what was saved can be resumed"
        ) from error


def joint_sum(part: Tensor) -> Tensor:
    """The sum over all processes of what each made of its own examples, differentiable; the same tensor if alone.

    For a block's penalty that is no mean over examples: its total loss is the sum of what the processes have, so the
    gradient is the sum of theirs. Every process has to call it equally often.
    """
    return part if alone() else _Sum.apply(part)  # type: ignore[no-untyped-call]


class _Sum(torch.autograd.Function):
    """A sum over processes, in both directions."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        return _summed(part)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return _summed(grad)


def _summed(part: Tensor) -> Tensor:
    total = part.clone(memory_format=torch.contiguous_format)
    with noticing_the_lost():
        dist.all_reduce(total)
    return total
