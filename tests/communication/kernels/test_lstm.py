import pytest
import torch
from torch import Tensor

from tasktalk.communication.kernels import lstm
from tasktalk.communication.kernels.lstm import chunks_from_end, stacked_lstm

CELLS, BATCH, WORDS, HIDDEN = 3, 2, 5, 4


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def torch_lstm(inputs: Tensor, weight: Tensor) -> Tensor:
    """torch.nn.LSTM with the inputs' projection taken out."""
    module = torch.nn.LSTM(inputs.shape[-1], weight.shape[0], batch_first=True, bias=False).double()
    parameters = {"weight_ih_l0": torch.eye(inputs.shape[-1], dtype=torch.float64), "weight_hh_l0": weight.t()}
    states: Tensor = torch.func.functional_call(module, parameters, (inputs,))[0]
    return states


def with_gradients(states: Tensor, *leaves: Tensor) -> list[Tensor]:
    return [states, *torch.autograd.grad((states * draw(*states.shape)).sum(), leaves)]


@pytest.mark.parametrize(("cells", "batch", "words"), [(CELLS, BATCH, WORDS), (1, 1, WORDS), (CELLS, 1, 1), (1, 3, 2)])
def test_equals_torch(cells: int, batch: int, words: int) -> None:
    inputs = draw(cells, batch, words, 4 * HIDDEN).requires_grad_()
    weight = draw(cells, HIDDEN, 4 * HIDDEN).requires_grad_()
    expected = torch.stack([torch_lstm(x, w) for x, w in zip(inputs, weight, strict=True)])
    found = stacked_lstm(inputs, weight)
    for a, b in zip(with_gradients(found, inputs, weight), with_gradients(expected, inputs, weight), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("words", [1, 3])
def test_gradcheck(words: int) -> None:
    inputs, weight = draw(2, 2, words, 8).requires_grad_(), draw(2, 2, 8).requires_grad_()
    assert torch.autograd.gradcheck(stacked_lstm, (inputs, weight))


@pytest.mark.parametrize("elements", [1, 2 * CELLS * BATCH * HIDDEN, 10**9])
def test_chunks_of_time_make_no_difference(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = draw(CELLS, BATCH, WORDS, 4 * HIDDEN).requires_grad_()
    weight = draw(CELLS, HIDDEN, 4 * HIDDEN).requires_grad_()
    expected = with_gradients(stacked_lstm(inputs, weight), inputs, weight)
    monkeypatch.setattr(lstm, "_CHUNK_ELEMENTS", elements)
    for a, b in zip(with_gradients(stacked_lstm(inputs, weight), inputs, weight), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


def test_chunks_cover_time_from_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstm, "_CHUNK_ELEMENTS", 30)
    assert chunks_from_end(7, 10) == [slice(4, 7), slice(1, 4), slice(0, 1)]
    assert chunks_from_end(2, 10) == [slice(0, 2)]
    assert chunks_from_end(2, 31) == [slice(1, 2), slice(0, 1)]


@pytest.mark.parametrize(("cells", "batch"), [(CELLS, BATCH), (1, 1)])
def test_inputs_stay_as_they_are(cells: int, batch: int) -> None:
    inputs, weight = draw(cells, batch, WORDS, 4 * HIDDEN), draw(cells, HIDDEN, 4 * HIDDEN)
    before = inputs.clone(), weight.clone()
    stacked_lstm(inputs, weight)
    assert torch.equal(inputs, before[0])
    assert torch.equal(weight, before[1])


def test_gradients_of_gradients_are_refused() -> None:
    inputs, weight = draw(2, 2, 3, 8).requires_grad_(), draw(2, 2, 8).requires_grad_()
    (gradient,) = torch.autograd.grad(stacked_lstm(inputs, weight).square().sum(), inputs, create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was marked"):
        gradient.sum().backward()


def test_mixed_precision_keeps_the_recurrence_in_the_weights_precision() -> None:
    inputs, weight = draw(2, 2, 3, 8).bfloat16().requires_grad_(), draw(2, 2, 8).float().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = stacked_lstm(inputs, weight)
    assert states.dtype == torch.float32
    states.sum().backward()
    assert inputs.grad is not None and inputs.grad.dtype == torch.bfloat16
    torch.testing.assert_close(states, stacked_lstm(inputs.float(), weight))
