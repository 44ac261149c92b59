"""The loops that our blocks are measured against compute the same."""

import pytest
import torch

from tasktalk.benchmarks.bench_floor import MODELS, Model, Sizes
from tasktalk.benchmarks.bench_recurrence import check_equal, make_pair

SIZES = Sizes(words=6, tasks=3, batch=2, hidden=5)


@pytest.mark.parametrize("model", MODELS)
def test_states_and_gradients_are_those_of_the_block(model: Model) -> None:
    torch.manual_seed(1)
    block, loop = make_pair(model, SIZES)
    block.double()
    loop.double()
    words = torch.randn(SIZES.batch, SIZES.words, SIZES.hidden, dtype=torch.float64)
    mask = torch.ones(SIZES.batch, SIZES.words, dtype=torch.bool)
    ours, theirs = words.clone().requires_grad_(), words.clone().requires_grad_()
    found = block(ours[None], mask[None], (0,)).states[0]
    expected = loop(theirs, mask)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    found.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-9)
    senders = [p.grad for p in loop.senders.parameters()] if model.startswith("dc") else []
    assert all((grad is None) == (model == "dc-fixed") for grad in senders)


def test_a_difference_is_noticed() -> None:
    block, loop = make_pair("ic", SIZES)
    with torch.no_grad():
        next(iter(block.parameters())).add_(1)
    words = torch.randn(SIZES.batch, SIZES.words, SIZES.hidden)
    with pytest.raises(AssertionError, match="differ"):
        check_equal(block, loop, words, torch.ones(SIZES.batch, SIZES.words, dtype=torch.bool))
