"""L2T-MITTEN on a graph of the size of BlogCatalog as one batch: peak memory, and time beside its matrix products.

``python -m tasktalk.benchmarks.speed_transfer block`` (or ``step``) prints one line of JSON; it is a program of its own
because the peak memory is that of a process.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tasktalk.benchmarks.speed_clock import peak_rate, product_job, ratio, take_turns
from tasktalk.benchmarks.step import loss_of, training_step
from tasktalk.communication.mitten import MutualAttention
from tasktalk.core.batch import GraphBatch
from tasktalk.core.graphs import normalised
from tasktalk.core.inputs import GraphInputs
from tasktalk.core.memory import peak_memory_mb
from tasktalk.core.task import Task
from tasktalk.models.build import build_network
from tasktalk.models.transfer_options import MittenOptions
from tasktalk.training.config import TrainingConfig
from tasktalk.training.optimizers import make_optimizers

PARTS = ("block", "step")
_FORWARD, _BACKWARD, _REPEATED = 2, 4, 1
"""Products of positions x features x features per pair of tasks; one is made again instead of being kept."""


@dataclass(frozen=True)
class GraphSizes:
    """How large the graph is; the defaults are those of BlogCatalog.

    Args:
        positions: number of nodes.
        edges: number of edges.
        tasks: number of tasks.
        hidden: size of a state.
        rounds: how often it is timed.
    """

    positions: int = 10312
    edges: int = 333983
    tasks: int = 39
    hidden: int = 64
    rounds: int = 3


QUICK = GraphSizes(30, 60, 3, 4, 1)


def measure(part: str, sizes: GraphSizes, cpu_time: bool = False) -> dict[str, Any]:
    """Forward and backward of the transfer block alone (``block``), or a training step of the whole network (``step``).

    Args:
        part: which of them.
        sizes: how large the graph is.
        cpu_time: see ``take_turns``.
    """
    before = peak_memory_mb()
    job = block_job(sizes) if part == "block" else step_job(sizes)
    seconds = take_turns({part: job, "product": product_job()}, sizes.rounds, cpu_time)
    rate = peak_rate(seconds["product"])
    pairs = 2 * sizes.tasks**2 * sizes.positions * sizes.hidden**2
    needed, done = (count * pairs / rate for count in (_FORWARD + _BACKWARD, _FORWARD + _BACKWARD + _REPEATED))
    return {
        "part": part,
        "threads": torch.get_num_threads(),
        "peak_memory_mb": peak_memory_mb(),
        "memory_before_mb": before,
        "seconds": statistics.median(seconds[part]),
        "peak_gflops": rate / 1e9,
        "to_products": ratio(seconds[part], [done] * sizes.rounds),
        "to_products_once": ratio(seconds[part], [needed] * sizes.rounds),
    }


def block_job(sizes: GraphSizes) -> Callable[[], object]:
    """The transfer block on random states."""
    torch.manual_seed(0)
    block = MutualAttention(sizes.hidden, sizes.tasks)
    states = torch.randn(sizes.tasks, 1, sizes.positions, sizes.hidden, requires_grad=True)
    inputs, arriving = torch.zeros(1, sizes.positions, 1), torch.randn(sizes.tasks, sizes.positions, sizes.hidden)

    def run() -> None:
        block(states, inputs, tuple(range(sizes.tasks))).states.backward(arriving)
        states.grad = None
        block.zero_grad()

    return run


def step_job(sizes: GraphSizes) -> Callable[[], object]:
    """A training step of L2T-MITTEN with graph convolutions and learned vectors of the nodes."""
    torch.manual_seed(0)
    tasks = [Task(f"task {k}", "binary", ("no", "yes")) for k in range(sizes.tasks)]
    batch = make_graph(sizes)
    inputs = GraphInputs("nodes", 0, 1, learned=sizes.positions)
    network = build_network(MittenOptions(hidden=sizes.hidden), tasks, inputs)
    return training_step(lambda: loss_of(network, batch, tasks), make_optimizers(network, TrainingConfig()))


def make_graph(sizes: GraphSizes) -> GraphBatch:
    """Random edges, each pair of nodes at most once, and random labels; every node is an example."""
    rng = np.random.default_rng(0)
    pairs = rng.choice(sizes.positions * (sizes.positions - 1) // 2, size=sizes.edges, replace=False)
    upper = ((1 + np.sqrt(1 + 8.0 * pairs)) // 2).astype(np.int64)  # pairs are counted row by row below the diagonal
    edges = np.stack((pairs - upper * (upper - 1) // 2, upper))
    adjacency = normalised(edges, np.zeros(sizes.edges, int), 1, sizes.positions, loops_apart=False)
    labels = torch.from_numpy(rng.integers(0, 2, (sizes.tasks, sizes.positions))).float()
    features = torch.zeros(sizes.positions, 0)
    nodes = torch.arange(sizes.positions)
    return GraphBatch(tuple(range(sizes.tasks)), features, adjacency, labels, nodes=nodes)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m tasktalk.benchmarks.speed_transfer", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--quick", action="store_true", help="a tiny graph")
    parser.add_argument("--cpu-time", action="store_true", help="as in tasktalk.benchmarks.speed")
    given = parser.parse_args(arguments)
    found = measure(given.part, QUICK if given.quick else GraphSizes(), given.cpu_time)
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
