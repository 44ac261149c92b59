"""Graph convolutions of several encoders over the same positions (dependency paper, App. B.1).

Every encoder is a network of its own; they are stacked for the products, so that no loop runs over them.
"""

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.core.batch import Adjacency
from tasktalk.encoders.propagate import Neighbourhoods, convolve, neighbourhoods, propagate


class GraphLayer(nn.Module):
    """Parameters of one graph convolution, one matrix per kind of edge, and of its layer normalisation."""

    def __init__(self, inputs: int, hidden: int, kinds: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(kinds, inputs, hidden))
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.gain = nn.Parameter(torch.ones(hidden))
        self.shift = nn.Parameter(torch.zeros(hidden))
        for weight in self.weight.data:
            nn.init.xavier_uniform_(weight)


class GraphEncoder(nn.Module):
    """Parameters of one encoder."""

    def __init__(self, input_features: int, hidden: int, layers: int, kinds: int, positions: int) -> None:
        super().__init__()
        first = input_features + hidden * bool(positions)
        self.layers = nn.ModuleList(GraphLayer(hidden if n else first, hidden, kinds) for n in range(layers))
        self.vectors = nn.Parameter(torch.empty(positions, hidden)) if positions else None
        if self.vectors is not None:
            nn.init.normal_(self.vectors, std=hidden**-0.5)


class GraphEncoders(nn.Module):
    """Several encoders side by side, each with its own parameters.

    A layer is h' = dropout(LayerNorm(ReLU(sum_k A_k h W_k + b))), where A_k are the normalised edges of kind k: the
    graph convolution of Kipf and Welling 2016, with a matrix per kind of edge as Schlichtkrull et al. 2018 have it,
    followed by layer normalisation.

    Args:
        input_features: number of given features of a position; may be 0.
        hidden: size of a state.
        layers: number of layers.
        encoders: number of encoders.
        kinds: number of kinds of edges, that of loops included where they are one.
        positions: if not 0, the number of positions of the one graph that is read, and every encoder learns a vector
            of size ``hidden`` for each of them, which stands beside the features.
        alike: whether all encoders start from the same draw.
        dropout: share of a layer's outputs that are dropped while training.

    Attributes:
        features: size of a state.
        input_features: size of an input as ``forward`` returns it.
    """

    def __init__(
        self,
        input_features: int,
        hidden: int,
        layers: int,
        encoders: int,
        kinds: int,
        positions: int = 0,
        alike: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.features = hidden
        self.input_features = input_features + hidden * bool(positions)
        self.learned = bool(positions)
        first = GraphEncoder(input_features, hidden, layers, kinds, positions)
        others = (
            copy.deepcopy(first) if alike else GraphEncoder(input_features, hidden, layers, kinds, positions)
            for _ in range(encoders - 1)
        )
        self.encoders = nn.ModuleList((first, *others))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, features: Float[Tensor, "positions given"], adjacency: Adjacency, which: tuple[int, ...]
    ) -> tuple[Float[Tensor, "which positions hidden"], Float[Tensor, "positions input_features"]]:
        """States of the chosen encoders, and what is known of a position before any encoder.

        Args:
            features: the given features.
            adjacency: the edges.
            which: the encoders that read.

        Returns:
            The states, and the inputs: the features and, where vectors are learned, their mean over all encoders.
        """
        if self.learned:
            vectors = torch.stack([encoder.get_parameter("vectors") for encoder in self.encoders], dim=1)
            inputs = torch.cat((features, vectors.mean(dim=1)), dim=1)
            chosen = vectors if which == tuple(range(len(self.encoders))) else vectors[:, list(which)]
        else:
            chosen, inputs = None, features
        layers = list(zip(*(self.encoders[i].get_submodule("layers").children() for i in which), strict=True))
        neighbours = neighbourhoods(adjacency, self.encoders[0].get_parameter("layers.0.weight").dtype)
        states = self._finish(_first(propagate(adjacency, features), chosen, neighbours, layers[0]), layers[0])
        for layer in layers[1:]:
            states = self._finish(convolve(neighbours, states, _stack(layer, "weight"), _stack(layer, "bias")), layer)
        return states.transpose(0, 1), inputs

    def _finish(
        self, sums: Float[Tensor, "positions encoders hidden"], layer: Sequence[nn.Module]
    ) -> Float[Tensor, "positions encoders hidden"]:
        """All that follows the sum over the neighbours."""
        normal = functional.layer_norm(functional.relu(sums, inplace=True), sums.shape[-1:])
        states: Tensor = self.dropout(torch.addcmul(_stack(layer, "shift"), normal, _stack(layer, "gain")))
        return states


def _first(
    given: Float[Tensor, "kinds positions given"],
    vectors: Float[Tensor, "positions encoders hidden"] | None,
    neighbours: Neighbourhoods,
    layer: Sequence[nn.Module],
) -> Float[Tensor, "positions encoders hidden"]:
    """The first layer's sums: the features, which all encoders share, are propagated once and read in one product."""
    weight, bias = _stack(layer, "weight"), _stack(layer, "bias")
    width = given.shape[2]
    by_given = weight[:, :, :width].permute(1, 2, 0, 3).flatten(2).flatten(0, 1)
    sums = torch.addmm(bias.flatten(), given.transpose(0, 1).flatten(1), by_given)
    sums = torch.unflatten(sums, 1, bias.shape)
    return (
        sums if vectors is None else sums + convolve(neighbours, vectors, weight[:, :, width:], torch.zeros_like(bias))
    )


def _stack(layer: Sequence[nn.Module], name: str) -> Tensor:
    return torch.stack([parameters.get_parameter(name) for parameters in layer])
