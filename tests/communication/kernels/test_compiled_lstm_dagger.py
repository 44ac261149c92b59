"""Sizes that fill no panel and no group of rows, and several threads; test_recurrences has the properties."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tasktalk.communication.kernels.choice import Kernel, using
from tasktalk.communication.kernels.recurrences import lstm_dagger
from tests.communication.kernels.arguments import draw, lstm_states, with_gradients


@pytest.fixture(params=[1, 3], autouse=True)
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def answer_of_dagger(kernel: Kernel, batch: int, width: int, own_sources: bool, dtype: torch.dtype) -> list[Tensor]:
    receivers, words, sources, attention = 3, 4, 5, width + 2
    steps = words if own_sources else 1
    shapes = {
        "inputs": (receivers, batch, words, 4 * width),
        "bias": (receivers, 4 * width),
        "queries": (1, batch, words, attention),
        "keys": (1, batch, steps, sources, attention),
        "messages": (1, batch, steps, sources, width),
        "weight": (receivers, width, 4 * width),
        "weight_query": (width, attention),
        "weight_message": (width, 2 * width),
        "weight_cell": (width, width),
        "score": (attention,),
    }
    leaves = {name: (draw(*shape).to(dtype) / width**0.5).requires_grad_() for name, shape in shapes.items()}
    mask = draw(receivers, batch, 1, sources) < 0.7
    mask[..., 0] = True
    given = {name: x.expand(receivers, *x.shape[1:]) if len(x.shape) > 3 else x for name, x in leaves.items()}
    with using(kernel):
        states, weights, gate = lstm_dagger(**given, mask=mask)
        return [weights, gate, *with_gradients(states, *leaves.values())]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
@pytest.mark.parametrize("own_sources", [False, True])
@pytest.mark.parametrize(("batch", "width"), [(1, 1), (9, 17), (8, 16), (19, 33)])
def test_dagger_of_any_size(batch: int, width: int, own_sources: bool, dtype: torch.dtype, tolerance: float) -> None:
    """Queries, keys and messages are the same for all receivers, and not copied."""
    expected = answer_of_dagger("fused", batch, width, own_sources, torch.float64)
    for a, b in zip(answer_of_dagger("compiled", batch, width, own_sources, dtype), expected, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sentence_that_may_read_nothing_is_a_plain_lstm(dtype: torch.dtype) -> None:
    shapes = ((1, 2, 3, 8), (1, 8), (1, 2, 3, 4), (1, 2, 1, 5, 4), (1, 2, 1, 5, 2))
    leaves = [draw(*shape).to(dtype).requires_grad_() for shape in shapes]
    weights = [draw(*shape).to(dtype) for shape in ((1, 2, 8), (2, 4), (2, 4), (2, 2), (4,))]
    mask = torch.tensor([True, False]).view(1, 2, 1, 1).expand(1, 2, 1, 5)
    with using("compiled"):
        states, taken, _ = lstm_dagger(*[*leaves, mask, *weights])
        plain = lstm_states(leaves[0].detach(), leaves[1].detach(), weights[0])
    gradients = torch.autograd.grad(states[:, 1].sum(), leaves)
    assert (taken[0, 1] == 0).all() and all(x.isfinite().all() for x in gradients)
    torch.testing.assert_close(states[:, 1], plain[:, 1])
