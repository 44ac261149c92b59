"""A block of your own: at every word a task reads what the other tasks' LSTMs make of it, through a gate."""

import torch
from torch import Tensor, nn

from tasktalk.communication.block import BlockOutput, for_receivers
from tasktalk.communication.cells import LSTMs


class GatedMean(nn.Module):
    """An LSTM per task, plus the mean of the other tasks' states of the word times a gate that is learned.

    Record: ``gate`` (receivers, batch, words), how far it is open on average.
    """

    def __init__(self, word_features: int, hidden: int, tasks: int) -> None:
        super().__init__()
        self.features = hidden
        self.tasks = tasks
        self.lstms = LSTMs(word_features, hidden, tasks)
        self.gate = nn.Linear(2 * hidden, hidden)

    def forward(self, words: Tensor, mask: Tensor, receivers: tuple[int, ...]) -> BlockOutput:
        """States of the receivers: words (groups, batch, words, word_features) to (receivers, batch, words, hidden)."""
        heard = self.lstms(words.flatten(0, 1).unsqueeze(0), range(self.tasks))  # every task reads every sentence
        heard = heard.unflatten(1, words.shape[:2])  # (tasks, groups, batch, words, hidden)
        heard = heard.expand(-1, len(receivers), -1, -1, -1)
        own = torch.stack([heard[task, place] for place, task in enumerate(receivers)])
        others = (heard.sum(dim=0) - own) / max(1, self.tasks - 1)
        gate = torch.sigmoid(self.gate(torch.cat((own, others), dim=-1)))
        is_word = for_receivers(mask, receivers)
        states = (own + gate * others) * is_word.unsqueeze(-1)
        return BlockOutput(states, {"gate": gate.detach().mean(dim=-1) * is_word})
