"""The graph networks of this package as one would write them first: in loops over tasks.

``tasktalk.benchmarks.speed`` compares with them. They have the weights and outputs of the network that they are made
from. Nothing in them is slow on purpose: what tasks share is computed once, no loop runs over positions or graphs, and
sums over neighbours are sparse products.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.communication.cross_stitch import CrossStitch
from tasktalk.communication.experts import MixtureOfExperts
from tasktalk.communication.mitten import MutualAttention
from tasktalk.communication.transfer import Transfer
from tasktalk.core.batch import Adjacency, GraphBatch
from tasktalk.encoders.graph import GraphEncoders
from tasktalk.heads.readout import Set2Set
from tasktalk.models.graph_network import GraphNetwork


def edges_of(adjacency: Adjacency) -> list[Tensor]:
    """A sparse matrix of positions by positions for every kind of edges, in the format torch multiplies fastest."""
    positions = adjacency.gather.shape[1]
    kinds, columns = adjacency.gather.to_sparse_coo().indices()
    indices = torch.stack((kinds % positions, columns))
    values, kinds = adjacency.gather.values(), kinds // positions
    size = (positions, positions)
    return [
        torch.sparse_coo_tensor(
            indices[:, kinds == k], values[kinds == k], size, is_coalesced=True, check_invariants=False
        )
        for k in range(adjacency.kinds)
    ]


class LoopEncoder(nn.Module):
    """Graph convolutions of one task.

    Args:
        ours: the encoders of the network.
        number: which of them.
    """

    def __init__(self, ours: GraphEncoders, number: int) -> None:
        super().__init__()
        encoder = ours.encoders[number]
        self.kinds, self.biases, self.norms = nn.ModuleList(), nn.ParameterList(), nn.ModuleList()
        for layer in encoder.get_submodule("layers").children():
            weight, bias, gain, shift = (layer.get_parameter(n) for n in ("weight", "bias", "gain", "shift"))
            self.kinds.append(nn.ModuleList(_linear(w, None) for w in weight))
            self.biases.append(_copy(bias))
            norm = nn.LayerNorm(ours.features)
            norm.weight, norm.bias = _copy(gain), _copy(shift)
            self.norms.append(norm)
        self.dropout = nn.Dropout(ours.dropout.p)

    def forward(
        self, x: Float[Tensor, "positions inputs"], edges: Sequence[Tensor]
    ) -> Float[Tensor, "positions hidden"]:
        """States of all positions."""
        for linears, bias, norm in zip(self.kinds, self.biases, self.norms, strict=True):
            sums = bias
            for linear, matrix in zip(linears, edges, strict=True):  # type: ignore[call-overload]
                sums = sums + torch.sparse.mm(matrix, linear(x))
            x = self.dropout(norm(sums.relu()))
        return x


class LoopSet2Set(nn.Module):
    """Set2Set of one task.

    Args:
        ours: those of all tasks.
        task: which of them.
    """

    def __init__(self, ours: Set2Set, task: int) -> None:
        super().__init__()
        self.linear = _linear(ours.lstms[task].get_parameter("weight"), ours.lstms[task].get_parameter("bias"))
        self.steps = ours.steps

    def forward(
        self, states: Float[Tensor, "positions features"], graph_of: Tensor, graphs: int
    ) -> Float[Tensor, "graphs twice_features"]:
        """The last query of every graph and what it found."""
        answer = states.new_zeros(graphs, 2 * states.shape[1])
        cell = states.new_zeros(graphs, states.shape[1])
        for _ in range(self.steps):
            i, f, g, o = self.linear(answer).chunk(4, dim=1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            query = o.sigmoid() * cell.tanh()
            scores = (states * query[graph_of]).sum(dim=1)
            largest = (
                scores.detach()
                .new_zeros(graphs)
                .scatter_reduce(0, graph_of, scores.detach(), "amax", include_self=False)
            )
            weights = (scores - largest[graph_of]).exp()
            weights = weights / weights.new_zeros(graphs).index_add(0, graph_of, weights)[graph_of]
            found = torch.zeros_like(query).index_add(0, graph_of, weights[:, None] * states)
            answer = torch.cat((query, found), dim=1)
        return answer


class LoopMitten(nn.Module):
    """Eq. 2-4 of the dependency paper.

    Args:
        ours: the transfer.
    """

    def __init__(self, ours: MutualAttention) -> None:
        super().__init__()
        self.eta = ours.eta
        self.send = nn.ModuleList(_linear(w, b) for w, b in zip(ours.send, ours.send_bias, strict=True))
        self.receive = nn.ModuleList(_linear(w, None) for w in ours.receive)
        self.query = nn.ModuleList(_linear(w, None) for w in ours.query)
        self.key = nn.ModuleList(_linear(w, None) for w in ours.key)
        self.value_source = nn.ModuleList(_linear(w, None) for w in ours.value_source)
        self.value_target = nn.ModuleList(_linear(w, None) for w in ours.value_target)
        self.general = _copy(ours.general)

    def forward(self, states: Sequence[Tensor], inputs: Tensor) -> list[Tensor]:
        """The mixed states of every task."""
        sent = [send(x).relu() for send, x in zip(self.send, states, strict=True)]
        shares = self.general.softmax(dim=1)
        mixed = []
        for j, own in enumerate(states):
            key = self.key[j](own)
            scores, values = [], []
            for i, s in enumerate(sent):
                h = self.receive[j](s)  # Eq. 2
                scores.append((self.query[i](h) * key).sum(dim=1) / key.shape[1] ** 0.5)  # Eq. 3
                values.append(self.value_source[i](h))
            weights = (self.eta * shares[j] * torch.stack(scores, dim=1)).softmax(dim=1)
            total = _total([weights[:, i, None] * value for i, value in enumerate(values)])
            mixed.append(self.value_target[j](total))  # Eq. 4
        return mixed


class LoopCrossStitch(nn.Module):
    """x~_i = sum_j alpha_ij x_j.

    Args:
        ours: the transfer.
    """

    def __init__(self, ours: CrossStitch) -> None:
        super().__init__()
        self.alpha = _copy(ours.alpha)

    def forward(self, states: Sequence[Tensor], inputs: Tensor) -> list[Tensor]:
        """The mixed states of every task."""
        return [_total([self.alpha[i, j] * x for j, x in enumerate(states)]) for i in range(len(states))]


class LoopMMoE(nn.Module):
    """A gate per task over the experts.

    Args:
        ours: the transfer.
    """

    def __init__(self, ours: MixtureOfExperts) -> None:
        super().__init__()
        self.gates = nn.ModuleList(_linear(w, b) for w, b in zip(ours.weight, ours.bias, strict=True))

    def forward(self, states: Sequence[Tensor], inputs: Tensor) -> list[Tensor]:
        """The mixed states of every task."""
        mixed = []
        for gate in self.gates:
            weights = gate(inputs).softmax(dim=1)
            mixed.append(_total([weights[:, i, None] * x for i, x in enumerate(states)]))
        return mixed


class LoopNetwork(nn.Module):
    """The same network as another, with its weights, in loops.

    Args:
        ours: a network without fingerprints.
    """

    def __init__(self, ours: GraphNetwork) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(LoopEncoder(ours.encoders, n) for n in range(len(ours.encoders.encoders)))
        self.transfer = _transfer(ours.transfer)
        tasks = len(ours.head.outputs)
        set2set = ours.readout if isinstance(ours.readout, Set2Set) else None
        self.readouts = nn.ModuleList(LoopSet2Set(set2set, k) for k in range(tasks) if set2set is not None)
        self.heads = nn.ModuleList(
            _linear(layer.get_parameter("weight").t(), layer.get_parameter("bias")) for layer in ours.head.layers
        )
        self.dropout = nn.Dropout(ours.dropout.p)

    def forward(self, batch: GraphBatch, edges: Sequence[Tensor]) -> list[Tensor]:
        """The logits of every task; ``edges`` are those of ``edges_of``."""
        states = [encoder(batch.features, edges) for encoder in self.encoders]
        if self.transfer is not None:
            states = self.transfer(states, batch.features)
        if self.readouts:
            graphs = batch.labels.shape[1]
            states = [read(x, batch.graph_of, graphs) for read, x in zip(self.readouts, states, strict=True)]
        return [head(self.dropout(x)) for head, x in zip(self.heads, states, strict=True)]


def loop_losses(logits: Sequence[Tensor], labels: Float[Tensor, "tasks batch"]) -> Tensor:
    """The mean cross-entropy of every task over the labels that exist, task by task."""
    losses = []
    for of_task, own in zip(logits, labels, strict=True):
        known = ~own.isnan()
        losses.append(functional.cross_entropy(of_task[known], own[known].long()))
    return torch.stack(losses)


def _total(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _softmax(scores: Tensor, graph_of: Tensor, graphs: int) -> Tensor:
    """Over the positions of each graph."""
    fixed = scores.detach()
    largest = fixed.new_zeros(graphs).scatter_reduce(0, graph_of, fixed, "amax", include_self=False)
    weights = (scores - largest[graph_of]).exp()
    return weights / weights.new_zeros(graphs).index_add(0, graph_of, weights)[graph_of]


def _transfer(ours: Transfer) -> nn.Module | None:
    match ours:
        case MutualAttention():
            return LoopMitten(ours)
        case CrossStitch():
            return LoopCrossStitch(ours)
        case MixtureOfExperts():
            return LoopMMoE(ours)
    return None


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    """From a matrix that stands to the right of its input."""
    linear = nn.Linear(weight.shape[0], weight.shape[1], bias=bias is not None)
    linear.weight = _copy(weight.t())
    if bias is not None:
        linear.bias = _copy(bias)
    return linear


def _copy(parameter: Tensor) -> nn.Parameter:
    return nn.Parameter(parameter.detach().clone(memory_format=torch.contiguous_format))
