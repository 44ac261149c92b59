import torch

from tasktalk.communication.private import PrivateLSTM
from tasktalk.testing import check_block

WORD_FEATURES, HIDDEN, TASKS = 4, 3, 3


def test_contract() -> None:
    check_block(lambda tasks: PrivateLSTM(WORD_FEATURES, HIDDEN, tasks), WORD_FEATURES)


def test_nothing_is_shared_and_nothing_said() -> None:
    torch.manual_seed(0)
    block = PrivateLSTM(WORD_FEATURES, HIDDEN, TASKS)
    words, mask = torch.randn(1, 2, 4, WORD_FEATURES), torch.ones(1, 2, 4, dtype=torch.bool)
    before = block(words, mask, (1,))
    with torch.no_grad():
        for k in (0, 2):
            for parameter in block.lstms.cells[k].parameters():
                parameter.add_(1)
    assert torch.equal(block(words, mask, (1,)).states, before.states)
    assert before.record == {}
    assert before.penalty is None
