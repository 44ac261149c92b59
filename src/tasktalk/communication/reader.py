"""How a task reads the messages it is offered: attention, fusion gate and LSTM-dagger (Eq. 4-6 and 9-11)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tasktalk.communication.block import for_receivers
from tasktalk.communication.cells import LSTMs
from tasktalk.communication.kernels.recurrences import Dagger, lstm_dagger, projected, stacked


class MessageReader(nn.Module):
    """W^(s), u^(s), W_f, W_r and W_c, shared by all tasks, around the tasks' own LSTMs.

    W^(s) has ``hidden`` rows and is kept as its three parts, for x_t, h_{t-1} and the message.
    """

    def __init__(self, word_features: int, hidden: int) -> None:
        super().__init__()
        self.attend_word = nn.Parameter(torch.empty(word_features, hidden))
        self.attend_state = nn.Parameter(torch.empty(hidden, hidden))
        self.attend_message = nn.Parameter(torch.empty(hidden, hidden))
        self.score = nn.Parameter(torch.empty(hidden))
        self.fuse = nn.Parameter(torch.empty(hidden, hidden))
        self.gate_message = nn.Parameter(torch.empty(hidden, hidden))
        self.gate_cell = nn.Parameter(torch.empty(hidden, hidden))
        for weight in self.parameters():
            nn.init.xavier_uniform_(weight if weight.ndim == 2 else weight.unsqueeze(0))

    def forward(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        messages: Float[Tensor, "message_groups batch steps sources hidden"],
        mask: Bool[Tensor, "mask_groups batch mask_steps sources"],
        lstms: LSTMs,
        receivers: tuple[int, ...],
    ) -> Dagger:
        """Run every receiver's LSTM-dagger over its words while it reads from the messages.

        Args:
            words: embedded words; ``groups`` is 1 (the same for all receivers) or the number of receivers.
            messages: h^(i) on offer; ``steps`` is 1 (the same for every word) or one set per word; ``message_groups``
                is 1 or the number of receivers.
            mask: True for messages that may be read; ``mask_groups`` is 1 or the number of receivers.
            lstms: the tasks' own LSTMs.
            receivers: the tasks that read.
        """
        return lstm_dagger(
            projected(words, lstms.parameters_of("weight_x", receivers)),
            stacked(lstms.parameters_of("bias", receivers)),
            for_receivers(words @ self.attend_word, receivers),
            for_receivers(messages @ self.attend_message, receivers),
            for_receivers(messages, receivers),
            for_receivers(mask, receivers),
            stacked(lstms.parameters_of("weight_h", receivers)),
            self.attend_state,
            torch.cat((self.fuse, self.gate_message), dim=1),
            self.gate_cell,
            self.score,
        )
