"""Linear-chain CRFs: partition, marginals, best paths (Lafferty et al. 2001; Rabiner 1989).

The score of a path y is start[y_1] + sum_t emissions[t, y_t] + sum_t transitions[y_t-1, y_t] + end[y_T]. A score of
-inf forbids a start, a transition or an end. Padding is at the end of a sentence. Everything is computed in float64:
the score of a long sentence has too many digits for float32, and its loss is a small difference of two such scores.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

# While the scores of a word and of the transitions together span no more than this, products of probabilities stay
# above the smallest float64 (e^-708): BIOES tags reach each other in three steps, so messages span thrice as much.
_WIDEST = 200.0
_IMPOSSIBLE = -1e30  # for -inf where two of them would be subtracted


def log_partition(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    transitions: Float[Tensor, "tags tags"],
    start: Float[Tensor, " tags"],
    end: Float[Tensor, " tags"],
) -> Float[Tensor, " batch"]:
    """Logarithm of the sum of exp(score) over all paths of a sentence, in float64.

    Its gradients are the marginals: 0 where a score is -inf. Gradients of gradients are refused by torch with an error.

    Args:
        emissions: score of every tag at every word; what stands at padding is ignored.
        mask: True for words.
        transitions: score of tag j (second axis) after tag i (first axis).
        start: score of the first tag.
        end: score of the last tag.

    Returns:
        One number per sentence; 0 where it has no word, and about -1e30 where no path is allowed.
    """
    emissions = emissions.double().masked_fill(~mask[:, :, None], 0)
    scores = (transitions.double(), start.double(), end.double())
    if _is_narrow(emissions, *scores):
        found: Tensor = _LogPartition.apply(emissions, mask, *scores)  # type: ignore[no-untyped-call]
        if found.isfinite().all():
            return found
    return _log_partition_in_logs(emissions, mask, *scores)


def _is_narrow(emissions: Tensor, *scores: Tensor) -> bool:
    lowest, highest = emissions.detach().aminmax(dim=2)
    widths = torch.stack([(x.max() - x.masked_fill(x.isneginf(), torch.inf).min()).detach() for x in scores])
    return bool((highest - lowest).max() + widths.max() <= _WIDEST)


class _LogPartition(torch.autograd.Function):
    """Both recursions in one loop of products with exp(transitions), each step scaled to a sum of 1.

    The backward recursion reads the reversed sentence, so that both start at a first word, and run on over padding
    instead of looking at a mask. Arrays are (words, batch, tags).
    """

    @staticmethod
    def forward(ctx: Any, emissions: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
        batch, words, _ = emissions.shape
        lengths = mask.sum(dim=1)
        inside = mask.t()
        e = emissions.transpose(0, 1)
        top = e.amax(dim=2, keepdim=True)
        e = torch.exp(e - top)
        turned = _turned_rows(lengths, words)
        both = torch.stack((e, _take(e, turned)), dim=1)
        shift, edges = transitions.max(), torch.stack((start, end))
        step = torch.exp(transitions - shift)
        highest = edges.amax(dim=1, keepdim=True)
        edges = torch.exp(edges - highest)
        before, after, sums = _run(both, torch.stack((step, step.t())), edges)
        last = lengths.clamp(min=1) - 1
        final = after[last, 0, torch.arange(batch, device=last.device)] @ edges[1]
        logs = torch.where(inside, sums[:, 0, :, 0].log() + top[:, :, 0], 0).sum(dim=0)
        ctx.save_for_backward(after[:, 0], _take(after[:, 1], turned), _take(before[:, 1], turned), step, inside, last)
        return torch.where(lengths > 0, logs + final.log() + last * shift + highest.sum(), 0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, Tensor, Tensor, Tensor]:
        # alpha holds the emission of its own word, beta_before does not, beta does.
        alpha, beta, beta_before, step, inside, last = ctx.saved_tensors
        marginals = alpha * beta_before
        weights = torch.where(inside, grad / marginals.sum(dim=2), 0)[:, :, None]
        marginals = torch.where(inside[:, :, None], marginals * weights, 0)
        pairs = inside[1:, :, None]
        left = torch.where(pairs, alpha[:-1] * weights[:-1], 0).flatten(0, 1)
        right = torch.where(pairs, beta[1:], 0).flatten(0, 1)
        at_end = marginals[last, torch.arange(len(last), device=last.device)].sum(dim=0)
        return marginals.transpose(0, 1), None, step * (left.t() @ right), marginals[0].sum(dim=0), at_end


def _run(emissions: Tensor, step: Tensor, first: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Messages of every word before and after its emission, and the sums by which those after it were divided.

    Args:
        emissions: exp of the scores, (words, 2, batch, tags).
        step: exp of the transitions of either direction, (2, tags, tags).
        first: exp of start and end, (2, tags).
    """
    before, after = torch.empty_like(emissions), torch.empty_like(emissions)
    sums = torch.empty_like(emissions[..., :1])
    before[0] = first[:, None]
    previous = None
    for e, b, a, s in zip(emissions.unbind(), before.unbind(), after.unbind(), sums.unbind(), strict=True):
        if previous is not None:
            torch.bmm(previous, step, out=b)
        torch.mul(b, e, out=a)
        torch.sum(a, dim=2, keepdim=True, out=s)
        previous = a.div_(s)
    return before, after, sums


