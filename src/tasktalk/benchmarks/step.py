"""A training step, for benchmarks: what is timed is the same everywhere."""

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.optim import Optimizer

from tasktalk.core.batch import Batch
from tasktalk.core.task import Task
from tasktalk.models.build import Network
from tasktalk.training.loop import task_losses, total_loss


def training_step(loss: Callable[[], Tensor], optimizers: Sequence[Optimizer]) -> Callable[[], None]:
    """Forward, backward and optimisers.

    Args:
        loss: the forward pass.
        optimizers: of all that it trains.
    """

    def step() -> None:
        loss().backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()

    return step


def loss_of(network: Network, batch: Batch, tasks: Sequence[Task]) -> Tensor:
    """What ``training.loop`` minimises for a batch."""
    output = network(batch)
    return total_loss(task_losses(output, batch, tasks), output, batch, tasks)
