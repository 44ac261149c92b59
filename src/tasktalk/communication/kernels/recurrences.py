"""The recurrences of the message-passing paper: LSTMs side by side, and LSTM-dagger.

Each has three implementations that give the same (``choice`` says which one runs): ``reference`` in plain PyTorch,
word by word; ``fused``, one ``torch.autograd.Function`` with a hand-derived backward, on every device; ``compiled``,
the same in C, on processors. The last two refuse gradients of gradients with an error of torch.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tasktalk.communication.kernels import reference
from tasktalk.communication.kernels.choice import Kernel, choose
from tasktalk.communication.kernels.compiled_lstm import compiled_lstm
from tasktalk.communication.kernels.compiled_lstm_dagger import compiled_lstm_dagger
from tasktalk.communication.kernels.fused_lstm import fused_lstm
from tasktalk.communication.kernels.fused_lstm_dagger import fused_lstm_dagger


def _projected_first(lstm: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The LSTMs of x_t W_x, b and W_h; the products of the words may have a lower precision than the recurrence."""

    def run(words: Tensor, weights_x: Sequence[Tensor], bias: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        inputs = projected(words, weights_x)
        with torch.autocast(inputs.device.type, enabled=False):
            return lstm(inputs.to(weights[0].dtype), stacked(bias), stacked(weights))

    return run


_LSTM: dict[Kernel, Callable[..., Tensor]] = {
    "reference": _projected_first(reference.lstm),
    "fused": _projected_first(fused_lstm),
    "compiled": compiled_lstm,
}
_DAGGER: dict[Kernel, Callable[..., tuple[Tensor, Tensor, Tensor]]] = {
    "reference": reference.lstm_dagger,
    "fused": fused_lstm_dagger,
    "compiled": compiled_lstm_dagger,
}


class Dagger(NamedTuple):
    """What LSTM-dagger gives back; ``weights`` and ``gate`` carry no gradient.

    Attributes:
        states: h_t^(k), shape (receivers, batch, words, hidden).
        weights: alpha or beta: what each word took from each source, (receivers, batch, words, sources).
        gate: mean over the features of the fusion gate g_t (Eq. 11), (receivers, batch, words).
    """

    states: Tensor
    weights: Tensor
    gate: Tensor


def projected(
    words: Float[Tensor, "groups batch words features"], weights_x: Sequence[Float[Tensor, "features gates"]]
) -> Float[Tensor, "cells batch words gates"]:
    """x_t W_x of every cell; ``groups`` is 1 or the number of cells."""
    flat = words.flatten(1, 2).expand(len(weights_x), -1, -1)
    return torch.bmm(flat, stacked(weights_x)).unflatten(1, words.shape[1:3])


def stacked(parameters: Sequence[Tensor]) -> Tensor:
    """Parameters of several LSTMs in a new first dimension; one is not copied."""
    return parameters[0].unsqueeze(0) if len(parameters) == 1 else torch.stack(tuple(parameters))


def stacked_lstm(
    words: Float[Tensor, "groups batch words features"],
    weights_x: Sequence[Float[Tensor, "features gates"]],
    bias: Sequence[Float[Tensor, " gates"]],
    weights: Sequence[Float[Tensor, "hidden gates"]],
) -> Float[Tensor, "cells batch words hidden"]:
    """Run one LSTM per cell from a zero state (Eq. 2 of the message-passing paper).

    Args:
        words: x_t; ``groups`` is 1 (all cells read the same) or the number of cells.
        weights_x: W_x of every cell, the gates in the order input, forget, candidate, output (gates = 4 hidden;
            torch.nn.LSTM's order).
        bias: b of every cell.
        weights: recurrent weights W_h of every cell.

    Returns:
        The hidden state of every word.
    """
    return _LSTM[choose(weights[0])](words, weights_x, bias, weights)


def lstm_dagger(
    inputs: Float[Tensor, "receivers batch words gates"],
    bias: Float[Tensor, "receivers gates"],
    queries: Float[Tensor, "receivers batch words attention"],
    keys: Float[Tensor, "receivers batch steps sources attention"],
    messages: Float[Tensor, "receivers batch steps sources hidden"],
    mask: Bool[Tensor, "receivers batch mask_steps sources"],
    weight: Float[Tensor, "receivers hidden gates"],
    weight_query: Float[Tensor, "hidden attention"],
    weight_message: Float[Tensor, "hidden two_hidden"],
    weight_cell: Float[Tensor, "hidden hidden"],
    score: Float[Tensor, " attention"],
) -> Dagger:
    """Run LSTM-dagger for every receiver from a zero state (message-passing paper, Eq. 3-6 and 8-11).

    ``steps`` is 1 when every word chooses among the same sources (IC-MTL: the words of the shared LSTM) and ``words``
    when each word has its own (DC-MTL: the other tasks' states of that word). Likewise ``mask_steps``. What is the same
    for all receivers may be expanded; it is not copied.

    Args:
        inputs: x_t W_x, gates = 4 hidden, in the order input, forget, candidate, output.
        bias: b of every receiver.
        queries: the part of W^(s) [x_t, h_{t-1}, h^(i)] that belongs to x_t.
        keys: the part that belongs to the sources h^(i).
        messages: the sources h^(i).
        mask: True for the sources that may be read; each word needs one.
        weight: recurrent weights of every receiver's LSTM.
        weight_query: the part of W^(s) that belongs to h_{t-1}.
        weight_message: [W_f, W_r].
        weight_cell: W_c.
        score: u^(s).

    Returns:
        States, weights and gates.
    """
    inputs, queries, keys, messages = (x.to(weight.dtype) for x in (inputs, queries, keys, messages))
    with torch.autocast(inputs.device.type, enabled=False):  # the recurrence keeps the precision of its weights
        run = _DAGGER[choose(weight)]
        return Dagger(
            *run(inputs, bias, queries, keys, messages, mask, weight, weight_query, weight_message, weight_cell, score)
        )
