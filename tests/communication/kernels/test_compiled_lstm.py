"""Sizes that fill no panel and no group of rows, and several threads; test_recurrences has the properties."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tasktalk.communication.kernels import compiled_lstm
from tasktalk.communication.kernels.choice import Kernel, using
from tasktalk.communication.kernels.recurrences import stacked_lstm
from tests.communication.kernels.arguments import draw, lstm_states, with_gradients


@pytest.fixture(params=[1, 3], autouse=True)
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def answer_of_lstm(kernel: Kernel, cells: int, batch: int, hidden: int, dtype: torch.dtype) -> list[Tensor]:
    shapes = ((cells, batch, 5, 4 * hidden), (cells, 4 * hidden), (cells, hidden, 4 * hidden))
    leaves = [(draw(*shape).to(dtype) / hidden**0.5).requires_grad_() for shape in shapes]
    with using(kernel):
        return with_gradients(lstm_states(*leaves), *leaves)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
@pytest.mark.parametrize(("cells", "batch", "hidden"), [(1, 1, 1), (1, 9, 17), (3, 8, 16), (2, 19, 33)])
def test_lstm_of_any_size(cells: int, batch: int, hidden: int, dtype: torch.dtype, tolerance: float) -> None:
    expected = answer_of_lstm("fused", cells, batch, hidden, torch.float64)
    for a, b in zip(answer_of_lstm("compiled", cells, batch, hidden, dtype), expected, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=tolerance, atol=tolerance)


def test_what_is_not_a_number_stays_so() -> None:
    inputs = torch.zeros(1, 2, 3, 8)
    inputs[0, 0, 1, 2] = torch.nan
    with using("compiled"):
        states = lstm_states(inputs, torch.zeros(1, 8), torch.ones(1, 2, 8))
    assert states[0, 0, 1:].isnan().any() and states[0, 1].isfinite().all() and states[0, 0, 0].isfinite().all()


def test_large_activations_saturate() -> None:
    inputs = torch.tensor([-1e4, -80.0, 0.0, 80.0, 1e4]).repeat(4).view(1, 1, 1, 20).requires_grad_()
    with using("compiled"):
        states = lstm_states(inputs, torch.zeros(1, 20), torch.zeros(1, 5, 20))
    with using("reference"):
        expected = lstm_states(inputs, torch.zeros(1, 20), torch.zeros(1, 5, 20))
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-6)
    states.sum().backward()
    assert inputs.grad is not None and inputs.grad.isfinite().all()


def test_without_gradients_nothing_is_kept_and_states_are_the_same() -> None:
    leaves = [draw(2, 3, 4, 20).requires_grad_(), draw(2, 20).requires_grad_(), draw(2, 5, 20).requires_grad_()]
    with using("compiled"):
        kept = lstm_states(*leaves)
        with torch.no_grad():
            unkept = lstm_states(*leaves)
    assert torch.equal(kept, unkept) and kept.requires_grad and not unkept.requires_grad


def leaves_of(groups: int) -> tuple[Tensor, list[list[Tensor]]]:
    shapes = ((7, 20), (20,), (5, 20))
    return draw(groups, 3, 4, 7), [[draw(cell + 1, *shape)[cell] for cell in range(4)] for shape in shapes]


@pytest.mark.parametrize("groups", [1, 4])
def test_it_makes_no_difference_how_many_run_at_once(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    words, parameters = leaves_of(groups)
    leaves = [x.requires_grad_() for x in (words, *(x for each in parameters for x in each))]
    with using("compiled"):
        together = with_gradients(stacked_lstm(words, *parameters), *leaves)
        monkeypatch.setattr(compiled_lstm, "_ROOM", 1)
        apart = with_gradients(stacked_lstm(words, *parameters), *leaves)
    for a, b in zip(apart, together, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


def test_only_what_is_trained_gets_gradient() -> None:
    words, parameters = leaves_of(1)
    with using("compiled"):
        words.requires_grad_()
        stacked_lstm(words, *parameters).sum().backward()
        assert words.grad is not None
        words, parameters = leaves_of(1)
        parameters[0][2].requires_grad_()
        stacked_lstm(words, *parameters).sum().backward()
        assert parameters[0][2].grad is not None and words.grad is None


def test_no_word_and_no_sentence() -> None:
    _, parameters = leaves_of(1)
    with using("compiled"):
        for batch, words in ((0, 3), (2, 0)):
            x = torch.zeros(1, batch, words, 7, dtype=torch.float64, requires_grad=True)
            states = stacked_lstm(x, *parameters)
            states.sum().backward()
            assert states.shape == (4, batch, words, 5) and x.grad is not None
