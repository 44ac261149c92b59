"""IC-MTL: the tasks read from one shared LSTM, the mailbox (message-passing paper, Eq. 7-11)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tasktalk.communication.block import BlockOutput, for_receivers
from tasktalk.communication.cells import LSTMs, SharedLSTM
from tasktalk.communication.cut import Cuts, silenced
from tasktalk.communication.reader import MessageReader


class IndirectCommunication(nn.Module):
    """IC-MTL.

    Record: ``beta`` (receivers, batch, words, words), what word t took from word i of the mailbox (0 on padding);
    ``gate`` (receivers, batch, words), the mean of the fusion gate.

    Args:
        word_features: size of an embedded word.
        hidden: size of a state.
        tasks: how many tasks.
        causal: let word t read only the words up to t. The sum of Eq. 8 runs over the whole sentence (False).
    """

    def __init__(self, word_features: int, hidden: int, tasks: int, causal: bool = False) -> None:
        super().__init__()
        self.features = hidden
        self.causal = causal
        self.cuts = Cuts(tasks, 1)
        self.shared = SharedLSTM(word_features, hidden)
        self.lstms = LSTMs(word_features, hidden, tasks)
        self.reader = MessageReader(word_features, hidden)

    def forward(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        mask: Bool[Tensor, "groups batch words"],
        receivers: tuple[int, ...],
    ) -> BlockOutput:
        """States of the receivers; see the class for the record."""
        mailbox = self.shared(words).unsqueeze(2)  # Eq. 7
        if (cut := self.cuts.of(receivers, words.device)) is not None:
            mailbox = silenced(mailbox, cut[:, 0], receivers)
        readable = mask.unsqueeze(2)
        if self.causal:
            length = mask.shape[-1]
            readable = readable & torch.ones(length, length, dtype=torch.bool, device=mask.device).tril()
        states, weights, gate = self.reader(words, mailbox, readable, self.lstms, receivers)
        is_word = for_receivers(mask, receivers)
        beta = weights * is_word.unsqueeze(-1)
        return BlockOutput(states * is_word.unsqueeze(-1), {"beta": beta, "gate": gate * is_word})
