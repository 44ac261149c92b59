"""DC-MTL and IC-MTL once more, as the message-passing paper writes them: one sentence, word by word, source by source.

Nothing is shared with the package: column vectors, one matrix W^(s) for [x_t, h_{t-1}, h^(i)], a product per gate.
Every equation is a function of its own, so that a test can break one and see that the comparison notices.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Theta(NamedTuple):
    """theta of one LSTM: for each gate a matrix for [x_t, h_{t-1}] and a bias."""

    W_i: Tensor
    W_f: Tensor
    W_g: Tensor
    W_o: Tensor
    b_i: Tensor
    b_f: Tensor
    b_g: Tensor
    b_o: Tensor


class Shared(NamedTuple):
    """theta^(s): what all tasks share."""

    W: Tensor  # W^(s), for [x_t, h_{t-1}, h^(i)]
    u: Tensor
    W_f: Tensor
    W_r: Tensor
    W_c: Tensor


def memory(theta: Theta, x_t: Tensor, h_before: Tensor, c_before: Tensor) -> tuple[Tensor, Tensor]:
    """The inner of Eq. 2: c_t and o_t."""
    xh = torch.cat((x_t, h_before))
    i_t = torch.sigmoid(theta.W_i @ xh + theta.b_i)
    f_t = torch.sigmoid(theta.W_f @ xh + theta.b_f)
    o_t = torch.sigmoid(theta.W_o @ xh + theta.b_o)
    c_t = f_t * c_before + i_t * torch.tanh(theta.W_g @ xh + theta.b_g)
    return c_t, o_t


def eq2(o_t: Tensor, c_t: Tensor) -> Tensor:
    """h_t of a plain LSTM."""
    return o_t * torch.tanh(c_t)


def senders(k: int, K: int) -> list[int]:
    """i = 1..K, s.t. i != k, under the sum of Eq. 3."""
    return [i for i in range(K) if i != k]


def positions(t: int, T: int, causal: bool) -> list[int]:
    """i = 1..T under the sum of Eq. 8; only up to t where the reader must not look ahead."""
    return [i for i in range(T) if i <= t or not causal]


def aggregate(weights: Sequence[Tensor], messages: Sequence[Tensor]) -> Tensor:
    """The sum of Eq. 3 and of Eq. 8."""
    r_t = torch.zeros_like(messages[0])
    for weight, h_i in zip(weights, messages, strict=True):
        r_t = r_t + weight * h_i
    return r_t


def query(h_before: Tensor, o_t: Tensor, c_t: Tensor) -> Tensor:
    """The receiver's state in Eq. 5: h_{t-1}, not that of the word itself."""
    return h_before


def eq5(s: Shared, x_t: Tensor, h_before: Tensor, h_i: Tensor) -> Tensor:
    """s_t^(i -> k)."""
    return s.u @ torch.tanh(s.W @ torch.cat((x_t, h_before, h_i)))


def eq6(scores: Sequence[Tensor]) -> list[Tensor]:
    """alpha_t = softmax(s_t)."""
    total = sum((torch.exp(score) for score in scores), torch.zeros(()))
    return [torch.exp(score) / total for score in scores]


def eq10(s: Shared, o_t: Tensor, c_t: Tensor, g_t: Tensor, r_t: Tensor) -> Tensor:
    """h_t of LSTM-dagger."""
    return o_t * torch.tanh(c_t + g_t * (s.W_f @ r_t))


def eq11(s: Shared, r_t: Tensor, c_t: Tensor, c_before: Tensor) -> Tensor:
    """The fusion gate g_t; c_t in the paper, ``c_before`` is there to be mistaken for it."""
    return torch.sigmoid(s.W_r @ r_t + s.W_c @ c_t)


class Equations(NamedTuple):
    """The model as a set of equations; ``_replace`` breaks one of them."""

    memory: Callable[[Theta, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]] = memory
    eq2: Callable[[Tensor, Tensor], Tensor] = eq2
    senders: Callable[[int, int], list[int]] = senders
    positions: Callable[[int, int, bool], list[int]] = positions
    aggregate: Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor] = aggregate
    query: Callable[[Tensor, Tensor, Tensor], Tensor] = query
    eq5: Callable[[Shared, Tensor, Tensor, Tensor], Tensor] = eq5
    eq6: Callable[[Sequence[Tensor]], list[Tensor]] = eq6
    eq10: Callable[[Shared, Tensor, Tensor, Tensor, Tensor], Tensor] = eq10
    eq11: Callable[[Shared, Tensor, Tensor, Tensor], Tensor] = eq11


class Sentence(NamedTuple):
    """h_t^(k) of every word, its weights over the sources, and the mean of its fusion gate."""

    h: Tensor  # (T, d)
    weights: Tensor  # (T, sources)
    gate: Tensor  # (T,)


def lstm(eq: Equations, theta: Theta, x: Tensor) -> list[Tensor]:
    """Eq. 2 for every word, from a zero state."""
    h = c = torch.zeros_like(theta.b_i)
    states = []
    for x_t in x:
        c, o_t = eq.memory(theta, x_t, h, c)
        h = eq.eq2(o_t, c)
        states.append(h)
    return states


def dagger(
    eq: Equations,
    theta: Theta,
    s: Shared,
    x: Tensor,
    message: Callable[[int, int], Tensor],
    readable: Callable[[int], list[int]],
    sources: int,
) -> Sentence:
    """Eq. 9 for every word; ``message(t, i)`` is what source i offers to word t, ``readable(t)`` the sources it has."""
    h = c = torch.zeros_like(theta.b_i)
    states, weights, gates = [], torch.zeros(len(x), sources), []
    for t, x_t in enumerate(x):
        h_before, c_before = h, c
        c, o_t = eq.memory(theta, x_t, h_before, c_before)
        which = readable(t)
        offered = [message(t, i) for i in which]
        scores = [eq.eq5(s, x_t, eq.query(h_before, o_t, c), h_i) for h_i in offered]  # Eq. 4
        alpha_t = eq.eq6(scores)
        r_t = eq.aggregate(alpha_t, offered)
        g_t = eq.eq11(s, r_t, c, c_before)
        h = eq.eq10(s, o_t, c, g_t, r_t)
        states.append(h)
        gates.append(g_t.mean())
        for i, alpha in zip(which, alpha_t, strict=True):
            weights[t, i] = alpha.detach()
    return Sentence(torch.stack(states), weights, torch.stack(gates).detach())


def dc_mtl(
    eq: Equations, thetas: Sequence[Theta], s: Shared, x: Tensor, k: int, train_senders: bool = True
) -> Sentence:
    """DC-MTL: task k reads one sentence; the weights are alpha_t^(i -> k), one column per task."""
    K = len(thetas)
    h = {i: lstm(eq, thetas[i], x) for i in eq.senders(k, K)}  # h_t^(i) of the receiver's sentence
    if not train_senders:  # footnote 1
        h = {i: [h_t.detach() for h_t in states] for i, states in h.items()}
    return dagger(eq, thetas[k], s, x, lambda t, i: h[i][t], lambda t: eq.senders(k, K), K)


def ic_mtl(
    eq: Equations, thetas: Sequence[Theta], shared: Theta, s: Shared, x: Tensor, k: int, causal: bool = False
) -> Sentence:
    """IC-MTL: task k reads one sentence; the weights are beta_{t -> i}^(k), one column per word."""
    h = lstm(eq, shared, x)  # Eq. 7
    return dagger(eq, thetas[k], s, x, lambda t, i: h[i], lambda t: eq.positions(t, len(x), causal), len(x))
