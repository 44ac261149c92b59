from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tasktalk.communication.kernels.choice import KERNELS, Kernel, using
from tasktalk.communication.kernels.recurrences import lstm_dagger, stacked_lstm
from tests.communication.kernels.arguments import (
    BATCH,
    CELLS,
    HIDDEN,
    RECEIVERS,
    WORDS,
    Arguments,
    draw,
    lstm_states,
    with_gradients,
)


@pytest.fixture(params=KERNELS, autouse=True)
def kernel(request: pytest.FixtureRequest) -> Iterator[Kernel]:
    """Every test runs with every implementation."""
    with using(request.param):
        yield request.param


def torch_lstm(inputs: Tensor, bias: Tensor, weight: Tensor) -> Tensor:
    """torch.nn.LSTM with the inputs' projection taken out."""
    module = torch.nn.LSTM(inputs.shape[-1], weight.shape[0], batch_first=True).double()
    parameters = {"weight_ih_l0": torch.eye(inputs.shape[-1], dtype=torch.float64), "weight_hh_l0": weight.t()}
    parameters |= {"bias_ih_l0": bias, "bias_hh_l0": torch.zeros_like(bias)}
    states: Tensor = torch.func.functional_call(module, parameters, (inputs,))[0]
    return states


@pytest.mark.parametrize(("cells", "batch", "words"), [(CELLS, BATCH, WORDS), (1, 1, WORDS), (CELLS, 1, 1), (1, 3, 2)])
def test_lstm_equals_torch(cells: int, batch: int, words: int) -> None:
    inputs = draw(cells, batch, words, 4 * HIDDEN).requires_grad_()
    bias, weight = draw(cells, 4 * HIDDEN).requires_grad_(), draw(cells, HIDDEN, 4 * HIDDEN).requires_grad_()
    leaves = (inputs, bias, weight)
    expected = torch.stack([torch_lstm(*given) for given in zip(*leaves, strict=True)])
    found = lstm_states(*leaves)
    for a, b in zip(with_gradients(found, *leaves), with_gradients(expected, *leaves), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("groups", [1, CELLS])
@pytest.mark.parametrize("words", [1, WORDS])
def test_words_are_read_by_one_lstm_or_by_all(groups: int, words: int) -> None:
    x = draw(groups, BATCH, words, 5).requires_grad_()
    parameters = [
        [draw(*shape, CELLS)[..., cell].clone().requires_grad_() for cell in range(CELLS)]
        for shape in ((5, 4 * HIDDEN), (4 * HIDDEN,), (HIDDEN, 4 * HIDDEN))
    ]
    leaves = [x, *(parameter for each in parameters for parameter in each)]
    expected = torch.stack(
        [
            torch_lstm(x[cell if groups > 1 else 0] @ w, b, u)
            for cell, (w, b, u) in enumerate(zip(*parameters, strict=True))
        ]
    )
    found = stacked_lstm(x, *parameters)
    for a, b in zip(with_gradients(found, *leaves), with_gradients(expected, *leaves), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("words", [1, 3])
def test_gradcheck_of_lstm(words: int) -> None:
    leaves = [draw(2, 2, words, 8), draw(2, 8), draw(2, 2, 8)]
    assert torch.autograd.gradcheck(lstm_states, [x.requires_grad_() for x in leaves])


@pytest.mark.parametrize(("cells", "batch"), [(CELLS, BATCH), (1, 1)])
def test_inputs_of_lstm_stay_as_they_are(cells: int, batch: int) -> None:
    inputs, weight = draw(cells, batch, WORDS, 4 * HIDDEN), draw(cells, HIDDEN, 4 * HIDDEN)
    before = inputs.clone(), weight.clone()
    lstm_states(inputs, draw(cells, 4 * HIDDEN), weight)
    assert torch.equal(inputs, before[0])
    assert torch.equal(weight, before[1])


@pytest.mark.parametrize("kernel", ["fused", "compiled"], indirect=True)
def test_gradients_of_gradients_of_lstm_are_refused() -> None:
    inputs, weight = draw(2, 2, 3, 8).requires_grad_(), draw(2, 2, 8).requires_grad_()
    (gradient,) = torch.autograd.grad(lstm_states(inputs, draw(2, 8), weight).square().sum(), inputs, create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was marked"):
        gradient.sum().backward()


def test_mixed_precision_keeps_the_lstm_in_the_weights_precision() -> None:
    inputs, weight = draw(2, 2, 3, 8).bfloat16().requires_grad_(), draw(2, 2, 8).float().requires_grad_()
    bias = draw(2, 8).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = lstm_states(inputs, bias, weight)
    assert states.dtype == torch.float32
    states.sum().backward()
    assert inputs.grad is not None and inputs.grad.dtype == torch.bfloat16
    torch.testing.assert_close(states, lstm_states(inputs.float(), bias, weight))


@pytest.mark.parametrize("own_mask", [False, True])
@pytest.mark.parametrize("own_sources", [False, True])
@pytest.mark.parametrize("words", [1, WORDS])
def test_gradcheck(own_sources: bool, own_mask: bool, words: int) -> None:
    arguments = Arguments(own_sources, own_mask, words)
    names = list(arguments.floats)

    def states(*floats: Tensor) -> Tensor:
        return lstm_dagger(**dict(zip(names, floats, strict=True)), mask=arguments.mask).states

    assert torch.autograd.gradcheck(states, tuple(arguments.floats.values()))


def test_sources_of_every_word_may_be_the_same() -> None:
    same, own = Arguments(own_sources=False, own_mask=False), Arguments(own_sources=True, own_mask=True)
    own.floats = dict(same.floats)
    own.mask = same.mask.expand(-1, -1, WORDS, -1)
    for name in ("keys", "messages"):
        own.floats[name] = same.floats[name].detach().expand(-1, -1, WORDS, -1, -1).requires_grad_()
    expected, found = same.answer(), own.answer()
    names = ["states", "weights", "gate", *same.floats]
    for name, a, b in zip(names, found, expected, strict=True):
        total = a.sum(dim=2, keepdim=True) if name in ("keys", "messages") else a
        torch.testing.assert_close(total, b, rtol=0, atol=1e-12)


def test_weights_are_a_distribution_over_what_may_be_read() -> None:
    arguments = Arguments(own_sources=False, own_mask=False)
    _, weights, gate = arguments.run()
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(RECEIVERS, BATCH, WORDS, dtype=torch.float64))
    assert (weights[~arguments.mask.expand_as(weights)] == 0).all()
    assert ((gate > 0) & (gate < 1)).all()
    assert not weights.requires_grad and not gate.requires_grad


def test_masked_sources_make_no_difference() -> None:
    arguments = Arguments(own_sources=False, own_mask=False)
    expected = arguments.run().states
    with torch.no_grad():
        for name in ("keys", "messages"):
            arguments.floats[name][~arguments.mask] += 7
    assert torch.equal(arguments.run().states, expected)


def test_messages_without_value_leave_a_plain_lstm() -> None:
    arguments = Arguments(own_sources=True, own_mask=True)
    arguments.floats["messages"] = torch.zeros_like(arguments.floats["messages"]).requires_grad_()
    plain = lstm_states(*(arguments.floats[name] for name in ("inputs", "bias", "weight")))
    torch.testing.assert_close(arguments.run().states, plain, rtol=0, atol=1e-14)


def test_saturated_attention_is_finite_in_float32_and_agrees_with_float64() -> None:
    arguments = Arguments(own_sources=False, own_mask=False)
    exact = Arguments(own_sources=False, own_mask=False)
    for name, factor in (("queries", 15.0), ("keys", 1000.0)):
        exact.floats[name] = (arguments.floats[name].detach() * factor).requires_grad_()
    arguments.floats = {name: x.detach().float().requires_grad_() for name, x in exact.floats.items()}
    for a, b in zip(arguments.answer(), exact.answer(), strict=True):
        assert a.isfinite().all()
        torch.testing.assert_close(a.double(), b.double(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("words", [1, WORDS])
def test_arguments_stay_as_they_are(words: int) -> None:
    arguments = Arguments(own_sources=True, own_mask=True, words=words)
    before = {name: x.clone() for name, x in arguments.floats.items()}
    arguments.answer()
    assert all(torch.equal(x, before[name]) for name, x in arguments.floats.items())


@pytest.mark.parametrize("kernel", ["fused", "compiled"], indirect=True)
def test_gradients_of_gradients_are_refused() -> None:
    arguments = Arguments(own_sources=False, own_mask=False)
    loss = arguments.run().states.square().sum()
    (gradient,) = torch.autograd.grad(loss, arguments.floats["inputs"], create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was marked"):
        gradient.sum().backward()


def test_mixed_precision_keeps_the_recurrence_in_the_weights_precision() -> None:
    arguments = Arguments(own_sources=False, own_mask=False)
    half = ("inputs", "queries", "keys", "messages")
    arguments.floats = {
        name: (x.detach().bfloat16() if name in half else x.detach().float()).requires_grad_()
        for name, x in arguments.floats.items()
    }
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states, weights, gate = arguments.run()
    assert states.dtype == weights.dtype == gate.dtype == torch.float32
    states.sum().backward()
    gradients = {name: x.grad for name, x in arguments.floats.items()}
    assert all(g is not None and g.dtype == arguments.floats[name].dtype for name, g in gradients.items())
