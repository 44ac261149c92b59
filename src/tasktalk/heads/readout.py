"""From the states of positions to one vector per graph (dependency paper, App. B.1)."""

import copy
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tasktalk.heads.set2set import set2set

ReadoutName = Literal["set2set", "sum", "mean", "max"]


@runtime_checkable
class Readout(Protocol):
    """One vector per graph; a graph without positions gets zeros."""

    features: int
    """Size of the vector."""

    def __call__(
        self,
        states: Float[Tensor, "receivers positions state_features"],
        graph_of: Int[Tensor, " positions"],
        graphs: int,
        receivers: tuple[int, ...],
    ) -> Float[Tensor, "receivers graphs features"]:
        """Read out every graph.

        Args:
            states: a state per receiver and position.
            graph_of: graph of every position, ascending.
            graphs: number of graphs.
            receivers: the tasks that read.
        """
        ...


class SumReadout(nn.Module):
    """Sum over the positions.

    Args:
        features: size of a state.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(
        self,
        states: Float[Tensor, "receivers positions features"],
        graph_of: Int[Tensor, " positions"],
        graphs: int,
        receivers: tuple[int, ...],
    ) -> Float[Tensor, "receivers graphs features"]:
        """The sum of every graph's states."""
        return _sums(states, graph_of, graphs)


class MeanReadout(nn.Module):
    """Mean over the positions.

    Args:
        features: size of a state.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(
        self,
        states: Float[Tensor, "receivers positions features"],
        graph_of: Int[Tensor, " positions"],
        graphs: int,
        receivers: tuple[int, ...],
    ) -> Float[Tensor, "receivers graphs features"]:
        """The mean of every graph's states."""
        sizes = torch.bincount(graph_of, minlength=graphs).clamp(min=1)
        return _sums(states, graph_of, graphs) / sizes.unsqueeze(-1)


class MaxReadout(nn.Module):
    """Largest value of each feature over the positions; positions that share it share its gradient.

    Args:
        features: size of a state.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(
        self,
        states: Float[Tensor, "receivers positions features"],
        graph_of: Int[Tensor, " positions"],
        graphs: int,
        receivers: tuple[int, ...],
    ) -> Float[Tensor, "receivers graphs features"]:
        """The largest state of every graph, feature by feature."""
        zeros = states.new_zeros(len(states), graphs, states.shape[-1])
        index = graph_of[None, :, None].expand_as(states)
        return zeros.scatter_reduce(1, index, states, "amax", include_self=False)


class Set2Set(nn.Module):
    """A query that each task's LSTM moves a few steps, reading the graph by attention (Vinyals et al. 2015, Eq. 3-7).

    q_t = LSTM(q*_{t-1}); e_p = h_p q_t; a = softmax(e); r_t = sum_p a_p h_p; q*_t = [q_t, r_t], from q*_0 = 0; the
    answer is the last q*. The LSTM's hidden state is q_t, the first half of its input, so that the matrices for both
    only ever occur as their sum: they are kept as that one matrix. All tasks start alike.

    Args:
        features: size of a state.
        tasks: number of tasks.
        steps: how often the query moves.
    """

    def __init__(self, features: int, tasks: int, steps: int = 3) -> None:
        super().__init__()
        self.features = 2 * features
        self.steps = steps
        first = QueryLSTM(features)
        self.lstms = nn.ModuleList(copy.deepcopy(first) for _ in range(tasks))

    def forward(
        self,
        states: Float[Tensor, "receivers positions state_features"],
        graph_of: Int[Tensor, " positions"],
        graphs: int,
        receivers: tuple[int, ...],
    ) -> Float[Tensor, "receivers graphs features"]:
        """The last query of every graph and what it found."""
        weight = torch.stack([self.lstms[k].get_parameter("weight") for k in receivers])
        bias = torch.stack([self.lstms[k].get_parameter("bias") for k in receivers])
        answer = set2set(states, graph_of, graphs, weight, bias, self.steps)
        return answer * torch.bincount(graph_of, minlength=graphs).bool().unsqueeze(-1)


class QueryLSTM(nn.Module):
    """Parameters of one task's LSTM; gates in torch.nn.LSTM's order: input, forget, candidate, output."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(2 * features, 4 * features))
        self.bias = nn.Parameter(torch.zeros(4 * features))
        for gate in self.weight.data.chunk(4, dim=1):
            nn.init.xavier_uniform_(gate)
        nn.init.ones_(self.bias.data[features : 2 * features])


def readout(name: ReadoutName, features: int, tasks: int) -> Readout:
    """The readout of that name, for states of size ``features``."""
    match name:
        case "set2set":
            return Set2Set(features, tasks)
        case "sum":
            return SumReadout(features)
        case "mean":
            return MeanReadout(features)
        case "max":
            return MaxReadout(features)


def _sums(
    values: Float[Tensor, "receivers positions features"], graph_of: Int[Tensor, " positions"], graphs: int
) -> Float[Tensor, "receivers graphs features"]:
    return values.new_zeros(len(values), graphs, values.shape[-1]).index_add(1, graph_of, values)
