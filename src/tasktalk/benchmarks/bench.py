"""Everything that ``tasktalk bench`` measures, and its tables."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tasktalk.benchmarks import bench_libmtl, speed
from tasktalk.benchmarks.bench_floor import Sizes
from tasktalk.benchmarks.bench_recurrence import compare
from tasktalk.benchmarks.bench_scaling import SWEEPS, Point, exponents, sweep
from tasktalk.benchmarks.bench_training import (
    QUICK_SETTINGS,
    SETTINGS,
    default_data,
    measure,
    tiny_data,
    training_table,
)
from tasktalk.benchmarks.speed_clock import machine
from tasktalk.data.load import load
from tasktalk.training.config import make_config
from tasktalk.training.train import train

PARTS = ("steps", "start", "scaling", "training", "transfers")
"""A training step beside loops and beside its floor; how long the commands take to start; how cost grows; training on a
data set, from end to end; the transfers beside loops, beside their products and beside LibMTL."""

_QUICK = Sizes(words=3, tasks=3, batch=2, hidden=8)
_QUICK_SWEEPS: dict[str, tuple[int, ...]] = {"words": (2, 4)}
_STARTS = {"tasktalk --help": ["-m", "tasktalk", "--help"], "import tasktalk": ["-c", "import tasktalk"]}
_STEPS, _QUICK_STEPS = 200, 3


def run(
    parts: Sequence[str], threads: int, rounds: int, quick: bool = False, cpu_time: bool = False, data: str = ""
) -> dict[str, Any]:
    """Measure some parts.

    Args:
        parts: some of ``PARTS``.
        threads: threads that torch uses.
        rounds: how often everything is timed; jobs take turns.
        quick: tiny sizes, which show that it runs and nothing else.
        cpu_time: see ``take_turns``.
        data: what ``training`` trains on: a name or path that ``load`` takes, else FDU-MTL if it is at hand, else the
            demo's molecules.
    """
    sizes = _QUICK if quick else Sizes()
    found: dict[str, Any] = {"machine": machine(), "time": "CPU" if cpu_time else "wall clock", "sizes": asdict(sizes)}
    if "steps" in parts:
        found["steps"] = compare(sizes, threads, rounds, cpu_time, product=64 if quick else 2048)
    if "start" in parts:
        found["start"] = _starts(rounds)
    if "scaling" in parts:
        points = sweep(sizes, _QUICK_SWEEPS if quick else SWEEPS, threads)
        found["scaling"] = {"points": [asdict(point) for point in points], "exponents": exponents(points)}
    if "training" in parts:
        found["training"] = _training(data, threads, quick, cpu_time)
    if "transfers" in parts:
        found["transfers"] = speed.run(quick, [threads], cpu_time, rounds)
        mlps = bench_libmtl.QUICK if quick else bench_libmtl.MLPSizes()
        found["transfers"]["libmtl"] = bench_libmtl.compare(mlps, threads, rounds, cpu_time)
    return found


def _training(data: str, threads: int, quick: bool, cpu_time: bool) -> dict[str, Any]:
    dataset = load(data) if data else tiny_data() if quick else default_data()
    steps, settings = (_QUICK_STEPS, QUICK_SETTINGS) if quick else (_STEPS, SETTINGS)
    return measure(dataset, steps, threads, cpu_time, settings)


def _starts(rounds: int) -> dict[str, float]:
    """Seconds of every command; ``predict`` asks a tiny run about one sentence."""
    with tempfile.TemporaryDirectory() as folder:
        run, text = Path(folder) / "run", Path(folder) / "sentence.txt"
        train(tiny_data(), make_config({}, QUICK_SETTINGS), run)
        text.write_text("a good plot\n", encoding="utf-8")
        predict = ["-m", "tasktalk", "predict", str(run), str(text)]
        starts = {**_STARTS, "tasktalk predict": predict}
        return {name: _seconds_to_run(arguments, rounds) for name, arguments in starts.items()}


def _seconds_to_run(arguments: Sequence[str], rounds: int) -> float:
    """Median time of a command in a new process."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def points_of(found: Mapping[str, Any]) -> list[Point]:
    """The measurements of ``scaling``."""
    return [Point(**point) for point in found["scaling"]["points"]]


def tables(found: Mapping[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """For each part that was measured a caption and a table, whose first row is its head."""
    made = []
    if "steps" in found:
        made.append((_caption(found), _step_table(found["steps"])))
    if "start" in found:
        rows = [[name, f"{seconds:.2f}"] for name, seconds in found["start"].items()]
        made.append(("Seconds until a command has ended, median.", [["command", "seconds"], *rows]))
    if "scaling" in found:
        rows = [[row["model"], row["of"], f"{row['time']:.2f}", f"{row['memory']:.2f}"]
                for row in found["scaling"]["exponents"]]  # fmt: skip
        caption = "Cost grows as a power of what is made larger: the exponents of time and memory, upper half."
        made.append((caption, [["model", "of", "time", "memory"], *rows]))
    if "training" in found:
        made.append(training_table(found["training"]))
    if "transfers" in found:
        made += [*speed.tables(found["transfers"]), bench_libmtl.table(found["transfers"]["libmtl"])]
    return made


def _caption(found: Mapping[str, Any]) -> str:
    sizes, steps = Sizes(**found["sizes"]), found["steps"]
    return (
        f"A training step (forward, backward, optimiser) of {sizes.batch} sentences of {sizes.words} words, "
        f"{sizes.tasks} tasks, width {sizes.hidden}, {steps['threads']} threads, {found['time']} time. The floor is "
        "the time of the products at the rate of one large product right before "
        f"(at most {steps['peak_gflops']:.0f} GFLOP/s), and one pass over the attention. Loops: the paper's equations "
        "word by word; in the last column LSTMs that only send are torch's. Each is run twice in its turn and the "
        "second time counts. Medians (lowest to highest)."
    )


def _step_table(steps: Mapping[str, Any]) -> list[list[str]]:
    rows = [["model", "ms", "floor", "times the floor", "loops to ours", "and torch.LSTM"]]
    for row in steps["rows"]:
        floor = sum(row["floor_milliseconds"].values())
        rows.append(
            [
                row["model"],
                f"{row['milliseconds']['ours']:.0f}",
                f"{floor:.0f}",
                _spread(row["ours_to_floor"]),
                _spread(row["loop_to_ours"]),
                _spread(row["loop_and_lstm_to_ours"]),
            ]
        )
    return rows


def _spread(ratio: Mapping[str, float]) -> str:
    return f"{ratio['median']:.1f} ({ratio['lowest']:.1f}-{ratio['highest']:.1f})"
