from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn.aggr import Set2Set as GeometricSet2Set

from tasktalk.heads.readout import MaxReadout, MeanReadout, Readout, ReadoutName, Set2Set, SumReadout, readout

# Four graphs of 2, 0, 3 and 1 positions; two receivers of three tasks.
GRAPH_OF = torch.tensor([0, 0, 2, 2, 2, 3])
GRAPHS, FEATURES = 4, 5
RECEIVERS = (2, 0)
NAMES: tuple[ReadoutName, ...] = ("set2set", "sum", "mean", "max")
TYPES: dict[ReadoutName, type] = {"set2set": Set2Set, "sum": SumReadout, "mean": MeanReadout, "max": MaxReadout}


def make_states() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 6, FEATURES, dtype=torch.float64, requires_grad=True)


def make(name: ReadoutName) -> nn.Module:
    """A readout whose tasks differ."""
    torch.manual_seed(1)
    module = readout(name, FEATURES, tasks=3)
    assert isinstance(module, nn.Module)
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module.double()


@pytest.mark.parametrize("name", NAMES)
def test_every_name_makes_its_readout(name: ReadoutName) -> None:
    module = readout(name, FEATURES, tasks=3)
    assert type(module) is TYPES[name]
    assert isinstance(module, Readout)
    assert module.features == (2 * FEATURES if name == "set2set" else FEATURES)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_and_graphs_without_positions(name: ReadoutName) -> None:
    module, states = make(name), make_states()
    vectors = module(states, GRAPH_OF, 6, RECEIVERS)
    assert vectors.shape == (2, 6, readout(name, FEATURES, tasks=3).features)
    assert not vectors[:, [1, 4, 5]].any()
    vectors.square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in (states, *module.parameters()))
    assert states.grad is not None and states.grad.isfinite().all() and states.grad.any()


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_its_graphs_one_by_one(name: ReadoutName) -> None:
    module, states = make(name), make_states()
    together = module(states, GRAPH_OF, GRAPHS, RECEIVERS)
    for graph in (0, 2, 3):
        own = states[:, graph == GRAPH_OF]
        alone = module(own, torch.zeros(own.shape[1], dtype=torch.int64), 1, RECEIVERS)
        torch.testing.assert_close(together[:, graph], alone[:, 0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_positions_makes_no_difference(name: ReadoutName) -> None:
    module, states = make(name), make_states()
    order = torch.tensor([1, 0, 4, 2, 3, 5])
    found = module(states[:, order], GRAPH_OF, GRAPHS, RECEIVERS)
    torch.testing.assert_close(found, module(states, GRAPH_OF, GRAPHS, RECEIVERS), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_one_receiver_is_a_slice_of_all(name: ReadoutName) -> None:
    module, states = make(name), make_states()
    every = module(states, GRAPH_OF, GRAPHS, RECEIVERS)
    for row, task in enumerate(RECEIVERS):
        found = module(states[row : row + 1], GRAPH_OF, GRAPHS, (task,))
        torch.testing.assert_close(found[0], every[row], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_gradients(name: ReadoutName) -> None:
    module = make(name)
    assert torch.autograd.gradcheck(
        lambda states: module(states, GRAPH_OF, GRAPHS, RECEIVERS), make_states(), fast_mode=True
    )


@pytest.mark.parametrize(("name", "reduce"), [("sum", torch.sum), ("mean", torch.mean), ("max", torch.amax)])
def test_simple_readouts_are_what_they_are_called(name: ReadoutName, reduce: Callable[..., Tensor]) -> None:
    states = make_states().detach() - 5
    found = make(name)(states, GRAPH_OF, GRAPHS, RECEIVERS)
    for graph in (0, 2, 3):
        torch.testing.assert_close(found[:, graph], reduce(states[:, graph == GRAPH_OF], dim=1))


def test_set2set_is_that_of_torch_geometric() -> None:
    """Its two matrices for the query, which is both state and half the input, occur as their sum only."""
    module, states = make("set2set"), make_states()
    vectors = module(states, GRAPH_OF, GRAPHS, RECEIVERS)
    direction = torch.randn_like(vectors)
    (gradient,) = torch.autograd.grad(vectors, states, direction, retain_graph=True)
    vectors.backward(direction)
    known = torch.tensor([0, 2, 3])
    for row, task in enumerate(RECEIVERS):
        weight, bias = (module.get_parameter(f"lstms.{task}.{name}") for name in ("weight", "bias"))
        theirs = GeometricSet2Set(FEATURES, processing_steps=3).double()
        hidden = torch.randn(4 * FEATURES, FEATURES, dtype=torch.float64)
        with torch.no_grad():
            theirs.lstm.weight_hh_l0.copy_(hidden)
            theirs.lstm.weight_ih_l0.copy_(weight.t())
            theirs.lstm.weight_ih_l0[:, :FEATURES] -= hidden
            theirs.lstm.bias_ih_l0.copy_(bias)
            theirs.lstm.bias_hh_l0.zero_()
        x = states[row].detach().requires_grad_()
        expected = theirs(x, GRAPH_OF, dim_size=GRAPHS)
        torch.testing.assert_close(vectors[row, known], expected[known], rtol=0, atol=1e-9)
        expected[known].backward(direction[row, known])
        torch.testing.assert_close(gradient[row], x.grad, rtol=0, atol=1e-9)
        torch.testing.assert_close(weight.grad, theirs.lstm.weight_ih_l0.grad.t(), rtol=0, atol=1e-9)
        torch.testing.assert_close(bias.grad, theirs.lstm.bias_ih_l0.grad, rtol=0, atol=1e-9)


def test_set2set_starts_alike_and_gate_by_gate() -> None:
    torch.manual_seed(0)
    module = Set2Set(FEATURES, tasks=3)
    vectors = module(make_states().detach().float()[:1].expand(3, -1, -1), GRAPH_OF, GRAPHS, (0, 1, 2))
    torch.testing.assert_close(vectors, vectors[:1].expand_as(vectors))
    assert module.get_parameter("lstms.0.bias").tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10
    limit = (6 / (3 * FEATURES)) ** 0.5
    for gate in module.get_parameter("lstms.0.weight").chunk(4, dim=1):
        assert limit / 2 < gate.abs().max() <= limit


def test_only_the_receivers_get_gradient() -> None:
    module = make("set2set")
    module(make_states()[:1], GRAPH_OF, GRAPHS, (1,)).sum().backward()
    assert [module.get_parameter(f"lstms.{k}.weight").grad is None for k in range(3)] == [True, False, True]


def test_a_large_graph_among_small_ones() -> None:
    module = make("set2set")
    sizes = torch.tensor([500, *[3] * 63])
    graph_of = torch.arange(64).repeat_interleave(sizes)
    states = torch.randn(2, len(graph_of), FEATURES, dtype=torch.float64)
    found = module(states, graph_of, 64, RECEIVERS)
    alone = module(states[:, :500], graph_of[:500], 1, RECEIVERS)
    torch.testing.assert_close(found[:, :1], alone, rtol=0, atol=1e-12)
