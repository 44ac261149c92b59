"""The output layer of every task, and the loss over the labels that exist."""

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


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
