"""Which implementation of the recurrences runs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, get_args

from torch import Tensor

from tasktalk.communication.kernels.build import library
from tasktalk.core.errors import ConfigError, nearest

Kernel = Literal["reference", "fused", "compiled"]

KERNELS: tuple[Kernel, ...] = get_args(Kernel)

VARIABLE = "TASKTALK_KERNEL"
"""Environment variable that names one of ``KERNELS`` for the whole program."""

_chosen: ContextVar[Kernel | None] = ContextVar("chosen", default=None)


@contextmanager
def using(kernel: Kernel) -> Iterator[None]:
    """Run the recurrences of this block with one implementation."""
    token = _chosen.set(kernel)
    try:
        yield
    finally:
        _chosen.reset(token)


def choose(weight: Tensor) -> Kernel:
    """The implementation for these weights: what ``using`` or the environment names, else the fastest there is.

    ``compiled`` needs a processor, float32 or float64, and a C compiler; where one is missing, ``fused`` runs.

    Raises:
        ConfigError: the environment names an implementation that does not exist.
    """
    named = _chosen.get() or _from_environment()
    if named in (None, "compiled"):
        there = weight.device.type == "cpu" and library(weight.dtype) is not None
        return "compiled" if there else "fused"
    return named


def _from_environment() -> Kernel | None:
    named = os.environ.get(VARIABLE)
    for kernel in KERNELS:
        if named == kernel:
            return kernel
    if named:
        raise ConfigError(f"{VARIABLE}: {named!r} is no implementation of the recurrences; {nearest(named, KERNELS)}")
    return None
