"""A transfer between tasks as a block: LSTMs read the words, and the transfer mixes what they made of each word."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tasktalk.communication.block import BlockOutput, for_receivers
from tasktalk.communication.cells import LSTMs
from tasktalk.communication.transfer import Transfer
from tasktalk.core.errors import ConfigError


class TransferOverWords(nn.Module):
    """LSTMs, as many as the transfer has encoders, and the transfer at every word (dependency paper, Appendix B.2).

    Every source reads the sentences of every group. Each LSTM starts from a draw of its own.

    Record: that of the transfer. Entries per position become (receivers, batch, words, sources), 0 on padding; those of
    shape (receivers, sources) stay as they are and hold for all words.

    Args:
        word_features: size of an embedded word.
        hidden: size of a state of the LSTMs.
        transfer: mixes the states; its ``features`` is ``hidden``.

    Raises:
        ConfigError: the transfer expects states of another size.
    """

    def __init__(self, word_features: int, hidden: int, transfer: Transfer) -> None:
        super().__init__()
        if transfer.features != hidden:
            raise ConfigError(f"the transfer expects {transfer.features} features, but the LSTMs have {hidden}")
        self.features = hidden
        self.transfer = transfer
        self.lstms = LSTMs(word_features, hidden, transfer.encoders, alike=False)  # an ensemble (decision 15)

    def forward(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        mask: Bool[Tensor, "groups batch words"],
        receivers: tuple[int, ...],
    ) -> BlockOutput:
        """States of the receivers; see the class for the record."""
        read = self.lstms(words.flatten(0, 1).unsqueeze(0), self.transfer.sources(receivers))
        states = torch.unflatten(read, 1, words.shape[:2]).flatten(2, 3)  # (sources, groups, positions, features)
        mixed, positions = self.transfer(states, words.flatten(1, 2), receivers)
        is_word = for_receivers(mask, receivers).unsqueeze(-1)

        def per_word(x: Tensor) -> Tensor:
            return torch.unflatten(x, 1, words.shape[1:3]) * is_word

        record = {name: per_word(x) if x.ndim == 3 else x for name, x in positions.items()}
        return BlockOutput(per_word(mixed), record)
