"""Masks that take training labels away, to see what tasks do for each other when labels are few.

Sec. 5.3 of "Learning to Transfer via Modelling Multi-level Task Dependency": *sufficient* data (all labels of the
training split, the paper's "All 80 %"), *deficient* data (``all:10``) and *imbalanced* data (``partial:10``). For
learning curves ``few:10`` counts labels.
"""

from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from jaxtyping import Float, Int

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.seeding import generator
from tasktalk.data.dataset import Dataset
from tasktalk.data.take import take

_FEWEST = 2
"""From labels of one class nothing can be learned."""
_PURPOSE = 2_061_337_885  # keeps these draws apart from those that use the same seed for something else


@dataclass(frozen=True)
class Mask:
    """Which tasks lose labels, and how many.

    Args:
        text: how the mask is written.
        percent: share of its training labels that a masked task keeps.
        share: share of the tasks that are masked (0 to 1).
        count: how many labels a masked task keeps, in place of a share of them; None for the share.
    """

    text: str
    percent: float
    share: float
    count: int | None = None

    def kept(self, labels: int) -> int:
        """How many of so many labels a masked task keeps."""
        return round(labels * self.percent / 100) if self.count is None else min(self.count, labels)


class Kept(TypedDict):
    """How many training labels a task has kept of how many."""

    kept: int
    of: int


class MaskRecord(TypedDict):
    """What a mask did: the mask, its seed, the names of the masked tasks, and the labels of every task."""

    mask: str
    seed: int
    masked: list[str]
    labels: dict[str, Kept]


def parse_mask(text: str) -> Mask:
    """Read a mask.

    Args:
        text: ``sufficient`` (nothing is masked), ``all:10`` (every task keeps 10 % of its training labels),
            ``partial:10`` (a random half of the tasks do), ``partial:10:0.25`` (a random quarter of them), or
            ``few:10`` (every task keeps 10 training labels, or all if it has fewer; 2 at the least).

    Raises:
        ConfigError: anything else.
    """
    if text == "sufficient":
        return Mask(text, 100.0, 0.0)
    kind, *numbers = text.split(":")
    if kind == "few" and len(numbers) == 1 and numbers[0].isdecimal() and int(numbers[0]) >= _FEWEST:
        return Mask(text, 100.0, 1.0, int(numbers[0]))
    try:
        percent, *shares = map(float, numbers)
    except ValueError:
        kind, percent, shares = "", 0.0, []
    share = shares[0] if shares else 1.0 if kind == "all" else 0.5
    if len(shares) > {"all": 0, "partial": 1}.get(kind, -1) or not (0 < percent <= 100 and 0 < share <= 1):
        raise ConfigError(
            "a mask of labels: expected sufficient, all:PERCENT such as all:10, or partial:PERCENT or "
            f"partial:PERCENT:SHARE such as partial:10:0.5, or few:NUMBER such as few:10 ({_FEWEST} or more), "
            f"found {text!r}"
        )
    return Mask(text, percent, share)


def mask_labels(dataset: Dataset, mask: Mask, seed: int) -> tuple[Dataset, MaskRecord]:
    """Take labels away from the training split.

    Of n labels a masked task keeps round(n * percent / 100), drawn by itself. Which they are depends on the seed and
    the number of the task only: a smaller percentage keeps some of what a larger one keeps. An example that loses all
    its labels leaves the training split. A mask that counts labels keeps two classes at the least, by the second label
    of the draw: if it is of the class of the first, the next of another class comes before it.

    Args:
        dataset: the data; its other splits stay as they are.
        mask: the mask.
        seed: of the draws.

    Raises:
        DataError: a task would keep no label.
    """
    draw = generator(seed, _PURPOSE)
    masked = sorted(draw.permutation(len(dataset.tasks))[: _count(mask, len(dataset.tasks))].tolist())
    train = dataset.splits["train"]
    labels = train.labels.copy()
    for task in masked:
        rows = np.flatnonzero(~np.isnan(labels[:, task]))
        keep = mask.kept(len(rows))
        if not keep:
            raise DataError(
                f"task {dataset.tasks[task].name!r}: mask {mask.text!r} leaves none of its {len(rows)} training labels"
            )
        order = generator(seed, _PURPOSE, 1 + task).permutation(rows)
        if mask.count is not None:
            order = _two_classes_first(order, train.labels[:, task])
        labels[order[keep:], task] = np.nan
    before, after = ~np.isnan(train.labels), ~np.isnan(labels)
    stays = after.any(axis=1) | ~before.any(axis=1)
    rest = take(replace(train, labels=labels), np.flatnonzero(stays))
    record: MaskRecord = {
        "mask": mask.text,
        "seed": seed,
        "masked": [dataset.tasks[task].name for task in masked],
        "labels": {
            task.name: {"kept": int(kept), "of": int(of)}
            for task, kept, of in zip(dataset.tasks, after.sum(axis=0), before.sum(axis=0), strict=True)
        },
    }
    return replace(dataset, splits={**dataset.splits, "train": rest}), record


def _count(mask: Mask, tasks: int) -> int:
    return max(1, round(mask.share * tasks)) if mask.share else 0


def _two_classes_first(
    order: Int[np.ndarray, " rows"], labels: Float[np.ndarray, " examples"]
) -> Int[np.ndarray, " rows"]:
    """The same order, but its second row is the first of another class than the first one, if there is any."""
    other = np.flatnonzero(labels[order] != labels[order[0]])[:1]
    return np.concatenate((order[:1], order[other], np.delete(order[1:], other - 1)))
