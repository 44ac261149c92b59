"""One step along the edges, for as many features as there are: a sparse product with a known transpose."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from tasktalk.core.batch import Adjacency


def propagate(
    adjacency: Adjacency, x: Float[Tensor, "positions features"]
) -> Float[Tensor, "kinds positions features"]:
    """For each kind of edge, the weighted sum over every position's neighbours.

    The product is computed in the more precise type of the two. Gradients of gradients are refused by torch with an
    error.
    """
    with torch.autocast(x.device.type, enabled=False):  # there are no sparse products in half precision
        precision = torch.promote_types(x.dtype, adjacency.gather.dtype)
        gather, scatter = adjacency.gather.to(precision), adjacency.scatter.to(precision)
        summed: Tensor = _Propagate.apply(gather, scatter, x.to(precision))  # type: ignore[no-untyped-call]
    return torch.unflatten(summed, 0, (adjacency.kinds, -1))


class _Propagate(torch.autograd.Function):
    """Torch derives the same gradient, but builds the transpose anew each time."""

    @staticmethod
    def forward(ctx: Any, gather: Tensor, scatter: Tensor, x: Tensor) -> Tensor:
        ctx.scatter = scatter
        return gather @ x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None, Tensor]:
        return None, None, ctx.scatter @ grad
