"""L2T-MITTEN: tasks map their states to each other and weigh them twice (dependency paper, Eq. 2-4)."""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.communication.cut import Cuts, require_somebody
from tasktalk.communication.kernels.mutual_attention import mutual_attention
from tasktalk.communication.transfer import TransferOutput
from tasktalk.core.errors import ConfigError, nearest

Dependency = Literal["scale", "log-prior"]

_SMALLEST_PRIOR = 1e-6  # log 0 could not be trained; this leaves a source 1e-6 of the share


class MutualAttention(nn.Module):
    """The transfer block of L2T-MITTEN.

    States are rows. Source i sends S_i = relu(E_i W_Si + b_Si), which is F_Si; F_Tj is linear without a bias, so that
    the maps of a pair multiply into two matrices. D~ is the softmax of D over sources i. ``dependency`` says how D~
    meets the scores A_ij of Eq. 3 at each position:

    - ``scale``: softmax_i(eta D~_ij A_ij), Eq. 4. A large D raises a weight only where A is positive.
    - ``log-prior``: softmax_i(eta A_ij + log D~_ij), our option. Where the scores say nothing, the weights are D~.

    All tasks start from the same draw; the square maps are orthogonal.

    Record: ``dependency`` D and ``dependency_share`` D~ (receivers, sources); ``attention`` A and ``weights``, the
    softmax of Eq. 4 (receivers, positions, sources). Without ``include_self`` the share, score and weight of the
    receiver itself are 0.

    Args:
        features: size of a state, the paper's d.
        tasks: how many tasks.
        eta: scalar of Eq. 4, for which the paper gives no value.
        include_self: whether a task's own states take part (i = j).
        dependency: see above.
        prior: non-negative weights (targets, sources), such as similarities of tasks, which need not sum to 1: D~
            starts from the rows' shares, of which none is smaller than 1e-6 of its row. Without it D starts at 0. The
            diagonal is read only with ``include_self``.

    Raises:
        ConfigError: an unknown ``dependency``, a prior that does not fit, or a single task that may not hear itself.
    """

    def __init__(
        self,
        features: int,
        tasks: int,
        eta: float = 1.0,
        include_self: bool = True,
        dependency: Dependency = "scale",
        prior: Tensor | None = None,
    ) -> None:
        super().__init__()
        if dependency not in get_args(Dependency):
            raise ConfigError(f"there is no dependency {dependency!r}; {nearest(dependency, get_args(Dependency))}")
        if tasks < 2 and not include_self:
            raise ConfigError(f"without include_self, mutual attention needs at least 2 tasks, found {tasks}")
        self.features = features
        self.encoders = tasks
        self.cuts = Cuts(tasks, tasks)
        self.eta = eta
        self.include_self = include_self
        self.dependency = dependency
        self.send = _alike(features, tasks, gain=2**0.5)  # W_S
        self.send_bias = nn.Parameter(torch.zeros(tasks, features))  # b_S
        self.receive = _alike(features, tasks)  # F_T
        self.query = _alike(features, tasks)  # W_Q
        self.key = _alike(features, tasks)  # W_K
        self.value_source = _alike(features, tasks)  # W_vi
        self.value_target = _alike(features, tasks)  # W_vj
        self.general = nn.Parameter(  # D
            torch.zeros(tasks, tasks) if prior is None else _log_shares(prior, tasks, include_self)
        )

    @torch.no_grad()
    def set_prior(self, prior: Tensor) -> None:
        """Put D where a prior says, as if it had been given at the start.

        Raises:
            ConfigError: a prior that does not fit.
        """
        self.general.copy_(_log_shares(prior, self.encoders, self.include_self))

    def sources(self, receivers: tuple[int, ...]) -> tuple[int, ...]:
        """All encoders."""
        return tuple(range(self.encoders))

    def forward(
        self,
        states: Float[Tensor, "sources groups positions features"],
        inputs: Float[Tensor, "groups positions input_features"],
        receivers: tuple[int, ...],
    ) -> TransferOutput:
        """Mixed states of the receivers; see the class for the record."""
        rows = list(receivers)
        left_out = torch.zeros_like(self.general, dtype=torch.bool)
        if not self.include_self:
            left_out.fill_diagonal_(True)
        left_out = left_out[rows]
        log_share = torch.log_softmax(self.general[rows].masked_fill(left_out, -torch.inf), dim=-1)
        share = log_share.exp()  # D~
        if self.dependency == "scale":
            scale, bias = self.eta * share, torch.zeros_like(share).masked_fill(left_out, -torch.inf)
        else:
            scale, bias = torch.full_like(share, self.eta), log_share
        if (cut := self.cuts.of(receivers, bias.device)) is not None:  # D~ stays as it was learned
            bias = bias.masked_fill(cut[:, : len(states)], -torch.inf)
            require_somebody(bias > -torch.inf)
        answer = mutual_attention(self._sent(states), _own(states, rows), *self._maps(rows), scale, bias)
        record = {
            "dependency": self.general.detach()[rows],
            "dependency_share": share.detach(),
            "attention": answer.attention.masked_fill(left_out.unsqueeze(1), 0),
            "weights": answer.weights,
        }
        return TransferOutput(answer.states, record)

    def _sent(self, states: Tensor) -> Tensor:
        """F_S of every source's states."""
        flat = torch.baddbmm(self.send_bias.unsqueeze(1), states.flatten(1, 2), self.send)
        return functional.relu(flat).view(states.shape)

    def _maps(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        """What stands between S_i and E_j in Eq. 3, and between S_i and the mixed states in Eq. 4, for every pair."""
        receive, key, value_target = self.receive[rows], self.key[rows], self.value_target[rows]
        scores = torch.einsum("jab,ibc,jdc->jiad", receive, self.query, key) / self.features**0.5  # Eq. 2 and 3
        values = torch.einsum("jab,ibc,jcd->jiad", receive, self.value_source, value_target)  # Eq. 2 and 4
        return scores.flatten(1, 2), values.flatten(1, 2)


def _own(states: Tensor, rows: list[int]) -> Tensor:
    """E_j of every receiver, from its own group where there are several."""
    groups = states.shape[1]
    parts = states.flatten(0, 1).unbind()
    return torch.stack([parts[j * groups + place % groups] for place, j in enumerate(rows)])


def _alike(features: int, tasks: int, gain: float = 1.0) -> nn.Parameter:
    """One orthogonal map, the same for every task."""
    first = nn.init.orthogonal_(torch.empty(features, features), gain)
    return nn.Parameter(first.repeat(tasks, 1, 1))


def _log_shares(prior: Tensor, tasks: int, include_self: bool) -> Tensor:
    """Logarithm of the rows' shares."""
    expected = f"a prior must be a matrix of {tasks} targets x {tasks} sources"
    if prior.shape != (tasks, tasks):
        raise ConfigError(f"{expected}, found the shape {tuple(prior.shape)}")
    weights = prior.to(torch.get_default_dtype())
    weights = weights if include_self else weights.clone().fill_diagonal_(0)
    total = weights.sum(dim=1, keepdim=True)
    if not (weights.isfinite().all() and (weights >= 0).all() and (total > 0).all()):
        raise ConfigError(f"{expected} whose weights are finite and not negative and whose rows are not all zero")
    return (weights / total).clamp(min=_SMALLEST_PRIOR).log()
