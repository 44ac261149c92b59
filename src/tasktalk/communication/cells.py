"""Parameters of LSTMs, one module per task, so that an optimiser touches only the tasks that were drawn."""

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tasktalk.communication.kernels.recurrences import stacked_lstm


class LSTMParameters(nn.Module):
    """theta of one LSTM (Eq. 2); gates in torch.nn.LSTM's order: input, forget, candidate, output.

    Initialised gate by gate: Glorot for the inputs, orthogonal for the recurrence, forget bias 1.
    """

    def __init__(self, word_features: int, hidden: int) -> None:
        super().__init__()
        self.weight_x = nn.Parameter(torch.empty(word_features, 4 * hidden))
        self.weight_h = nn.Parameter(torch.empty(hidden, 4 * hidden))
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        for gate in range(4):
            columns = slice(gate * hidden, (gate + 1) * hidden)
            nn.init.xavier_uniform_(self.weight_x.data[:, columns])
            nn.init.orthogonal_(self.weight_h.data[:, columns])
        nn.init.ones_(self.bias.data[hidden : 2 * hidden])


class LSTMs(nn.Module):
    """Several LSTMs that run side by side.

    By default all start from the same parameters: what the tasks say to each other, and what the shared parts learn
    from all of them, then means the same to each task from the first step on.

    Args:
        word_features: size of an embedded word.
        hidden: size of a state.
        count: how many LSTMs.
        alike: False draws each by itself: experts that start alike would stay alike.
    """

    def __init__(self, word_features: int, hidden: int, count: int, alike: bool = True) -> None:
        super().__init__()
        first = LSTMParameters(word_features, hidden)
        others = (copy.deepcopy(first) if alike else LSTMParameters(word_features, hidden) for _ in range(count - 1))
        self.cells = nn.ModuleList([first, *others])

    def parameters_of(self, name: str, which: Sequence[int]) -> list[Tensor]:
        """One parameter of each of the chosen LSTMs: ``weight_x``, ``weight_h`` or ``bias``."""
        return [self.cells[i].get_parameter(name) for i in which]

    def forward(
        self, words: Float[Tensor, "groups batch words word_features"], which: Sequence[int]
    ) -> Float[Tensor, "cells batch words hidden"]:
        """States of the chosen LSTMs over the words; ``groups`` is 1 or their number."""
        return stacked_lstm(words, *(self.parameters_of(name, which) for name in ("weight_x", "bias", "weight_h")))


class SharedLSTM(nn.Module):
    """One LSTM that reads the sentences of every group (Eq. 7)."""

    def __init__(self, word_features: int, hidden: int) -> None:
        super().__init__()
        self.lstm = LSTMs(word_features, hidden, 1)

    def forward(
        self, words: Float[Tensor, "groups batch words word_features"]
    ) -> Float[Tensor, "groups batch words hidden"]:
        """h_t^(s) of every word."""
        states: Tensor = self.lstm(words.flatten(0, 1).unsqueeze(0), (0,))
        return torch.unflatten(states.squeeze(0), 0, words.shape[:2])
