import pytest
import torch

from tasktalk.communication.indirect import IndirectCommunication
from tasktalk.testing import check_block

WORD_FEATURES, HIDDEN, TASKS = 4, 3, 3


@pytest.mark.parametrize("causal", [False, True])
def test_contract(causal: bool) -> None:
    check_block(lambda tasks: IndirectCommunication(WORD_FEATURES, HIDDEN, tasks, causal), WORD_FEATURES)


@pytest.mark.parametrize("causal", [False, True])
def test_who_reads_which_words(causal: bool) -> None:
    torch.manual_seed(0)
    block = IndirectCommunication(WORD_FEATURES, HIDDEN, TASKS, causal)
    mask = torch.tensor([[[True, True, True, True], [True, True, False, False]]])
    beta = block(torch.randn(1, 2, 4, WORD_FEATURES), mask, (0, 2)).record["beta"]
    assert beta.shape == (2, 2, 4, 4)
    expected = mask[0, :, :, None] & mask[0, :, None, :]
    if causal:
        expected = expected & torch.ones(4, 4, dtype=torch.bool).tril()
    assert torch.equal(beta > 0, expected.expand(2, -1, -1, -1))


@pytest.mark.parametrize("causal", [False, True])
def test_a_later_word_changes_earlier_states_unless_causal(causal: bool) -> None:
    torch.manual_seed(0)
    block = IndirectCommunication(WORD_FEATURES, HIDDEN, TASKS, causal)
    words, mask = torch.randn(1, 1, 4, WORD_FEATURES), torch.ones(1, 1, 4, dtype=torch.bool)
    before = block(words, mask, (1,)).states
    words[:, :, 3] += 1
    after = block(words, mask, (1,)).states
    assert torch.equal(before[:, :, :3], after[:, :, :3]) == causal
    assert not torch.equal(before[:, :, 3], after[:, :, 3])


def test_one_task_may_have_a_mailbox_of_its_own() -> None:
    block = IndirectCommunication(WORD_FEATURES, HIDDEN, 1)
    states = block(torch.randn(1, 2, 4, WORD_FEATURES), torch.ones(1, 2, 4, dtype=torch.bool), (0,)).states
    assert states.shape == (1, 2, 4, HIDDEN)
