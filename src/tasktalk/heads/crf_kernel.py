"""Linear-chain CRFs: partition, marginals, best paths (Lafferty et al. 2001; Rabiner 1989).

The score of a path y is start[y_1] + sum_t emissions[t, y_t] + sum_t transitions[y_t-1, y_t] + end[y_T]. A score of
-inf forbids a start, a transition or an end. Padding is at the end of a sentence. Losses are computed in float64:
the score of a long sentence has too many digits for float32, and a loss is a small difference of two such scores.
"""

import itertools
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

# While no score of a word and of a transition together exceeds this, products of probabilities stay above the smallest
# float64 (e^-708): one step spans e^200 at most, and BIOES tags reach each other in three.
_LARGEST = 100.0
_STRETCH = 16  # words after which Viterbi takes off the highest score
_SMALL_TABLE = 2**16  # up to here a table of scores is filled faster from an array of its own size, in one long loop
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
    emissions = emissions.masked_fill(~mask[:, :, None], 0).double()
    scores = (transitions.double(), start.double(), end.double())
    if _are_moderate(emissions, *scores):
        found: Tensor = _LogPartition.apply(emissions, mask, *scores)  # type: ignore[no-untyped-call]
        if found.isfinite().all():
            return found
    return _log_partition_in_logs(emissions, mask, *scores)


def _are_moderate(emissions: Tensor, *scores: Tensor) -> bool:
    finite = torch.cat([x.detach().flatten() for x in scores])
    finite = finite.masked_fill(finite.isneginf(), 0)
    return bool(emissions.detach().abs().max() + finite.abs().max() <= _LARGEST)


class _LogPartition(torch.autograd.Function):
    """Both recursions in one loop of products with exp(transitions), each step divided by its sum.

    One more tag, the last, stands for being outside of the sentence: it is that of padding and of nothing else, start
    is the way out of it and end the way into it. So no step needs a mask. Arrays are (words, batch, tags).
    """

    @staticmethod
    def forward(ctx: Any, emissions: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
        batch, words, tags = emissions.shape
        both = emissions.new_empty(words, 2, batch, tags + 1)
        own = both[:, 0]
        torch.mul(emissions.exp().transpose(0, 1), mask.t()[:, :, None], out=own[:, :, :tags])
        own[:, :, tags] = ~mask.t()
        both[:, 1] = own.flip(0)
        step = _with_outside(transitions, start, end).exp()
        before, after, sums = _run(both, torch.stack((step, step.t())))
        ctx.save_for_backward(after[:, 0], after[:, 1].flip(0), before[:, 1].flip(0), step)
        return sums[:, 0, :, 0].log().sum(dim=0) + (after[-1, 0] @ step[:, tags]).log()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, Tensor, Tensor, Tensor]:
        # alpha and beta hold the emission of their own word, beta_before does not.
        alpha, beta, beta_before, step = ctx.saved_tensors
        tags = len(step) - 1
        joint = alpha * beta_before
        weights = grad[:, None] / joint.sum(dim=2, keepdim=True)
        joint *= weights
        left = (alpha[:-1] * weights[:-1]).flatten(0, 1)
        pairs = step * (left.t() @ beta[1:].flatten(0, 1))
        at_end = pairs[:tags, tags] + joint[-1, :, :tags].sum(dim=0)
        return joint[:, :, :tags].transpose(0, 1), None, pairs[:tags, :tags], joint[0, :, :tags].sum(dim=0), at_end


def _with_outside(
    transitions: Float[Tensor, "tags tags"], start: Float[Tensor, " tags"], end: Float[Tensor, " tags"]
) -> Float[Tensor, "more more"]:
    """Transitions with a last tag for what is outside of the sentence: start is the way out of it, end the way in."""
    inner = torch.cat((transitions, start[None]))
    return torch.cat((inner, torch.cat((end, end.new_zeros(1)))[:, None]), dim=1)


def _run(emissions: Tensor, step: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Messages of every word before and after its emission, and the sums by which those after it were divided.

    Args:
        emissions: exp of the scores, (words, 2, batch, tags): forward, and the last word first.
        step: exp of the transitions of either direction, (2, tags, tags).
    """
    before, after = torch.empty_like(emissions), torch.empty_like(emissions)
    sums = torch.empty_like(emissions[..., :1])
    before[0] = step[:, -1:]
    previous = None
    for e, b, a, s in zip(emissions.unbind(), before.unbind(), after.unbind(), sums.unbind(), strict=True):
        if previous is not None:
            torch.bmm(previous, step, out=b)
        torch.mul(b, e, out=a)
        torch.sum(a, dim=2, keepdim=True, out=s)
        previous = a.div_(s)
    return before, after, sums


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
    """The best path of every sentence (-1 at padding) and its score. Arguments as above.

    Of the way forward only the maxima are kept; the way back looks again where the one of the chosen tag came from. It
    has the precision of the scores, at least float32: every few words the highest score is taken off, so that digits
    suffice for sentences of any length.
    """
    batch, words, tags = emissions.shape
    outside = ~mask.t()
    dtype = torch.promote_types(torch.promote_types(emissions.dtype, transitions.dtype), torch.float32)
    best = torch.zeros(words, tags + 1, batch, dtype=dtype, device=emissions.device)  # first only the emissions
    best[:, :tags] = emissions.masked_fill(~mask[:, :, None], -torch.inf).permute(1, 2, 0)
    best[:, tags].masked_fill_(~outside, -torch.inf)
    incoming = _with_outside(transitions, start, end).to(dtype).t().contiguous()
    moves, table = incoming[:, :, None], best.new_empty(tags + 1, tags + 1, batch)
    if table.numel() <= _SMALL_TABLE:
        moves = moves.expand_as(table).contiguous()
    best[0] += incoming[:, -1:]
    row = best.new_empty(tags + 1, batch)
    taken = []
    for t, (previous, own) in enumerate(itertools.pairwise(best.unbind()), start=1):
        torch.add(previous, moves, out=table)
        torch.amax(table, dim=1, out=row)
        own.add_(row)
        if t % _STRETCH == 0:
            highest = own.amax(dim=0).clamp_(min=_IMPOSSIBLE)
            own.sub_(highest)
            taken.append(highest)
    taken.append((best[-1] + incoming[-1, :, None]).amax(dim=0))
    score = torch.stack(taken).sum(dim=0, dtype=torch.float64)
    paths = _walk_back(best.transpose(1, 2).contiguous().cpu().numpy(), incoming.cpu().numpy())
    return paths.to(mask.device).masked_fill(~mask, -1), score


def _walk_back(best: Float[np.ndarray, "words batch tags"], incoming: Float[np.ndarray, "tags tags"]) -> Tensor:
    """Tags of all words, from outside, the last tag, to the first word; in NumPy, whose small steps cost less.

    Args:
        best: score of the best path that ends in a tag.
        incoming: transitions, from the second axis to the first.
    """
    ways = np.empty_like(best[0])
    paths = np.empty(best.shape[:2], dtype=np.int64)
    tag = np.full(best.shape[1], len(incoming) - 1)
    for scores, row in zip(best[::-1], paths[::-1], strict=True):
        incoming.take(tag, axis=0, out=ways, mode="clip")  # the mode that needs no second array
        ways += scores
        tag = ways.argmax(axis=1, out=row)
    return torch.from_numpy(paths.T)


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
