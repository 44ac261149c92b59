"""LSTM-dagger: the recurrence of DC-MTL and IC-MTL as one function with a hand-derived backward.

Message-passing paper, Eq. 3-6, 8-11. What does not depend on h_{t-1} is computed outside the time loop by the caller:
input projections and W_m h^(i) (``keys``).

The additive attention needs no tanh: tanh(a + b) = 1 - 2 r with r = 1 / (1 + e^{2a} e^{2b}); e^{2a} is computed once
per sentence, e^{2b} once per step, and the derivative is 4 r (1 - r). The states of the attention (words x sources x
attention) are computed again in the backward instead of being stored.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tasktalk.communication.kernels.fused_lstm import (
    activate,
    cell_factors,
    chunks_from_end,
    over_time,
    write_cell_gradient,
)

# tanh is 1 to the last bit of float64 from here on, and e^{2a} e^{2b} stays finite in float32.
_SATURATED = 20.0
_MASKED = -1e30


def fused_lstm_dagger(
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
    """``recurrences.lstm_dagger`` in PyTorch."""
    answer: tuple[Tensor, Tensor, Tensor] = _LSTMDagger.apply(  # type: ignore[no-untyped-call]
        *(inputs + bias[:, None, None], queries, keys, messages, mask),
        *(weight, weight_query, weight_message, weight_cell, score),
    )
    return answer


class _LSTMDagger(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
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
        rows = receivers * batch
        z = torch.cat((inputs, queries), dim=-1).permute(2, 0, 1, 3).contiguous()
        step_weight = _step_weight(weight, weight_query)
        exp_keys, v, bias = _sources(keys, messages, mask, rows)
        h, c = inputs.new_zeros(2, words + 1, rows, hidden)
        gate, m, mixed = inputs.new_empty(3, words, rows, hidden)
        read = inputs.new_empty(words, rows, 2 * hidden)  # [W_f r_t, W_r r_t]
        weights = inputs.new_empty(words, rows, sources)
        exp_query = inputs.new_empty(words, rows, 1, attention)
        r, minus_two_u = torch.empty_like(exp_keys[0]), -2 * score
        for t in range(words):
            a = z[t]
            torch.baddbmm(a, h[t].view(receivers, batch, hidden), step_weight, out=a)
            a = a.view(rows, -1)
            i, f, g, o = activate(a, hidden)
            torch.addcmul(f.mul(c[t]), i, g, out=c[t + 1])  # c_t of Eq. 2
            q = a[:, 4 * hidden :].clamp(-_SATURATED, _SATURATED).mul_(2)
            torch.exp(q, out=exp_query[t, :, 0])
            _attention_states(_at(exp_keys, t), exp_query[t], r)
            s = torch.mv(r.view(-1, attention), minus_two_u).view(rows, sources)  # Eq. 5, less the constant sum of u
            torch.softmax(s.add_(_at(bias, t)), dim=-1, out=weights[t])  # Eq. 6
            torch.bmm(weights[t].unsqueeze(1), _at(v, t), out=mixed[t].unsqueeze(1))  # r_t, Eq. 3 or 8
            torch.mm(mixed[t], weight_message, out=read[t])
            torch.addmm(read[t, :, hidden:], c[t + 1], weight_cell, out=gate[t]).sigmoid_()  # Eq. 11
            torch.addcmul(c[t + 1], gate[t], read[t, :, :hidden], out=m[t]).tanh_()
            torch.mul(o, m[t], out=h[t + 1])  # Eq. 10
        ctx.save_for_backward(
            *(z, h, c, gate, m, mixed, read, weights, exp_query, exp_keys, v),
            *(step_weight, weight_message, weight_cell, score),
        )
        ctx.sizes = (receivers, batch)
        out_weights = weights.view(words, receivers, batch, sources).permute(1, 2, 0, 3)
        out_gate = gate.mean(dim=-1).view(words, receivers, batch).permute(1, 2, 0)
        ctx.mark_non_differentiable(out_weights, out_gate)
        return h[1:].view(words, receivers, batch, hidden).permute(1, 2, 0, 3), out_weights, out_gate

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _weights: Tensor, _gate: Tensor) -> tuple[Tensor | None, ...]:
        z, h, c, gate, m, mixed, read, weights, exp_query, exp_keys, v, *products, score = ctx.saved_tensors
        back, message_back, cell_back = (product.transpose(-2, -1) for product in products)
        receivers, batch = ctx.sizes
        words, rows, hidden = m.shape
        grads = grad.permute(2, 0, 1, 3).reshape(words, rows, hidden)

        dz = torch.empty_like(z).view(words, rows, -1)
        d_read, d_mixed = torch.empty_like(read), torch.empty_like(mixed)
        d_keys = torch.zeros_like(exp_keys)
        d_score = torch.zeros_like(score)
        r, slope = torch.empty_like(exp_keys[0]), torch.empty_like(exp_keys[0])
        four_u = 4 * score
        dh, dc = torch.zeros_like(m[0]), torch.zeros_like(m[0])
        zs = z.view(words, rows, -1)
        for chunk in chunks_from_end(words, dh.numel()):
            i, f, g, o = zs[chunk, :, : 4 * hidden].split(hidden, dim=-1)
            to_m = o * (1 - m[chunk].square())  # d h_t / d(c_t + g_t * W_f r_t)
            to_gate = read[chunk, :, :hidden] * gate[chunk] * (1 - gate[chunk])  # ... / d(pre-activation of g_t)
            to_o = m[chunk] * o * (1 - o)
            factors = cell_factors(i, f, g, c[chunk])
            for s in range(len(to_m) - 1, -1, -1):
                t = chunk.start + s
                dh += grads[t]
                dm = dh * to_m[s]
                torch.mul(dm, gate[t], out=d_read[t, :, :hidden])
                torch.mul(dm, to_gate[s], out=d_read[t, :, hidden:])
                dc += dm
                dc.addmm_(d_read[t, :, hidden:], cell_back)
                torch.mm(d_read[t], message_back, out=d_mixed[t])
                d_weights = torch.bmm(_at(v, t), d_mixed[t].unsqueeze(-1)).squeeze(-1)
                ds = torch._softmax_backward_data(d_weights, weights[t], -1, d_weights.dtype)
                _attention_states(_at(exp_keys, t), exp_query[t], r)
                d_score.addmv_(r.view(-1, r.shape[-1]).t(), ds.view(-1))
                torch.addcmul(r, r, r, value=-1, out=slope)  # r (1 - r)
                d_query = torch.bmm(ds.unsqueeze(1), slope).squeeze(1)
                _at(d_keys, t).addcmul_(slope, ds.unsqueeze(-1))
                torch.mul(d_query, four_u, out=dz[t, :, 4 * hidden :])
                write_cell_gradient(dz[t], dc, factors[s], dh * to_o[s])
                dc *= f[s]
                torch.bmm(dz[t].view(receivers, batch, -1), back, out=dh.view(receivers, batch, hidden))
        d_messages = _message_gradient(weights, d_mixed, same_sources=v.shape[0] == 1)
        return _finish(ctx, (dz, d_read, d_keys, d_messages, d_score), h, c, mixed, score)


def _sources(keys: Tensor, messages: Tensor, mask: Tensor, rows: int) -> tuple[Tensor, Tensor, Tensor]:
    """e^{2a}, the messages, and what is added to the scores; all time first."""
    exp_keys = keys.clamp(-_SATURATED, _SATURATED).mul_(2).exp_()
    bias = torch.zeros_like(mask, dtype=keys.dtype).masked_fill_(~mask, _MASKED)
    return _time_first(exp_keys, rows), _time_first(messages, rows), _time_first(bias, rows)


def _message_gradient(weights: Tensor, d_mixed: Tensor, same_sources: bool) -> Tensor:
    if same_sources:
        return torch.bmm(weights.permute(1, 2, 0), d_mixed.transpose(0, 1)).unsqueeze(0)
    return weights.unsqueeze(-1) * d_mixed.unsqueeze(-2)


def _finish(
    ctx: Any, gradients: tuple[Tensor, ...], h: Tensor, c: Tensor, mixed: Tensor, score: Tensor
) -> tuple[Tensor | None, ...]:
    """The products that need no loop, and everything in the order of the arguments."""
    dz, d_read, d_keys, d_messages, d_score = gradients
    receivers, batch = ctx.sizes
    words, hidden = c.shape[0] - 1, c.shape[2]
    shape = (words, receivers, batch, -1)
    d_step = over_time(h[:-1].view(shape)).transpose(1, 2) @ over_time(dz.view(shape))
    d_inputs = dz.view(shape).permute(1, 2, 0, 3)
    return (
        d_inputs[..., : 4 * hidden],
        d_inputs[..., 4 * hidden :],
        _rows_first(d_keys * (4 * score), receivers, batch),
        _rows_first(d_messages, receivers, batch),
        None,
        d_step[..., : 4 * hidden],
        d_step[..., 4 * hidden :].sum(0),
        mixed.flatten(0, 1).t() @ d_read.flatten(0, 1),
        c[1:].reshape(-1, hidden).t() @ d_read[..., hidden:].reshape(-1, hidden),
        -2 * d_score,
    )


def _attention_states(exp_keys: Tensor, exp_query: Tensor, out: Tensor) -> None:
    """Write r = 1 / (1 + e^{2a} e^{2b}) for every source, (rows, sources, attention)."""
    torch.addcmul(out.new_ones(()), exp_keys, exp_query, out=out)
    out.reciprocal_()


def _step_weight(weight: Tensor, weight_query: Tensor) -> Tensor:
    """[W_h, W_q] of every receiver: one product of h_{t-1} gives the four gates and the query."""
    return torch.cat((weight, weight_query.expand(weight.shape[0], -1, -1)), dim=-1).contiguous()


def _at(x: Tensor, t: int) -> Tensor:
    """Step t of a tensor that has all steps, or one step that stands for all."""
    return x[t] if x.shape[0] > 1 else x[0]


def _time_first(x: Tensor, rows: int) -> Tensor:
    """(receivers, batch, steps, ...) to (steps, rows, ...), contiguous."""
    return x.flatten(0, 1).transpose(0, 1).contiguous() if x.shape[2] > 1 else x.reshape(1, rows, *x.shape[3:])


def _rows_first(x: Tensor, receivers: int, batch: int) -> Tensor:
    """(steps, rows, ...) back to (receivers, batch, steps, ...)."""
    return torch.unflatten(x.transpose(0, 1), 0, (receivers, batch))
