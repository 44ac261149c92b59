"""Attention of one query per graph over the states of its positions, without padding."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from tasktalk.core.graphs import sparse_rows


def attend(
    states: Float[Tensor, "receivers positions features"],
    query: Float[Tensor, "receivers graphs features"],
    graph_of: Int[Tensor, " positions"],
) -> Float[Tensor, "receivers graphs features"]:
    """sum_p a_p h_p for every graph, with a = softmax over its positions p of h_p q (Vinyals et al. 2015, Eq. 4-6).

    A graph without positions gets zeros. Gradients of gradients are refused by torch with an error.

    Args:
        states: h of every position.
        query: q of every graph.
        graph_of: graph of every position, ascending.
    """
    receivers, graphs, _ = query.shape
    firsts = torch.arange(receivers, device=graph_of.device).unsqueeze(1) * graphs
    owner = (graph_of + firsts).flatten()  # every graph of every receiver is a query of its own
    with torch.autocast(states.device.type, enabled=False):  # there are no sparse products in half precision
        precision = torch.promote_types(torch.promote_types(states.dtype, query.dtype), torch.float32)
        rows, queries = states.flatten(0, 1).to(precision), query.flatten(0, 1).to(precision)
        found: Tensor = _Attend.apply(rows, queries, owner)  # type: ignore[no-untyped-call]
    return torch.unflatten(found, 0, (receivers, graphs))


class _Attend(torch.autograd.Function):
    """Every pass reads the states once and never repeats a query for each of its positions."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, query: Tensor, owner: Tensor) -> Tensor:
        scores = _products(states, query, owner)
        largest = scores.new_full((len(query),), -torch.inf).scatter_reduce_(0, owner, scores, "amax")
        weights = (scores - largest[owner]).exp_()
        weights /= scores.new_zeros(len(query)).index_add_(0, owner, weights)[owner]
        ctx.save_for_backward(states, query, owner, weights)
        return _by_owner(weights, owner, len(query)) @ states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        states, query, owner, weights = ctx.saved_tensors
        d_weights = _products(states, grad.contiguous(), owner)
        mean = weights.new_zeros(len(query)).index_add_(0, owner, weights * d_weights)
        d_scores = weights * (d_weights - mean[owner])
        d_states = grad.index_select(0, owner).mul_(weights.unsqueeze(1))
        d_states.addcmul_(query.index_select(0, owner), d_scores.unsqueeze(1))
        return d_states, _by_owner(d_scores, owner, len(query)) @ states, None


def _products(states: Tensor, query: Tensor, owner: Tensor) -> Tensor:
    """h_p q of every position and the query that owns it."""
    starts = torch.arange(len(owner) + 1, device=owner.device)
    places = sparse_rows(starts, owner, states.new_zeros(len(owner)), len(query))
    return torch.sparse.sampled_addmm(places, states, query.t()).values()


def _by_owner(weights: Tensor, owner: Tensor, queries: int) -> Tensor:
    """The matrix that sums up the weighted rows of every query."""
    ends = torch.bincount(owner, minlength=queries).cumsum(0)
    columns = torch.arange(len(owner), device=owner.device)
    return sparse_rows(torch.cat((ends.new_zeros(1), ends)), columns, weights, len(owner))
