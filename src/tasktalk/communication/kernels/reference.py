"""The recurrences as the message-passing paper has them, word by word; the slowest implementation and the plainest."""

import torch
from torch import Tensor


def lstm(inputs: Tensor, bias: Tensor, weight: Tensor) -> Tensor:
    """``recurrences.stacked_lstm`` from x_t W_x on."""
    h = c = inputs.new_zeros(*inputs.shape[:2], weight.shape[1])
    states = []
    for x in (inputs + bias[:, None, None]).unbind(dim=2):
        c, o = _cell(x + h @ weight, c)
        h = o * torch.tanh(c)
        states.append(h)
    return torch.stack(states, dim=2)


def lstm_dagger(
    inputs: Tensor,
    bias: Tensor,
    queries: Tensor,
    keys: Tensor,
    messages: Tensor,
    mask: Tensor,
    weight: Tensor,
    weight_query: Tensor,
    weight_message: Tensor,
    weight_cell: Tensor,
    score: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """``recurrences.lstm_dagger``."""
    receivers, batch, words, _ = inputs.shape
    every_word = (-1, -1, words, -1, -1)
    keys, messages, mask = keys.expand(every_word), messages.expand(every_word), mask.expand(-1, -1, words, -1)
    h = c = inputs.new_zeros(receivers, batch, weight.shape[1])
    states, taken, gates = [], [], []
    for t in range(words):
        offered = messages[:, :, t]
        query = queries[:, :, t] + h @ weight_query
        s = torch.tanh(query.unsqueeze(2) + keys[:, :, t]) @ score  # Eq. 5
        weights = torch.softmax(s.masked_fill(~mask[:, :, t], -torch.inf), dim=-1)  # Eq. 6
        r = (weights.unsqueeze(-1) * offered).sum(dim=2)  # Eq. 3, Eq. 8
        c, o = _cell(inputs[:, :, t] + bias.unsqueeze(1) + h @ weight, c)
        heard, to_gate = (r @ weight_message).chunk(2, dim=-1)
        g = torch.sigmoid(to_gate + c @ weight_cell)  # Eq. 11
        h = o * torch.tanh(c + g * heard)  # Eq. 10
        states.append(h)
        taken.append(weights.detach())
        gates.append(g.detach().mean(dim=-1))
    return torch.stack(states, dim=2), torch.stack(taken, dim=2), torch.stack(gates, dim=2)


def _cell(z: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """c_t and the output gate (Eq. 2)."""
    i, f, g, o = z.chunk(4, dim=-1)
    return torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g), torch.sigmoid(o)
