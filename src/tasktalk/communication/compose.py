"""Blocks made of blocks: both directions, and layers on layers."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tasktalk.communication.block import Block, BlockOutput


class Bidirectional(nn.Module):
    """One block reads forwards, another backwards; the states are concatenated.

    The record has the forward names, and the backward ones with ``backward_`` in front; every word axis of both is in
    the order of the sentence.

    Args:
        forwards: reads from the first word to the last.
        backwards: the same kind of block, reads from the last word to the first.
    """

    def __init__(self, forwards: Block, backwards: Block) -> None:
        super().__init__()
        self.features = forwards.features + backwards.features
        self.forwards = forwards
        self.backwards = backwards

    def forward(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        mask: Bool[Tensor, "groups batch words"],
        receivers: tuple[int, ...],
    ) -> BlockOutput:
        """States of the receivers; the second half is the backward block's."""
        ahead = self.forwards(words, mask, receivers)
        order = _reversed_order(mask)
        back = self.backwards(_reorder(words, order, 2), mask, receivers)
        order = order.expand(len(receivers), -1, -1)
        states = torch.cat((ahead.states, _reorder(back.states, order, 2)), dim=-1)
        record = dict(ahead.record)
        for name, values in back.record.items():
            of_words = values if values.ndim == 2 else _reorder(values, order, 2)
            record["backward_" + name] = _reorder(of_words, order, 3) if name == "beta" else of_words
        return BlockOutput(states, record, _sum_penalties([ahead.penalty, back.penalty]))


class Layers(nn.Module):
    """Blocks on top of each other; the record is the last one's."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__()
        self.features = blocks[-1].features
        self.blocks = nn.ModuleList(blocks)  # type: ignore[arg-type]

    def forward(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        mask: Bool[Tensor, "groups batch words"],
        receivers: tuple[int, ...],
    ) -> BlockOutput:
        """States of the last block."""
        first, *rest = self.blocks
        output: BlockOutput = first(words, mask, receivers)
        penalties = [output.penalty]
        mask = mask.expand(len(receivers), -1, -1)
        for block in rest:
            output = block(output.states, mask, receivers)
            penalties.append(output.penalty)
        return BlockOutput(output.states, output.record, _sum_penalties(penalties))


def bidirectional(make: Callable[[], Block], both: bool) -> Block:
    """A block, or two of the same kind that read in both directions."""
    return Bidirectional(make(), make()) if both else make()


def _reversed_order(mask: Bool[Tensor, "groups batch words"]) -> Tensor:
    """Index of the word that takes each place when sentences are reversed and padding stays at the end."""
    place = torch.arange(mask.shape[-1], device=mask.device).expand(mask.shape)
    return torch.where(mask, mask.sum(dim=-1, keepdim=True) - 1 - place, place)


def _reorder(x: Tensor, order: Tensor, axis: int) -> Tensor:
    """Permute one axis of (groups, batch, ...) by an order of its own for every example."""
    shape = [*order.shape[:2], *(1 for _ in x.shape[2:])]
    shape[axis] = order.shape[2]
    return x.gather(axis, order.view(shape).expand_as(x))


def _sum_penalties(penalties: Sequence[Tensor | None]) -> Tensor | None:
    present = [p for p in penalties if p is not None]
    return torch.stack(present).sum() if present else None
