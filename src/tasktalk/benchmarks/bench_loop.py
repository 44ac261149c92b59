"""DC-MTL and IC-MTL written as one would from the paper: loops over words, with attention inside.

The LSTMs that only send are loops as well (``LoopLSTM``, Eq. 2), or torch's own (``TorchLSTM``). Nothing is slow on
purpose. Everything has the weights of our block, so that both can be compared.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tasktalk.communication.cells import LSTMParameters
from tasktalk.communication.direct import DirectCommunication
from tasktalk.communication.indirect import IndirectCommunication
from tasktalk.communication.reader import MessageReader


class LoopReader(nn.Module):
    """Eq. 3-6 and 8-11, word by word, for one task.

    Args:
        reader: whose weights are taken.
        lstm: LSTM of the task.
    """

    def __init__(self, reader: MessageReader, lstm: LSTMParameters) -> None:
        super().__init__()
        parts = (reader.attend_word, reader.attend_state, reader.attend_message)
        self.attend = nn.Parameter(torch.cat(parts).detach().clone())  # W^(s)
        self.score = _copy(reader.score)  # u^(s)
        self.fuse, self.gate_message = _copy(reader.fuse), _copy(reader.gate_message)  # W_f, W_r
        self.gate_cell = _copy(reader.gate_cell)  # W_c
        self.weight_x, self.weight_h, self.bias = _copy(lstm.weight_x), _copy(lstm.weight_h), _copy(lstm.bias)

    def forward(
        self,
        words: Float[Tensor, "batch words features"],
        messages: Float[Tensor, "batch steps sources hidden"],
        mask: Bool[Tensor, "batch sources"],
    ) -> Float[Tensor, "batch words hidden"]:
        """States of the words; ``steps`` is 1 where every word has the same messages on offer."""
        hidden = len(self.weight_h)
        h = c = words.new_zeros(len(words), hidden)
        states = []
        for t, x in enumerate(words.unbind(dim=1)):
            offered = messages[:, t if messages.shape[1] > 1 else 0]
            state = torch.cat((x, h), dim=1).unsqueeze(1).expand(-1, offered.shape[1], -1)
            s = torch.tanh(torch.cat((state, offered), dim=2) @ self.attend) @ self.score  # Eq. 5
            weights = torch.softmax(s.masked_fill(~mask, -torch.inf), dim=1)  # Eq. 6
            r = (weights.unsqueeze(2) * offered).sum(dim=1)  # Eq. 3, Eq. 8
            i, f, g, o = (x @ self.weight_x + h @ self.weight_h + self.bias).chunk(4, dim=1)  # Eq. 2
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            gate = torch.sigmoid(r @ self.gate_message + c @ self.gate_cell)  # Eq. 11
            h = torch.sigmoid(o) * torch.tanh(c + gate * (r @ self.fuse))  # Eq. 10
            states.append(h)
        return torch.stack(states, dim=1)


class LoopLSTM(nn.Module):
    """Eq. 2, word by word."""

    def __init__(self, lstm: LSTMParameters) -> None:
        super().__init__()
        self.weight_x, self.weight_h, self.bias = _copy(lstm.weight_x), _copy(lstm.weight_h), _copy(lstm.bias)

    def forward(self, words: Float[Tensor, "batch words features"]) -> Float[Tensor, "batch words hidden"]:
        """States of the words."""
        h = c = words.new_zeros(len(words), len(self.weight_h))
        states = []
        for x in words.unbind(dim=1):
            i, f, g, o = (x @ self.weight_x + h @ self.weight_h + self.bias).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            states.append(h)
        return torch.stack(states, dim=1)


class TorchLSTM(nn.Module):
    """torch.nn.LSTM."""

    @torch.no_grad()
    def __init__(self, lstm: LSTMParameters) -> None:
        super().__init__()
        self.lstm = nn.LSTM(len(lstm.weight_x), len(lstm.weight_h), batch_first=True)
        given = {"weight_ih_l0": lstm.weight_x.t(), "weight_hh_l0": lstm.weight_h.t(), "bias_ih_l0": lstm.bias}
        for name, value in given.items():
            self.lstm.get_parameter(name).copy_(value)
        self.lstm.get_parameter("bias_hh_l0").zero_()

    def forward(self, words: Float[Tensor, "batch words features"]) -> Float[Tensor, "batch words hidden"]:
        """States of the words."""
        states: Tensor = self.lstm(words)[0]
        return states


MakeLSTM = Callable[[LSTMParameters], nn.Module]


class LoopIndirect(nn.Module):
    """IC-MTL for one receiver.

    Args:
        block: whose weights are taken.
        receiver: the task that reads.
        make_lstm: what the shared LSTM becomes.
    """

    def __init__(self, block: IndirectCommunication, receiver: int, make_lstm: MakeLSTM) -> None:
        super().__init__()
        self.shared = make_lstm(_cell(block.shared.lstm.cells[0]))
        self.reader = LoopReader(block.reader, _cell(block.lstms.cells[receiver]))

    def forward(
        self, words: Float[Tensor, "batch words features"], mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch words hidden"]:
        """States of the words."""
        mailbox = self.shared(words)  # Eq. 7
        states: Tensor = self.reader(words, mailbox.unsqueeze(1), mask)
        return states


class LoopDirect(nn.Module):
    """DC-MTL for one receiver; arguments as for ``LoopIndirect``."""

    def __init__(self, block: DirectCommunication, receiver: int, make_lstm: MakeLSTM) -> None:
        super().__init__()
        self.train_senders = block.train_senders
        senders = [cell for i, cell in enumerate(block.lstms.cells) if i != receiver]
        self.senders = nn.ModuleList(make_lstm(_cell(cell)) for cell in senders)
        self.reader = LoopReader(block.reader, _cell(block.lstms.cells[receiver]))

    def forward(
        self, words: Float[Tensor, "batch words features"], mask: Bool[Tensor, "batch words"]
    ) -> Float[Tensor, "batch words hidden"]:
        """States of the words."""
        with torch.set_grad_enabled(self.train_senders and torch.is_grad_enabled()):
            messages = torch.stack([sender(words) for sender in self.senders], dim=2)  # h_t^(i)
        every = mask.new_ones(len(words), len(self.senders))
        states: Tensor = self.reader(words, messages, every)
        return states


def _cell(module: nn.Module) -> LSTMParameters:
    if not isinstance(module, LSTMParameters):
        raise TypeError(f"expected the parameters of an LSTM, found {type(module).__name__}")
    return module


def _copy(parameter: Tensor) -> nn.Parameter:
    return nn.Parameter(parameter.detach().clone())
