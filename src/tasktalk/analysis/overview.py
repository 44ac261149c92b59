"""Who listened to whom in every sample of a split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasktalk.analysis.chance import too_few
from tasktalk.analysis.tree import mirrored
from tasktalk.core.batch import Listening
from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Examples, Sentences
from tasktalk.data.take import take
from tasktalk.training.run import Run

LONGEST = 500
"""Words of a text that are looked at: IC-MTL has a weight for every pair of words and every task."""
_BATCH = 16
_PAIRS = _BATCH * 200**2
_LIKENESS = "how alike two tasks read the mailbox of a text, from 0 to 1 (Bhattacharyya coefficient of their beta)"
_MEANING = {
    "alpha": "share of the messages that a task took from another, mean over the words (alpha of Eq. 3)",
    "beta": _LIKENESS,
    "weights": "share of what a task took from a source, mean over the positions (softmax of Eq. 4)",
    "experts": "share of an expert in what a task reads, mean over the positions",
    "stitch": "weight of a source in what a task reads, any sign, the same for every sample",
}


@dataclass(frozen=True)
class Overview:
    """Every task's weights while all tasks read the same samples.

    Args:
        tasks: names of the tasks, which listen.
        sources: names of what they listen to: the tasks, or experts.
        meaning: what a weight is, in words.
        samples: every sample as a person reads it: a text, a SMILES, the name of a node.
        owner: separate inputs: the task that each sample belongs to; else None.
        labels: as in ``Examples``, NaN where there is none.
        weights: mean over the words, atoms or nodes of a sample.
        openness: mean of the fusion gate, from 0 to 1: how far a task let messages in; None in models without it.
        general: weights that the model learned for all samples: D~, or the stitches; None in models without them.
        classes: names of the classes of each task, none where labels are no classes; empty if nobody knows them.
    """

    tasks: tuple[str, ...]
    sources: tuple[str, ...]
    meaning: str
    samples: list[str]
    owner: Int[np.ndarray, " samples"] | None
    labels: Float[np.ndarray, "samples tasks"]
    weights: Float[np.ndarray, "samples tasks sources"]
    openness: Float[np.ndarray, "samples tasks"] | None = None
    general: Float[np.ndarray, "tasks sources"] | None = None
    classes: tuple[tuple[str, ...], ...] = ()

    @property
    def between_tasks(self) -> bool:
        """Whether the sources are the tasks."""
        return self.sources == self.tasks

    @property
    def directed(self) -> bool:
        """Whether a weight has a direction; how alike two tasks read has none."""
        return self.meaning != _LIKENESS

    def own(self, task: int) -> Int[np.ndarray, " _"]:
        """The samples that a task is asked about: with separate inputs its own, else all."""
        return np.arange(len(self.samples)) if self.owner is None else np.flatnonzero(self.owner == task)

    def mean(self) -> Float[np.ndarray, "tasks sources"]:
        """Mean effective weight of each task over its own samples; NaN for a task without samples."""
        rows = [self.own(k) for k in range(len(self.tasks))]
        empty = np.full(len(self.sources), np.nan)
        return np.stack([self.weights[own, k].mean(axis=0) if len(own) else empty for k, own in enumerate(rows)])

    def heard(self) -> Float[np.ndarray, "tasks sources"]:
        """The same in float64 without what a task gives itself, which is NaN.

        A likeness is the mean of what two tasks see of each other, so that it has no direction.
        """
        mean = self.mean().astype(np.float64)
        mean = mean if self.directed else mirrored(mean)
        if self.between_tasks:
            np.fill_diagonal(mean, np.nan)
        return mean

    def edges(self) -> Bool[np.ndarray, "tasks sources"]:
        """Where there is an edge with a weight; of two tasks that are only compared, one."""
        there = ~np.isnan(self.heard())
        return there if self.directed else there & there.T & np.tri(len(there), k=-1, dtype=bool)


def observe(
    run: Run,
    examples: Examples,
    most: int = 400,
    seed: int = 0,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Overview:
    """Let all tasks of a run read the samples of a split, in batches.

    Args:
        run: a finished run.
        examples: a split of its data.
        most: of more samples so many are drawn at random, of each task as many as of the others.
        seed: of the draw.
        advance: is told after each batch how many samples of how many are done.

    Raises:
        ConfigError: no samples, or a model that passes no messages.
    """
    rows = choose(examples, most, seed)
    if not len(rows):
        raise ConfigError("expected at least one sample to listen to, found none")
    chosen = shortened(take(examples, rows))
    lengths = np.array([len(tokens) for tokens in run.positions(chosen)])
    order = np.argsort(lengths, kind="stable")
    weights, openness = list[np.ndarray](), list[np.ndarray]()
    done = 0
    while done < len(order):
        longest = max(1, lengths[order[done : done + _BATCH]].max())
        size = int(max(1, min(_BATCH, _PAIRS // longest**2)))
        heard = run.hear(take(chosen, order[done : done + size]))
        gates = sample_openness(heard)
        weights.append(sample_weights(heard))
        openness += [] if gates is None else [gates]
        done = min(done + size, len(order))
        advance(done, len(order))
    back = np.argsort(order)
    return Overview(
        heard.tasks,
        source_names(heard),
        _MEANING[kind_of(heard)],
        run.shown(chosen),
        chosen.owner,
        chosen.labels,
        np.concatenate(weights)[back],
        np.concatenate(openness)[back] if openness else None,
        general_weights(heard),
        tuple(() if task.kind == "tagging" else task.classes for task in run.tasks),
    )


def choose(examples: Examples, most: int, seed: int) -> Int[np.ndarray, " _"]:
    """Rows of at most so many examples, ascending; with separate inputs of each task as many as of the others."""
    generator = np.random.default_rng(seed)
    if len(examples) <= most:
        return np.arange(len(examples))
    if examples.owner is None:
        return np.sort(generator.choice(len(examples), most, replace=False))
    shuffled = generator.permutation(len(examples))
    owners = examples.owner[shuffled]
    rank = np.empty(len(shuffled), dtype=np.int64)  # how many of the same task stand before
    for task in np.unique(owners):
        its = np.flatnonzero(owners == task)
        rank[its] = np.arange(len(its))
    return np.sort(shuffled[np.argsort(rank, kind="stable")[:most]])


def shortened(examples: Examples) -> Examples:
    """The beginnings of long texts, and of long sentences that have no tags; all else stays as it is."""
    content = examples.content
    if isinstance(content, list):
        return replace(examples, content=[words[:LONGEST] for words in content])
    if isinstance(content, Sentences) and not content.tags:
        return replace(examples, content=Sentences([words[:LONGEST] for words in content.words], []))
    return examples


def too_few_samples(overview: Overview) -> str:
    """Why a bootstrap over the samples would tell nothing (``chance.too_few``); empty if it does."""
    each = [len(overview.own(k)) for k in range(len(overview.tasks))]
    return too_few(len(overview.samples), [number for number in each if number])


def kind_of(listening: Listening) -> str:
    """What a record holds: ``alpha``, ``beta``, ``stitch``, ``weights`` of tasks, or ``experts``.

    Raises:
        ConfigError: it is that of a model that passes no messages.
    """
    record = listening.record
    for name in ("alpha", "beta", "stitch"):
        if name in record:
            return name
    if "weights" not in record:
        raise ConfigError(
            "this model has no weights between tasks that could be shown: take a run of dc, ic, mitten, cross-stitch "
            "or mmoe"
        )
    return "weights" if "dependency" in record else "experts"


def source_names(listening: Listening) -> tuple[str, ...]:
    """Names of what the tasks listen to; experts that read backwards are others than those that read forwards."""
    if kind_of(listening) != "experts":
        return listening.tasks
    names = [f"expert {number + 1}" for number in range(listening.record["weights"].shape[-1])]
    return (*names, *(f"backward {name}" for name in names if "backward_weights" in listening.record))


def sample_weights(listening: Listening) -> Float[np.ndarray, "samples tasks sources"]:
    """Mean weights of every sample; of a model that reads in both directions, the mean of these."""
    kind = kind_of(listening)
    entries = _both_directions(listening, "weights" if kind == "experts" else kind)
    lengths = _lengths(listening)
    if kind == "stitch":
        return torch.stack(entries).mean(dim=0).expand(len(lengths), -1, -1).numpy().copy()
    if kind == "beta":
        return torch.stack([_alike(entry, lengths) for entry in entries]).mean(dim=0).numpy()
    found = [_mean_over_positions(entry, lengths) for entry in entries]
    if kind == "experts":
        return (torch.cat(found, dim=-1) / len(found)).numpy()
    return torch.stack(found).mean(dim=0).numpy()


def sample_openness(listening: Listening) -> Float[np.ndarray, "samples tasks"] | None:
    """Mean of the fusion gate over the words of every sample."""
    gates = _both_directions(listening, "gate")
    if not gates:
        return None
    lengths = _lengths(listening)
    found = [_mean_over_positions(gate.unsqueeze(-1), lengths).squeeze(-1) for gate in gates]
    return torch.stack(found).mean(dim=0).numpy()


def general_weights(listening: Listening) -> Float[np.ndarray, "tasks sources"] | None:
    """D~ or the stitches; of a model that reads in both directions, the mean of these."""
    for name in ("dependency_share", "stitch"):
        if name in listening.record:
            return torch.stack(_both_directions(listening, name)).mean(dim=0).numpy()
    return None


def _both_directions(listening: Listening, name: str) -> list[Tensor]:
    return [listening.record[key].float() for key in (name, f"backward_{name}") if key in listening.record]


def _lengths(listening: Listening) -> list[int]:
    """Positions of every sample; a model reads an empty text as one unknown word."""
    return [max(1, len(tokens)) for tokens in listening.tokens]


def _mean_over_positions(
    entry: Float[Tensor, "tasks *_"], lengths: Sequence[int]
) -> Float[Tensor, "samples tasks sources"]:
    """Of (tasks, samples, words, sources), or of (tasks, positions of all samples, sources)."""
    parts = _by_sample(entry, lengths)
    return torch.stack([part.mean(dim=1) for part in parts])


def _by_sample(entry: Tensor, lengths: Sequence[int]) -> list[Tensor]:
    """For each sample (tasks, its positions, sources)."""
    if entry.ndim == 4:
        return [entry[:, sample, :length] for sample, length in enumerate(lengths)]
    return list(entry.split(list(lengths), dim=1))


def _alike(
    beta: Float[Tensor, "tasks samples words words2"], lengths: Sequence[int]
) -> Float[Tensor, "samples tasks tasks2"]:
    """The Bhattacharyya coefficient of every two tasks' beta, mean over the words that read.

    In double precision: tasks that read alike differ from 1 by less than single precision errs, and clusters of samples
    would be clusters of rounding.
    """
    found = []
    for sample, length in enumerate(lengths):
        roots = beta[:, sample, :length, :length].double().sqrt()
        found.append(torch.einsum("ati,bti->ab", roots, roots) / length)
    return torch.stack(found)
