"""MT-CNN: a convolution per task over words whose look-up tables are partly shared (Collobert and Weston 2008)."""

import copy

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.communication.block import BlockOutput, for_receivers
from tasktalk.core.errors import ConfigError


class TaskConvolution(nn.Module):
    """One convolution with rectifier per task; the sharing happens in the look-up tables. The record is empty.

    Args:
        word_features: size of an embedded word.
        hidden: number of filters.
        tasks: how many tasks.
        window: words per filter; odd, so that every word has a state.

    Raises:
        ConfigError: an even window.
    """

    def __init__(self, word_features: int, hidden: int, tasks: int, window: int = 5) -> None:
        super().__init__()
        if window % 2 == 0:
            raise ConfigError(f"MT-CNN needs an odd window, so that it has a middle word, found {window}")
        self.features = hidden
        first = nn.Conv1d(word_features, hidden, window, padding=window // 2)
        self.convolutions = nn.ModuleList(copy.deepcopy(first) for _ in range(tasks))  # start alike, as LSTMs do

    def forward(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        mask: Bool[Tensor, "groups batch words"],
        receivers: tuple[int, ...],
    ) -> BlockOutput:
        """States of the receivers."""
        is_word = for_receivers(mask, receivers).unsqueeze(-1)
        own_words = for_receivers(words, receivers) * is_word  # a filter at the end must not see padding
        states = torch.stack(
            [self.convolutions[k](x.transpose(1, 2)).transpose(1, 2) for k, x in zip(receivers, own_words, strict=True)]
        )
        return BlockOutput(functional.relu(states) * is_word, {})
