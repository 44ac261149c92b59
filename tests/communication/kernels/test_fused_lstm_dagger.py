import pytest
import torch

from tasktalk.communication.kernels import fused_lstm
from tasktalk.communication.kernels.choice import using
from tests.communication.kernels.arguments import BATCH, HIDDEN, RECEIVERS, Arguments


@pytest.mark.parametrize("elements", [1, 2 * RECEIVERS * BATCH * HIDDEN])
@pytest.mark.parametrize("own_sources", [False, True])
def test_chunks_of_time_make_no_difference(own_sources: bool, elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = Arguments(own_sources, own_mask=own_sources)
    with using("fused"):
        expected = arguments.answer()
    monkeypatch.setattr(fused_lstm, "_CHUNK_ELEMENTS", elements)
    with using("fused"):
        found = arguments.answer()
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)
