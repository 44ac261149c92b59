"""Probabilities from any model: a network, or a linear one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float

from tasktalk.core.batch import Output, Record
from tasktalk.core.task import Task
from tasktalk.data.batches import Encoded, Plan, collate, plan_evaluation
from tasktalk.models.linear import LinearModel
from tasktalk.models.network import TextNetwork
from tasktalk.training.metrics import TaskScores, classification_scores


@runtime_checkable  # signatures are checked while the tests run
class Predictor(Protocol):
    """Anything that gives each class of a task a probability."""

    def probabilities(self, examples: Encoded, task: int) -> Float[np.ndarray, "examples classes"]:
        """Probabilities for the examples that the task reads, in the order of ``examples.rows_of(task)``."""
        ...


@dataclass(frozen=True)
class NetworkPredictor:
    """A network, asked in large batches of sentences of about the same length.

    Args:
        network: the network.
        device: where it is.
        batch_size: examples per batch.
    """

    network: TextNetwork
    device: torch.device
    batch_size: int

    @torch.no_grad()
    def probabilities(self, examples: Encoded, task: int) -> Float[np.ndarray, "examples classes"]:
        """Probabilities for the examples that the task reads."""
        was_training = self.network.training
        self.network.eval()
        rows: list[np.ndarray] = []
        answers: list[np.ndarray] = []
        for plan in plan_evaluation(examples, task, self.batch_size):
            output = self.network(collate(examples, plan).to(self.device))
            rows.append(plan.rows[0])
            answers.append(output.logits[0].double().softmax(dim=-1).cpu().numpy())
        self.network.train(was_training)
        if not rows:
            return np.zeros((0, self.network.head.outputs[task]))
        return np.concatenate(answers)[np.argsort(np.concatenate(rows), kind="stable")]

    @torch.no_grad()
    def record(self, examples: Encoded, plan: Plan) -> Record:
        """Who listened to whom in one batch."""
        self.network.eval()
        output: Output = self.network(collate(examples, plan).to(self.device))
        return {name: weights.cpu() for name, weights in output.record.items()}


@dataclass(frozen=True)
class LinearPredictor:
    """A linear model on sparse features."""

    model: LinearModel

    def probabilities(self, examples: Encoded, task: int) -> Float[np.ndarray, "examples classes"]:
        """Probabilities for the examples that the task reads."""
        features = examples.sparse_features()[examples.rows_of(task)]
        logits = self.model.logits(features, task).astype(np.float64)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)


def score(
    answers: Sequence[Float[np.ndarray, "_ _"]],
    examples: Encoded,
    tasks: Sequence[Task],
    keep: Bool[np.ndarray, " examples"] | None = None,
) -> dict[str, TaskScores]:
    """Scores of every task.

    Args:
        answers: probabilities of every task, for the examples that it reads.
        examples: a split.
        tasks: the tasks.
        keep: the examples that count; None counts all.
    """
    scores: dict[str, TaskScores] = {}
    for k, task in enumerate(tasks):
        rows = examples.rows_of(k)
        labels = examples.labels[rows, k]
        if keep is not None:
            labels = np.where(keep[rows], labels, np.nan)
        scores[task.name] = classification_scores(answers[k], labels)
    return scores
