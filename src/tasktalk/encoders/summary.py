"""Features of a whole molecule, such as a fingerprint or descriptors, to states; all encoders in one product."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.core.batch import SparseRows
from tasktalk.encoders.dropout import shared_mask


class SummaryEncoders(nn.Module):
    """One hidden layer per encoder: LayerNorm(ReLU(x W + b)), stacked over the encoders.

    Args:
        features: number of sparse features.
        hidden: size of a state.
        encoders: how many.
        alike: whether all start from the same weights.
        dropout: share of a state that is dropped while training, the same features for every encoder.
    """

    def __init__(self, features: int, hidden: int, encoders: int, alike: bool = True, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoders, self.hidden = encoders, hidden
        draws = 1 if alike else encoders
        # Some tens of numbers are not zero, however many there could be: Glorot's range would be too small.
        weight = torch.randn(features, draws, hidden) / 8
        self.weight = nn.Parameter(weight.expand(-1, encoders, -1).flatten(1).clone())
        self.bias = nn.Parameter(torch.zeros(encoders, hidden))
        self.gain = nn.Parameter(torch.ones(encoders, hidden))
        self.shift = nn.Parameter(torch.zeros(encoders, hidden))
        self.dropout = nn.Dropout(dropout)

    def forward(self, rows: SparseRows, which: tuple[int, ...]) -> Float[Tensor, "which examples hidden"]:
        """States of the examples by the chosen encoders."""
        weight, chosen = self.weight, slice(None)
        if which != tuple(range(self.encoders)):
            chosen = list(which)  # type: ignore[assignment]
            weight = self.weight.unflatten(1, (self.encoders, self.hidden))[:, chosen].flatten(1)
        values = rows.values.to(weight.dtype)
        summed = functional.embedding_bag(rows.indices, weight, rows.offsets, mode="sum", per_sample_weights=values)
        states = (summed.unflatten(1, (-1, self.hidden)) + self.bias[chosen]).relu()
        states = functional.layer_norm(states, (self.hidden,)) * self.gain[chosen] + self.shift[chosen]
        keep = shared_mask(self.dropout, len(states), self.bias)
        return (states if keep is None else states * keep.unsqueeze(1)).transpose(0, 1)
