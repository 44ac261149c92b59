import torch
from torch import nn

from tasktalk.communication.block import Block, for_receivers
from tasktalk.communication.fully_shared import FullyShared


def test_shared_inputs_are_repeated_without_a_copy() -> None:
    x = torch.arange(6.0).view(1, 2, 3)
    repeated = for_receivers(x, (4, 0, 2))
    assert repeated.shape == (3, 2, 3)
    assert repeated.data_ptr() == x.data_ptr()
    assert torch.equal(repeated[2], x[0])


def test_own_inputs_stay_as_they_are() -> None:
    x = torch.arange(6.0).view(2, 1, 3)
    assert torch.equal(for_receivers(x, (1, 0)), x)


def test_what_has_the_shape_of_a_block_is_one() -> None:
    assert isinstance(FullyShared(3, 2), Block)
    assert not isinstance(nn.Linear(3, 2), Block)
