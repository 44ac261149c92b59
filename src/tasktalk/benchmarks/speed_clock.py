"""Times that can be compared: taken in turns in one run, and the rate of matrix products beside them."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import torch

_SIZE = 2048


def take_turns(
    jobs: Mapping[str, Callable[[], object]], rounds: int, cpu_time: bool = False, twice: bool = False
) -> dict[str, list[float]]:
    """Seconds of every job in every round, in which each is run once; a round before them warms up.

    Args:
        jobs: what to run, by name.
        rounds: how often.
        cpu_time: whether to count the seconds that this process had a processor, which means something with one thread
            only, instead of those that passed: for a machine that has other work to do.
        twice: run a job twice in its turn, and time the second: steps of training follow their like, and find the
            caches as they left them.
    """
    clock = time.process_time if cpu_time else time.perf_counter
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for number in range(rounds + 1):
        for name, job in jobs.items():
            if twice:
                job()
            start = clock()
            job()
            if number:
                seconds[name].append(clock() - start)
    return seconds


def ratio(slow: Sequence[float], fast: Sequence[float]) -> dict[str, float]:
    """How many times longer the first took: median over the rounds, lowest and highest."""
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)}


def product_job(size: int = _SIZE) -> Callable[[], object]:
    """A product of two square float32 matrices, for ``take_turns``."""
    a, b = torch.randn(2, size, size).unbind()
    out = torch.empty(size, size)
    return lambda: torch.mm(a, b, out=out)


def peak_rate(seconds: Sequence[float], size: int = _SIZE) -> float:
    """Floating-point operations per second of the fastest ``product_job``, which a busy machine slows down least."""
    return 2 * size**3 / min(seconds)


def machine() -> dict[str, object]:
    """What the times depend on; the load tells whether others had work to do."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
        "torch": torch.__version__,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:  # not Linux
        names = []
    return names[0] if names else platform.processor() or platform.machine()
