"""Position-wise mutual attention between tasks, as one function with a hand-derived backward (Eq. 3 and 4).

Written out, the scores of all pairs of tasks need the transferred states H_ij of every pair: tasks^2 x positions x
features numbers. Here the maps of a pair are multiplied into one matrix beforehand, and the products of one target with
one chunk of positions are used up before the next ones are made; the backward pass makes them again.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

# Numbers in a chunk of (positions, sources * features), of which a handful of buffers stay in the cache.
_CHUNK_ELEMENTS = {"cpu": 2**19}
_CHUNK_ELEMENTS_ELSEWHERE = 2**25


class Mixed(NamedTuple):
    """What the targets receive.

    Attributes:
        states: Eq. 4, one state per target and position.
        attention: A of Eq. 3, detached.
        weights: the softmax of Eq. 4, detached.
    """

    states: Float[Tensor, "targets positions features"]
    attention: Float[Tensor, "targets positions sources"]
    weights: Float[Tensor, "targets positions sources"]


def mutual_attention(
    sent: Float[Tensor, "sources groups positions features"],
    own: Float[Tensor, "targets positions features"],
    score_maps: Float[Tensor, "targets sources_times_features features"],
    value_maps: Float[Tensor, "targets sources_times_features features"],
    scale: Float[Tensor, "targets sources"],
    bias: Float[Tensor, "targets sources"],
) -> Mixed:
    """For each target j and position n the sum over sources i of w_ij(n) S_i(n) G_ij.

    The weights w_ij(n) are the softmax over i of scale_ij A_ij(n) + bias_ij, and A_ij(n) = S_i(n) M_ij E_j(n)^T.

    Args:
        sent: S_i, the states that the sources send; ``groups`` is 1 if all targets read the same positions, or the
            number of targets.
        own: E_j, the targets' own states.
        score_maps: M_ij; the rows of source i are those from i * features to (i + 1) * features.
        value_maps: G_ij, likewise.
        scale: factor of each score.
        bias: added to each score; minus infinity leaves a source out. Every target needs one source at least.

    Returns:
        States, attention and weights. Gradients of gradients are refused by torch with an error.
    """
    sent, own, score_maps, value_maps = (x.to(scale.dtype) for x in (sent, own, score_maps, value_maps))
    with torch.autocast(own.device.type, enabled=False):  # everything here has the precision of the scale
        answer = _MutualAttention.apply(  # type: ignore[no-untyped-call]
            sent, own, score_maps, value_maps, scale, bias
        )
    return Mixed(*answer)


class _MutualAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, sent: Tensor, own: Tensor, score_maps: Tensor, value_maps: Tensor, scale: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        targets, positions, features = own.shape
        attention = own.new_empty(targets, positions, len(sent))
        weights, states = torch.empty_like(attention), torch.empty_like(own)
        ones = own.new_ones(features)
        for at, s, _, readers in _chunks(sent, targets):
            buffer = torch.empty_like(s)
            for j in readers:
                torch.mm(own[j, at], score_maps[j].t(), out=buffer)
                a = torch.mv(buffer.mul_(s).view(-1, features), ones).view(-1, len(sent))  # Eq. 3
                attention[j, at] = a
                w = torch.softmax(torch.addcmul(bias[j], scale[j], a), dim=-1)
                weights[j, at] = w
                torch.mul(_by_source(s, w), w.unsqueeze(-1), out=_by_source(buffer, w))
                torch.mm(buffer, value_maps[j], out=states[j, at])  # Eq. 4
        ctx.save_for_backward(sent, own, score_maps, value_maps, scale, attention, weights)
        ctx.mark_non_differentiable(attention, weights)
        return states, attention, weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _attention: Tensor, _weights: Tensor) -> tuple[Tensor, ...]:
        sent, own, score_maps, value_maps, scale, attention, weights = ctx.saved_tensors
        targets, _, features = own.shape
        d_sent, d_own, d_logits = torch.empty_like(sent), torch.empty_like(own), torch.empty_like(weights)
        d_score_maps, d_value_maps = torch.zeros_like(score_maps), torch.zeros_like(value_maps)
        ones = own.new_ones(features)
        for at, s, group, readers in _chunks(sent, targets):
            ds, buffer, product = torch.zeros_like(s), torch.empty_like(s), torch.empty_like(s)
            for j in readers:
                w, g, e = weights[j, at], grad[j, at], own[j, at]
                by_source = w.unsqueeze(-1)
                torch.mul(_by_source(s, w), by_source, out=_by_source(buffer, w))
                d_value_maps[j].addmm_(buffer.t(), g)
                torch.mm(g, value_maps[j].t(), out=product)
                _by_source(ds, w).addcmul_(_by_source(product, w), by_source)
                dw = torch.mv(product.mul_(s).view(-1, features), ones).view_as(w)
                dl = torch._softmax_backward_data(dw, w, -1, w.dtype)
                d_logits[j, at] = dl
                da = (dl * scale[j]).unsqueeze(-1)
                torch.mul(_by_source(s, w), da, out=_by_source(buffer, w))
                d_score_maps[j].addmm_(buffer.t(), e)
                torch.mm(buffer, score_maps[j], out=d_own[j, at])
                torch.mm(e, score_maps[j].t(), out=product)
                _by_source(ds, w).addcmul_(_by_source(product, w), da)
            d_sent[:, group, at] = ds.view(len(ds), -1, features).transpose(0, 1)
        d_scale = (d_logits * attention).sum(dim=1)
        return d_sent, d_own, d_score_maps, d_value_maps, d_scale, d_logits.sum(dim=1)


def _by_source(x: Tensor, weights: Tensor) -> Tensor:
    """(positions, sources * features) as (positions, sources, features)."""
    return x.view(*weights.shape, -1)


def _chunks(sent: Tensor, targets: int) -> Iterator[tuple[slice, Tensor, int, range]]:
    """Positions, what the sources send there as (positions, sources * features), its group, and who reads it."""
    sources, groups, positions, features = sent.shape
    elements = _CHUNK_ELEMENTS.get(sent.device.type, _CHUNK_ELEMENTS_ELSEWHERE)
    step = max(1, elements // (sources * features))
    for group in range(groups):
        readers = range(targets) if groups == 1 else range(group, group + 1)
        for start in range(0, positions, step):
            at = slice(start, min(start + step, positions))
            yield at, sent[:, group, at].transpose(0, 1).reshape(at.stop - at.start, -1), group, readers
