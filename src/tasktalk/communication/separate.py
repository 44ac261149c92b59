"""The two transfers in which nothing is mixed (dependency paper, Section 5.2)."""

from jaxtyping import Float
from torch import Tensor, nn

from tasktalk.communication.transfer import TransferOutput


class Separate(nn.Module):
    """Single-Task: every task keeps the states of its own encoder. The record is empty.

    Args:
        features: size of a state.
        tasks: how many tasks.
    """

    def __init__(self, features: int, tasks: int) -> None:
        super().__init__()
        self.features = features
        self.encoders = tasks

    def sources(self, receivers: tuple[int, ...]) -> tuple[int, ...]:
        """The receivers' own encoders."""
        return receivers

    def forward(
        self,
        states: Float[Tensor, "sources groups positions features"],
        inputs: Float[Tensor, "groups positions input_features"],
        receivers: tuple[int, ...],
    ) -> TransferOutput:
        """The receivers' own states."""
        own = states[:, 0] if states.shape[1] == 1 else states.diagonal(dim1=0, dim2=1).permute(2, 0, 1)
        return TransferOutput(own, {})


class Shared(nn.Module):
    """Shared-Bottom (Caruana 1997): one encoder for every task. The record is empty.

    Args:
        features: size of a state.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        self.encoders = 1

    def sources(self, receivers: tuple[int, ...]) -> tuple[int, ...]:
        """The one encoder."""
        return (0,)

    def forward(
        self,
        states: Float[Tensor, "sources groups positions features"],
        inputs: Float[Tensor, "groups positions input_features"],
        receivers: tuple[int, ...],
    ) -> TransferOutput:
        """The states of the one encoder."""
        return TransferOutput(states[0].expand(len(receivers), -1, -1), {})
