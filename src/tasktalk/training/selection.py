"""Which epoch's weights are kept, decided on development data only."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task
from tasktalk.training.metrics import TaskScores

MEAN = ""
"""Key of the mean over the tasks (no task has an empty name)."""

Score = Literal["error", "loss", "auroc"]
"""The development score by which epochs are compared."""

Criterion = Literal["auto", Score]
"""The same as a setting."""

_UNKNOWN = float("inf")


def choose_criterion(criterion: Criterion, tasks: Sequence[Task], separate: bool) -> Score:
    """What ``auto`` means for some tasks.

    Args:
        criterion: as the user has set it.
        tasks: the tasks.
        separate: whether every task reads examples of its own.

    Returns:
        For ``auto`` the error of classifications with separate inputs, the AUROC of binary tasks that read the same
        inputs (few examples of an assay or genre are positive, and the error sees them last), else the loss; any other
        criterion as it is.

    Raises:
        ConfigError: an error or AUROC of a regression.
    """
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
        criterion: what is compared, ``error``, ``loss`` or ``auroc``; ``choose_criterion`` knows what ``auto`` means.
        best: best epoch by task name, and by ``MEAN`` for the mean.
    """

    kind: Literal["mean", "per-task"]
    criterion: Score = "error"
    best: dict[str, Best] = field(default_factory=dict)

    def update(self, epoch: int, mean: TaskScores, tasks: Mapping[str, TaskScores]) -> bool:
        """Take the development scores of an epoch (none of them known if there is no development data).

        A task for which the criterion is not defined on the development data (no labels, or for the AUROC labels of one
        class) has no best epoch of its own; it follows the mean. Where nothing was ever known, the last epoch is best.

        Returns:
            Whether any best changed, so that this epoch's weights are needed.
        """
        scored = {name: scores for name, scores in tasks.items() if self.value(scores) < _UNKNOWN}
        candidates = {MEAN: mean, **(scored if self.kind == "per-task" else {})}
        changed = False
        for name, scores in candidates.items():
            loss = scores.get("loss")
            found = (self.value(scores), _UNKNOWN if loss is None else loss)
            old = self.best.get(name)
            if old is None or found < (old.value, old.loss) or old.value == old.loss == _UNKNOWN:
                self.best[name] = Best(epoch, *found)
                changed = True
        return changed

    def value(self, scores: TaskScores) -> float:
        """What is compared, the lower the better: the error, the loss or 1 - AUROC; infinite if it is not known."""
        found = scores.get(self.criterion)
        if found is None:
            return _UNKNOWN
        return 1 - found if self.criterion == "auroc" else found

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
