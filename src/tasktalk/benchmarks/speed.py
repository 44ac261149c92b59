"""How fast the graph networks are and how much memory they take, as ratios that were taken in one run.

``python -m tasktalk.benchmarks.speed --out docs/results/speed`` writes ``speed.md`` and ``speed.json``. It compares a
training step with the same network written as loops over tasks (``speed_loop``), and the transfer of L2T-MITTEN on a
graph of the size of BlogCatalog with the time of its matrix products (``speed_transfer``).
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from tasktalk.benchmarks.speed_clock import machine
from tasktalk.benchmarks.speed_report import read_options, taken_on, write_report
from tasktalk.benchmarks.speed_step import StepSizes, compare_steps
from tasktalk.benchmarks.speed_transfer import PARTS, QUICK, GraphSizes

_QUICK = StepSizes(tasks=3, molecules=4, atoms=6, hidden=8, layers=2, experts=2, rounds=1)
_STEPS = """\
A training step (forward, losses, backward, AdamW) of {tasks} tasks on {molecules} molecules of about {atoms} atoms with
{layers} layers of width {hidden} and Set2Set: how many times longer the same network takes if it is written as loops
over tasks. Median of {rounds} rounds in turns (lowest to highest). Both have the same weights and, without dropout, the
same outputs to 1e-4.
"""
_TRANSFER = """\
L2T-MITTEN with {tasks} tasks and width {hidden} on {positions} positions at once, forward and backward: the transfer
block alone, and a whole training step with graph convolutions over {edges} edges. Peak memory is that of the whole
process, in MB (10^6 bytes). The last columns say how many times longer than the block's matrix products it took, at the
highest rate that float32 products reached in the same run: with the product that the backward pass makes again counted,
and with each product counted once.
"""


def run(quick: bool, threads: Sequence[int], cpu_time: bool, rounds: int | None = None) -> dict[str, Any]:
    """All numbers.

    Args:
        quick: tiny sizes, which show that it runs and nothing else.
        threads: numbers of threads.
        cpu_time: see ``take_turns``.
        rounds: how often a training step is timed, if not as often as usual.
    """
    sizes = _QUICK if quick else StepSizes()
    sizes = sizes if rounds is None else replace(sizes, rounds=rounds)
    return {
        "machine": machine(),
        "time": "CPU" if cpu_time else "wall clock",
        "step_sizes": asdict(sizes),
        "graph_sizes": asdict(QUICK if quick else GraphSizes()),
        "steps": [row for number in threads for row in compare_steps(sizes, number, cpu_time)],
        "transfer": [transfer(part, quick, number, cpu_time) for number in threads for part in PARTS],
    }


def transfer(part: str, quick: bool, threads: int, cpu_time: bool) -> dict[str, Any]:
    """``speed_transfer`` in a process of its own."""
    flags = [*(["--quick"] if quick else []), *(["--cpu-time"] if cpu_time else [])]
    command = [sys.executable, "-m", "tasktalk.benchmarks.speed_transfer", part, *flags]
    around = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=around, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def tables(found: dict[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """For the steps and for the transfer a caption and a table, whose first row is its head."""
    steps = [["model", "bonds", "threads", "ratio, dropout 0.2", "ratio, no dropout"]]
    rows = found["steps"]
    for dropped, kept in zip(rows[::2], rows[1::2], strict=True):
        ratios = [_spread(row["ratio"]) for row in (dropped, kept)]
        steps.append([dropped["model"], dropped["bonds"], str(dropped["threads"]), *ratios])
    blocks = [["part", "threads", "peak memory", "time to products", "each once"]]
    for row in found["transfer"]:
        ratios = [_spread(row[name]) for name in ("to_products", "to_products_once")]
        blocks.append([row["part"], str(row["threads"]), f"{row['peak_memory_mb']:.0f}", *ratios])
    captions = [_STEPS.format(**found["step_sizes"]), _TRANSFER.format(**found["graph_sizes"])]
    return list(zip(captions, (steps, blocks), strict=True))


def markdown(found: dict[str, Any]) -> str:
    """Two tables, and what they were taken on."""
    parts = [text for (caption, rows), left in zip(tables(found), (2, 1), strict=True)
             for text in (caption, _table(rows, left))]  # fmt: skip
    return "\n".join([*parts, taken_on(found)])


def _spread(ratio: dict[str, float]) -> str:
    return f"{ratio['median']:.1f} ({ratio['lowest']:.1f} to {ratio['highest']:.1f})"


def _table(rows: Sequence[Sequence[str]], left: int) -> str:
    ruled = [rows[0], ["---"] * left + ["--:"] * (len(rows[0]) - left), *rows[1:]]
    return "".join(f"| {' | '.join(row)} |\n" for row in ruled)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    given = read_options("speed", __doc__, [2, 1], arguments)
    found = run(given.quick, given.threads, given.cpu_time)
    write_report(given.out, found, markdown(found))


if __name__ == "__main__":
    main()
