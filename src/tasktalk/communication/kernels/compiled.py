"""The recurrences in C (lstm.c, lstm_dagger.c): no Python and no waiting between words."""

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from tasktalk.communication.kernels.build import library


def _structure(name: str, sizes: str, pointers: str) -> type[ctypes.Structure]:
    """The structure that has these members, in this order, in C."""
    members = [(size, ctypes.c_long) for size in sizes.split()]
    return type(name, (ctypes.Structure,), {"_fields_": [*members, *((p, ctypes.c_void_p) for p in pointers.split())]})


_PACKING = _structure("packing", "count depth columns threads matrix row column", "matrices packed")
_LSTM = _structure(
    "lstm",
    "cells batch words hidden threads states_cell states_sentence states_word",
    "inputs bias weight gates c states d_inputs",
)
_DAGGER = _structure(
    "dagger",
    "receivers batch words sources hidden threads attention width "
    "keys_receiver keys_sentence keys_step keys_source "
    "messages_receiver messages_sentence messages_step messages_source "
    "mask_receiver mask_sentence mask_step",
    "inputs bias queries keys messages mask weight_step weight_message weight_cell score "
    "gates exp_query c mixed heard fusion weights states d_inputs d_queries d_read d_keys d_messages d_score",
)


def lstm(inputs: Tensor, bias: Tensor, weight: Tensor) -> Tensor:
    """``recurrences.stacked_lstm`` in C."""
    learns = torch.is_grad_enabled() and any(x.requires_grad for x in (inputs, bias, weight))
    states: Tensor = _StackedLSTM.apply(inputs, bias, weight, learns)  # type: ignore[no-untyped-call]
    return states


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
    """``recurrences.lstm_dagger`` in C."""
    answer: tuple[Tensor, Tensor, Tensor] = _LSTMDagger.apply(  # type: ignore[no-untyped-call]
        inputs, bias, queries, keys, messages, mask, weight, weight_query, weight_message, weight_cell, score
    )
    return answer


class _StackedLSTM(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, bias: Tensor, weight: Tensor, learns: bool) -> Tensor:
        cells, batch, words, width = inputs.shape
        hidden = width // 4
        inputs = inputs.contiguous()
        kept = {"gates": torch.empty_like(inputs), "c": inputs.new_empty(cells, batch, words, hidden)} if learns else {}
        states = inputs.new_empty(batch, words, cells, hidden).permute(2, 0, 1, 3)  # the states of a word lie together
        sizes = {"cells": cells, "batch": batch, "words": words, "hidden": hidden}
        strides = _strides("states", states, "cell", "sentence", "word")
        given = {"inputs": inputs, "bias": _filled(bias, _code(bias).panel_width()), "weight": _packed(weight)}
        _run("lstm_forwards", _LSTM, sizes | strides, given | kept | {"states": states})
        ctx.save_for_backward(*kept.values(), states, weight)
        ctx.sizes = sizes
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        gates, c, states, weight = ctx.saved_tensors
        grad, dz = _rows_contiguous(grad), torch.empty_like(gates)
        strides = _strides("states", grad, "cell", "sentence", "word")
        back = _packed(weight.transpose(1, 2))
        tensors = {"weight": back, "gates": gates, "c": c, "states": grad, "d_inputs": dz}
        _run("lstm_backwards", _LSTM, ctx.sizes | strides, tensors)
        return dz, dz.sum(dim=(1, 2)), _recurrent_gradient(states, dz), None


class _LSTMDagger(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
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
        receivers, batch, words, gates = inputs.shape
        hidden, attention, sources = gates // 4, queries.shape[-1], keys.shape[-2]
        u = _filled(score, _code(score).vector_width())
        read = {
            "keys": _steps_apart(_rows_contiguous(_once(keys))),
            "messages": _rows_contiguous(_once(messages)),
            "mask": _once(mask).contiguous(),
        }
        sizes = {"receivers": receivers, "batch": batch, "words": words}
        sizes |= {"sources": sources, "hidden": hidden, "attention": attention, "width": len(u)}
        for name, x in read.items():
            axes = ("receiver", "sentence", "step") if name == "mask" else ("receiver", "sentence", "step", "source")
            sizes |= _strides(name, x, *axes)
        widths = {"gates": gates, "exp_query": len(u), "c": hidden, "mixed": hidden, "heard": hidden}
        widths |= {"fusion": hidden, "weights": sources, "states": hidden}
        kept = {name: inputs.new_empty(receivers, batch, words, size) for name, size in widths.items()}
        weights = {
            "weight_step": torch.cat((weight, weight_query.expand(receivers, -1, -1)), dim=-1),
            "weight_message": weight_message,
            "weight_cell": weight_cell,
        }
        packed = {name: _packed(x) for name, x in weights.items()}
        given = {"inputs": inputs.contiguous(), "queries": queries.contiguous(), "score": u}
        given["bias"] = _filled(pad(bias, (0, attention)), _code(bias).panel_width())
        _run("dagger_forwards", _DAGGER, sizes, read | kept | packed | given)
        saved = read | kept | weights | {"score": u}
        ctx.save_for_backward(*saved.values())
        ctx.names, ctx.sizes = tuple(saved), sizes
        gate = kept["fusion"].mean(dim=-1)
        ctx.mark_non_differentiable(kept["weights"], gate)
        return kept["states"], kept["weights"], gate

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _weights: Tensor, _gate: Tensor) -> tuple[Tensor | None, ...]:
        saved = dict(zip(ctx.names, ctx.saved_tensors, strict=True))
        states, mixed, u = saved.pop("states"), saved.pop("mixed"), saved["score"]
        own_sources = saved["keys"].shape[2] > 1
        at = states.shape[:3]
        sources, attention = saved["keys"].shape[-2], ctx.sizes["attention"]
        new = states.new_empty
        made = {
            "mixed": torch.empty_like(states),
            "d_inputs": torch.empty_like(saved["gates"]),
            "d_queries": new(*at, attention),
            "d_read": new(*at, 2 * states.shape[-1]),
            "d_keys": new(*at[:2], at[2] if own_sources else 1, sources, attention),
            "d_score": states.new_zeros(*at[:2], len(u)),
        }
        if own_sources:
            made["d_messages"] = new(*at, sources, states.shape[-1])
        for name in ("weight_step", "weight_message", "weight_cell"):
            saved[name] = _packed(saved[name].transpose(-2, -1))
        _run("dagger_backwards", _DAGGER, ctx.sizes, saved | made | {"states": grad.contiguous()})
        if not own_sources:
            made["d_messages"] = torch.matmul(saved["weights"].transpose(2, 3), made["mixed"]).unsqueeze(2)
        return _finish(made, states, saved["c"], mixed, attention)


