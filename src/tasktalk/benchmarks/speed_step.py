"""A training step of the graph networks against the same network in loops over tasks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from tasktalk.benchmarks.speed_clock import ratio, take_turns
from tasktalk.benchmarks.speed_loop import LoopNetwork, edges_of, loop_losses
from tasktalk.benchmarks.step import loss_of, training_step
from tasktalk.core.batch import GraphBatch
from tasktalk.core.graphs import join, normalised
from tasktalk.core.inputs import GraphInputs
from tasktalk.core.task import Task
from tasktalk.data.atoms import ATOM_FEATURES, BOND_KINDS
from tasktalk.models.build import build_network
from tasktalk.models.graph_network import GraphNetwork
from tasktalk.models.transfer_options import (
    CrossStitchOptions,
    MittenOptions,
    MMoEOptions,
    SingleOptions,
    TransferNetworkOptions,
)
from tasktalk.training.config import TrainingConfig
from tasktalk.training.optimizers import make_optimizers

MODELS = ("single", "cross-stitch", "mmoe", "mitten")
_TOLERANCE = 1e-4
_SHARES_OF_BONDS = (0.6, 0.1, 0.01, 0.29)
_MISSING = 0.17  # of the labels of Tox21


@dataclass(frozen=True)
class StepSizes:
    """How large the step is; the defaults are those of Tox21.

    Args:
        tasks: number of tasks.
        molecules: molecules of the batch.
        atoms: mean number of atoms of a molecule.
        hidden: size of a state.
        layers: graph convolutions.
        experts: experts of MMoE.
        rounds: how often each step is timed.
    """

    tasks: int = 12
    molecules: int = 64
    atoms: int = 18
    hidden: int = 64
    layers: int = 3
    experts: int = 8
    rounds: int = 9


def compare_steps(sizes: StepSizes, threads: int, cpu_time: bool = False) -> list[dict[str, Any]]:
    """One row per model, kind of edges and dropout: how many times longer the loops take.

    Args:
        sizes: how large the step is.
        threads: threads that torch uses; the number that it had is set again afterwards.
        cpu_time: see ``take_turns``.

    Raises:
        AssertionError: a network and its loops do not give the same outputs.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return [{"threads": threads, **_row(*case, sizes, cpu_time)} for case in _cases()]
    finally:
        torch.set_num_threads(before)


def _cases() -> Iterator[tuple[str, bool, float]]:
    for apart in (True, False):
        for model in MODELS:
            for dropout in (0.2, 0.0):
                yield model, apart, dropout


def _row(model: str, apart: bool, dropout: float, sizes: StepSizes, cpu_time: bool) -> dict[str, Any]:
    batch = make_batch(sizes, apart)
    tasks = make_tasks(sizes)
    ours = make_network(model, batch, tasks, sizes, dropout)
    loop = LoopNetwork(ours)
    difference = largest_difference(ours, loop, batch)
    jobs = {"ours": our_step(ours, batch, tasks), "loop": loop_step(loop, batch)}
    seconds = take_turns(jobs, sizes.rounds, cpu_time)
    return {
        "model": model,
        "bonds": "kinds" if apart else "one",
        "dropout": dropout,
        "positions": len(batch.features),
        "difference": difference,
        "ratio": ratio(seconds["loop"], seconds["ours"]),
        "milliseconds": {name: float(np.median(taken)) * 1e3 for name, taken in seconds.items()},
    }


def make_tasks(sizes: StepSizes) -> list[Task]:
    """Binary tasks."""
    return [Task(f"task {k}", "binary", ("no", "yes")) for k in range(sizes.tasks)]


