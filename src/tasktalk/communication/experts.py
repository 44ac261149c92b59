"""MMoE: several encoders, the experts, and for each task a gate that mixes them (dependency paper, Section 5.2)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tasktalk.communication.cut import Cuts, require_somebody
from tasktalk.communication.transfer import TransferOutput


class MixtureOfExperts(nn.Module):
    """Multi-gate mixture of experts (Ma et al. 2018): gate t is softmax(x W_t + b_t) over the experts.

    The gate reads the inputs x of each position, so that each position has a mixture of its own. Gates start at zero:
    every task starts with the mean of the experts. The experts must not start alike, else they stay alike.

    Record: ``weights`` (receivers, positions, experts).

    Args:
        features: size of a state.
        input_features: size of what the encoders read.
        tasks: how many tasks.
        experts: how many encoders.
    """

    def __init__(self, features: int, input_features: int, tasks: int, experts: int) -> None:
        super().__init__()
        self.features = features
        self.encoders = experts
        self.cuts = Cuts(tasks, experts)
        self.weight = nn.Parameter(torch.zeros(tasks, input_features, experts))
        self.bias = nn.Parameter(torch.zeros(tasks, experts))

    def sources(self, receivers: tuple[int, ...]) -> tuple[int, ...]:
        """All experts."""
        return tuple(range(self.encoders))

    def forward(
        self,
        states: Float[Tensor, "sources groups positions features"],
        inputs: Float[Tensor, "groups positions input_features"],
        receivers: tuple[int, ...],
    ) -> TransferOutput:
        """Mixtures of the experts' states; see the class for the record."""
        by_group = (len(inputs), -1)  # (groups, receivers of the group, ...)
        weight, bias = (p[list(receivers)].unflatten(0, by_group) for p in (self.weight, self.bias))
        if (cut := self.cuts.of(receivers, bias.device)) is not None:
            require_somebody(~cut)
            bias = bias.masked_fill(cut.view(bias.shape), -torch.inf)
        gates = torch.softmax(torch.einsum("gnf,gtfx->gtnx", inputs, weight) + bias.unsqueeze(2), dim=-1)
        mixed = torch.einsum("gtnx,xgnd->gtnd", gates, states).flatten(0, 1)
        return TransferOutput(mixed, {"weights": gates.detach().flatten(0, 1)})
