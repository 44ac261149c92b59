"""Which epoch's weights are kept, decided on development data only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tasktalk.training.metrics import TaskScores

MEAN = ""
"""Key of the mean over the tasks (no task has an empty name)."""


@dataclass
class Best:
    """The best epoch so far: lowest error, and among equals the lowest loss."""

    epoch: int
    error: float
    loss: float


@dataclass
class Selection:
    """Keeps the best epoch for the mean development error, and for each task if that is asked for.

    Args:
        kind: ``mean`` or ``per-task``.
        best: best epoch by task name, and by ``MEAN`` for the mean.
    """

    kind: Literal["mean", "per-task"]
    best: dict[str, Best] = field(default_factory=dict)

    def update(self, epoch: int, mean: TaskScores, tasks: Mapping[str, TaskScores]) -> bool:
        """Take the development scores of an epoch (none of them known if there is no development data).

        A task without development labels has no best epoch of its own; it follows the mean.

        Returns:
            Whether any best changed, so that this epoch's weights are needed.
        """
        scored = {name: scores for name, scores in tasks.items() if scores["error"] is not None}
        candidates = {MEAN: mean, **(scored if self.kind == "per-task" else {})}
        changed = False
        for name, scores in candidates.items():
            error, loss = scores.get("error"), scores.get("loss")
            found = Best(epoch, float("inf") if error is None else error, float("inf") if loss is None else loss)
            old = self.best.get(name)
            if old is None or error is None or (found.error, found.loss) < (old.error, old.loss):
                self.best[name] = found
                changed = True
        return changed

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
        return cls(facts["kind"], {name: Best(**best) for name, best in facts["best"].items()})
