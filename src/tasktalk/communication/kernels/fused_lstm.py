"""Several LSTMs side by side over one set of sentences, as one function with a hand-derived backward."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_CHUNK_ELEMENTS = 2**18


def fused_lstm(inputs: Tensor, bias: Tensor, weight: Tensor) -> Tensor:
    """``recurrences.stacked_lstm`` in PyTorch, from x_t W_x on."""
    states: Tensor = _StackedLSTM.apply(inputs + bias[:, None, None], weight)  # type: ignore[no-untyped-call]
    return states


class _StackedLSTM(torch.autograd.Function):
    """Only h_{t-1} W_h and the cell stay in the time loop; the weight's gradient is one product after it."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, weight: Tensor) -> Tensor:
        cells, batch, words, gates = inputs.shape
        hidden = gates // 4
        z = inputs.permute(2, 0, 1, 3).contiguous()  # time first: each step reads one contiguous slab
        if z.data_ptr() == inputs.data_ptr():
            z = z.clone()
        h = inputs.new_zeros(words + 1, cells, batch, hidden)
        c = inputs.new_zeros(words + 1, cells, batch, hidden)
        m = inputs.new_empty(words, cells, batch, hidden)
        for t in range(words):
            a = z[t]
            torch.baddbmm(a, h[t], weight, out=a)
            i, f, g, o = activate(a, hidden)
            torch.addcmul(f.mul(c[t]), i, g, out=c[t + 1])
            torch.tanh(c[t + 1], out=m[t])
            torch.mul(o, m[t], out=h[t + 1])
        ctx.save_for_backward(z, h, c, m, weight)
        return h[1:].permute(1, 2, 0, 3)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        z, h, c, m, weight = ctx.saved_tensors
        words, _, _, hidden = m.shape
        grads = grad.permute(2, 0, 1, 3)
        dz = torch.empty_like(z)
        dh, dc = torch.zeros_like(m[0]), torch.zeros_like(m[0])
        back = weight.transpose(1, 2)
        for chunk in chunks_from_end(words, m[0].numel()):
            i, f, g, o = z[chunk].split(hidden, dim=-1)
            to_c = o * (1 - m[chunk].square())  # dh_t / dc_t
            to_o = m[chunk] * o * (1 - o)
            factors = cell_factors(i, f, g, c[chunk])  # dc_t / d(input, forget, candidate before activation)
            for s in range(len(to_c) - 1, -1, -1):
                t = chunk.start + s
                dh += grads[t]
                dc.addcmul_(dh, to_c[s])
                write_cell_gradient(dz[t], dc, factors[s], dh * to_o[s])
                dc *= f[s]
                torch.bmm(dz[t], back, out=dh)
        dweight = over_time(h[:-1]).transpose(1, 2) @ over_time(dz)
        return dz.permute(1, 2, 0, 3), dweight


def chunks_from_end(words: int, elements: int) -> list[slice]:
    """Stretches of time, last first, whose temporaries (``elements`` numbers per step) stay in the cache."""
    length = max(1, _CHUNK_ELEMENTS // elements)
    return [slice(max(0, stop - length), stop) for stop in range(words, 0, -length)]


def activate(a: Tensor, hidden: int) -> tuple[Tensor, ...]:
    """Turn pre-activations into gates in place; give views of input, forget, candidate, output."""
    i, f, g, o = torch.split(a[..., : 4 * hidden], hidden, dim=-1)
    a[..., : 2 * hidden].sigmoid_()
    g.tanh_()
    o.sigmoid_()
    return i, f, g, o


def cell_factors(i: Tensor, f: Tensor, g: Tensor, c_before: Tensor) -> Tensor:
    """Derivatives of c_t by the pre-activations of input, forget and candidate, stacked in dimension -2."""
    return torch.stack((g * i * (1 - i), c_before * f * (1 - f), i * (1 - g * g)), dim=-2)


def write_cell_gradient(dz: Tensor, dc: Tensor, factors: Tensor, d_output: Tensor) -> None:
    """Write the gradient of the four gates' pre-activations into ``dz`` (its first 4 hidden columns)."""
    hidden = dc.shape[-1]
    gates = torch.unflatten(dz[..., : 4 * hidden], -1, (4, hidden))
    torch.mul(dc.unsqueeze(-2), factors, out=gates[..., :3, :])
    gates[..., 3, :] = d_output


def over_time(x: Tensor) -> Tensor:
    """(words, cells, batch, n) to (cells, words * batch, n), for one product over all words."""
    words, cells, batch, n = x.shape
    return x.transpose(0, 1).reshape(cells, words * batch, n)
