from collections.abc import Callable

import numpy as np
import pytest
import torch

from tasktalk.core.batch import Adjacency
from tasktalk.core.graphs import adjacency, normalised
from tasktalk.encoders.propagate import neighbourhoods, propagate

POSITIONS = 5
DIRECTED = (np.array([0, 1, 3, 3]), np.array([1, 2, 0, 4]), np.array([0.5, 2.0, -1.0, 0.25]), np.array([0, 2, 2, 0]))


def directed(precision: torch.dtype = torch.float64) -> Adjacency:
    """Three kinds: two with empty rows, and one between them without any edge."""
    return adjacency(*DIRECTED, kinds=3, positions=POSITIONS, precision=precision)


def with_loops() -> Adjacency:
    """Two kinds; every position has a row of the first."""
    return normalised(np.array([[0, 1, 3], [1, 2, 4]]), np.zeros(3, int), 1, POSITIONS, precision=torch.float64)


def test_every_kind_is_summed_on_its_own() -> None:
    x = torch.randn(POSITIONS, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.zeros(3, POSITIONS, 2, dtype=torch.float64)
    for source, target, weight, kind in zip(*DIRECTED, strict=True):
        expected[kind, target] += weight * x[source]
    found = propagate(neighbourhoods(directed(), torch.float64), x)
    torch.testing.assert_close(found, expected[expected.any(dim=2)], rtol=0, atol=1e-12)


def test_the_gradient_flows_back_along_the_edges() -> None:
    x = torch.randn(POSITIONS, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: propagate(neighbourhoods(directed(), torch.float64), x), x)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_more_precise_type_is_computed_in(precision: torch.dtype) -> None:
    x = torch.ones(POSITIONS, 2, dtype=precision, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert propagate(neighbourhoods(directed(), torch.float32), x).dtype == torch.float32
    summed = propagate(neighbourhoods(directed(), torch.float64), x)
    assert summed.dtype == torch.float64
    (gradient,) = torch.autograd.grad(summed.sum(), x)
    assert gradient.dtype == precision


@pytest.mark.parametrize("make", [directed, with_loops])
def test_neighbourhoods_are_the_rows_that_are_not_empty(make: Callable[[], Adjacency]) -> None:
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
    partial = [row for targets in found.targets if targets is not None for row in targets.tolist()]
    assert found.collect.to_dense().t().nonzero().tolist() == [[row, target] for row, target in enumerate(partial)]
    assert found.collect.values().eq(1).all()


def test_gradients_of_gradients_are_refused() -> None:
    x = torch.ones(POSITIONS, 2, dtype=torch.float64, requires_grad=True)
    rows = propagate(neighbourhoods(with_loops(), torch.float64), x)
    (gradient,) = torch.autograd.grad(rows.square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
