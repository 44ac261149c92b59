"""The deletion test: edges of a finished run are cut one by one, and the tasks asked again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from tasktalk.analysis.overview import Overview
from tasktalk.communication.cut import cut
from tasktalk.core.errors import ConfigError
from tasktalk.core.seeding import generator
from tasktalk.core.task import Task
from tasktalk.data.batches import rows_of
from tasktalk.data.dataset import Examples, Sentences
from tasktalk.data.take import take
from tasktalk.training.predictor import Answers, NetworkPredictor
from tasktalk.training.run import Run
from tasktalk.training.tag_predictor import TagPredictor

MAILBOX = "mailbox"
"""Name of the one source of IC-MTL: its tasks hear each other only through it."""


@dataclass(frozen=True)
class Edges:
    """The edges that can be cut, and how much each is used according to the picture.

    Args:
        tasks: names of those who listen.
        sources: names of what they listen to.
        weight: mean effective weight over the receiver's own samples; of a mailbox, how far it lets messages in. NaN
            where there is no edge, or no sample.
        meaning: what a weight is, in words.
    """

    tasks: tuple[str, ...]
    sources: tuple[str, ...]
    weight: Float[np.ndarray, "tasks sources"]
    meaning: str

    @property
    def size(self) -> Float[np.ndarray, "tasks sources"]:
        """Of a weight of any sign, how large it is."""
        return np.abs(self.weight)

    @property
    def only_one_each(self) -> bool:
        """Whether no receiver has a choice between sources."""
        return int((~np.isnan(self.weight)).sum(axis=1).max(initial=0)) < 2


@dataclass(frozen=True)
class Scored:
    """How well a task did on each of its samples that have a label.

    Args:
        loss: negative log-likelihood in nats, of tags for each word; of a regression half the squared error in the
            task's deviations.
        wrong: 1 where the answer is wrong, of tags the share that is wrong; NaN for a regression.
        positive: probability of the second of two classes; NaN elsewhere.
    """

    loss: Float[np.ndarray, " samples"]
    wrong: Float[np.ndarray, " samples"]
    positive: Float[np.ndarray, " samples"]


@dataclass(frozen=True)
class Harm:
    """What cutting one edge did.

    Args:
        receiver: index of the task that listened.
        source: index of what it listened to.
        weight: that of the edge.
        rows: the receiver's samples with a label, as indices of the overview's.
        labels: their labels; of tags 0.
        before: with the edge.
        after: without it.
    """

    receiver: int
    source: int
    weight: float
    rows: Int[np.ndarray, " samples"]
    labels: Float[np.ndarray, " samples"]
    before: Scored
    after: Scored

    @property
    def loss(self) -> Float[np.ndarray, " samples"]:
        """How much the loss of each sample rose."""
        return self.after.loss - self.before.loss

    @property
    def wrong(self) -> Float[np.ndarray, " samples"]:
        """How much the error of each sample rose, from -1 to 1."""
        return self.after.wrong - self.before.wrong


def edges_of(overview: Overview) -> Edges:
    """The edges of an overview; what a task gives itself is none.

    How alike two tasks read a mailbox is no edge: there, each task has one edge, from the mailbox.
    """
    if not overview.directed:
        if overview.openness is None:
            raise ConfigError("expected the gates of a model with a mailbox, found none")
        own = [overview.own(k) for k in range(len(overview.tasks))]
        open_to = [overview.openness[rows, k].mean() if len(rows) else np.nan for k, rows in enumerate(own)]
        meaning = "how far a task lets messages in (mean of the fusion gate)"
        return Edges(overview.tasks, (MAILBOX,), np.array(open_to, dtype=np.float64)[:, np.newaxis], meaning)
    return Edges(overview.tasks, overview.sources, overview.heard(), overview.meaning)


def choose_edges(edges: Edges, can: Bool[np.ndarray, " tasks"], most: int, seed: int = 0) -> list[tuple[int, int]]:
    """At most so many edges: of every receiver the strongest and the weakest, then others at random.

    Args:
        edges: all that there are.
        can: whether a receiver has samples with labels.
        most: how many; where they are too few for all receivers, some receivers are drawn.
        seed: of the draws.
    """
    draw = generator(seed)
    there = ~np.isnan(edges.weight) & can[:, np.newaxis]
    receivers = draw.permutation(np.flatnonzero(there.any(axis=1)))
    ends = [end for k in receivers.tolist() for end in _ends(edges, there[k], k)]
    rest = [(int(k), int(i)) for k, i in np.argwhere(there) if (k, i) not in set(ends)]
    others = [rest[n] for n in draw.permutation(len(rest))]
    return sorted([*ends, *others][: max(1, most)])


def _ends(edges: Edges, there: Bool[np.ndarray, " sources"], receiver: int) -> list[tuple[int, int]]:
    """The strongest and the weakest edge of a receiver."""
    its = np.flatnonzero(there)
    size = edges.size[receiver, its]
    return [(receiver, int(i)) for i in dict.fromkeys([its[size.argmax()], its[size.argmin()]])]


def cut_edges(
    run: Run,
    examples: Examples,
    edges: Edges,
    most: int,
    seed: int = 0,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> list[Harm]:
    """Ask every receiver about its own samples, with all edges and without each of some.

    Each is asked with the weights that it answers with, which ``Run.hear`` shows. A receiver without a single label is
    left out.

    Args:
        run: a finished run of a network.
        examples: the samples of the overview, in its order.
        edges: from ``edges_of``.
        most: cut at most so many; ``choose_edges`` says which.
        seed: of this choice.
        advance: is told after each edge how many of how many are done.

    Raises:
        ConfigError: a model in which nothing can be cut.
    """
    whose = [_labelled(examples, k) for k in range(len(run.tasks))]
    chosen = choose_edges(edges, np.array([len(rows) > 0 for rows in whose]), most, seed)
    found: list[Harm] = []
    for receiver in sorted({k for k, _ in chosen}):
        predictor = run.predictor(receiver)
        if not isinstance(predictor, NetworkPredictor | TagPredictor):
            raise ConfigError("a linear model or a forest has nothing between its tasks that could be cut")
        its = take(examples, whose[receiver])
        encoded, task = run.encoder(its), run.tasks[receiver]
        read = rows_of(encoded, receiver)
        order = whose[receiver][read]
        labels = examples.labels[order, receiver]
        gold = [its.content.tags[int(n)] for n in labels] if isinstance(its.content, Sentences) else None
        before = scored(task, predictor.answers(encoded, (receiver,))[0], labels, gold)
        for source in (i for k, i in chosen if k == receiver):
            with cut(predictor.network, receiver, source):
                after = scored(task, predictor.answers(encoded, (receiver,))[0], labels, gold)
            weight = float(edges.weight[receiver, source])
            found.append(Harm(receiver, source, weight, order, labels if gold is None else 0 * labels, before, after))
            advance(len(found), len(chosen))
    return found


def _labelled(examples: Examples, task: int) -> Int[np.ndarray, " rows"]:
    """The samples of a task that have a label."""
    known = ~np.isnan(examples.labels[:, task])
    return np.flatnonzero(known if examples.owner is None else known & (examples.owner == task))


def scored(
    task: Task,
    answers: Answers,
    labels: Float[np.ndarray, " samples"],
    gold: Sequence[Int[np.ndarray, " _"]] | None = None,
) -> Scored:
    """Losses and errors of each sample.

    Args:
        task: the task.
        answers: what its model says.
        labels: what is right; none is missing.
        gold: of a tagging the right tags.
    """
    unknown = np.full(len(labels), np.nan)
    if isinstance(answers, list):
        right = gold or []
        loss = [answer.loss / max(1, len(tags)) for answer, tags in zip(answers, right, strict=True)]
        wrong = [float((a.tags[: len(tags)] != tags).mean()) for a, tags in zip(answers, right, strict=True)]
        return Scored(np.array(loss), np.array(wrong), unknown)
    if task.kind == "regression":
        return Scored(np.square((answers[:, 0] - labels) / task.std) / 2, unknown, unknown)
    truth = labels.astype(np.int64)
    likelihood = np.maximum(answers[np.arange(len(truth)), truth], np.finfo(np.float64).tiny)
    wrong_class = (answers.argmax(axis=1) != truth).astype(np.float64)
    return Scored(-np.log(likelihood), wrong_class, answers[:, 1] if task.kind == "binary" else unknown)
