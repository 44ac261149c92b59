import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import GCNConv

from tasktalk.core.batch import Adjacency
from tasktalk.core.graphs import join, normalised
from tasktalk.encoders.graph import GraphEncoders

EDGES = np.array([[0, 1, 2, 0], [1, 2, 3, 3]])
KINDS_OF_EDGES = np.array([0, 1, 1, 0])
POSITIONS, GIVEN, HIDDEN = 5, 3, 4  # the last position has no neighbour


def make_adjacency(precision: torch.dtype = torch.float64) -> Adjacency:
    return normalised(EDGES, KINDS_OF_EDGES, 2, POSITIONS, precision=precision)


def make_encoders(layers: int = 2, given: int = GIVEN, positions: int = 0, dropout: float = 0.0) -> GraphEncoders:
    """Three encoders that differ in every parameter."""
    torch.manual_seed(0)
    encoders = GraphEncoders(given, HIDDEN, layers, 3, kinds=3, positions=positions, alike=False, dropout=dropout)
    for parameter in encoders.parameters():
        nn.init.normal_(parameter)
    return encoders.double()


def make_features(given: int = GIVEN) -> Tensor:
    return torch.randn(POSITIONS, given, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def naive_states(encoders: GraphEncoders, features: Tensor, edges: Adjacency, which: tuple[int, ...]) -> Tensor:
    """Encoder by encoder, position by position and kind by kind."""
    entries = edges.gather.to_dense().view(edges.kinds, len(features), len(features))
    answers = []
    for e in which:
        encoder = encoders.encoders[e]
        vectors = dict(encoder.named_parameters()).get("vectors")
        h = features if vectors is None else torch.cat((features, vectors), dim=1)
        for layer in encoder.get_submodule("layers").children():
            weight, bias, gain, shift = (layer.get_parameter(n) for n in ("weight", "bias", "gain", "shift"))
            rows = []
            for i in range(len(features)):
                total: Tensor = bias
                for k in range(edges.kinds):
                    parts = (entries[k, i, j] * h[j] for j in range(len(features)))
                    total = total + sum(parts, torch.zeros_like(h[0])) @ weight[k]
                y = total.relu()
                rows.append(gain * (y - y.mean()) / (y.var(correction=0) + 1e-5).sqrt() + shift)
            h = torch.stack(rows)
        answers.append(h)
    return torch.stack(answers)


@pytest.mark.parametrize(("given", "positions"), [(GIVEN, 0), (GIVEN, POSITIONS), (0, POSITIONS)])
@pytest.mark.parametrize("which", [(0, 1, 2), (2, 0)])
def test_states_and_gradients_are_those_of_loops(given: int, positions: int, which: tuple[int, ...]) -> None:
    encoders, features, edges = make_encoders(3, given, positions), make_features(given), make_adjacency()
    states, _ = encoders(features, edges, which)
    expected = naive_states(encoders, features, edges, which)
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-9)
    direction = torch.randn_like(expected)
    parameters = [parameter for e in which for parameter in encoders.encoders[e].parameters()]
    gradients = (torch.autograd.grad(y, parameters, direction) for y in (states, expected))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_one_layer_with_one_kind_is_that_of_torch_geometric() -> None:
    edges = normalised(EDGES, np.zeros(4, int), 1, POSITIONS, loops_apart=False, precision=torch.float64)
    torch.manual_seed(0)
    encoders, features = GraphEncoders(GIVEN, HIDDEN, 1, 2, kinds=1, alike=False).double(), make_features()
    states, _ = encoders(features, edges, (0, 1))
    both_ways = torch.tensor(np.concatenate((EDGES, EDGES[::-1]), axis=1))
    for found, encoder in zip(states, encoders.encoders, strict=True):
        conv = GCNConv(GIVEN, HIDDEN).double()
        weight, bias = encoder.get_parameter("layers.0.weight"), encoder.get_parameter("layers.0.bias")
        conv.load_state_dict({"lin.weight": weight[0].t(), "bias": bias})
        expected = functional.layer_norm(conv(features, both_ways).relu(), (HIDDEN,))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)


def test_inputs_are_what_any_gate_may_read() -> None:
    features, edges = make_features(), make_adjacency()
    plain, learned = make_encoders(), make_encoders(positions=POSITIONS)
    assert torch.equal(plain(features, edges, (1,))[1], features)
    assert (plain.features, plain.input_features) == (HIDDEN, GIVEN)
    _, inputs = learned(features, edges, (1,))
    vectors = torch.stack([encoder.get_parameter("vectors") for encoder in learned.encoders])
    torch.testing.assert_close(inputs, torch.cat((features, vectors.mean(dim=0)), dim=1))
    assert inputs.shape[1] == learned.input_features


