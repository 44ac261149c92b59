import torch

from tasktalk.communication.fully_shared import FullyShared
from tasktalk.testing import check_block

WORD_FEATURES, HIDDEN = 4, 3


def test_contract() -> None:
    check_block(lambda tasks: FullyShared(WORD_FEATURES, HIDDEN), WORD_FEATURES)


def test_every_task_gets_the_same_states() -> None:
    torch.manual_seed(0)
    block = FullyShared(WORD_FEATURES, HIDDEN)
    words, mask = torch.randn(1, 2, 4, WORD_FEATURES), torch.ones(1, 2, 4, dtype=torch.bool)
    states, record, penalty = block(words, mask, (0, 5))
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[:1], block(words, mask, (3,)).states)
    assert record == {}
    assert penalty is None