def _finish(
    made: dict[str, Tensor], states: Tensor, c: Tensor, mixed: Tensor, attention: int
) -> tuple[Tensor | None, ...]:
    """The products that need no loop, and everything in the order of the arguments."""
    d_inputs, d_queries, d_read = made["d_inputs"], made["d_queries"], made["d_read"]
    return (
        d_inputs,
        d_inputs.sum(dim=(1, 2)),
        d_queries,
        made["d_keys"],
        made["d_messages"],
        None,
        _recurrent_gradient(states, d_inputs),
        _recurrent_gradient(states, d_queries).sum(dim=0),
        mixed.flatten(0, 2).t() @ d_read.flatten(0, 2),
        c.flatten(0, 2).t() @ d_read.flatten(0, 2)[:, c.shape[-1] :],
        -2 * made["d_score"].sum(dim=(0, 1))[:attention],
    )


def _run(function: str, structure: type[ctypes.Structure], sizes: dict[str, int], tensors: dict[str, Tensor]) -> None:
    """Call a function of the library with a structure whose members are sizes and tensors; others are 0.

    Raises:
        MemoryError: it had none.
    """
    members = sizes | {name: x.data_ptr() for name, x in tensors.items()}
    given = structure(threads=torch.get_num_threads(), **members)
    if getattr(_code(next(iter(tensors.values()))), function)(ctypes.byref(given)):
        raise MemoryError(f"{function}: there is no memory for the rows of a product")


def _code(like: Tensor) -> ctypes.CDLL:
    code = library(like.dtype)
    if code is None:
        raise RuntimeError(f"no compiled recurrences for {like.dtype}; choice.choose says so beforehand")
    return code


def _packed(weight: Tensor) -> Tensor:
    """A matrix, or several, as the products in C read them."""
    matrices = weight if weight.ndim == 3 else weight.unsqueeze(0)
    count, depth, columns = matrices.shape
    panel = _code(weight).panel_width()
    packed = weight.new_empty(count, -(-columns // panel), depth, panel)
    matrix, row, column = matrices.stride()
    sizes = {"count": count, "depth": depth, "columns": columns, "matrix": matrix, "row": row, "column": column}
    _run("pack", _PACKING, sizes, {"matrices": matrices, "packed": packed})
    return packed


def _filled(x: Tensor, width: int) -> Tensor:
    """A multiple of ``width`` columns, filled up with zeros."""
    return pad(x, (0, -x.shape[-1] % width))


def _once(x: Tensor) -> Tensor:
    """One receiver of a tensor that is the same for all."""
    return x[:1] if x.stride(0) == 0 else x


def _rows_contiguous(x: Tensor) -> Tensor:
    return x if x.stride(-1) == 1 else x.contiguous()


def _steps_apart(keys: Tensor) -> Tensor:
    """Keys that are expanded over the words would pass for those that hold for all words, with one gradient."""
    return keys.contiguous() if keys.shape[2] > 1 and keys.stride(2) == 0 else keys


def _strides(name: str, x: Tensor, *axes: str) -> dict[str, int]:
    """Strides of the leading axes; 0 where one element stands for all."""
    return {f"{name}_{axis}": 0 if x.shape[i] == 1 else x.stride(i) for i, axis in enumerate(axes)}


def _recurrent_gradient(states: Tensor, dz: Tensor) -> Tensor:
    """The sum of h_{t-1}^T dz_t over all words, (cells, hidden, gates).

    One product of all words, each with the word before it, less what pairs a sentence with the end of the one before.
    """
    words = states.shape[2]
    h, dz = states.flatten(1, 2).transpose(1, 2), dz.flatten(1, 2)
    total = torch.bmm(h[..., :-1], dz[:, 1:])
    return torch.baddbmm(total, h[..., words - 1 : -1 : words], dz[:, words::words], alpha=-1)
