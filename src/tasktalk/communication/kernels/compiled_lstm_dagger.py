"""LSTM-dagger over whole sentences, in C (lstm_dagger.c): no Python and no waiting between words."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from tasktalk.communication.kernels.native import (
    filled,
    packed,
    rows_contiguous,
    run,
    strides,
    structure,
)

_DAGGER = structure(
    "dagger",
    "receivers batch words sources hidden threads attention width "
    "keys_receiver keys_sentence keys_step keys_source "
    "messages_receiver messages_sentence messages_step messages_source "
    "mask_receiver mask_sentence mask_step",
    "inputs bias queries keys messages mask weight_step weight_message weight_cell score "
    "gates exp_query c mixed heard fusion weights states d_inputs d_queries d_read d_keys d_messages d_score",
)


def compiled_lstm_dagger(*arguments: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``recurrences.lstm_dagger`` in C, with its arguments in their order."""
    answer: tuple[Tensor, Tensor, Tensor] = _LSTMDagger.apply(*arguments)  # type: ignore[no-untyped-call]
    return answer


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
        u = filled(score)
        read = {
            "keys": _steps_apart(rows_contiguous(_once(keys))),
            "messages": rows_contiguous(_once(messages)),
            "mask": _once(mask).contiguous(),
        }
        sizes = {"receivers": receivers, "batch": batch, "words": words}
        sizes |= {"sources": sources, "hidden": hidden, "attention": attention, "width": len(u)}
        for name, x in read.items():
            axes = ("receiver", "sentence", "step") if name == "mask" else ("receiver", "sentence", "step", "source")
            sizes |= strides(name, x, *axes)
        widths = {"gates": gates, "exp_query": len(u), "c": hidden, "mixed": hidden, "heard": hidden}
        widths |= {"fusion": hidden, "weights": sources, "states": hidden}
        kept = {name: inputs.new_empty(receivers, batch, words, size) for name, size in widths.items()}
        weights = {
            "weight_step": torch.cat((weight, weight_query.expand(receivers, -1, -1)), dim=-1),
            "weight_message": weight_message,
            "weight_cell": weight_cell,
        }
        given = {"inputs": inputs.contiguous(), "queries": queries.contiguous(), "score": u}
        given |= {name: packed(*_matrices(x)) for name, x in weights.items()}
        given["bias"] = filled(pad(bias, (0, attention)))
        run("dagger_forwards", _DAGGER, sizes, read | kept | given)
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
            saved[name] = packed(*_matrices(saved[name].transpose(-2, -1)))
        run("dagger_backwards", _DAGGER, ctx.sizes, saved | made | {"states": grad.contiguous()})
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


def _recurrent_gradient(states: Tensor, dz: Tensor) -> Tensor:
    """The sum of h_{t-1}^T dz_t over all words, (cells, hidden, gates).

    One product of all words, each with the word before it, less what pairs a sentence with the end of the one before.
    """
    words = states.shape[2]
    h, dz = states.flatten(1, 2).transpose(1, 2), dz.flatten(1, 2)
    total = torch.bmm(h[..., :-1], dz[:, 1:])
    return total.baddbmm_(h[..., words - 1 : -1 : words], dz[:, words::words], alpha=-1)


def _once(x: Tensor) -> Tensor:
    """One receiver of a tensor that is the same for all."""
    return x[:1] if x.stride(0) == 0 else x


def _matrices(weight: Tensor) -> tuple[Tensor, ...]:
    return weight.unbind() if weight.ndim == 3 else (weight,)


def _steps_apart(keys: Tensor) -> Tensor:
    """Keys that are expanded over the words would pass for those that hold for all words, with one gradient."""
    return keys.contiguous() if keys.shape[2] > 1 and keys.stride(2) == 0 else keys
