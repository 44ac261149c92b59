"""From the states of the words to one vector per example (Eq. 12 uses the last state)."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

Pooling = Literal["last", "mean", "max", "attention", "dot"]


class LastState(nn.Module):
    """h_T (Eq. 12).

    Args:
        backward_features: how many features, at the end of a state, come from a reader that runs backwards; its last
            state stands at the first word.
    """

    def __init__(self, backward_features: int = 0) -> None:
        super().__init__()
        self.backward_features = backward_features

    def forward(
        self,
        states: Float[Tensor, "receivers batch words features"],
        mask: Bool[Tensor, "receivers batch words"],
        receivers: tuple[int, ...],
    ) -> Float[Tensor, "receivers batch features"]:
        """The last state of every example."""
        last = (mask.sum(dim=-1) - 1).clamp(min=0)
        index = last[..., None, None].expand(-1, -1, 1, states.shape[-1])
        pooled = states.gather(2, index).squeeze(2)
        if not self.backward_features:
            return pooled
        return torch.cat((pooled[..., : -self.backward_features], states[:, :, 0, -self.backward_features :]), dim=-1)


class MeanPooling(nn.Module):
    """Mean over the words."""

    def forward(
        self,
        states: Float[Tensor, "receivers batch words features"],
        mask: Bool[Tensor, "receivers batch words"],
        receivers: tuple[int, ...],
    ) -> Float[Tensor, "receivers batch features"]:
        """The mean state of every example."""
        weights = mask.to(states.dtype).unsqueeze(-1)
        return (states * weights).sum(dim=2) / weights.sum(dim=2).clamp(min=1)


class MaxPooling(nn.Module):
    """Largest value of each feature over the words; zero where an example has no word."""

    def forward(
        self,
        states: Float[Tensor, "receivers batch words features"],
        mask: Bool[Tensor, "receivers batch words"],
        receivers: tuple[int, ...],
    ) -> Float[Tensor, "receivers batch features"]:
        """The largest state of every example, feature by feature."""
        lowest = torch.finfo(states.dtype).min
        largest = states.masked_fill(~mask.unsqueeze(-1), lowest).amax(dim=2)
        return largest * mask.any(dim=-1, keepdim=True)


class AttentionPooling(nn.Module):
    """Weighted mean, each task scoring the words by the dot product with a vector of its own.

    Args:
        features: size of a state.
        tasks: how many tasks.
    """

    def __init__(self, features: int, tasks: int) -> None:
        super().__init__()
        self.queries = nn.ParameterList(nn.Parameter(torch.zeros(features)) for _ in range(tasks))

    def forward(
        self,
        states: Float[Tensor, "receivers batch words features"],
        mask: Bool[Tensor, "receivers batch words"],
        receivers: tuple[int, ...],
    ) -> Float[Tensor, "receivers batch features"]:
        """The weighted mean state of every example; starts as the plain mean."""
        query = torch.stack([self.queries[k] for k in receivers])
        scores = torch.einsum("rbtd,rd->rbt", states, query) / states.shape[-1] ** 0.5
        weights = scores.masked_fill(~mask, torch.finfo(states.dtype).min).softmax(dim=-1)
        return torch.einsum("rbt,rbtd->rbd", weights, states)


class DotPooling(nn.Module):
    """Weighted mean, the last state scoring the words (dependency paper, App. B.2); no parameters."""

    def forward(
        self,
        states: Float[Tensor, "receivers batch words features"],
        mask: Bool[Tensor, "receivers batch words"],
        receivers: tuple[int, ...],
    ) -> Float[Tensor, "receivers batch features"]:
        """alpha^T O with alpha = softmax(O H_n^T), where H_n is the state of the last word."""
        last = LastState()(states, mask, receivers)
        scores = torch.einsum("rbtd,rbd->rbt", states, last)
        weights = scores.masked_fill(~mask, torch.finfo(states.dtype).min).softmax(dim=-1)
        return torch.einsum("rbt,rbtd->rbd", weights, states)


def pooling(kind: Pooling, features: int, tasks: int, backward_features: int = 0) -> nn.Module:
    """The pooling of that name."""
    match kind:
        case "last":
            return LastState(backward_features)
        case "mean":
            return MeanPooling()
        case "max":
            return MaxPooling()
        case "attention":
            return AttentionPooling(features, tasks)
        case "dot":
            return DotPooling()
