import pytest
import torch
from torch import Tensor

from tasktalk.communication.kernels import lstm
from tasktalk.communication.kernels.lstm import stacked_lstm
from tasktalk.communication.kernels.lstm_dagger import Dagger, lstm_dagger

RECEIVERS, BATCH, WORDS, SOURCES, HIDDEN, ATTENTION = 2, 2, 3, 4, 2, 3


class Arguments:
    """Random arguments of ``lstm_dagger``; ``floats`` are those that have a gradient."""

    def __init__(self, own_sources: bool, own_mask: bool, words: int = WORDS) -> None:
        torch.manual_seed(0)
        rows = (RECEIVERS, BATCH)
        steps, mask_steps = words if own_sources else 1, words if own_mask else 1
        shapes = {
            "inputs": (*rows, words, 4 * HIDDEN),
            "queries": (*rows, words, ATTENTION),
            "keys": (*rows, steps, SOURCES, ATTENTION),
            "values": (*rows, steps, SOURCES, 2 * HIDDEN),
            "weight": (RECEIVERS, HIDDEN, 4 * HIDDEN),
            "weight_query": (HIDDEN, ATTENTION),
            "weight_cell": (HIDDEN, HIDDEN),
            "score": (ATTENTION,),
        }
        self.floats = {name: torch.randn(shape, dtype=torch.float64) for name, shape in shapes.items()}
        self.mask = torch.rand(*rows, mask_steps, SOURCES) < 0.6
        self.mask[..., 0] = True
        for x in self.floats.values():
            x.requires_grad_()

    def run(self) -> Dagger:
        return lstm_dagger(**self.floats, mask=self.mask)

    def answer(self) -> list[Tensor]:
        """States, weights, gate and all gradients."""
        dagger = self.run()
        arriving = torch.randn(dagger.states.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        return [*dagger, *torch.autograd.grad((dagger.states * arriving).sum(), list(self.floats.values()))]


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
    for name in ("keys", "values"):
        own.floats[name] = same.floats[name].detach().expand(-1, -1, WORDS, -1, -1).requires_grad_()
    expected, found = same.answer(), own.answer()
    names = ["states", "weights", "gate", *same.floats]
    for name, a, b in zip(names, found, expected, strict=True):
        total = a.sum(dim=2, keepdim=True) if name in ("keys", "values") else a
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
        for name in ("keys", "values"):
            arguments.floats[name][~arguments.mask] += 7
    assert torch.equal(arguments.run().states, expected)


def test_messages_without_value_leave_a_plain_lstm() -> None:
    arguments = Arguments(own_sources=True, own_mask=True)
    arguments.floats["values"] = torch.zeros_like(arguments.floats["values"]).requires_grad_()
    plain = stacked_lstm(arguments.floats["inputs"], arguments.floats["weight"])
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


@pytest.mark.parametrize("elements", [1, 2 * RECEIVERS * BATCH * HIDDEN])
@pytest.mark.parametrize("own_sources", [False, True])
def test_chunks_of_time_make_no_difference(own_sources: bool, elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = Arguments(own_sources, own_mask=own_sources)
    expected = arguments.answer()
    monkeypatch.setattr(lstm, "_CHUNK_ELEMENTS", elements)
    for a, b in zip(arguments.answer(), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


@pytest.mark.parametrize("words", [1, WORDS])
def test_arguments_stay_as_they_are(words: int) -> None:
    arguments = Arguments(own_sources=True, own_mask=True, words=words)
    before = {name: x.clone() for name, x in arguments.floats.items()}
    arguments.answer()
    assert all(torch.equal(x, before[name]) for name, x in arguments.floats.items())


def test_gradients_of_gradients_are_refused() -> None:
    arguments = Arguments(own_sources=False, own_mask=False)
    loss = arguments.run().states.square().sum()
    (gradient,) = torch.autograd.grad(loss, arguments.floats["inputs"], create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was marked"):
        gradient.sum().backward()


def test_mixed_precision_keeps_the_recurrence_in_the_weights_precision() -> None:
    arguments = Arguments(own_sources=False, own_mask=False)
    half = ("inputs", "queries", "keys", "values")
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
