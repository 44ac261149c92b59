"""Encoders of features of whole examples, compared with loops."""

import pytest
import torch
from torch import Tensor, nn

from tasktalk.core.batch import SparseRows
from tasktalk.encoders.summary import SummaryEncoders

FEATURES, HIDDEN, ENCODERS = 7, 4, 3
ROWS: list[dict[int, float]] = [{0: 0.7, 4: -1.5}, {}, {6: 2.0}, {1: 1.0, 2: 0.3, 5: -1.0}, {}]


def rows(given: list[dict[int, float]] = ROWS) -> SparseRows:
    """Features as they come from the data: float32."""
    sizes = torch.tensor([0, *(len(row) for row in given)])
    return SparseRows(
        torch.tensor([i for row in given for i in row]).long(),
        sizes.cumsum(0)[:-1],
        torch.tensor([value for row in given for value in row.values()]),
    )


def make(dropout: float = 0.0) -> SummaryEncoders:
    """Encoders that differ in every parameter."""
    torch.manual_seed(0)
    encoders = SummaryEncoders(FEATURES, HIDDEN, ENCODERS, alike=False, dropout=dropout)
    for parameter in encoders.parameters():
        nn.init.normal_(parameter)
    return encoders.double()


def by_loops(encoders: SummaryEncoders, given: list[dict[int, float]], which: tuple[int, ...]) -> Tensor:
    """Encoder by encoder, example by example, feature by feature."""
    answers = []
    for e in which:
        weight = encoders.weight[:, e * HIDDEN : (e + 1) * HIDDEN]
        states = []
        for row in given:
            total = encoders.bias[e]
            for i, value in row.items():
                total = total + torch.tensor(value).double() * weight[i]
            y = total.clamp(min=0)
            y = (y - y.mean()) / ((y - y.mean()).square().mean() + 1e-5).sqrt()
            states.append(encoders.gain[e] * y + encoders.shift[e])
        answers.append(torch.stack(states))
    return torch.stack(answers)


@pytest.mark.parametrize("which", [(0, 1, 2), (2, 0), (1,), (2, 1, 0)])
def test_states_and_gradients_are_those_of_loops(which: tuple[int, ...]) -> None:
    encoders = make()
    states = encoders(rows(), which)
    expected = by_loops(encoders, ROWS, which)
    assert states.dtype == torch.float64
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-9)
    direction = torch.randn_like(expected)
    parameters = list(encoders.parameters())
    gradients = (torch.autograd.grad(y, parameters, direction) for y in (states, expected))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_only_the_chosen_encoders_get_gradient() -> None:
    encoders = make()
    encoders(rows(), (1,)).square().sum().backward()
    blocks = [encoders.weight.grad.unflatten(1, (ENCODERS, HIDDEN)).transpose(0, 1)]
    for gradient in (*blocks, encoders.bias.grad, encoders.gain.grad, encoders.shift.grad):
        assert gradient is not None
        assert [bool(part.any()) for part in gradient] == [False, True, False]


@pytest.mark.parametrize("given", [[{}], [{}, {}], [{}, {3: 1.0}], [{3: 1.0}, {}]])
def test_an_example_without_features_has_the_state_of_the_bias(given: list[dict[int, float]]) -> None:
    encoders = make()
    states = encoders(rows(given), (0, 1, 2))
    torch.testing.assert_close(states, by_loops(encoders, given, (0, 1, 2)), rtol=0, atol=1e-9)
    empty = given.index({})
    torch.testing.assert_close(states[:, empty], by_loops(encoders, [{}], (0, 1, 2))[:, 0], rtol=0, atol=1e-9)


def test_encoders_start_alike_unless_asked() -> None:
    torch.manual_seed(0)
    states = SummaryEncoders(FEATURES, HIDDEN, ENCODERS)(rows(), (0, 1, 2))
    torch.testing.assert_close(states, states[:1].expand_as(states))
    assert states[0, 0].any()
    others = SummaryEncoders(FEATURES, HIDDEN, ENCODERS, alike=False)(rows(), (0, 1, 2))
    assert not any(torch.allclose(others[a], others[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_encoders_that_start_alike_learn_apart() -> None:
    encoders = SummaryEncoders(FEATURES, HIDDEN, ENCODERS)
    weight = encoders.weight.detach().clone()
    encoders(rows(), (2,)).square().sum().backward()
    gradient = encoders.gain.grad
    assert gradient is not None
    with torch.no_grad():
        encoders.gain.sub_(gradient)
    assert not torch.equal(encoders.gain[2], encoders.gain[0])
    assert torch.equal(encoders.weight, weight)


def test_dropout_is_for_training_only() -> None:
    encoders = make(dropout=0.5)
    dropped = encoders(rows(), (0, 1, 2)) == 0
    assert 0 < dropped.sum() < dropped.numel()
    assert torch.equal(dropped, dropped[:1].expand_as(dropped)), "the same features for every encoder"
    expected = by_loops(encoders, ROWS, (0, 1, 2))
    torch.testing.assert_close(encoders.eval()(rows(), (0, 1, 2)), expected, rtol=0, atol=1e-9)


def test_mixed_precision_is_near() -> None:
    encoders = make().float()
    states = encoders(rows(), (0, 1))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        near = encoders(rows(), (0, 1))
    near.sum().backward()
    torch.testing.assert_close(near.float(), states, rtol=0.1, atol=0.2)
