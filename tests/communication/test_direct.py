import pytest
import torch

from tasktalk.communication.direct import DirectCommunication
from tasktalk.core.errors import ConfigError
from tasktalk.testing import check_block

WORD_FEATURES, HIDDEN, TASKS = 4, 3, 4


@pytest.mark.parametrize("train_senders", [True, False])
def test_contract(train_senders: bool) -> None:
    check_block(
        lambda tasks: DirectCommunication(WORD_FEATURES, HIDDEN, tasks, train_senders),
        WORD_FEATURES,
        trains_senders=train_senders,
    )


@pytest.mark.parametrize("receivers", [(2,), (3, 1)])
def test_no_task_listens_to_itself(receivers: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    block = DirectCommunication(WORD_FEATURES, HIDDEN, TASKS)
    mask = torch.tensor([[[True, True, True], [True, False, False]]])
    alpha = block(torch.randn(1, 2, 3, WORD_FEATURES), mask, receivers).record["alpha"]
    assert alpha.shape == (len(receivers), 2, 3, TASKS)
    for k, weights in zip(receivers, alpha, strict=True):
        others = [i for i in range(TASKS) if i != k]
        assert (weights[..., k] == 0).all()
        assert (weights[mask[0]][:, others] > 0).all()
        assert (weights[~mask[0]] == 0).all()


@pytest.mark.parametrize("tasks", [0, 1])
def test_one_task_has_nobody_to_talk_to(tasks: int) -> None:
    with pytest.raises(ConfigError, match=f"DC-MTL needs at least 2 tasks that can talk to each other, found {tasks}"):
        DirectCommunication(WORD_FEATURES, HIDDEN, tasks)


def test_two_tasks_listen_to_each_other() -> None:
    torch.manual_seed(0)
    block = DirectCommunication(WORD_FEATURES, HIDDEN, 2)
    words, mask = torch.randn(1, 1, 3, WORD_FEATURES), torch.ones(1, 1, 3, dtype=torch.bool)
    assert block(words, mask, (0,)).record["alpha"].flatten(0, 2).tolist() == [[0, 1]] * 3


def test_nothing_is_learned_where_gradients_are_off() -> None:
    block = DirectCommunication(WORD_FEATURES, HIDDEN, TASKS)
    with torch.no_grad():
        states = block(torch.randn(1, 1, 3, WORD_FEATURES), torch.ones(1, 1, 3, dtype=torch.bool), (0,)).states
    assert not states.requires_grad


@pytest.mark.parametrize("train_senders", [True, False])
def test_words_get_gradient_through_the_messages_only_if_senders_learn(train_senders: bool) -> None:
    torch.manual_seed(0)
    block = DirectCommunication(WORD_FEATURES, HIDDEN, TASKS, train_senders)
    words, mask = torch.randn(1, 1, 3, WORD_FEATURES, requires_grad=True), torch.ones(1, 1, 3, dtype=torch.bool)
    with torch.no_grad():  # the receiver and its attention are deaf to the words
        block.get_parameter("lstms.cells.0.weight_x").zero_()
        block.reader.attend_word.zero_()
    block(words, mask, (0,)).states.sum().backward()
    assert words.grad is not None
    assert bool((words.grad != 0).any()) == train_senders
