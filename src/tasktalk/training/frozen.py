"""What stays as it is while a new task learns."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tasktalk.models.newcomers import corner


class Frozen:
    """The parameters of a network that a smaller one has as well, for the first of the tasks.

    Most are there whole, or not at all. Of those that have a part for every task only these parts of the first tasks
    are frozen: they get no gradient, and what an optimiser does without one, such as weight decay, is undone.

    Args:
        network: the network that is trained.
        before: state of the smaller network; only names and shapes count.
        until: the epoch, counted from 0, from which on everything is trained; None for never.
    """

    def __init__(self, network: nn.Module, before: Mapping[str, Tensor], until: int | None = None) -> None:
        shared = [(p, before[name]) for name, p in network.named_parameters() if p.requires_grad and name in before]
        self.until = until
        self._whole = [p for p, old in shared if p.shape == old.shape]
        self._parts = [(p, corner(old)) for p, old in shared if p.shape != old.shape]
        self._held: list[tuple[Tensor, tuple[slice, ...], Tensor]] = []

    def begin(self, epoch: int) -> None:
        """Freeze or unfreeze, for the epoch that begins or goes on."""
        frozen = self.until is None or epoch < self.until
        for parameter in self._whole:  # the optimisers have them, and leave alone what has no gradient
            parameter.requires_grad_(not frozen)
        self._held = [(p, part, p.detach()[part].clone()) for p, part in self._parts] if frozen else []

    def before_step(self) -> None:
        """Take away the gradients of frozen parts."""
        for parameter, part, _ in self._held:
            if parameter.grad is not None:
                parameter.grad[part] = 0

    @torch.no_grad()
    def after_step(self) -> None:
        """Put frozen parts back."""
        for parameter, part, values in self._held:
            parameter[part] = values
