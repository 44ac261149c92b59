import numpy as np
import pytest
import torch
from torch import Tensor

from tasktalk.core.batch import Adjacency
from tasktalk.core.graphs import adjacency, normalised
from tasktalk.encoders.propagate import convolve, neighbourhoods, propagate

POSITIONS, ENCODERS, INPUTS, HIDDEN = 5, 2, 3, 4
DIRECTED = (np.array([0, 1, 3, 3]), np.array([1, 2, 0, 4]), np.array([0.5, 2.0, -1.0, 0.25]), np.array([0, 2, 2, 0]))


def directed(precision: torch.dtype = torch.float64) -> Adjacency:
    """Three kinds: two with empty rows, and one between them without any edge."""
    return adjacency(*DIRECTED, kinds=3, positions=POSITIONS, precision=precision)


def with_loops() -> Adjacency:
    """Two kinds; every position has a row of the first."""
    return normalised(np.array([[0, 1, 3], [1, 2, 4]]), np.zeros(3, int), 1, POSITIONS, precision=torch.float64)


def inputs(edges: Adjacency) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    shapes = ((POSITIONS, ENCODERS, INPUTS), (ENCODERS, edges.kinds, INPUTS, HIDDEN), (ENCODERS, HIDDEN))
    x, weight, bias = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    return x, weight, bias


def naive_convolution(edges: Adjacency, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Position by position and neighbour by neighbour."""
    entries = edges.gather.detach().to_dense().view(edges.kinds, POSITIONS, POSITIONS)
    rows = []
    for i in range(POSITIONS):
        for e in range(ENCODERS):
            total = bias[e]
            for k in range(edges.kinds):
                for j in range(POSITIONS):
                    total = total + entries[k, i, j] * x[j, e] @ weight[e, k]
            rows.append(total)
    return torch.stack(rows).view(POSITIONS, ENCODERS, HIDDEN)


def test_every_kind_is_summed_on_its_own() -> None:
    x = torch.randn(POSITIONS, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.zeros(3, POSITIONS, 2, dtype=torch.float64)
    for source, target, weight, kind in zip(*DIRECTED, strict=True):
        expected[kind, target] += weight * x[source]
    torch.testing.assert_close(propagate(directed(), x), expected, rtol=0, atol=1e-12)


def test_the_gradient_flows_back_along_the_edges() -> None:
    x = torch.randn(POSITIONS, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: propagate(directed(), x), x)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_more_precise_type_is_computed_in(precision: torch.dtype) -> None:
    x = torch.ones(POSITIONS, 2, dtype=precision, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert propagate(directed(torch.float32), x).dtype == torch.float32
    summed = propagate(directed(), x)
    assert summed.dtype == torch.float64
    (gradient,) = torch.autograd.grad(summed.sum(), x)
    assert gradient.dtype == precision


@pytest.mark.parametrize("make", [directed, with_loops])
def test_neighbourhoods_are_the_rows_that_are_not_empty(make: type[Adjacency]) -> None:
    edges = make()
    found = neighbourhoods(edges, torch.float64)
    full = edges.gather.to_dense()
    kept = full[full.any(dim=1)]
    assert torch.equal(found.gather.to_dense(), kept)
    assert torch.equal(found.scatter.to_dense(), kept.t())
    assert sum(found.counts) == len(kept)
    for kind, (count, targets) in enumerate(zip(found.counts, found.targets, strict=True)):
        rows = full.view(edges.kinds, POSITIONS, POSITIONS)[kind].any(dim=1).nonzero().flatten()
        assert count == len(rows)
        assert torch.equal(rows, torch.arange(POSITIONS) if targets is None else targets)
    assert (found.targets[0] is None) == (make is with_loops)


@pytest.mark.parametrize("make", [directed, with_loops])
def test_convolutions_are_sums_over_neighbours(make: type[Adjacency]) -> None:
    edges = make()
    arguments = inputs(edges)
    found = convolve(neighbourhoods(edges, torch.float64), *arguments)
    expected = naive_convolution(edges, *arguments)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    direction = torch.randn_like(expected)
    gradients = (torch.autograd.grad(y, arguments, direction) for y in (found, expected))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)
    assert torch.autograd.gradcheck(lambda *a: convolve(neighbourhoods(edges, torch.float64), *a), arguments)


def test_convolutions_keep_the_precision_of_their_weights() -> None:
    edges = with_loops()
    x, weight, bias = (tensor.detach().float() for tensor in inputs(edges))
    expected = convolve(neighbourhoods(edges, torch.float32), x, weight, bias)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = convolve(neighbourhoods(edges, torch.float32), x.bfloat16(), weight, bias)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05)


def test_gradients_of_gradients_are_refused() -> None:
    edges = with_loops()
    x, weight, bias = inputs(edges)
    sums = convolve(neighbourhoods(edges, torch.float64), x, weight, bias)
    (gradient,) = torch.autograd.grad(sums.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
