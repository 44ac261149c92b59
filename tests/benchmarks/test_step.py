"""A training step."""

import pytest
import torch

from tasktalk.benchmarks.speed_step import StepSizes, make_batch, make_network, make_tasks
from tasktalk.benchmarks.step import loss_of, training_step
from tasktalk.training.config import TrainingConfig
from tasktalk.training.loop import task_losses
from tasktalk.training.optimizers import make_optimizers


def test_a_step_is_that_of_all_its_optimizers_from_fresh_gradients() -> None:
    a, b = (torch.full((2,), 3.0, requires_grad=True) for _ in range(2))
    step = training_step(lambda: torch.sum(a + 2 * b), [torch.optim.SGD([a], lr=0.5), torch.optim.SGD([b], lr=0.25)])
    for taken in (1, 2):
        step()
        assert a.tolist() == [3 - 0.5 * taken] * 2 and b.tolist() == [3 - 0.5 * taken] * 2
    assert a.grad is None and b.grad is None


def test_the_loss_is_the_sum_over_tasks_and_falls() -> None:
    sizes = StepSizes(tasks=2, molecules=4, atoms=4, hidden=3, layers=1)
    batch, tasks = make_batch(sizes, False), make_tasks(sizes)
    network = make_network("single", batch, tasks, sizes)
    before = loss_of(network, batch, tasks)
    assert before.item() == pytest.approx(task_losses(network(batch), batch, tasks).sum().item())
    step = training_step(lambda: loss_of(network, batch, tasks), make_optimizers(network, TrainingConfig()))
    for _ in range(3):
        step()
    assert loss_of(network, batch, tasks) < before
