"""Set2Set of several receivers as one function with a hand-derived backward pass, without padding.

A query reads its graph several times. Here the states are read only, and never repeated or written: the gradient that
all readings send back to them is one sparse product in the end.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from tasktalk.core.graphs import sparse_product, sparse_rows


def set2set(
    states: Float[Tensor, "receivers positions features"],
    graph_of: Int[Tensor, " positions"],
    graphs: int,
    weight: Float[Tensor, "receivers twice_features four_features"],
    bias: Float[Tensor, "receivers four_features"],
    steps: int,
) -> Float[Tensor, "receivers graphs twice_features"]:
    """The last query of every graph and what it found (Vinyals et al. 2015, Eq. 3-7).

    q_t = LSTM(q*_{t-1}); e_p = h_p q_t; a = softmax(e) over the positions p of a graph; r_t = sum_p a_p h_p;
    q*_t = [q_t, r_t], from q*_0 = 0. A graph without positions finds zeros. It is computed in float32 at least.
    Gradients of gradients are refused by torch with an error.

    Args:
        states: h of every position.
        graph_of: graph of every position, ascending.
        graphs: number of graphs.
        weight: the LSTM's matrix, which reads q*; gates in torch.nn.LSTM's order: input, forget, candidate, output.
        bias: its bias.
        steps: how often the query moves; at least once.
    """
    firsts = torch.arange(len(states), device=graph_of.device).unsqueeze(1) * graphs
    owner = (graph_of + firsts).flatten()  # every graph of every receiver is a query of its own
    with torch.autocast(states.device.type, enabled=False):  # there are no sparse products in half precision
        precision = torch.promote_types(torch.promote_types(states.dtype, weight.dtype), torch.float32)
        given = (states.to(precision), weight.to(precision), bias.to(precision))
        answer: Tensor = _Set2Set.apply(*given, owner, graphs, steps)  # type: ignore[no-untyped-call]
    return answer


class _Step(NamedTuple):
    """What the backward pass needs of a step."""

    gates: tuple[Tensor, ...]
    cell_before: Tensor
    tanh_of_cell: Tensor
    attention: Tensor
    answer: Tensor


class _Set2Set(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, states: Tensor, weight: Tensor, bias: Tensor, owner: Tensor, graphs: int, steps: int
    ) -> Tensor:
        flat, bias = states.flatten(0, 1), bias.unsqueeze(1)
        cell = states.new_zeros(len(states), graphs, states.shape[2])
        gates = bias.expand(-1, graphs, -1)  # q*_0 is zero
        taken: list[_Step] = []
        for step in range(steps):
            if step:
                gates = torch.baddbmm(bias, taken[-1].answer, weight)
            i, f, g, o = gates.chunk(4, dim=-1)
            i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
            before, cell = cell, torch.addcmul(f * cell, i, g)
            tanh = cell.tanh()
            query = o * tanh
            attention = _softmax(_scores(flat, query, owner), owner, len(states) * graphs)
            answer = torch.cat((query, _found(attention, flat, owner, cell)), dim=-1)
            taken.append(_Step((i, f, g, o), before, tanh, attention, answer))
        ctx.taken = taken
        ctx.save_for_backward(states, weight, owner)
        return taken[-1].answer.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        states, weight, owner = ctx.saved_tensors
        flat, graphs = states.flatten(0, 1), grad.shape[1]
        d_weight, d_bias = torch.zeros_like(weight), weight.new_zeros(len(weight), weight.shape[2])
        d_cell = torch.zeros_like(ctx.taken[0].cell_before)
        parts: list[tuple[Tensor, Tensor]] = []
        for number in reversed(range(len(ctx.taken))):
            step: _Step = ctx.taken[number]
            d_query, d_found = grad.chunk(2, dim=-1)
            d_attention = step.attention * _scores(flat, d_found, owner)
            totals = flat.new_zeros(len(grad) * graphs).index_add_(0, owner, d_attention)
            d_scores = d_attention - step.attention * totals[owner]
            parts += [(step.attention, d_found), (d_scores, step.answer.chunk(2, dim=-1)[0])]
            d_gates, d_cell = _lstm_backward(step, d_query + _found(d_scores, flat, owner, d_query), d_cell)
            d_bias += d_gates.sum(dim=1)
            if number:
                d_weight.baddbmm_(ctx.taken[number - 1].answer.transpose(1, 2), d_gates)
                grad = d_gates @ weight.transpose(1, 2)
        return _spread(parts, owner).view_as(states), d_weight, d_bias, None, None, None


def _scores(states: Tensor, query: Tensor, owner: Tensor) -> Tensor:
    """h_p q of every position and the query that owns it."""
    starts = torch.arange(len(owner) + 1, device=owner.device)
    places = sparse_rows(starts, owner, states.new_zeros(len(owner)), query.shape[0] * query.shape[1])
    return torch.sparse.sampled_addmm(places, states, query.flatten(0, 1).t()).values()


def _softmax(scores: Tensor, owner: Tensor, queries: int) -> Tensor:
    """Over the positions of each query."""
    largest = scores.new_full((queries,), -torch.inf).scatter_reduce_(0, owner, scores, "amax")
    weights = (scores - largest[owner]).exp_()
    return weights.div_(scores.new_zeros(queries).index_add_(0, owner, weights)[owner])


def _found(weights: Tensor, states: Tensor, owner: Tensor, like: Tensor) -> Tensor:
    """For every query the weighted sum of the states that it owns; ``like`` has the shape of the result."""
    ends = torch.bincount(owner, minlength=like.shape[0] * like.shape[1]).cumsum(0)
    columns = torch.arange(len(owner), device=owner.device)
    matrix = sparse_rows(torch.cat((ends.new_zeros(1), ends)), columns, weights, len(owner))
    return sparse_product(matrix, states).view(like.shape)


def _lstm_backward(step: _Step, d_query: Tensor, d_cell: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of the gates before their nonlinearities, and of the cell before the step."""
    i, f, g, o = step.gates
    d_cell = d_cell + d_query * o * (1 - step.tanh_of_cell**2)
    d_gates = (
        d_cell * g * i * (1 - i),
        d_cell * step.cell_before * f * (1 - f),
        d_cell * i * (1 - g**2),
        d_query * step.tanh_of_cell * o * (1 - o),
    )
    return torch.cat(d_gates, dim=-1), d_cell * f


def _spread(parts: list[tuple[Tensor, Tensor]], owner: Tensor) -> Tensor:
    """For every position the sum of all parts: a factor of its own times a row of the query that owns it."""
    factors = torch.stack([of_position for of_position, _ in parts], dim=1)
    rows = torch.stack([of_query.flatten(0, 1) for _, of_query in parts], dim=1).flatten(0, 1)
    columns = owner.unsqueeze(1) * len(parts) + torch.arange(len(parts), device=owner.device)
    starts = torch.arange(len(owner) + 1, device=owner.device) * len(parts)
    return sparse_product(sparse_rows(starts, columns.flatten(), factors.flatten(), len(rows)), rows)
