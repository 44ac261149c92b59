"""The contract that every way of sharing between tasks fulfils."""

from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Bool, Float
from torch import Tensor

from tasktalk.core.batch import Record


class BlockOutput(NamedTuple):
    """What a block gives back.

    Attributes:
        states: one state per receiver, example and word, (receivers, batch, words, features).
        record: who listened to whom; the names and shapes stand in the block's docstring.
        penalty: a scalar that is added to the loss, or None.
    """

    states: Float[Tensor, "receivers batch words features"]
    record: Record
    penalty: Float[Tensor, ""] | None = None


@runtime_checkable
class Block(Protocol):
    """Reads embedded words for some receiving tasks and gives each of them states.

    ``groups`` is 1 (all receivers read the same examples) or the number of receivers. Blocks are ``torch.nn.Module``s;
    ``tasktalk.testing`` has the properties that each of them must pass.
    """

    features: int
    """Size of a state."""

    def __call__(
        self,
        words: Float[Tensor, "groups batch words word_features"],
        mask: Bool[Tensor, "groups batch words"],
        receivers: tuple[int, ...],
    ) -> BlockOutput:
        """States for the receivers, in their order."""
        ...


def for_receivers(x: Tensor, receivers: tuple[int, ...]) -> Tensor:
    """Repeat shared inputs (one group) for every receiver, without copying."""
    return x.expand(len(receivers), *x.shape[1:])
