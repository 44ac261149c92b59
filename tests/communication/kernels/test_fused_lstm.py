from collections.abc import Iterator

import pytest
import torch

from tasktalk.communication.kernels import fused_lstm
from tasktalk.communication.kernels.choice import using
from tasktalk.communication.kernels.fused_lstm import chunks_from_end
from tests.communication.kernels.arguments import BATCH, CELLS, HIDDEN, WORDS, draw, lstm_states, with_gradients


@pytest.fixture(autouse=True)
def fused() -> Iterator[None]:
    with using("fused"):
        yield


@pytest.mark.parametrize("elements", [1, 2 * CELLS * BATCH * HIDDEN, 10**9])
def test_chunks_of_time_make_no_difference(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = draw(CELLS, BATCH, WORDS, 4 * HIDDEN).requires_grad_()
    bias, weight = draw(CELLS, 4 * HIDDEN), draw(CELLS, HIDDEN, 4 * HIDDEN).requires_grad_()
    expected = with_gradients(lstm_states(inputs, bias, weight), inputs, weight)
    monkeypatch.setattr(fused_lstm, "_CHUNK_ELEMENTS", elements)
    for a, b in zip(with_gradients(lstm_states(inputs, bias, weight), inputs, weight), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)


def test_chunks_cover_time_from_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_lstm, "_CHUNK_ELEMENTS", 30)
    assert chunks_from_end(7, 10) == [slice(4, 7), slice(1, 4), slice(0, 1)]
    assert chunks_from_end(2, 10) == [slice(0, 2)]
    assert chunks_from_end(2, 31) == [slice(1, 2), slice(0, 1)]
