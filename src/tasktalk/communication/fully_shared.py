"""FS-MTL: all tasks share one LSTM; only the output layers differ."""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from tasktalk.communication.block import BlockOutput, for_receivers
from tasktalk.communication.cells import SharedLSTM


class FullyShared(nn.Module):
    """One LSTM for every task. The record is empty."""

    def __init__(self, word_features: int, hidden: int) -> None:
        super().__init__()
        self.features = hidden
        self.shared = SharedLSTM(word_features, hidden)

    def forward(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        mask: Bool[Tensor, "groups batch words"],
        receivers: tuple[int, ...],
    ) -> BlockOutput:
        """States of the receivers."""
        return BlockOutput(for_receivers(self.shared(words) * mask.unsqueeze(-1), receivers), {})
