"""What a step of DC-MTL and IC-MTL has to compute."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tasktalk.benchmarks.bench_floor import Model, Sizes, operations
from tasktalk.benchmarks.bench_recurrence import make_block
from tasktalk.communication.kernels.choice import using

SIZES = Sizes(words=5, tasks=4, batch=3, hidden=8)


@pytest.mark.parametrize("model", ["ic", "dc"])  # the counter cannot deal with parts that have no gradient
def test_no_more_than_our_blocks_compute(model: Model) -> None:
    torch.manual_seed(0)
    block = make_block(model, SIZES)
    words = torch.randn(1, SIZES.batch, SIZES.words, SIZES.hidden, requires_grad=True)
    mask = torch.ones(1, SIZES.batch, SIZES.words, dtype=torch.bool)
    with using("fused"), FlopCounterMode(display=False) as counted:  # products in C are not counted
        block(words, mask, (0,)).states.sum().backward()
    assert 0.8 * counted.get_total_flops() < operations(model, SIZES) < 1.1 * counted.get_total_flops()


def test_senders_that_learn_nothing_cost_less() -> None:
    assert operations("dc-fixed", SIZES) < operations("dc", SIZES)
    assert operations("dc", Sizes(tasks=32)) > 1.9 * operations("dc", Sizes(tasks=16))
    assert operations("ic", Sizes(tasks=32)) == operations("ic", Sizes(tasks=16))