@pytest.mark.parametrize("positions", [0, POSITIONS])
def test_some_encoders_are_a_slice_of_all(positions: int) -> None:
    encoders, features, edges = make_encoders(positions=positions), make_features(), make_adjacency()
    every, _ = encoders(features, edges, (0, 1, 2))
    for which in ((0,), (2,), (2, 1)):
        torch.testing.assert_close(encoders(features, edges, which)[0], every[list(which)], rtol=0, atol=1e-12)


def test_only_the_chosen_encoders_get_gradient() -> None:
    encoders = make_encoders()
    encoders(make_features(), make_adjacency(), (1,))[0].square().sum().backward()
    for e, encoder in enumerate(encoders.encoders):
        assert all((parameter.grad is not None) == (e == 1) for parameter in encoder.parameters())
    assert all(parameter.grad.any() for parameter in encoders.encoders[1].parameters())


def test_a_batch_of_graphs_is_the_graphs_one_by_one() -> None:
    encoders, features = make_encoders(), make_features()
    edges = [EDGES, np.zeros((2, 0), int), EDGES[:, 1:3]]
    kinds = [KINDS_OF_EDGES, np.zeros(0, int), KINDS_OF_EDGES[1:3]]
    sizes = [5, 1, 4]
    joined = join(edges, kinds, sizes)
    together = normalised(joined.edges, joined.kinds_of_edges, 2, 10, precision=torch.float64)
    given = [features, features[:1] + 1, features[:4] - 1]
    states, _ = encoders(torch.cat(given), together, (0, 1, 2))
    for x, own_edges, own_kinds, size, found in zip(given, edges, kinds, sizes, states.split(sizes, 1), strict=True):
        alone = normalised(own_edges, own_kinds, 2, size, precision=torch.float64)
        torch.testing.assert_close(found, encoders(x, alone, (0, 1, 2))[0], rtol=0, atol=1e-12)


def test_permuting_positions_permutes_states() -> None:
    encoders, features = make_encoders(), make_features()
    order = torch.tensor([3, 0, 4, 2, 1])  # new position n is the old one order[n]
    moved = normalised(torch.argsort(order).numpy()[EDGES], KINDS_OF_EDGES, 2, POSITIONS, precision=torch.float64)
    states, _ = encoders(features, make_adjacency(), (0, 1, 2))
    permuted, _ = encoders(features[order], moved, (0, 1, 2))
    torch.testing.assert_close(permuted, states[:, order], rtol=0, atol=1e-12)


@pytest.mark.parametrize("positions", [0, POSITIONS])
def test_encoders_start_alike_unless_asked(positions: int) -> None:
    torch.manual_seed(0)
    alike = GraphEncoders(GIVEN, HIDDEN, 2, 3, kinds=3, positions=positions)
    states, _ = alike(make_features().float(), make_adjacency(torch.float32), (0, 1, 2))
    torch.testing.assert_close(states, states[:1].expand_as(states))
    others = GraphEncoders(GIVEN, HIDDEN, 2, 3, kinds=3, positions=positions, alike=False)
    states, _ = others(make_features().float(), make_adjacency(torch.float32), (0, 1, 2))
    assert not any(torch.allclose(states[a], states[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_each_matrix_starts_by_its_own_size() -> None:
    torch.manual_seed(0)
    encoders = GraphEncoders(40, 50, 2, 1, kinds=3)
    for name, inputs in (("layers.0.weight", 40), ("layers.1.weight", 50)):
        limit = (6 / (inputs + 50)) ** 0.5
        for weight in encoders.encoders[0].get_parameter(name):
            assert 0.95 * limit < weight.abs().max() <= limit


def test_dropout_is_for_training_only() -> None:
    encoders, features, edges = make_encoders(dropout=0.5), make_features(), make_adjacency()
    states, _ = encoders(features, edges, (0, 1, 2))
    assert 0.2 < (states == 0).double().mean() < 0.8
    encoders.eval()
    expected = naive_states(encoders, features, edges, (0, 1, 2))
    torch.testing.assert_close(encoders(features, edges, (0, 1, 2))[0], expected, rtol=0, atol=1e-9)


def test_mixed_precision_is_near() -> None:
    encoders, features, edges = make_encoders().float(), make_features().float(), make_adjacency(torch.float32)
    states, _ = encoders(features, edges, (0, 1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        near, _ = encoders(features, edges, (0, 1))
    near.sum().backward()
    torch.testing.assert_close(near.float(), states, rtol=0.1, atol=0.2)
