"""The contract of a transfer between tasks: after the encoders, before the readouts (dependency paper, Fig. 2).

A transfer knows nothing of words, atoms or edges. It gets what every encoder made of every position and gives each
receiving task a state per position, so that any encoder that gives (task, position, feature) goes with any transfer.
"""

from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from tasktalk.core.batch import Record


class TransferOutput(NamedTuple):
    """What a transfer gives back.

    Attributes:
        states: one state per receiver and position.
        record: who listened to whom. Entries of shape (receivers, sources) hold for every position, those of shape
            (receivers, positions, sources) for each; their names stand in the docstring of the transfer.
    """

    states: Float[Tensor, "receivers positions features"]
    record: Record


@runtime_checkable
class Transfer(Protocol):
    """Mixes the states of several encoders for some receiving tasks.

    ``groups`` is 1 (all receivers read the same positions) or the number of receivers. Transfers are
    ``torch.nn.Module``s; ``tasktalk.testing`` has the properties that each of them must pass.
    """

    features: int
    """Size of a state."""

    encoders: int
    """How many encoders the model has: one per task, a single one, or as many as there are experts."""

    def sources(self, receivers: tuple[int, ...]) -> tuple[int, ...]:
        """The encoders that must read the positions so that these tasks can receive."""
        ...

    def __call__(
        self,
        states: Float[Tensor, "sources groups positions features"],
        inputs: Float[Tensor, "groups positions input_features"],
        receivers: tuple[int, ...],
    ) -> TransferOutput:
        """States for the receivers, in their order.

        Args:
            states: what the encoders ``sources(receivers)`` made of the positions.
            inputs: what the encoders read.
            receivers: the tasks that receive.
        """
        ...
