import pytest
import torch

from tasktalk.communication.cross_stitch import CrossStitch
from tasktalk.core.errors import ConfigError
from tasktalk.testing import check_transfer

FEATURES, TASKS = 3, 3


def test_contract() -> None:
    check_transfer(lambda tasks: CrossStitch(FEATURES, tasks), input_features=4, trains_senders=True)


def test_starts_near_the_identity() -> None:
    assert torch.equal(CrossStitch(FEATURES, 2).alpha, torch.tensor([[0.9, 0.1], [0.1, 0.9]]))
    alpha = CrossStitch(FEATURES, 39).alpha
    torch.testing.assert_close(alpha.sum(dim=1), torch.ones(39))
    torch.testing.assert_close(alpha.diagonal(), torch.full((39,), 0.9))
    assert torch.equal(CrossStitch(FEATURES, 1).alpha, torch.ones(1, 1))


def test_nothing_off_the_diagonal_is_no_transfer() -> None:
    torch.manual_seed(0)
    transfer = CrossStitch(FEATURES, TASKS, off_diagonal=0.0)
    states = torch.randn(TASKS, 1, 5, FEATURES)
    mixed, record = transfer(states, torch.randn(1, 5, 1), (2, 0))
    assert torch.equal(mixed, states[[2, 0], 0])
    assert torch.equal(record["stitch"], torch.eye(TASKS)[[2, 0]])


def test_a_row_listens_and_a_column_is_heard() -> None:
    transfer = CrossStitch(1, 2)
    transfer.alpha.data = torch.tensor([[1.0, 10.0], [0.0, 1.0]])
    mixed, _ = transfer(torch.tensor([2.0, 3.0]).view(2, 1, 1, 1), torch.ones(1, 1, 1), (0, 1))
    assert mixed.flatten().tolist() == [32.0, 3.0]


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_impossible_start(value: float) -> None:
    with pytest.raises(ConfigError, match="off_diagonal of a cross-stitch must be between 0 and 1, found"):
        CrossStitch(FEATURES, TASKS, value)
