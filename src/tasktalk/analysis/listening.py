"""Who listened to whom, as numbers that a figure or a table can show."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tasktalk.core.batch import Listening
from tasktalk.core.errors import ConfigError


@dataclass(frozen=True)
class Reading:
    """What every task took from each word of one text.

    Args:
        words: the words.
        tasks: names of the tasks.
        taken: share of a task's reading that came from each word of the mailbox, averaged over the words that read;
            a row adds up to 1.
        openness: mean of the fusion gate: how far the task let messages in (0 to 1).
    """

    words: list[str]
    tasks: tuple[str, ...]
    taken: Float[np.ndarray, "tasks words"]
    openness: Float[np.ndarray, " tasks"]


def mailbox_reading(listening: Listening, text: int = 0) -> Reading:
    """What every task of an IC-MTL model read from the mailbox in one text (beta of Eq. 8, g of Eq. 11).

    Args:
        listening: a record with ``beta`` and ``gate``.
        text: which text.

    Raises:
        ConfigError: the record is not one of IC-MTL.
    """
    _require(listening, "beta", "ic")
    words = listening.tokens[text]
    n = len(words)
    beta = listening.record["beta"][:, text, :n, :n].double().numpy()
    gate = listening.record["gate"][:, text, :n].double().numpy()
    return Reading(words, listening.tasks, beta.mean(axis=1), gate.mean(axis=1))


@dataclass(frozen=True)
class Senders:
    """Which tasks each task listened to.

    Args:
        tasks: names of the tasks.
        taken: mean weight of each sender (column) for each receiver (row); a row adds up to 1.
        openness: as in ``Reading``.
    """

    tasks: tuple[str, ...]
    taken: Float[np.ndarray, "tasks tasks"]
    openness: Float[np.ndarray, " tasks"]


def senders(listening: Listening) -> Senders:
    """Which tasks each task of a DC-MTL model listened to, over all words of all texts (alpha of Eq. 3).

    Raises:
        ConfigError: the record is not one of DC-MTL.
    """
    _require(listening, "alpha", "dc")
    alpha = listening.record["alpha"].double().numpy()
    gate = listening.record["gate"].double().numpy()
    words = sum(len(tokens) for tokens in listening.tokens)
    return Senders(listening.tasks, alpha.sum(axis=(1, 2)) / words, gate.sum(axis=(1, 2)) / words)


def _require(listening: Listening, name: str, model: str) -> None:
    if name not in listening.record:
        found = ", ".join(listening.record) or "nothing"
        raise ConfigError(f"expected the record of a {model} model, which has {name}; this one has {found}")
