"""Which epoch's weights are kept, decided on development data only."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task
from tasktalk.training.metrics import TaskScores

MEAN = ""
"""Key of the mean over the tasks (no task has an empty name)."""

Score = Literal["error", "loss", "auroc", "f1"]
"""The development score by which epochs are compared."""

Criterion = Literal["auto", Score]
"""The same as a setting."""

HIGHER_IS_BETTER = ("auroc", "f1")
"""Criteria of which a high value is good."""

_UNKNOWN = float("inf")


def choose_criterion(criterion: Criterion, tasks: Sequence[Task], separate: bool) -> Score:
    """What ``auto`` means for some tasks.

    Args:
        criterion: as the user has set it.
        tasks: the tasks.
        separate: whether every task reads examples of its own.

    Returns:
        For ``auto`` the F1 of taggings, the error of classifications with separate inputs, the AUROC of binary tasks
        that read the same inputs (few examples of an assay or genre are positive, and the error sees them last), else
        the loss; any other criterion as it is.

    Raises:
        ConfigError: an error or AUROC of a regression, an AUROC of a tagging, or an F1 of anything else.
    """
    if all(task.kind == "tagging" for task in tasks):
        if criterion == "auroc":
            raise ConfigError("training.criterion: tags have no AUROC; choose f1, error or loss, or auto, which is f1")
        return "f1" if criterion == "auto" else criterion
    if criterion == "f1":
        raise ConfigError("training.criterion: f1 is for tags; choose error, auroc or loss, or auto")
    regression = next((task for task in tasks if task.kind == "regression"), None)
    if criterion in ("error", "auroc") and regression is not None:
        raise ConfigError(
            f"training.criterion: a regression such as {regression.name!r} has no {criterion}; "
            "choose loss, or auto, which does"
        )
    if criterion != "auto":
        return criterion
    if separate:
        return "error" if regression is None else "loss"
    return "auroc" if all(task.kind == "binary" for task in tasks) else "loss"


def judged(criterion: Score, scores: TaskScores) -> float | None:
    """The criterion among the scores of a task; the F1 of tags that are no spans is their accuracy."""
    key = "accuracy" if criterion == "f1" and "f1" not in scores else criterion
    found: float | None = scores.get(key)
    return found


def _mean(values: Mapping[str, float]) -> float:
    return sum(values.values()) / len(values) if values else _UNKNOWN


@dataclass
class Best:
    """The best epoch so far: lowest value, and among equals the lowest loss."""

    epoch: int
    value: float
    loss: float


@dataclass
class Selection:
    """Keeps the best epoch for the mean development scores, and for each task if that is asked for.

    Args:
        kind: ``mean`` or ``per-task``.
        criterion: what is compared, ``error``, ``loss``, ``auroc`` or ``f1``; ``choose_criterion`` knows what ``auto``
            means.
        best: best epoch by task name, and by ``MEAN`` for the mean.
    """

    kind: Literal["mean", "per-task"]
    criterion: Score = "error"
    best: dict[str, Best] = field(default_factory=dict)

    def update(self, epoch: int, tasks: Mapping[str, TaskScores]) -> bool:
        """Take the development scores of every task after an epoch (none if there is no development data).

        The mean is taken over the tasks for which the criterion, or the loss, is defined.

        A task for which the criterion is not defined on the development data (no labels, or for the AUROC labels of one
        class) has no best epoch of its own; it follows the mean. Where nothing was ever known, the last epoch is best.

        Returns:
            Whether any best changed, so that this epoch's weights are needed.
        """
        values = {name: value for name, scores in tasks.items() if (value := self.value(scores)) < _UNKNOWN}
        losses = {name: loss for name, scores in tasks.items() if (loss := scores.get("loss")) is not None}
        candidates = {MEAN: (_mean(values), _mean(losses))}
        if self.kind == "per-task":
            candidates |= {name: (value, losses.get(name, _UNKNOWN)) for name, value in values.items()}
        changed = False
        for name, found in candidates.items():
            old = self.best.get(name)
            if old is None or found < (old.value, old.loss) or old.value == old.loss == _UNKNOWN:
                self.best[name] = Best(epoch, *found)
                changed = True
        return changed

    def value(self, scores: TaskScores) -> float:
        """What is compared, the lower the better: error, loss, 1 - AUROC or 1 - F1; infinite if it is not known."""
        found = judged(self.criterion, scores)
        if found is None:
            return _UNKNOWN
        return 1 - found if self.criterion in HIGHER_IS_BETTER else found

    def epochs(self) -> set[int]:
        """The epochs whose weights must be kept."""
        return {best.epoch for best in self.best.values()}

    def epoch_of(self, task: str) -> int:
        """The epoch whose weights a task uses."""
        return self.best.get(task, self.best[MEAN]).epoch

    def to_facts(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Selection":
        """Back from ``to_facts``."""
        best = {name: Best(**best) for name, best in facts["best"].items()}
        return cls(facts["kind"], facts["criterion"], best)
