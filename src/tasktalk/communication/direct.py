"""DC-MTL: every task reads what the other tasks' LSTMs make of its words (message-passing paper, Eq. 3-6, 9-11)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tasktalk.communication.block import BlockOutput, for_receivers
from tasktalk.communication.cells import LSTMs
from tasktalk.communication.cut import Cuts, silenced
from tasktalk.communication.reader import MessageReader
from tasktalk.core.errors import ConfigError


class DirectCommunication(nn.Module):
    """DC-MTL.

    A sender's message is its own LSTM run on the receiver's words as a plain LSTM: the same parameters are the LSTM
    inside that task's LSTM-dagger.

    Record: ``alpha`` (receivers, batch, words, tasks), the weight of each sender at each word (0 for the receiver
    itself and on padding); ``gate`` (receivers, batch, words), the mean of the fusion gate.

    Args:
        word_features: size of an embedded word.
        hidden: size of a state.
        tasks: how many tasks.
        train_senders: let the receiver's loss also reach the senders (footnote 1 of the paper leaves it open);
            False detaches the messages, which is faster.

    Raises:
        ConfigError: fewer than two tasks.
    """

    def __init__(self, word_features: int, hidden: int, tasks: int, train_senders: bool = True) -> None:
        super().__init__()
        if tasks < 2:
            raise ConfigError(f"DC-MTL needs at least 2 tasks that can talk to each other, found {tasks}")
        self.features = hidden
        self.tasks = tasks
        self.cuts = Cuts(tasks, tasks)
        self.train_senders = train_senders
        self.lstms = LSTMs(word_features, hidden, tasks)
        self.reader = MessageReader(word_features, hidden)

    def forward(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        mask: Bool[Tensor, "groups batch words"],
        receivers: tuple[int, ...],
    ) -> BlockOutput:
        """States of the receivers; see the class for the record."""
        one = receivers[0] if len(receivers) == 1 else None
        senders = [i for i in range(self.tasks) if i != one]
        with torch.set_grad_enabled(self.train_senders and torch.is_grad_enabled()):
            heard = self.lstms(words.flatten(0, 1).unsqueeze(0), senders)  # h_t^(i), i = 1..K
        messages = heard.unflatten(1, words.shape[:2]).permute(1, 2, 3, 0, 4)  # (groups, batch, words, senders, hidden)
        other = torch.tensor(senders)[None, :] != torch.tensor(receivers)[:, None]  # i != k in Eq. 3
        other = other.to(words.device)
        if (cut := self.cuts.of(receivers, words.device)) is not None:
            kept = other & ~cut[:, senders]
            heard_by = kept.any(dim=1)
            messages = silenced(messages, ~heard_by, receivers)
            other = torch.where(heard_by.unsqueeze(1), kept, other)  # a softmax needs somebody
        other = other[:, None, None, :].expand(-1, words.shape[1], 1, -1)
        states, weights, gate = self.reader(words, messages, other, self.lstms, receivers)
        is_word = for_receivers(mask, receivers)
        alpha = weights.new_zeros(*weights.shape[:-1], self.tasks)
        alpha[..., senders] = weights * is_word.unsqueeze(-1)
        return BlockOutput(states * is_word.unsqueeze(-1), {"alpha": alpha, "gate": gate * is_word})
