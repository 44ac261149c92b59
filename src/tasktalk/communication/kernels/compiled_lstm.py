"""Several LSTMs side by side over one set of sentences, in C (lstm.c): no Python and no waiting between words."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tasktalk.communication.kernels.native import (
    filled,
    packed,
    rows_contiguous,
    run,
    strides,
    structure,
)

_LSTM = structure(
    "lstm",
    "cells batch words hidden threads states_cell states_sentence states_word",
    "inputs bias weight gates c states d_inputs d_bias",
)

_ROOM = 2**18
"""Numbers of x_t W_x that are made for each thread before they are used: few enough to stay in the cache."""


def compiled_lstm(
    words: Tensor, weights_x: Sequence[Tensor], bias: Sequence[Tensor], weights: Sequence[Tensor]
) -> Tensor:
    """``recurrences.stacked_lstm`` in C."""
    parameters = (*weights_x, *bias, *weights)
    learns = torch.is_grad_enabled() and any(x.requires_grad for x in (words, *parameters))
    with torch.autocast(words.device.type, enabled=False):  # all products keep the precision of the weights
        words = words.to(weights[0].dtype)
        states: Tensor = _StackedLSTM.apply(words, learns, *parameters)  # type: ignore[no-untyped-call]
    return states


class _StackedLSTM(torch.autograd.Function):
    """A few LSTMs at a time: x_t W_x and the gradients of the gates live in a buffer that each of them uses again."""

    @staticmethod
    def forward(ctx: Any, words: Tensor, learns: bool, *parameters: Tensor) -> Tensor:
        weights_x, bias, weights = _thirds(parameters)
        batch, length = words.shape[1:3]
        flat = words.transpose(1, 2).flatten(1, 2)  # word by word, as they are used
        cells, (hidden, width) = len(weights), weights[0].shape
        new = words.new_empty
        kept = {"gates": new(cells, length, batch, width), "c": new(cells, length, batch, hidden)} if learns else {}
        states = new(batch, length, cells, hidden).permute(2, 0, 1, 3)  # the states of a word lie together
        biases = filled(torch.stack(bias))
        inputs = new(_at_once(cells, batch * length * width), batch * length, width)
        for some in _parts(cells, len(inputs)):
            for x_w, cell in zip(inputs, range(cells)[some], strict=False):
                torch.mm(_read_by(cell, flat), weights_x[cell], out=x_w)
            given = {"inputs": inputs, "bias": biases[some], "weight": packed(*weights[some])}
            _call("lstm_forwards", states[some], given | {name: x[some] for name, x in kept.items()})
        ctx.save_for_backward(flat, states, *weights_x, *weights, *kept.values())
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        flat, states, *weights, gates, c = ctx.saved_tensors
        cells, length, batch, width = gates.shape
        weights_x, weights = weights[:cells], weights[cells:]
        grad = rows_contiguous(grad)
        d_words = torch.zeros_like(flat) if ctx.needs_input_grad[0] else None
        read = _ReadByWeights(flat, states) if any(ctx.needs_input_grad[2:]) else None
        d_weights: list[Tensor] = []
        d_bias = gates.new_zeros(cells, batch, width)
        dz = gates.new_empty(_at_once(cells, batch * length * width), batch * length, width)
        for some in _parts(cells, len(dz)):
            given = {"weight": packed(*(weight.t() for weight in weights[some])), "gates": gates[some], "c": c[some]}
            _call("lstm_backwards", grad[some], given | {"d_inputs": dz, "d_bias": d_bias[some]})
            for d_inputs, cell in zip(dz, range(cells)[some], strict=False):
                if d_words is not None:
                    _read_by(cell, d_words).addmm_(d_inputs, weights_x[cell].t())
                if read is not None:
                    d_weights.append(read.by(cell).t() @ d_inputs)
        d_words = None if d_words is None else d_words.unflatten(1, (length, batch)).transpose(1, 2)
        if read is None:
            return d_words, None, *(None,) * (3 * cells)
        features = flat.shape[-1]
        return d_words, None, *(d[:features] for d in d_weights), *d_bias.sum(dim=1), *(d[features:] for d in d_weights)


class _ReadByWeights:
    """[x_t, h_{t-1}] of every word for one LSTM after the other, so that W_x and W_h share a product.

    Args:
        flat: x_t, word by word, (groups, words * batch, features).
        states: h_t, (cells, batch, words, hidden).
    """

    def __init__(self, flat: Tensor, states: Tensor) -> None:
        self._flat, self._states = flat, states
        self._rows = flat.new_zeros(flat.shape[1], flat.shape[2] + states.shape[3])
        self._rows[:, : flat.shape[2]] = flat[0]

    def by(self, cell: int) -> Tensor:
        """What one LSTM read, (words * batch, features + hidden); the next call overwrites it."""
        features = self._flat.shape[2]
        if len(self._flat) > 1:
            self._rows[:, :features] = self._flat[cell]
        states = self._states[cell].transpose(0, 1)
        self._rows.view(*states.shape[:2], self._rows.shape[1])[1:, :, features:] = states[:-1]
        return self._rows


def _call(function: str, states: Tensor, tensors: dict[str, Tensor]) -> None:
    cells, batch, words, hidden = states.shape
    sizes = {"cells": cells, "batch": batch, "words": words, "hidden": hidden}
    run(function, _LSTM, sizes | strides("states", states, "cell", "sentence", "word"), tensors | {"states": states})


def _thirds(parameters: tuple[Tensor, ...]) -> Iterator[tuple[Tensor, ...]]:
    cells = len(parameters) // 3
    return (parameters[i * cells : (i + 1) * cells] for i in range(3))


def _at_once(cells: int, numbers: int) -> int:
    """How many LSTMs run at once: as many for each thread as there is room for, and at least one."""
    return min(cells, torch.get_num_threads() * max(1, _ROOM // max(1, numbers)))


def _parts(cells: int, at_once: int) -> Iterator[slice]:
    return (slice(first, min(first + at_once, cells)) for first in range(0, cells, at_once))


def _read_by(cell: int, words: Tensor) -> Tensor:
    """The words that an LSTM reads, of those of all groups."""
    return words[cell if len(words) > 1 else 0]
