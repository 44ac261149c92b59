"""Which task helps which: a step along one task's gradient, and what it does to the losses of the others.

Fifty et al. 2021, "Efficiently Identifying Task Groupings for Multi-Task Learning", Eq. 1.

What differs from that paper: the heads start at the best constant answers, since heads that start alike pull shared
parameters the same or the opposite way before they have learned anything; and the measurement ends, after half of the
epochs at the latest, before the network knows its examples by heart, which tells nothing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tasktalk.core.batch import Batch
from tasktalk.core.errors import ConfigError
from tasktalk.core.inputs import Inputs
from tasktalk.core.seeding import seed_everything
from tasktalk.core.task import Task
from tasktalk.data.batches import Batchable, Plan, plan_epoch
from tasktalk.heads.classifier import task_loss
from tasktalk.models.build import Network, build_network
from tasktalk.models.graph_network import GraphNetwork
from tasktalk.models.network import TextNetwork
from tasktalk.models.tagging_network import TaggingNetwork
from tasktalk.models.transfer_options import SharedOptions, TransferOptions
from tasktalk.training.config import TrainingConfig
from tasktalk.training.loop import task_losses, total_loss
from tasktalk.training.progress import Reporter

PART = 0.5
"""Affinity is measured in this first part of a training, at the longest."""

UNTIL = 0.6
"""It ends earlier where the loss has fallen to this share of the loss of the best constant answers."""

WIDTH = 64
"""Least size of a state: the wider, the less hangs on how the weights are drawn."""

BATCH = 1000
"""Least number of examples in a batch: what tasks do for each other is small beside the noise of small batches."""

TEMPERATURE = 0.5
"""Of the softmax that makes affinities a prior."""

_SMALLEST = 1e-12  # rows that do not differ have no deviation to divide by
_OF_ONE_TASK = ("head.", "readout.", "pooling.", "wide.")


@dataclass(frozen=True)
class Affinity:
    """What every task does for every other, summed over the steps at which it was measured.

    Args:
        sums: sum of Z of task j (row) after a step of task i (column).
        counts: at how many steps it was measured.
    """

    sums: Float[np.ndarray, "targets sources"]
    counts: Int[np.ndarray, "targets sources"]

    @classmethod
    def nothing(cls, tasks: int) -> "Affinity":
        """Before the first step."""
        return cls(np.zeros((tasks, tasks)), np.zeros((tasks, tasks), dtype=np.int64))

    def with_one_more(self, found: Float[np.ndarray, "some some"], tasks: tuple[int, ...]) -> "Affinity":
        """One step more, at which some tasks were measured; NaN is no measurement."""
        sums, counts = self.sums.copy(), self.counts.copy()
        sums[np.ix_(tasks, tasks)] += np.nan_to_num(found)
        counts[np.ix_(tasks, tasks)] += ~np.isnan(found)
        return Affinity(sums, counts)

    @property
    def values(self) -> Float[np.ndarray, "targets sources"]:
        """The mean of Z; NaN where it was never measured."""
        return np.where(self.counts > 0, self.sums / np.maximum(self.counts, 1), np.nan)


def measure_affinity(
    tasks: Sequence[Task],
    examples: Batchable,
    inputs: Inputs,
    options: TransferOptions,
    config: TrainingConfig,
    reporter: Reporter,
    *,
    runs: int = 1,
    every: int = 1,
    step: float = 0.1,
    until: float = UNTIL,
) -> Affinity:
    """Train Shared-Bottom for a while; again and again look ahead from where it is, and average.

    Only training labels are read; each loss is taken over the examples of a batch that carry its own label.

    Args:
        tasks: the tasks.
        examples: encoded training examples.
        inputs: what the network reads.
        options: sizes of the network, which is ``WIDTH`` wide at least.
        config: step size, weight decay, batches (of ``BATCH`` examples at least) and seed of the training by AdamW.
        reporter: shows progress.
        runs: trainings to average over, each from weights and batches of its own.
        every: look ahead at every so many steps.
        step: see ``look_ahead``.
        until: a run ends after the epoch whose mean loss is this share of that of the best constant answers.
    """
    epochs = max(1, round(PART * config.epochs))
    found = Affinity.nothing(len(tasks))
    reporter.begin("affinity", epochs * runs, 0)
    started = time.monotonic()
    for run in range(runs):
        seed_everything(config.seed + run)
        network = build_network(_wide_enough(options), tasks, inputs, sparse=False)
        if isinstance(network, TaggingNetwork):
            raise ConfigError("affinities are measured on texts, molecules and nodes, not on sentences")
        constant = _answer_constantly(network, tasks, torch.from_numpy(examples.labels).float())
        optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=config.weight_decay)
        for epoch in range(epochs):
            plans = _plans(examples, config.batch_size, config.seed + run, epoch)
            looks = [(epoch * len(plans) + number) % every == 0 for number in range(len(plans))]
            loss, found = _epoch(network, optimizer, examples, plans, looks, tasks, found, step, reporter)
            seconds = time.monotonic() - started
            reporter.epoch({"epoch": run * epochs + epoch + 1, "train_loss": loss, "seconds": seconds})
            if loss < until * constant:
                break
    return found


def _plans(examples: Batchable, batch_size: int, seed: int, epoch: int) -> list[Plan]:
    size = max(batch_size, BATCH if examples.owner is None else BATCH // examples.labels.shape[1])
    return plan_epoch(examples, size, seed, epoch, schedule="joint")


def _epoch(
    network: Network,
    optimizer: torch.optim.Optimizer,
    examples: Batchable,
    plans: Sequence[Plan],
    looks: Sequence[bool],
    tasks: Sequence[Task],
    found: Affinity,
    step: float,
    reporter: Reporter,
) -> tuple[float, Affinity]:
    """One epoch of training; the mean loss, and what was found with what this epoch adds."""
    losses = []
    for number, (plan, look) in enumerate(zip(plans, looks, strict=True), start=1):
        batch = examples.collate(plan)
        if look:
            found = found.with_one_more(look_ahead(network, batch, tasks, step), plan.receivers)
        losses.append(_train(network, optimizer, batch, tasks))
        reporter.steps(number, len(plans), f"{len(tasks)} tasks", losses[-1], batch.labels.shape[1])
    return float(np.mean(losses)), found


def affinity_prior(
    tasks: Sequence[Task],
    examples: Batchable,
    inputs: Inputs,
    options: TransferOptions,
    config: TrainingConfig,
    reporter: Reporter,
) -> Float[np.ndarray, "targets sources"]:
    """Measure the affinity with the sizes and the recipe of a training, and make it a prior of D."""
    return prior_of(measure_affinity(tasks, examples, inputs, options, config, reporter).values)


def _wide_enough(options: TransferOptions) -> SharedOptions:
    common = options.model_dump(include=set(TransferOptions.model_fields))
    return SharedOptions(**{**common, "hidden": max(WIDTH, options.hidden)})


def prior_of(
    values: Float[np.ndarray, "targets sources"], temperature: float = TEMPERATURE
) -> Float[np.ndarray, "targets sources"]:
    """Shares of every target's sources: the softmax of its affinities, each row standardised without the diagonal.

    A task's own share is that of its best source. An affinity that was not measured counts as the mean of its row.

    Args:
        values: affinities; the diagonal is not read.
        temperature: the lower, the more goes to the best source.
    """
    off = ~np.eye(len(values), dtype=bool)
    known = off & np.isfinite(values)
    sums = np.where(known, values, 0)
    number = np.maximum(known.sum(axis=1, keepdims=True), 1)
    distance = np.where(known, values - sums.sum(axis=1, keepdims=True) / number, 0)
    deviation = np.sqrt(np.square(distance).sum(axis=1, keepdims=True) / number)
    scores = distance / np.maximum(deviation, _SMALLEST)
    scores[~off] = np.where(off, scores, -np.inf).max(axis=1) if len(values) > 1 else 0
    shares: np.ndarray = np.exp(scores / temperature)
    return shares / shares.sum(axis=1, keepdims=True)


def look_ahead(
    network: Network, batch: Batch, tasks: Sequence[Task], step: float = 0.1
) -> Float[np.ndarray, "targets sources"]:
    """Z_{i->j} = 1 - L_j(theta_i) / L_j(theta), where theta_i = theta - step * dL_i / dtheta (Fifty et al., Eq. 1).

    theta are the parameters that tasks share; their heads and readouts stay as they are. Nothing is dropped while the
    losses are taken. Afterwards the network is as it was.

    Args:
        network: a network whose tasks share everything but heads and readouts.
        batch: examples of all tasks.
        tasks: the tasks.
        step: size of the step. It is small, and then it hardly changes how the affinities compare.

    Returns:
        Z for the receivers of the batch; NaN where one of the two tasks has no label in it, or no loss.
    """
    was_training = network.training
    network.eval()
    shared = [p for name, p in network.named_parameters() if p.requires_grad and not name.startswith(_OF_ONE_TASK)]
    labelled = (~batch.labels.isnan()).any(dim=1)
    before = _losses(network, batch, tasks)
    found = torch.full((len(before), len(before)), torch.nan, dtype=torch.float64)
    sources = labelled.nonzero().flatten().tolist()
    gradients = [torch.autograd.grad(before[i], shared, retain_graph=True, materialize_grads=True) for i in sources]
    for i, gradient in zip(sources, gradients, strict=True):  # only now: no gradient is taken of what has moved
        after = _losses_after(network, batch, tasks, shared, [step * part for part in gradient])
        found[:, i] = 1 - after / before.detach()  # Z
    found[~labelled] = torch.nan
    found[~found.isfinite()] = torch.nan  # a loss of zero cannot fall
    network.train(was_training)
    values: np.ndarray = found.numpy()
    return values


@torch.no_grad()
def _answer_constantly(
    network: TextNetwork | GraphNetwork, tasks: Sequence[Task], labels: Float[Tensor, "examples tasks"]
) -> float:
    """Set every head to its best constant answer: the frequencies of the classes, or the mean. Gives the mean loss."""
    losses = []
    for task, layer, known in zip(tasks, network.head.layers, labels.t(), strict=True):
        bias = layer.get_parameter("bias").zero_()
        layer.get_parameter("weight").zero_()
        if task.classes:
            count = torch.bincount(known[~known.isnan()].long(), minlength=len(bias))
            bias.copy_((count.clamp(min=1) / count.sum().clamp(min=1)).log())
        losses.append(task_loss(task, bias.expand(len(known), -1), known))
    return float(torch.stack(losses).mean())


def _losses(network: Network, batch: Batch, tasks: Sequence[Task]) -> Tensor:
    """L_k of every receiver, in the precision of the network."""
    parts = zip(batch.receivers, network(batch).logits, batch.labels, strict=True)
    return torch.stack([task_loss(tasks[k], logits, labels) for k, logits, labels in parts])


def _train(network: Network, optimizer: torch.optim.Optimizer, batch: Batch, tasks: Sequence[Task]) -> float:
    output = network(batch)
    losses = task_losses(output, batch, tasks)
    optimizer.zero_grad()
    total_loss(losses, output, batch, tasks).backward()
    optimizer.step()
    labelled = (~batch.labels.isnan()).any(dim=1)
    return float(losses.detach()[labelled].mean())


@torch.no_grad()
def _losses_after(
    network: Network, batch: Batch, tasks: Sequence[Task], shared: Sequence[Tensor], move: Sequence[Tensor]
) -> Tensor:
    """The losses with some parameters moved against ``move``; they are put back as they were, to the last bit."""
    kept = [parameter.clone() for parameter in shared]
    for parameter, part in zip(shared, move, strict=True):
        parameter -= part  # noqa: PLW2901
    losses = _losses(network, batch, tasks)
    for parameter, old in zip(shared, kept, strict=True):
        parameter.copy_(old)
    return losses
