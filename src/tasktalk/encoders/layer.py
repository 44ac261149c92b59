"""One layer of several graph encoders as one function with a hand-derived backward pass.

A layer is little arithmetic on many numbers: what costs time is to read and write them. So the encoders are computed
one after the other, each from its neighbours to its normalised states while its numbers are in the cache; and backward,
the sums over neighbours are made again instead of kept.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from tasktalk.core.graphs import sparse_product
from tasktalk.encoders.propagate import Neighbourhoods, propagate

_EPSILON = 1e-5  # that of torch's layer normalisation


def graph_layer(
    graph: Neighbourhoods,
    given: Float[Tensor, "positions given"] | None,
    x: Float[Tensor, "encoders positions inputs"] | None,
    weight: Float[Tensor, "encoders kinds given_and_inputs hidden"],
    bias: Float[Tensor, "encoders hidden"],
    gain: Float[Tensor, "encoders hidden"],
    shift: Float[Tensor, "encoders hidden"],
    keep: Float[Tensor, "positions hidden"] | None = None,
) -> Float[Tensor, "encoders positions hidden"]:
    """Give keep * (gain * normalised(ReLU(sum_k A_k [given, x] W_k + b)) + shift) for each encoder.

    The sum is the graph convolution of Kipf and Welling 2016 (Eq. 2) with a matrix per kind of edge; normalised is
    layer normalisation (Ba et al. 2016). All is computed in the precision of the weights. Gradients of gradients are
    refused by torch with an error.

    Args:
        graph: the edges, in that precision.
        given: inputs that all encoders share; None if there are none.
        x: inputs of each encoder, which stand behind the shared ones; None if there are none.
        weight: the matrices W_k.
        bias: b.
        gain: factors of the normalised values.
        shift: what is added to them.
        keep: what every encoder's states are multiplied by in the end, such as a mask of dropout.
    """
    with torch.autocast(weight.device.type, enabled=False):
        shared = None if given is None else propagate(graph, given.to(weight.dtype))
        own = None if x is None else x.to(weight.dtype)
        states: Tensor = _Layer.apply(graph, shared, own, weight, bias, gain, shift, keep)  # type: ignore[no-untyped-call]
    return states


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        graph: Neighbourhoods,
        shared: Tensor | None,
        x: Tensor | None,
        weight: Tensor,
        bias: Tensor,
        gain: Tensor,
        shift: Tensor,
        keep: Tensor | None,
    ) -> Tensor:
        sums = weight.new_empty(len(weight), graph.gather.shape[1], weight.shape[3])
        states = torch.empty_like(sums)
        mean, scale = (sums.new_empty(*sums.shape[:2], 1) for _ in range(2))
        for e, total in enumerate(sums):
            _convolve(graph, _rows(graph, shared, x, e), weight[e], bias[e], total)
            normal, mean[e], scale[e] = torch.native_layer_norm(
                total.relu_(), total.shape[1:], gain[e], shift[e], _EPSILON
            )
            if keep is None:
                states[e] = normal
            else:
                torch.mul(normal, keep, out=states[e])
        ctx.graph = graph
        ctx.save_for_backward(shared, x, weight, gain, shift, keep, sums, mean, scale)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        shared, x, weight, gain, shift, keep, sums, mean, scale = ctx.saved_tensors
        width = 0 if shared is None else shared.shape[1]
        d_shared = torch.zeros_like(shared) if ctx.needs_input_grad[1] else None
        d_x = None if x is None else torch.empty_like(x)
        d_weight, d_bias, d_gain, d_shift = (torch.empty_like(p) for p in (weight, gain, gain, shift))
        for e, total in enumerate(sums):
            arriving = grad[e] if keep is None else grad[e] * keep
            d_relu, d_gain[e], d_shift[e] = torch.ops.aten.native_layer_norm_backward(
                arriving, total, total.shape[1:], mean[e], scale[e], gain[e], shift[e], (True, True, True)
            )
            d_total = torch.ops.aten.threshold_backward(d_relu, total, 0)
            torch.sum(d_total, dim=0, out=d_bias[e])
            rows = _rows(ctx.graph, shared, x, e)
            d_rows = None if d_x is None and d_shared is None else torch.empty_like(rows)
            _back(ctx.graph, rows, weight[e], d_total, d_weight[e], d_rows)
            if d_x is not None and d_rows is not None:
                sparse_product(ctx.graph.scatter, d_rows[:, width:], d_x[e])
            if d_shared is not None and d_rows is not None:
                d_shared += d_rows[:, :width]
        return None, d_shared, d_x, d_weight, d_bias, d_gain, d_shift, None


def _rows(graph: Neighbourhoods, shared: Tensor | None, x: Tensor | None, encoder: int) -> Tensor:
    """What an encoder reads: the sums over neighbours, for every row of the graph."""
    both = [] if shared is None else [shared]
    if x is not None:
        both.append(sparse_product(graph.gather, x[encoder]))
    return both[0] if len(both) == 1 else torch.cat(both, dim=1)


def _convolve(graph: Neighbourhoods, rows: Tensor, weight: Tensor, bias: Tensor, sums: Tensor) -> None:
    """Write sum_k A_k x W_k + b; the kinds that have a row for every position go straight to where they belong."""
    products = rows.new_empty(graph.collect.shape[1], sums.shape[1])
    filled, done = False, 0
    for kind, part in enumerate(rows.split(graph.counts)):
        if graph.targets[kind] is None:
            torch.addmm(sums if filled else bias, part, weight[kind], out=sums)
            filled = True
        else:
            torch.mm(part, weight[kind], out=products[done : done + len(part)])
            done += len(part)
    if not filled:
        sums.copy_(bias)
    if done:
        sums.addmm_(graph.collect, products)


def _back(
    graph: Neighbourhoods, rows: Tensor, weight: Tensor, d_sums: Tensor, d_weight: Tensor, d_rows: Tensor | None
) -> None:
    """Write the gradients of the matrices and, where wanted, of the rows."""
    done = 0
    for kind, part in enumerate(rows.split(graph.counts)):
        targets = graph.targets[kind]
        d_product = d_sums if targets is None else d_sums.index_select(0, targets)
        torch.mm(part.t(), d_product, out=d_weight[kind])
        if d_rows is not None:
            torch.mm(d_product, weight[kind].t(), out=d_rows[done : done + len(part)])
        done += len(part)
