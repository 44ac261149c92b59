"""Cutting what a task hears from a source, in a network that is trained: what was that worth?

An edge is (receiver, source). Blocks and transfers that can be cut keep ``Cuts``; with nothing cut they compute
what they would compute without them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from tasktalk.communication.block import for_receivers
from tasktalk.core.errors import ConfigError


class Cuts:
    """The edges of one block or transfer that are cut, none at the start.

    They are no tensors: weight files do not know them, and no step waits for a device to tell that there are none.

    Args:
        receivers: how many tasks receive.
        sources: how many sources each of them hears.
    """

    def __init__(self, receivers: int, sources: int) -> None:
        self.shape = (receivers, sources)
        self.edges: frozenset[tuple[int, int]] = frozenset()

    def of(self, receivers: tuple[int, ...], device: torch.device) -> Bool[Tensor, "receivers sources"] | None:
        """True where an edge is cut; None if no edge is."""
        if not self.edges:
            return None
        rows = [[(receiver, source) in self.edges for source in range(self.shape[1])] for receiver in receivers]
        return torch.tensor(rows, device=device)


@contextmanager
def cut(network: nn.Module, receiver: int, source: int) -> Iterator[None]:
    """Within this context, a receiver does not hear a source, in all layers and both directions of a network.

    The other sources share its weight where weights are a softmax; a stitch becomes 0. Who has nobody left to hear, in
    DC-MTL and IC-MTL, reads alone: r_t is 0 (Eq. 10), and its weights in the record mean nothing. Cuts may be nested.

    Args:
        network: what holds the block or the transfer.
        receiver: index of a task.
        source: index of a task or of an expert; of IC-MTL 0, the mailbox.

    Raises:
        ConfigError: nothing in the network can be cut, it has no such edge, or nobody would be left to hear where the
            weights must sum to 1.
    """
    found = [cuts for module in network.modules() if isinstance(cuts := getattr(module, "cuts", None), Cuts)]
    if not found:
        raise ConfigError("this model has nothing between its tasks that could be cut")
    for cuts in found:
        receivers, sources = cuts.shape
        if not (0 <= receiver < receivers and 0 <= source < sources):
            raise ConfigError(
                f"expected a receiver below {receivers} and a source below {sources}, found {receiver} and {source}"
            )
    before = [cuts.edges for cuts in found]
    try:
        for cuts in found:
            cuts.edges |= {(receiver, source)}
        yield
    finally:
        for cuts, edges in zip(found, before, strict=True):
            cuts.edges = edges


def require_somebody(kept: Bool[Tensor, "receivers sources"]) -> None:
    """Refuse a softmax over nothing.

    Raises:
        ConfigError: a receiver has no source left.
    """
    if not bool(kept.any(dim=1).all()):
        raise ConfigError("the only source that a task hears cannot be cut")


def silenced(messages: Tensor, silent: Bool[Tensor, " receivers"], receivers: tuple[int, ...]) -> Tensor:
    """Messages (groups, ...) or, where nobody talks to somebody, (receivers, ...) with zeros for these."""
    if not bool(silent.any()):
        return messages
    spoken = ~silent.view(-1, *(1 for _ in messages.shape[1:]))
    return for_receivers(messages, receivers) * spoken
