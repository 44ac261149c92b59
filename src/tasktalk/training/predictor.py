"""Answers from any model: a network, or a simple one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasktalk.core.batch import Record
from tasktalk.core.task import Task
from tasktalk.data.batches import Batchable, Plan, plan_evaluation, rows_of, sparse_features
from tasktalk.data.node_batches import EncodedNodes
from tasktalk.data.sentence_batches import EncodedSentences
from tasktalk.models.build import Network
from tasktalk.models.forest import ForestModel
from tasktalk.models.graph_network import GraphNetwork
from tasktalk.models.linear import LinearModel
from tasktalk.models.network import TextNetwork
from tasktalk.models.tagging_network import TaggingNetwork
from tasktalk.training.asking import ask, record_of
from tasktalk.training.metrics import TaskScores, scores_of
from tasktalk.training.tag_predictor import Tagged, TagPredictor
from tasktalk.training.tag_scores import tag_scores

Rows = Float[np.ndarray, "_ _"]
"""A row per example: probabilities of the classes, or a value in the unit of the task's labels."""

Answers = Rows | list[Tagged]
"""The same, or the tags of the words of each sentence."""


@runtime_checkable  # signatures are checked while the tests run
class Predictor(Protocol):
    """Anything that gives each class of a task a probability, or a value, or each word a tag."""

    def answers(self, examples: Batchable, tasks: Sequence[int]) -> Sequence[Answers]:
        """For each of these tasks its answers for the examples that it reads, in the order of ``rows_of``."""
        ...


@dataclass(frozen=True)
class NetworkPredictor:
    """A network, asked in large batches of examples of about the same size.

    Args:
        network: the network.
        tasks: its tasks.
        device: where it is.
        batch_size: examples per batch.
    """

    network: TextNetwork | GraphNetwork
    tasks: Sequence[Task]
    device: torch.device
    batch_size: int

    def answers(self, examples: Batchable, tasks: Sequence[int]) -> list[Rows]:
        """Answers of some tasks; shared inputs are read once for all of them."""
        return ask(self.network, examples, tasks, lambda receivers: self._read(examples, receivers))

    def _read(self, examples: Batchable, receivers: tuple[int, ...]) -> list[Rows]:
        rows: list[np.ndarray] = []
        batches: list[list[np.ndarray]] = []
        # Every batch of nodes holds the whole graph: in parts, it would be read as often.
        size = max(1, len(examples)) if isinstance(examples, EncodedNodes) else self.batch_size
        for plan in plan_evaluation(examples, receivers, size):
            output = self.network(examples.collate(plan).to(self.device))
            rows.append(plan.rows[0])
            batches.append([_answer(self.tasks[k], x) for k, x in zip(receivers, output.logits, strict=True)])
        if not rows:
            return [np.zeros((0, self.tasks[k].outputs)) for k in receivers]
        order = np.argsort(np.concatenate(rows), kind="stable")
        return [np.concatenate([batch[i] for batch in batches])[order] for i in range(len(receivers))]

    def record(self, examples: Batchable, plan: Plan) -> Record:
        """Who listened to whom in one batch."""
        return record_of(self.network, examples, plan, self.device)


def _answer(task: Task, logits: Float[Tensor, "batch outputs"]) -> Float[np.ndarray, "batch outputs"]:
    """Probabilities; a regression's output counts in standard deviations from the mean."""
    values = logits.double()
    answer = values * task.std + task.mean if task.kind == "regression" else values.softmax(dim=-1)
    found: np.ndarray = answer.cpu().numpy()
    return found


@dataclass(frozen=True)
class LinearPredictor:
    """A linear model on sparse features."""

    model: LinearModel

    def answers(self, examples: Batchable, tasks: Sequence[int]) -> list[Rows]:
        """Answers of some tasks."""
        return [self._answer(examples, task) for task in tasks]

    def _answer(self, examples: Batchable, task: int) -> Rows:
        features = sparse_features(examples)[rows_of(examples, task)]
        logits = self.model.logits(features, task).astype(np.float64)
        if self.model.tasks[task].kind == "regression":
            return logits
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class ForestPredictor:
    """A random forest per task on sparse features."""

    model: ForestModel

    def answers(self, examples: Batchable, tasks: Sequence[int]) -> list[Rows]:
        """Answers of some tasks."""
        features = sparse_features(examples)
        return [self.model.probabilities(features[rows_of(examples, task)], task) for task in tasks]


def network_predictor(
    network: Network, tasks: Sequence[Task], device: torch.device, batch_size: int
) -> NetworkPredictor | TagPredictor:
    """The predictor that suits a network; arguments as for ``NetworkPredictor``."""
    if isinstance(network, TaggingNetwork):
        return TagPredictor(network, tasks, device, batch_size)
    return NetworkPredictor(network, tasks, device, batch_size)


def score(
    answers: Sequence[Answers],
    examples: Batchable,
    tasks: Sequence[Task],
    keep: Bool[np.ndarray, " examples"] | None = None,
) -> dict[str, TaskScores]:
    """Scores of every task.

    Args:
        answers: those of every task, for the examples that it reads.
        examples: a split.
        tasks: the tasks.
        keep: the examples that count; None counts all.
    """
    scores: dict[str, TaskScores] = {}
    for k, task in enumerate(tasks):
        rows, its = rows_of(examples, k), answers[k]
        labels = examples.labels[rows, k]
        if keep is not None:
            labels = np.where(keep[rows], labels, np.nan)
        if isinstance(its, list):
            scores[task.name] = tag_scores(task, its, _gold(examples, labels))
        else:
            scores[task.name] = scores_of(task, its, labels)
    return scores


def _gold(examples: Batchable, labels: Float[np.ndarray, " examples"]) -> list[Int[np.ndarray, " _"] | None]:
    """The sequences of tags that labels mean."""
    sequences = examples.tags if isinstance(examples, EncodedSentences) else []
    return [None if np.isnan(label) else sequences[int(label)] for label in labels]