def _turned_rows(lengths: Tensor, words: int) -> Tensor:
    """Number of the row, counted over (words, batch), that stands at every place once sentences are reversed."""
    t = torch.arange(words, device=lengths.device)[:, None]
    turned = torch.where(t < lengths, lengths - 1 - t, t)
    return (turned * len(lengths) + torch.arange(len(lengths), device=lengths.device)).flatten()


def _take(rows: Tensor, numbers: Tensor) -> Tensor:
    return rows.flatten(0, 1).index_select(0, numbers).view(rows.shape)


def _log_partition_in_logs(emissions: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The same, slower, for scores of any size."""
    transitions, start, end = (scores.clamp(min=_IMPOSSIBLE) for scores in (transitions, start, end))
    alpha = start + emissions[:, 0]
    for t in range(1, emissions.shape[1]):
        longer = torch.logsumexp(alpha[:, :, None] + transitions, dim=1) + emissions[:, t]
        alpha = torch.where(mask[:, t, None], longer, alpha)
    return torch.where(mask[:, 0], torch.logsumexp(alpha + end, dim=1), 0)


def marginals(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    transitions: Float[Tensor, "tags tags"],
    start: Float[Tensor, " tags"],
    end: Float[Tensor, " tags"],
) -> Float[Tensor, "batch words tags"]:
    """Probability of every tag at every word, in float64, without gradient; 0 at padding. Arguments as above."""
    with torch.inference_mode(False), torch.enable_grad():
        scores = [score.detach().clone() for score in (transitions, start, end)]
        leaf = emissions.detach().double().clone().requires_grad_()
        (found,) = torch.autograd.grad(log_partition(leaf, mask.clone(), *scores).sum(), leaf)
    return found


def path_score(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    paths: Int[Tensor, "batch words"],
    transitions: Float[Tensor, "tags tags"],
    start: Float[Tensor, " tags"],
    end: Float[Tensor, " tags"],
) -> Float[Tensor, " batch"]:
    """Score of one path per sentence, in float64; 0 where it has no word.

    Args:
        emissions: as above.
        mask: as above.
        paths: tags; what stands at padding is ignored.
        transitions: as above.
        start: as above.
        end: as above.
    """
    paths = torch.where(mask, paths, 0)
    last = (mask.sum(dim=1, keepdim=True) - 1).clamp(min=0)
    steps = paths[:, :-1] * len(start) + paths[:, 1:]
    own = emissions.gather(2, paths[:, :, None])[:, :, 0].double()
    moved = transitions.flatten().index_select(0, steps.flatten()).view(steps.shape).double()
    edges = start.double()[paths[:, 0]] + end.double()[paths.gather(1, last)[:, 0]]
    total = torch.where(mask, own, 0).sum(dim=1) + torch.where(mask[:, 1:], moved, 0).sum(dim=1)
    return torch.where(mask[:, 0], total + edges, 0)


@torch.no_grad()
def viterbi(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    transitions: Float[Tensor, "tags tags"],
    start: Float[Tensor, " tags"],
    end: Float[Tensor, " tags"],
) -> tuple[Int[Tensor, "batch words"], Float[Tensor, " batch"]]:
    """The best path of every sentence (-1 at padding) and its score in float64. Arguments as above.

    Of the way forward only the maxima are kept; the way back looks again where the one of the chosen tag came from.
    """
    e = emissions.double().masked_fill(~mask[:, :, None], 0).permute(1, 2, 0).contiguous()
    moves = transitions.double()
    best = torch.empty_like(e)  # (words, tags, batch): maxima over the first axis of a table are taken row by row
    torch.add(e[0], start[:, None], out=best[0])
    table, outgoing = e.new_empty(len(start), *e.shape[1:]), moves[:, :, None]
    rows = best.unbind()
    for t in range(1, len(rows)):
        torch.add(rows[t - 1][:, None], outgoing, out=table)
        torch.amax(table, dim=0, out=rows[t])
        rows[t].add_(e[t])
    scores = best.transpose(1, 2).contiguous()
    last = (mask.sum(dim=1) - 1).clamp(min=0)
    final, tag = (scores[last, torch.arange(len(last), device=last.device)] + end).max(dim=1)
    inside, incoming = mask.t(), moves.t().contiguous()
    path = [tag]
    for t in range(len(scores) - 2, -1, -1):  # a tag stays as it is until the way back reaches its sentence
        came_from = (scores[t] + incoming.index_select(0, tag)).argmax(dim=1)
        tag = torch.where(inside[t + 1], came_from, tag)
        path.append(tag)
    paths = torch.stack(path[::-1], dim=1).masked_fill(~mask, -1)
    return paths, torch.where(mask[:, 0], final, 0)


@torch.no_grad()
def n_best(
    emissions: Float[Tensor, "batch words tags"],
    mask: Bool[Tensor, "batch words"],
    transitions: Float[Tensor, "tags tags"],
    start: Float[Tensor, " tags"],
    end: Float[Tensor, " tags"],
    n: int,
) -> tuple[Int[Tensor, "batch n words"], Float[Tensor, "batch n"]]:
    """The n best paths of every sentence, best first (list Viterbi). Other arguments as above.

    Args:
        emissions: as above.
        mask: as above.
        transitions: as above.
        start: as above.
        end: as above.
        n: how many paths.

    Returns:
        Paths, -1 at padding, and their scores in float64. Where a sentence has fewer, the score is -inf and the path
        -1. A sentence without words has one path of score 0.
    """
    e = emissions.double().masked_fill(~mask[:, :, None], 0)
    batch, words, tags = e.shape
    empty = ~mask[:, :1]
    best = e.new_full((batch, tags, n), -torch.inf)
    best[:, :, 0] = e[:, 0] + start
    origins = []
    for t in range(1, words):
        ways = best[:, :, :, None] + transitions.double()[:, None]
        longer, origin = ways.flatten(1, 2).topk(n, dim=1)
        longer = longer.transpose(1, 2) + e[:, t, :, None]
        best = torch.where(mask[:, t, None, None], longer, best)
        origins.append(origin.transpose(1, 2).flatten(1))
    scores, place = (best + end[:, None]).flatten(1).topk(n, dim=1)  # a place is tag * n + rank
    path = [place // n]
    for t in range(words - 1, 0, -1):
        place = torch.where(mask[:, t, None], origins[t - 1].gather(1, place), place)
        path.append(place // n)
    first = torch.arange(n, device=e.device) == 0
    scores = torch.where(empty, torch.where(first, 0.0, -torch.inf), scores)
    paths = torch.stack(path[::-1], dim=2)
    return paths.masked_fill(~mask[:, None] | scores.isneginf()[:, :, None], -1), scores
