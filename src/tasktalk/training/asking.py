"""How a network is asked: nothing is learned while it answers, and shared inputs are read once."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from tasktalk.core.batch import Record
from tasktalk.data.batches import Batchable, Plan
from tasktalk.models.build import Network

_Answer = TypeVar("_Answer")


@torch.no_grad()
def ask(
    network: Network,
    examples: Batchable,
    tasks: Sequence[int],
    read: Callable[[tuple[int, ...]], Sequence[_Answer]],
) -> list[_Answer]:
    """Answers of some tasks; training goes on as before.

    Args:
        network: the network.
        examples: what it is asked about.
        tasks: who is asked, by index.
        read: gives the answers of tasks that read the same inputs: of all where inputs are shared, else one at a time.
    """
    was_training = network.training
    network.eval()
    together = [tuple(tasks)] if examples.owner is None and tasks else [(k,) for k in tasks]
    found = [answer for receivers in together for answer in read(receivers)]
    network.train(was_training)
    return found


@torch.no_grad()
def record_of(network: Network, examples: Batchable, plan: Plan, device: torch.device) -> Record:
    """Who listened to whom in one batch, on the CPU; arguments as for ``ask``, and where the network is."""
    network.eval()
    output = network(examples.collate(plan).to(device))
    return {name: weights.cpu() for name, weights in output.record.items()}
