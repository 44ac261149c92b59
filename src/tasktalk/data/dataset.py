"""A data set in memory: tasks, and examples whose labels may be missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from tasktalk.core.task import Task


@dataclass(frozen=True)
class Examples:
    """The examples of one split.

    Args:
        tokens: the words of each example; an empty text has none.
        labels: class index or value, NaN where missing; one column per task of the data set.
        owner: separate inputs: the task that each example belongs to (its only label); shared inputs: None.
    """

    tokens: list[list[str]]
    labels: Float[np.ndarray, "examples tasks"]
    owner: Int[np.ndarray, " examples"] | None

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Dataset:
    """Tasks and their splits (``train``, ``dev`` and ``test``; ``dev`` and ``test`` may be absent).

    Args:
        name: name in the catalogue, or made from the file names.
        tasks: the tasks, in the order of the label columns.
        splits: examples by split name.
        tokenizer: name of the tokeniser that made the words (``data.tokenize``); prediction uses the same.
        sources: SHA-256 of every file that was read, by file name.
        warnings: sentences that the user should see (for example texts shared by train and dev).
    """

    name: str
    tasks: tuple[Task, ...]
    splits: Mapping[str, Examples]
    tokenizer: str
    sources: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
