"""How time and memory of a training step grow with words, tasks, batch and width."""

import csv
import io
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tasktalk.benchmarks.bench_floor import Model, Sizes
from tasktalk.benchmarks.bench_recurrence import make_block, step_of
from tasktalk.core.files import whole_file
from tasktalk.core.memory import peak_memory_mb

SWEEPS = {
    "words": (25, 50, 100, 200, 400, 800),
    "tasks": (2, 4, 8, 16, 32, 64),
    "batch": (8, 16, 32, 64, 128, 256, 512),
    "hidden": (64, 128, 256, 512),
}
"""What is made larger, one at a time; the rest is as in ``Sizes``."""

SWEPT: tuple[Model, ...] = ("ic", "dc")
_STEPS = 3
_LEAST = 0.1  # MB that a process grows by unseen


@dataclass(frozen=True)
class Point:
    """One measurement.

    Args:
        model: which recurrence.
        of: what was made larger.
        value: how large.
        milliseconds: of a training step, the median of a few.
        megabytes: that a step needs beyond the model itself, 10^6 bytes.
    """

    model: str
    of: str
    value: int
    milliseconds: float
    megabytes: float


def sweep(base: Sizes, sweeps: Mapping[str, tuple[int, ...]], threads: int) -> list[Point]:
    """Measure every point, each in a process of its own."""
    return [_point(model, of, replace(base, **{of: value}), value, threads)
            for model in SWEPT for of, values in sweeps.items() for value in values]  # fmt: skip


def _point(model: Model, of: str, sizes: Sizes, value: int, threads: int) -> Point:
    command = [sys.executable, "-m", "tasktalk.benchmarks.bench_scaling", model, json.dumps(asdict(sizes))]
    around = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=around, stdout=subprocess.PIPE, text=True, check=True)
    return Point(model, of, value, **json.loads(done.stdout))


def measure(model: Model, sizes: Sizes) -> dict[str, float]:
    """Time and memory of a training step in this process."""
    torch.manual_seed(0)
    words = torch.randn(1, sizes.batch, sizes.words, sizes.hidden).mul_(0.5).requires_grad_()
    mask = torch.ones(1, sizes.batch, sizes.words, dtype=torch.bool)
    block = make_block(model, sizes)
    step = step_of(lambda: block(words, mask, (0,)).states, block)
    before = peak_memory_mb()
    step()
    after = peak_memory_mb()
    taken = []
    for _ in range(_STEPS):
        start = time.perf_counter()
        step()
        taken.append(time.perf_counter() - start)
    return {"milliseconds": statistics.median(taken) * 1e3, "megabytes": max(after - before, _LEAST)}


def exponents(points: Sequence[Point]) -> list[dict[str, Any]]:
    """For each model and sweep the exponents of time and memory: the slope over the upper half in logarithms."""
    rows = []
    for model, of in dict.fromkeys((point.model, point.of) for point in points):
        its = sorted((p for p in points if (p.model, p.of) == (model, of)), key=lambda p: p.value)
        upper = its[-max(2, math.ceil(len(its) / 2)) :]
        x = np.log([p.value for p in upper])
        time_slope = np.polyfit(x, np.log([p.milliseconds for p in upper]), 1)[0]
        memory_slope = np.polyfit(x, np.log([p.megabytes for p in upper]), 1)[0]
        rows.append({"model": model, "of": of, "time": float(time_slope), "memory": float(memory_slope)})
    return rows


def to_csv(points: Sequence[Point]) -> str:
    """All points as a table."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(asdict(points[0])), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(point) for point in points)
    return text.getvalue()


def draw(points: Sequence[Point], path: Path) -> None:
    """Time and memory over each size, on logarithmic axes, as a PNG."""
    from matplotlib.figure import Figure

    sweeps = list(dict.fromkeys(point.of for point in points))
    figure = Figure(figsize=(2.6 * len(sweeps), 5), layout="constrained")
    panels = figure.subplots(2, len(sweeps), sharey="row", squeeze=False)
    for row, (key, label) in enumerate((("milliseconds", "ms per step"), ("megabytes", "MB per step"))):
        for column, of in enumerate(sweeps):
            panel = panels[row][column]
            for model, marker in zip(dict.fromkeys(point.model for point in points), "os^", strict=False):
                its = [p for p in points if (p.model, p.of) == (model, of)]
                panel.plot([p.value for p in its], [getattr(p, key) for p in its], marker + "-", label=model, ms=4)
            values = sorted({point.value for point in points if point.of == of})
            panel.set_xscale("log", base=2)
            panel.set_xticks(values, [str(value) for value in values], fontsize=8)
            panel.set_yscale("log")
            panel.grid(alpha=0.3)
            panel.set_xlabel(of if row else "")
            panel.set_ylabel("" if column else label)
    panels[0][0].legend(frameon=False)
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=120)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1], Sizes(**json.loads(sys.argv[2])))))  # type: ignore[arg-type]
