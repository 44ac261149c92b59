import pytest
import torch

from tasktalk.communication.convolution import TaskConvolution
from tasktalk.core.errors import ConfigError
from tasktalk.testing import check_block

WORD_FEATURES, HIDDEN, TASKS = 4, 3, 3


@pytest.mark.parametrize("window", [1, 3, 5])
def test_contract(window: int) -> None:
    check_block(lambda tasks: TaskConvolution(WORD_FEATURES, HIDDEN, tasks, window), WORD_FEATURES)


@pytest.mark.parametrize("window", [1, 3, 5])
def test_a_state_sees_its_window_and_no_more(window: int) -> None:
    torch.manual_seed(0)
    block = TaskConvolution(WORD_FEATURES, 50, TASKS, window)
    words, mask = torch.randn(1, 1, 9, WORD_FEATURES, requires_grad=True), torch.ones(1, 1, 9, dtype=torch.bool)
    block(words, mask, (1,)).states[0, 0, 4].sum().backward()
    assert words.grad is not None
    seen = words.grad[0, 0].abs().sum(dim=-1).nonzero().flatten().tolist()
    assert seen == list(range(4 - window // 2, 5 + window // 2))


def test_states_are_rectified_and_nothing_is_said() -> None:
    torch.manual_seed(0)
    block = TaskConvolution(WORD_FEATURES, HIDDEN, TASKS)
    states, record, penalty = block(torch.randn(1, 4, 6, WORD_FEATURES), torch.ones(1, 4, 6, dtype=torch.bool), (0, 2))
    assert states.min() == 0
    assert states.max() > 0
    assert record == {}
    assert penalty is None


def test_even_windows_are_refused() -> None:
    with pytest.raises(ConfigError, match="odd window, so that it has a middle word, found 4"):
        TaskConvolution(WORD_FEATURES, HIDDEN, TASKS, window=4)
