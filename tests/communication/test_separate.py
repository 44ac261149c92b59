import torch

from tasktalk.communication.separate import Separate, Shared
from tasktalk.testing import check_transfer

FEATURES, TASKS = 3, 3


def test_contract() -> None:
    check_transfer(lambda tasks: Separate(FEATURES, tasks), input_features=4)
    check_transfer(lambda tasks: Shared(FEATURES), input_features=4)


def test_separate_tasks_keep_their_states() -> None:
    torch.manual_seed(0)
    transfer = Separate(FEATURES, TASKS)
    assert (transfer.encoders, transfer.sources((2, 0))) == (TASKS, (2, 0))
    states = torch.randn(2, 2, 5, FEATURES)
    mixed, record = transfer(states, torch.randn(2, 5, 1), (2, 0))
    assert torch.equal(mixed, torch.stack((states[0, 0], states[1, 1])))
    assert torch.equal(transfer(states[:, :1], torch.randn(1, 5, 1), (2, 0)).states, states[:, 0])
    assert record == {}


def test_every_task_gets_the_shared_states() -> None:
    torch.manual_seed(0)
    transfer = Shared(FEATURES)
    assert (transfer.encoders, transfer.sources((2, 0))) == (1, (0,))
    states = torch.randn(1, 2, 5, FEATURES)
    mixed, record = transfer(states, torch.randn(2, 5, 1), (2, 0))
    assert torch.equal(mixed, states[0])
    mixed, _ = transfer(states[:, :1], torch.randn(1, 5, 1), (2, 0))
    assert torch.equal(mixed, states[0, :1].expand(2, -1, -1))
    assert record == {}
