"""Graph convolutions of several encoders over the same positions (dependency paper, App. B.1).

Every encoder is a network of its own; what they all read is propagated once.
"""

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tasktalk.core.batch import Adjacency
from tasktalk.encoders.dropout import shared_mask
from tasktalk.encoders.layer import graph_layer
from tasktalk.encoders.propagate import Neighbourhoods, neighbourhoods


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
        dropout: share of a layer's outputs that are dropped while training, the same ones for every encoder.

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
        layers = list(zip(*(self.encoders[i].get_submodule("layers").children() for i in which), strict=True))
        edges = neighbourhoods(adjacency, self.encoders[0].get_parameter("layers.0.weight").dtype)
        given, x, inputs = features if features.shape[1] else None, None, features
        if self.learned:
            vectors = torch.stack([encoder.get_parameter("vectors") for encoder in self.encoders])
            inputs = torch.cat((features, vectors.mean(dim=0)), dim=1)
            x = vectors if which == tuple(range(len(self.encoders))) else vectors[list(which)]
        states = self._layer(edges, given, x, layers[0])
        for layer in layers[1:]:
            states = self._layer(edges, None, states, layer)
        return states, inputs

    def _layer(
        self, edges: Neighbourhoods, given: Tensor | None, x: Tensor | None, layer: Sequence[nn.Module]
    ) -> Float[Tensor, "which positions hidden"]:
        weight, bias, gain, shift = (_stack(layer, name) for name in ("weight", "bias", "gain", "shift"))
        keep = shared_mask(self.dropout, edges.gather.shape[1], bias)
        return graph_layer(edges, given, x, weight, bias, gain, shift, keep)


def _stack(layer: Sequence[nn.Module], name: str) -> Tensor:
    return torch.stack([parameters.get_parameter(name) for parameters in layer])
