from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tasktalk.core.batch import Adjacency
from tasktalk.core.graphs import adjacency, normalised
from tasktalk.encoders.layer import graph_layer
from tasktalk.encoders.propagate import neighbourhoods

POSITIONS, ENCODERS, HIDDEN = 5, 2, 4
DIRECTED = (np.array([0, 1, 3, 3]), np.array([1, 2, 0, 4]), np.array([0.5, 2.0, -1.0, 0.25]), np.array([0, 2, 2, 0]))
BOTH = pytest.mark.parametrize(("given", "own"), [(2, 3), (2, 0), (0, 3)])


def directed() -> Adjacency:
    """Three kinds: two with empty rows, and one between them without any edge."""
    return adjacency(*DIRECTED, kinds=3, positions=POSITIONS, precision=torch.float64)


def with_loops() -> Adjacency:
    """Two kinds; every position has a row of the first."""
    return normalised(np.array([[0, 1, 3], [1, 2, 4]]), np.zeros(3, int), 1, POSITIONS, precision=torch.float64)


def inputs(kinds: int, given: int, own: int) -> dict[str, Any]:
    """Arguments of ``graph_layer``; None where it reads nothing."""
    torch.manual_seed(0)
    shapes = {
        "given": (POSITIONS, given),
        "x": (ENCODERS, POSITIONS, own),
        "weight": (ENCODERS, kinds, given + own, HIDDEN),
        **dict.fromkeys(("bias", "gain", "shift"), (ENCODERS, HIDDEN)),
    }
    made = {name: torch.randn(shape, dtype=torch.float64, requires_grad=True) for name, shape in shapes.items()}
    return {name: tensor if tensor.numel() else None for name, tensor in made.items()}


def mask() -> Tensor:
    return torch.randn(POSITIONS, HIDDEN, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def naive_layer(edges: Adjacency, p: dict[str, Any], keep: Tensor | None) -> Tensor:
    """Encoder by encoder, position by position and neighbour by neighbour."""
    entries = edges.gather.to_dense().view(edges.kinds, POSITIONS, POSITIONS)
    rows = []
    for e in range(ENCODERS):
        parts = [part for part in (p["given"], None if p["x"] is None else p["x"][e]) if part is not None]
        read = torch.cat(parts, dim=1)
        for i in range(POSITIONS):
            total: Tensor = p["bias"][e]
            for k in range(edges.kinds):
                for j in range(POSITIONS):
                    total = total + entries[k, i, j] * read[j] @ p["weight"][e, k]
            y = total.relu()
            state = p["gain"][e] * (y - y.mean()) / (y.var(correction=0) + 1e-5).sqrt() + p["shift"][e]
            rows.append(state if keep is None else state * keep[i])
    return torch.stack(rows).view(ENCODERS, POSITIONS, HIDDEN)


@BOTH
@pytest.mark.parametrize("make", [directed, with_loops])
@pytest.mark.parametrize("keep", [None, mask()])
def test_states_and_gradients_are_those_of_loops(
    make: Callable[[], Adjacency], given: int, own: int, keep: Tensor | None
) -> None:
    edges = make()
    arguments = inputs(edges.kinds, given, own)
    found = graph_layer(neighbourhoods(edges, torch.float64), **arguments, keep=keep)
    expected = naive_layer(edges, arguments, keep)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    direction = torch.randn_like(expected)
    leaves = [tensor for tensor in arguments.values() if tensor is not None]
    gradients = (torch.autograd.grad(y, leaves, direction) for y in (found, expected))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_a_gradient_in_any_layout() -> None:
    edges = with_loops()
    arguments = inputs(edges.kinds, 0, 3)
    states = graph_layer(neighbourhoods(edges, torch.float64), **arguments)
    (expected,) = torch.autograd.grad(states, arguments["x"], torch.ones_like(states), retain_graph=True)
    (found,) = torch.autograd.grad(states.sum(), arguments["x"])  # this gradient has no memory of its own
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_the_precision_is_that_of_the_weights() -> None:
    edges = with_loops()
    arguments: dict[str, Any]
    arguments = {name: None if x is None else x.detach().float() for name, x in inputs(edges.kinds, 2, 3).items()}
    expected = graph_layer(neighbourhoods(edges, torch.float32), **arguments)
    near = {name: arguments[name].bfloat16() for name in ("given", "x")}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = graph_layer(neighbourhoods(edges, torch.float32), **arguments | near)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.1)


def test_gradients_of_gradients_are_refused() -> None:
    edges = with_loops()
    arguments = inputs(edges.kinds, 0, 3)
    states = graph_layer(neighbourhoods(edges, torch.float64), **arguments)
    (gradient,) = torch.autograd.grad(states.square().sum(), arguments["x"], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
