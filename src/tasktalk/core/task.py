"""What a task is."""

import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from tasktalk.core.errors import ConfigError

Kind = Literal["binary", "multiclass", "regression", "tagging"]


@dataclass(frozen=True)
class Task:
    """One task: what is predicted, from which classes, and how much its loss counts.

    Args:
        name: unique in a data set, without control characters; file names, tables and ``--task`` use it.
        kind: ``binary``, ``multiclass``, ``regression`` or ``tagging``.
        classes: names of the classes in the order of their indices; empty for regression.
        weight: lambda_k of Eq. 14 in the message-passing paper.
        mean: regression: mean of the training values, in their own unit; a network learns what is left.
        std: regression: standard deviation of the training values, in which a network counts.
        scheme: tagging: how the files mark spans (``iob1``, ``iob2`` or ``bioes``), whose classes are BIOES here; empty
            where tags are no spans.

    Raises:
        ConfigError: a name with a line break or the like, an unknown kind, or a number of classes that does not fit
            the kind.
    """

    name: str
    kind: Kind
    classes: tuple[str, ...] = ()
    weight: float = 1.0
    mean: float = 0.0
    std: float = 1.0
    scheme: str = ""

    def __post_init__(self) -> None:
        if any(unicodedata.category(character) == "Cc" for character in self.name):
            raise ConfigError(f"task {self.name!r}: a name has no line breaks, tabs or other control characters")
        if self.kind not in get_args(Kind):
            raise ConfigError(
                f"task {self.name!r}: kind must be one of {', '.join(get_args(Kind))}, found {self.kind!r}"
            )
        expected = {"binary": "2", "multiclass": "3 or more", "regression": "0", "tagging": "1 or more"}[self.kind]
        found = len(self.classes)
        fits = {"binary": found == 2, "multiclass": found >= 3, "regression": found == 0, "tagging": found >= 1}
        if not fits[self.kind]:
            raise ConfigError(f"task {self.name!r}: a {self.kind} task has {expected} classes, found {found}")

    @property
    def outputs(self) -> int:
        """How many numbers a head computes for this task: one per class, or one for regression."""
        return len(self.classes) or 1
