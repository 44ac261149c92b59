"""The output layer of every task, and its loss over the labels that exist."""

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.core.task import Task


class Classifier(nn.Module):
    """One linear layer per task (the softmax layer of Eq. 12, before its softmax).

    Tasks with as many classes start from the same weights, so that they pull shared parts in the same direction.

    Args:
        features: size of a pooled state.
        outputs: number of classes of each task.
    """

    def __init__(self, features: int, outputs: Sequence[int]) -> None:
        super().__init__()
        self.outputs = tuple(outputs)
        first = {n: nn.Linear(features, n) for n in sorted(set(outputs))}
        self.layers = nn.ModuleList(copy.deepcopy(first[n]) for n in outputs)
        for layer in self.layers:
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(
        self, pooled: Float[Tensor, "receivers batch features"], receivers: tuple[int, ...]
    ) -> tuple[Float[Tensor, "batch _"], ...]:
        """Logits of every receiver."""
        return tuple(self.layers[k](x) for k, x in zip(receivers, pooled, strict=True))


def classification_loss(logits: Float[Tensor, "batch outputs"], labels: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Mean negative log-likelihood over the labels that exist (Eq. 13; NaN is missing).

    Without any label it is zero, and still attached to the graph.
    """
    known = ~labels.isnan()
    target = torch.where(known, labels, 0).long()
    losses = functional.cross_entropy(logits, target, reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)


def regression_loss(
    predictions: Float[Tensor, "batch 1"], labels: Float[Tensor, " batch"], mean: float, std: float
) -> Float[Tensor, ""]:
    """Half the mean squared error over the labels that exist: the loss of a normal distribution (NaN is missing).

    Without any label it is zero, and still attached to the graph.

    Args:
        predictions: values less ``mean``, in units of ``std``.
        labels: values in their own unit.
        mean: mean of the training labels.
        std: standard deviation of the training labels.
    """
    known = ~labels.isnan()
    target = torch.where(known, (labels - mean) / std, 0)
    losses = (predictions[:, 0] - target).square() / 2
    return torch.where(known, losses, 0).sum() / known.sum().clamp(min=1)


def task_loss(task: Task, logits: Float[Tensor, "batch outputs"], labels: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """The loss that suits the kind of a task."""
    if task.kind == "regression":
        return regression_loss(logits, labels, task.mean, task.std)
    return classification_loss(logits, labels)