def make_batch(sizes: StepSizes, apart: bool) -> GraphBatch:
    """Random trees with a few rings, which have the sizes, bonds and missing labels of Tox21 on average.

    Args:
        sizes: how large the batch is.
        apart: whether kinds of bonds are told apart.
    """
    rng = np.random.default_rng(0)
    atoms = [max(3, round(number)) for number in rng.normal(sizes.atoms, sizes.atoms / 2, sizes.molecules)]
    edges = [_bonds(number, rng) for number in atoms]
    kinds = [np.array(rng.choice(4, own.shape[1], p=_SHARES_OF_BONDS)) * int(apart) for own in edges]
    joined = join(edges, kinds, atoms)
    bond_kinds = len(BOND_KINDS) - 1 if apart else 1
    adjacency = normalised(joined.edges, joined.kinds_of_edges, bond_kinds, len(joined.graph_of), loops_apart=apart)
    labels = rng.integers(0, 2, (sizes.tasks, sizes.molecules)).astype(np.float32)
    labels[rng.random(labels.shape) < _MISSING] = np.nan
    features = (rng.random((len(joined.graph_of), len(ATOM_FEATURES))) < 0.15).astype(np.float32)
    return GraphBatch(
        tuple(range(sizes.tasks)),
        torch.from_numpy(features),
        adjacency,
        torch.from_numpy(labels),
        graph_of=torch.from_numpy(joined.graph_of),
    )


def _bonds(atoms: int, rng: np.random.Generator) -> Int[np.ndarray, "2 _"]:
    tree = {(int(rng.integers(max(0, atom - 3), atom)), atom) for atom in range(1, atoms)}
    rings = {(atom - 5, atom) for atom in range(5, atoms, 7)}
    return np.array(sorted(tree | rings)).T


def make_network(
    model: str, batch: GraphBatch, tasks: list[Task], sizes: StepSizes, dropout: float = 0.0
) -> GraphNetwork:
    """A network whose tasks are all different, so that a mix-up of tasks shows."""
    options: dict[str, TransferNetworkOptions] = {
        "single": SingleOptions(hidden=sizes.hidden, layers=sizes.layers, dropout=dropout),
        "cross-stitch": CrossStitchOptions(hidden=sizes.hidden, layers=sizes.layers, dropout=dropout),
        "mmoe": MMoEOptions(hidden=sizes.hidden, layers=sizes.layers, dropout=dropout, experts=sizes.experts),
        "mitten": MittenOptions(hidden=sizes.hidden, layers=sizes.layers, dropout=dropout),
    }
    torch.manual_seed(0)
    inputs = GraphInputs("molecules", batch.features.shape[1], batch.adjacency.kinds)
    network = build_network(options[model], tasks, inputs)
    if not isinstance(network, GraphNetwork):
        raise TypeError(f"expected a graph network, found {type(network).__name__}")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return network


@torch.no_grad()
def largest_difference(ours: GraphNetwork, loop: LoopNetwork, batch: GraphBatch) -> float:
    """Of any logit, without dropout.

    Raises:
        AssertionError: it is more than 1e-4.
    """
    ours.eval()
    loop.eval()
    pairs = zip(ours(batch).logits, loop(batch, edges_of(batch.adjacency)), strict=True)
    difference = max(float((a - b).abs().max()) for a, b in pairs)
    if not difference <= _TOLERANCE:
        raise AssertionError(f"a network and its loops differ by {difference:g}; at most {_TOLERANCE:g} was expected")
    ours.train()
    loop.train()
    return difference


def our_step(network: GraphNetwork, batch: GraphBatch, tasks: list[Task]) -> Callable[[], object]:
    """Forward, loss, backward and optimiser, as ``training.loop`` runs them."""
    return training_step(lambda: loss_of(network, batch, tasks), make_optimizers(network, TrainingConfig()))


def loop_step(network: LoopNetwork, batch: GraphBatch) -> Callable[[], object]:
    """The same in loops, with torch's AdamW as it comes."""
    config = TrainingConfig()
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    edges = edges_of(batch.adjacency)
    return training_step(lambda: loop_losses(network(batch, edges), batch.labels).sum(), [optimizer])
