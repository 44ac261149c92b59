"""Cross-stitch: a task's states are a linear combination of all tasks' (equation in Section 5.2)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tasktalk.communication.cut import Cuts
from tasktalk.communication.transfer import TransferOutput
from tasktalk.core.errors import ConfigError


class CrossStitch(nn.Module):
    """x~_i = sum_j alpha_ij x_j (Misra et al. 2016, as the dependency paper writes it).

    Record: ``stitch`` (receivers, sources), the receivers' rows of alpha: any sign, any sum.

    Args:
        features: size of a state.
        tasks: how many tasks.
        off_diagonal: what the other tasks together weigh at the start, in equal parts; the task itself weighs 1 less
            that. With two tasks the default is the 0.9 and 0.1 that Misra et al. found best.

    Raises:
        ConfigError: ``off_diagonal`` is not between 0 and 1.
    """

    def __init__(self, features: int, tasks: int, off_diagonal: float = 0.1) -> None:
        super().__init__()
        if not 0 <= off_diagonal <= 1:
            raise ConfigError(f"off_diagonal of a cross-stitch must be between 0 and 1, found {off_diagonal}")
        self.features = features
        self.encoders = tasks
        self.cuts = Cuts(tasks, tasks)
        other = off_diagonal / max(tasks - 1, 1)
        self.alpha = nn.Parameter(torch.full((tasks, tasks), other).fill_diagonal_(1 - other * (tasks - 1)))

    def sources(self, receivers: tuple[int, ...]) -> tuple[int, ...]:
        """All encoders."""
        return tuple(range(self.encoders))

    def forward(
        self,
        states: Float[Tensor, "sources groups positions features"],
        inputs: Float[Tensor, "groups positions input_features"],
        receivers: tuple[int, ...],
    ) -> TransferOutput:
        """The stitched states; see the class for the record."""
        alpha = self.alpha[list(receivers)]
        if (cut := self.cuts.of(receivers, alpha.device)) is not None:
            alpha = alpha.masked_fill(cut, 0)
        by_group = alpha.unflatten(0, (states.shape[1], -1))  # (groups, receivers of the group, sources)
        mixed = torch.einsum("gis,sgnd->gind", by_group, states).flatten(0, 1)
        return TransferOutput(mixed, {"stitch": alpha.detach()})
