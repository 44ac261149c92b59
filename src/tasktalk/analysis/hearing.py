"""What every task listened to at each word or atom of some samples."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tasktalk.analysis.overview import LONGEST, kind_of
from tasktalk.core.batch import Listening
from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Examples, Sentences
from tasktalk.data.sentence_batches import folded
from tasktalk.data.take import take
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.run import Run
from tasktalk.training.sentence_encoder import SentenceEncoder

_BATCH = 16
_PAIRS = _BATCH * 200**2


@dataclass(frozen=True)
class Heard:
    """One sample as every task read it; of a model that reads in both directions, the mean of these.

    Args:
        row: which of the samples.
        words: its words, or the symbols of its atoms.
        weights: what each position took from each source; None in IC-MTL. Experts that read backwards are sources of
            their own.
        beta: what word t (first) took from word i of the mailbox; None in all models but IC-MTL.
        gate: mean of the fusion gate; None in models without it.
    """

    row: int
    words: list[str]
    weights: Float[np.ndarray, "tasks words sources"] | None = None
    beta: Float[np.ndarray, "tasks words words"] | None = None
    gate: Float[np.ndarray, "tasks words"] | None = None


def kind_heard(run: Run, examples: Examples) -> str | None:
    """What the record of a run holds (``kind_of``); None where there is no sample, or no message between tasks."""
    if not len(examples):
        return None
    try:
        return kind_of(run.hear(take(examples, np.arange(1))))
    except ConfigError:
        return None


def spoken(examples: Examples) -> Examples:
    """The texts or sentences that have words, cut at ``LONGEST``, without their labels, which need not fit any more."""
    rows = [row for row, words in enumerate(examples.tokens) if words]
    return with_words(examples, rows, [examples.tokens[row][:LONGEST] for row in rows])


def with_words(examples: Examples, rows: list[int], words: list[list[str]]) -> Examples:
    """Some of the texts or sentences with other words, and without labels."""
    owner = None if examples.owner is None else examples.owner[rows]
    content = Sentences(words, []) if isinstance(examples.content, Sentences) else words
    return Examples(content, np.full((len(rows), examples.labels.shape[1]), np.nan), owner)


def unknown_words(run: Run, examples: Examples) -> set[str]:
    """Words of texts or sentences that the run's vocabulary lacks: all of them are read as the same word."""
    encoder = run.encoder
    if not isinstance(encoder, TextEncoder | SentenceEncoder):
        return set()
    fold = isinstance(encoder, SentenceEncoder) and encoder.fold
    words = {word for text in examples.tokens for word in text}
    return {word for word in words if folded(word, fold) not in encoder.vocabulary.index}


def hear_each(
    run: Run, examples: Examples, advance: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[Heard]:
    """Let all tasks read the samples, in batches of about the same length, the shortest first.

    Args:
        run: a finished run.
        examples: samples, none of which is empty.
        advance: is told after each batch how many samples of how many are done.
    """
    lengths = np.array([len(words) for words in run.positions(examples)])
    order = np.argsort(lengths, kind="stable")
    done = 0
    while done < len(order):
        longest = int(max(1, lengths[order[done : done + _BATCH]].max()))
        size = max(1, min(_BATCH, _PAIRS // longest**2))
        rows = order[done : done + size]
        yield from _each(run.hear(take(examples, rows)), rows.tolist())
        done = min(done + size, len(order))
        advance(done, len(order))


def _each(listening: Listening, rows: list[int]) -> Iterator[Heard]:
    kind = kind_of(listening)
    name = {"alpha": "alpha", "weights": "weights", "experts": "weights"}.get(kind)
    weights = _split(listening, name, together=kind == "experts")
    beta = _split(listening, "beta" if kind == "beta" else None)
    gate = _split(listening, "gate" if "gate" in listening.record else None)
    for place, (row, words) in enumerate(zip(rows, listening.tokens, strict=True)):
        own_beta = None if beta is None else beta[place][:, :, : len(words)]
        yield Heard(
            row, words, None if weights is None else weights[place], own_beta, None if gate is None else gate[place]
        )


def _split(listening: Listening, name: str | None, together: bool = False) -> list[np.ndarray] | None:
    """An entry of the record for each sample, (tasks, its positions, ...)."""
    if name is None:
        return None
    found = [listening.record[key].float() for key in (name, f"backward_{name}") if key in listening.record]
    entry = torch.cat(found, dim=-1) / len(found) if together else torch.stack(found).mean(dim=0)
    lengths = [len(words) for words in listening.tokens]
    over_texts = name != "weights" or entry.ndim == 4
    parts: list[Tensor] = (
        [entry[:, sample, :length] for sample, length in enumerate(lengths)]
        if over_texts
        else list(entry.split(lengths, dim=1))
    )
    return [part.numpy() for part in parts]
