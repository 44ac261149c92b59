import torch

from tasktalk.communication.experts import MixtureOfExperts
from tasktalk.testing import check_transfer

FEATURES, INPUT_FEATURES, TASKS, EXPERTS = 3, 4, 3, 2


def test_contract() -> None:
    check_transfer(lambda tasks: MixtureOfExperts(FEATURES, INPUT_FEATURES, tasks, EXPERTS), INPUT_FEATURES)


def test_starts_with_the_mean_of_the_experts() -> None:
    torch.manual_seed(0)
    transfer = MixtureOfExperts(FEATURES, INPUT_FEATURES, TASKS, EXPERTS)
    assert (transfer.encoders, transfer.sources((2, 0))) == (EXPERTS, (0, 1))
    states = torch.randn(EXPERTS, 1, 5, FEATURES)
    mixed, record = transfer(states, torch.randn(1, 5, INPUT_FEATURES), (2, 0))
    torch.testing.assert_close(mixed, states[:, 0].mean(dim=0).expand(2, -1, -1))
    assert torch.equal(record["weights"], torch.full((2, 5, EXPERTS), 0.5))


def test_every_task_has_a_gate_that_reads_the_position() -> None:
    torch.manual_seed(0)
    transfer = MixtureOfExperts(FEATURES, INPUT_FEATURES, TASKS, EXPERTS)
    transfer.weight.data[0, 0, 1] = 200  # task 0 takes expert 1 where the first input is positive
    transfer.bias.data[2, 0] = 200  # task 2 always takes expert 0
    states, inputs = torch.randn(EXPERTS, 1, 2, FEATURES), torch.zeros(1, 2, INPUT_FEATURES)
    inputs[0, :, 0] = torch.tensor([1.0, -1.0])
    mixed, record = transfer(states, inputs, (2, 0))
    assert record["weights"].tolist() == [[[1, 0], [1, 0]], [[0, 1], [1, 0]]]
    torch.testing.assert_close(mixed, torch.stack((states[0, 0], torch.stack((states[1, 0, 0], states[0, 0, 1])))))
