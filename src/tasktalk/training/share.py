"""The rows of a joint batch that a process takes, and the sum of what all processes learned from theirs.

A batch is planned for all processes together. Each takes every so-many-th row; its loss of a task, a mean over its own
labels, counts as much as its part of all labels of that task in the batch. So the losses of all processes add up to the
loss of the joint batch, and the gradients to its gradient (Eq. 13 and 14), however the rows are divided.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch import distributed as dist

from tasktalk.core.batch import Batch, TextBatch
from tasktalk.core.joint import alone, noticing_the_lost
from tasktalk.data.batches import Batchable, Plan, label_matrix
from tasktalk.data.sentence_batches import EncodedSentences
from tasktalk.training.processes import gather, is_main

B = TypeVar("B", bound=Batch)

_NONE, _DENSE, _SPARSE = 0, 1, 2
"""What a process says of a parameter's gradient; a sparse one adds how many rows it has."""


@dataclass(frozen=True)
class Share:
    """What one process does of a joint batch.

    Args:
        plan: the joint batch.
        own: the rows of this process.
        idle: whether there are none for it; then ``own`` has one row that does not count.
    """

    plan: Plan
    own: Plan
    idle: bool = False

    @property
    def part(self) -> float:
        """Which part of the rows this process has."""
        return 0.0 if self.idle else _rows(self.own) / _rows(self.plan)

    def collate(self, examples: Batchable) -> Batch:
        """The batch of this process."""
        batch = examples.collate(self.own)
        return _without_words(batch) if self.idle else batch

    def labels(self, examples: Batchable) -> Float[Tensor, "receivers batch"]:
        """The labels that other examples have for the rows of this process."""
        labels = label_matrix(examples, self.own)
        return torch.full_like(labels, torch.nan) if self.idle else labels

    def weigh(self, losses: Float[Tensor, " receivers"], examples: Batchable) -> Float[Tensor, " receivers"]:
        """What this process adds to the losses of the joint batch.

        Args:
            losses: means over its own labels of these examples.
            examples: those whose labels they are.
        """
        if self.own is self.plan:
            return losses
        joint = _labels(examples, self.plan)
        own = np.zeros_like(joint) if self.idle else _labels(examples, self.own)
        return losses * losses.new_tensor(own / np.maximum(joint, 1))


def divide(plan: Plan, rank: int, count: int) -> Share:
    """The share of one of several processes.

    Args:
        plan: the joint batch.
        rank: number of the process, from 0.
        count: how many there are.
    """
    if count == 1:
        return Share(plan, plan)
    # Rows are sorted by length: every so-many-th is fair. Groups begin with different processes, for the same reason.
    own = tuple(rows[(rank + group) % count :: count] for group, rows in enumerate(plan.rows))
    if any(len(rows) for rows in own):
        return Share(plan, Plan(plan.receivers, own))
    first = next(group for group, rows in enumerate(plan.rows) if len(rows))
    borrowed = tuple(rows[: int(group == first)] for group, rows in enumerate(plan.rows))
    return Share(plan, Plan(plan.receivers, borrowed), idle=True)


def own_share(plan: Plan) -> Share:
    """The share of this process."""
    return Share(plan, plan) if alone() else divide(plan, dist.get_rank(), dist.get_world_size())


def add_gradients(parameters: Sequence[nn.Parameter], signal: bool = False) -> bool:
    """Replace every gradient by its sum over the processes; parameters without one anywhere stay without.

    Args:
        parameters: of the network, in the same order in all processes.
        signal: anything that the main process wants all to know, at no cost.

    Returns:
        The main process's signal.
    """
    if alone():
        return signal
    for parameter in parameters:
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
    notes = gather(torch.tensor([*map(_note, parameters), int(signal and is_main())]))
    kinds = notes[:, :-1].T
    _add_dense([p for p, kind in zip(parameters, kinds, strict=True) if kind.max() == _DENSE])
    for parameter, kind in zip(parameters, kinds, strict=True):
        if kind.max() >= _SPARSE:
            _add_sparse(parameter, (kind - _SPARSE).clamp(min=0).tolist())
    return bool(notes[0, -1])


def add_losses(losses: Tensor) -> Tensor:
    """The sum over the processes of what each adds to some losses; the same tensor if alone."""
    if not alone():
        with noticing_the_lost():
            dist.all_reduce(losses)
    return losses


def _note(parameter: nn.Parameter) -> int:
    if parameter.grad is None:
        return _NONE
    return _SPARSE + parameter.grad._nnz() if parameter.grad.is_sparse else _DENSE


@torch.no_grad()
def _add_dense(parameters: Sequence[nn.Parameter]) -> None:
    """One message for all parameters of a type."""
    for dtype in sorted({p.dtype for p in parameters}, key=str):
        some = [p for p in parameters if p.dtype == dtype]
        flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in some])
        with noticing_the_lost():
            dist.all_reduce(flat)
        for p, part in zip(some, flat.split([p.numel() for p in some]), strict=True):
            p.grad = part.view_as(p)


@torch.no_grad()
def _add_sparse(table: nn.Parameter, sizes: Sequence[int]) -> None:
    """The rows of all processes, in the order of their numbers; messages have one size, that of the longest."""
    rows = torch.zeros(max(sizes), dtype=torch.int64, device=table.device)
    values = table.new_zeros(max(sizes), *table.shape[1:])
    if table.grad is not None:
        own = len(table.grad.values())
        rows[:own], values[:own] = table.grad.indices()[0], table.grad.values()
    if max(sizes):
        all_rows, all_values = gather(rows), gather(values)
        rows = torch.cat([part[:size] for part, size in zip(all_rows, sizes, strict=True)])
        values = torch.cat([part[:size] for part, size in zip(all_values, sizes, strict=True)])
    table.grad = torch.sparse_coo_tensor(rows[None], values, table.shape, check_invariants=False).coalesce()


def _rows(plan: Plan) -> int:
    return sum(map(len, plan.rows))


def _labels(examples: Batchable, plan: Plan) -> Float[np.ndarray, " receivers"]:
    """Over how many labels, or words that have tags, the loss of each receiver is a mean."""
    found = np.zeros(len(plan.receivers))
    for i, task in enumerate(plan.receivers):
        rows = plan.rows[i if len(plan.rows) > 1 else 0]
        if isinstance(examples, EncodedSentences):
            tags = [examples.gold(int(row), task) for row in rows]
            found[i] = sum(len(gold) for gold in tags if gold is not None)
        else:
            found[i] = np.count_nonzero(~np.isnan(examples.labels[rows, task]))
    return found


def _without_words(batch: B) -> B:
    """A batch of the same shape in which nothing counts; what it gives has gradients, and they are zero."""
    blank = replace(batch, labels=torch.full_like(batch.labels, torch.nan))
    if isinstance(blank, TextBatch):
        tags = None if blank.tags is None else torch.full_like(blank.tags, -1)
        tokens, mask = torch.zeros_like(blank.tokens), torch.zeros_like(blank.mask)
        return replace(blank, tokens=tokens, mask=mask, tags=tags)
    return blank
