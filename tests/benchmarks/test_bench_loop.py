"""The loops that our blocks are measured against compute the same."""

import pytest
import torch

from tasktalk.benchmarks.bench_floor import MODELS, Model, Sizes
from tasktalk.benchmarks.bench_loop import LoopLSTM, MakeLSTM, TorchLSTM
from tasktalk.benchmarks.bench_recurrence import check_equal, make_block, make_loop

SIZES = Sizes(words=6, tasks=3, batch=2, hidden=5)


@pytest.mark.parametrize("make_lstm", [LoopLSTM, TorchLSTM])
@pytest.mark.parametrize("model", MODELS)
def test_states_and_gradients_are_those_of_the_block(model: Model, make_lstm: MakeLSTM) -> None:
    torch.manual_seed(1)
    block = make_block(model, SIZES)
    loop = make_loop(block, make_lstm)
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
    block = make_block("ic", SIZES)
    loop = make_loop(block)
    with torch.no_grad():
        next(iter(block.parameters())).add_(1)
    words = torch.randn(SIZES.batch, SIZES.words, SIZES.hidden)
    with pytest.raises(AssertionError, match="differ"):
        check_equal(block, loop, words, torch.ones(SIZES.batch, SIZES.words, dtype=torch.bool))
