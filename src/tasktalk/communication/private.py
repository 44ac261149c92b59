"""No communication: every task has an LSTM of its own (the single-task baseline)."""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from tasktalk.communication.block import BlockOutput, for_receivers
from tasktalk.communication.cells import LSTMs


class PrivateLSTM(nn.Module):
    """One LSTM per task, nothing shared (Eq. 2). The record is empty."""

    def __init__(self, word_features: int, hidden: int, tasks: int) -> None:
        super().__init__()
        self.features = hidden
        self.lstms = LSTMs(word_features, hidden, tasks)

    def forward(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        mask: Bool[Tensor, "groups batch words"],
        receivers: tuple[int, ...],
    ) -> BlockOutput:
        """States of the receivers."""
        return BlockOutput(self.lstms(words, receivers) * for_receivers(mask, receivers).unsqueeze(-1), {})
