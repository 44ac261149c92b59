"""Sums over neighbours as sparse products, with hand-derived backward passes.

Torch derives the same gradients, but transposes the matrix anew each time.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from tasktalk.core.batch import Adjacency
from tasktalk.core.graphs import sparse_product, sparse_rows


class Neighbourhoods(NamedTuple):
    """An adjacency without its empty rows, which are most of them where there are several kinds of edges.

    Attributes:
        gather: the rows of ``Adjacency.gather`` that are not empty.
        scatter: its transpose.
        counts: how many rows there are of each kind.
        targets: the positions they belong to, for each kind; None where it is every position.
        collect: sums for every position the rows that belong to it, of the kinds where not every position has one.
    """

    gather: Float[Tensor, "rows positions"]
    scatter: Float[Tensor, "positions rows"]
    counts: tuple[int, ...]
    targets: tuple[Int[Tensor, " _"] | None, ...]
    collect: Float[Tensor, "positions _"]


def neighbourhoods(adjacency: Adjacency, precision: torch.dtype) -> Neighbourhoods:
    """Leave out the empty rows.

    Args:
        adjacency: the edges.
        precision: type of the weights.
    """
    gather, scatter = adjacency.gather.to(precision), adjacency.scatter.to(precision)
    positions = gather.shape[1]
    starts = gather.crow_indices()
    full = starts.diff() > 0
    rows = full.nonzero().squeeze(1)
    counts = tuple(full.view(adjacency.kinds, positions).sum(dim=1).tolist())
    new_row = full.cumsum(0) - 1
    targets = tuple(None if len(part) == positions else part % positions for part in rows.split(counts))
    return Neighbourhoods(
        sparse_rows(torch.cat((starts[rows], starts[-1:])), gather.col_indices(), gather.values(), positions),
        sparse_rows(scatter.crow_indices(), new_row[scatter.col_indices()], scatter.values(), len(rows)),
        counts,
        targets,
        _collect([part for part in targets if part is not None], gather),
    )


def _collect(targets: Sequence[Tensor], gather: Tensor) -> Tensor:
    owner = torch.cat((gather.crow_indices().new_empty(0), *targets))
    ends = torch.bincount(owner, minlength=gather.shape[1]).cumsum(0)
    ones = gather.values().new_ones(len(owner))
    return sparse_rows(torch.cat((ends.new_zeros(1), ends)), owner.argsort(stable=True), ones, len(owner))


def convolve(
    neighbours: Neighbourhoods,
    x: Float[Tensor, "positions encoders inputs"],
    weight: Float[Tensor, "encoders kinds inputs hidden"],
    bias: Float[Tensor, "encoders hidden"],
) -> Float[Tensor, "positions encoders hidden"]:
    """sum_k A_k x W_k + b for several encoders at once (Kipf and Welling 2016, Eq. 2, with a matrix per kind of edge).

    It is computed in the precision of the weights. Gradients of gradients are refused by torch with an error.
    """
    with torch.autocast(x.device.type, enabled=False):
        sums: Tensor = _Convolve.apply(neighbours, x.to(weight.dtype), weight, bias)  # type: ignore[no-untyped-call]
    return sums


def propagate(graph: Neighbourhoods, x: Float[Tensor, "positions features"]) -> Float[Tensor, "rows features"]:
    """The weighted sum over the neighbours of every row.

    It is computed in the more precise type of the two. Gradients of gradients are refused by torch with an error.
    """
    with torch.autocast(x.device.type, enabled=False):  # there are no sparse products in half precision
        precision = torch.promote_types(x.dtype, graph.gather.dtype)
        gather, scatter = graph.gather.to(precision), graph.scatter.to(precision)
        rows: Tensor = _Propagate.apply(gather, scatter, x.to(precision))  # type: ignore[no-untyped-call]
    return rows


class _Propagate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gather: Tensor, scatter: Tensor, x: Tensor) -> Tensor:
        ctx.scatter = scatter
        return sparse_product(gather, x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, None, Tensor]:
        return None, None, sparse_product(ctx.scatter, grad)


class _Convolve(torch.autograd.Function):
    """One sparse product for all encoders and kinds, and one batched product per kind, written where it belongs."""

    @staticmethod
    def forward(ctx: Any, graph: Neighbourhoods, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        sums = bias.repeat(len(x), 1, 1)
        gathered = (graph.gather @ x.flatten(1)).view(-1, *x.shape[1:])
        for kind, (part, targets) in enumerate(zip(gathered.split(graph.counts), graph.targets, strict=True)):
            if targets is None:
                out = sums.transpose(0, 1)
                torch.baddbmm(out, part.transpose(0, 1), weight[:, kind], out=out)
            else:
                product = sums.new_empty(len(part), *sums.shape[1:])
                torch.bmm(part.transpose(0, 1), weight[:, kind], out=product.transpose(0, 1))
                sums.index_add_(0, targets, product)
        ctx.graph = graph
        ctx.save_for_backward(gathered, weight)
        return sums

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor, Tensor]:
        graph: Neighbourhoods = ctx.graph
        gathered, weight = ctx.saved_tensors
        grad = grad.contiguous()
        d_gathered, d_weight = torch.empty_like(gathered), torch.empty_like(weight)
        parts = zip(gathered.split(graph.counts), d_gathered.split(graph.counts), graph.targets, strict=True)
        for kind, (part, d_part, targets) in enumerate(parts):
            d_sums = (grad if targets is None else grad.index_select(0, targets)).transpose(0, 1)
            torch.bmm(part.permute(1, 2, 0), d_sums, out=d_weight[:, kind])
            torch.bmm(d_sums, weight[:, kind].transpose(1, 2), out=d_part.transpose(0, 1))
        d_x = (graph.scatter @ d_gathered.flatten(1)).view(-1, *gathered.shape[1:])
        return None, d_x, d_weight, grad.sum(dim=0)
