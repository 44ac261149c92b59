"""The CRF against the enumeration of all paths, and against pytorch-crf."""

import itertools

import pytest
import torch
from torch import Tensor
from torchcrf import CRF as TorchCRF

from tasktalk.heads.crf import CRF, constraints
from tasktalk.heads.crf_kernel import log_partition, marginals, n_best, path_score, viterbi

LENGTHS = (4, 1, 3, 2)
WORDS, TAGS = 5, 3  # one word more than the longest sentence
MASK = torch.arange(WORDS) < torch.tensor(LENGTHS)[:, None]


def scores(legal: bool, width: float = 1.0, seed: int = 0) -> list[Tensor]:
    """Emissions, transitions, start, end; where ``legal``, some of the last three are impossible."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((len(LENGTHS), WORDS, TAGS), (TAGS, TAGS), (TAGS,), (TAGS,))
    found = [torch.randn(shape, generator=generator, dtype=torch.float64) * width for shape in shapes]
    if legal:
        found[1][0, 2] = found[1][2, 2] = found[2][1] = found[3][0] = -torch.inf
    return [x.requires_grad_() for x in found]


def score(emissions: Tensor, path: tuple[int, ...], transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    total = start[path[0]] + end[path[-1]]
    for t, tag in enumerate(path):
        total = total + emissions[t, tag]
    for before, after in itertools.pairwise(path):
        total = total + transitions[before, after]
    return total


def enumerated(emissions: Tensor, length: int, *others: Tensor) -> list[tuple[Tensor, tuple[int, ...]]]:
    """Every path that is possible, best first."""
    found = [(score(emissions, path, *others), path) for path in itertools.product(range(TAGS), repeat=length)]
    return sorted(((s, path) for s, path in found if s > -torch.inf), key=lambda pair: -pair[0].item())


def all_paths(given: list[Tensor]) -> list[list[tuple[Tensor, tuple[int, ...]]]]:
    return [enumerated(own, length, *given[1:]) for own, length in zip(given[0], LENGTHS, strict=True)]


CASES = pytest.mark.parametrize(
    ("legal", "width"), [(False, 1.0), (True, 1.0), (False, 300.0), (True, 300.0)], ids=["all", "legal", "wide", "both"]
)


@CASES
def test_partition_and_gradients(legal: bool, width: float) -> None:
    given = scores(legal, width)
    found = log_partition(given[0], MASK, *given[1:])
    expected = torch.stack([torch.logsumexp(torch.stack([s for s, _ in own]), 0) for own in all_paths(given)])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-9)
    direction = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64)
    gradients = (torch.autograd.grad(y, given, direction) for y in (found, expected))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


@CASES
def test_path_scores_and_gradients(legal: bool, width: float) -> None:
    given = scores(legal, width)
    best = [own[0] for own in all_paths(given)]
    paths = torch.tensor([[*path, *[-1] * (WORDS - len(path))] for _, path in best])
    found, expected = path_score(given[0], MASK, paths, *given[1:]), torch.stack([s for s, _ in best])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    gradients = (torch.autograd.grad(y.square().sum(), given) for y in (found, expected))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


@CASES
def test_marginals(legal: bool, width: float) -> None:
    given = scores(legal, width)
    expected = torch.zeros_like(given[0])
    for own, paths in zip(expected, all_paths(given), strict=True):
        shares = torch.softmax(torch.stack([s for s, _ in paths]), 0)
        for share, (_, path) in zip(shares, paths, strict=True):
            own[range(len(path)), path] += share.detach()
    torch.testing.assert_close(marginals(given[0], MASK, *given[1:]), expected, rtol=0, atol=1e-9)


@CASES
def test_the_best_path(legal: bool, width: float) -> None:
    given = scores(legal, width)
    paths, found = viterbi(given[0], MASK, *given[1:])
    for path, total, own, length in zip(paths.tolist(), found, all_paths(given), LENGTHS, strict=True):
        assert path == [*own[0][1], *[-1] * (WORDS - length)]
        torch.testing.assert_close(total, own[0][0].detach(), rtol=0, atol=1e-9)


@CASES
def test_the_best_paths(legal: bool, width: float) -> None:
    given = scores(legal, width)
    n = 7  # more than a sentence of one word has
    emissions, transitions, start, end = given
    paths, found = n_best(emissions, MASK, transitions, start, end, n)
    for own_paths, own_scores, expected, length in zip(paths, found, all_paths(given), LENGTHS, strict=True):
        count = min(n, len(expected))
        assert [tuple(path[:length]) for path in own_paths[:count].tolist()] == [path for _, path in expected[:n]]
        best = torch.stack([s for s, _ in expected[:n]]).detach()
        torch.testing.assert_close(own_scores[:count], best, rtol=0, atol=1e-9)
        assert own_scores[count:].isneginf().all() and (own_paths[count:] == -1).all()
        assert (own_paths[:, length:] == -1).all()


def test_all_legal_paths_of_spans_and_no_others() -> None:
    classes = ("O", "B-a", "E-a", "I-a", "S-a", "B-b", "E-b", "I-b", "S-b")
    start, transitions, end = (torch.zeros(x.shape).masked_fill(~x, -torch.inf) for x in constraints(classes))
    emissions, mask = torch.zeros(1, 3, len(classes)), torch.ones(1, 3, dtype=torch.bool)
    paths, found = n_best(emissions, mask, transitions, start, end, 200)
    given = {" ".join(classes[tag] for tag in path) for path in paths[0][found[0] > -torch.inf].tolist()}
    alone = ["O", "S-a", "S-b"]
    pairs = ["B-a E-a", "B-b E-b"]
    expected = {" ".join(words) for words in itertools.product(alone, repeat=3)}
    expected |= {" ".join(words) for words in [*itertools.product(alone, pairs), *itertools.product(pairs, alone)]}
    assert given == expected | {"B-a I-a E-a", "B-b I-b E-b"}


def test_equal_to_pytorch_crf() -> None:
    torch.manual_seed(0)
    words, tags = 12, 6
    ours, theirs = CRF([f"t{i}" for i in range(tags)]).double(), TorchCRF(tags, batch_first=True).double()
    named = {"transitions": "transitions", "start": "start_transitions", "end": "end_transitions"}
    for own, other in named.items():
        ours.get_parameter(own).data = theirs.get_parameter(other).data.normal_().clone()
    emissions = torch.randn(9, words, tags, dtype=torch.float64, requires_grad=True)
    mask = torch.arange(words) < torch.randint(1, words + 1, (9, 1))
    gold = torch.randint(tags, (9, words))
    losses = ours.nll(emissions, mask, gold), -theirs(emissions, gold, mask, reduction="none")
    torch.testing.assert_close(*losses, rtol=0, atol=1e-9)
    weights = torch.rand(9, dtype=torch.float64)
    found = torch.autograd.grad(losses[0], [emissions, *(ours.get_parameter(name) for name in named)], weights)
    others = [emissions, *(theirs.get_parameter(name) for name in named.values())]
    for x, y in zip(found, torch.autograd.grad(losses[1], others, weights), strict=True):
        torch.testing.assert_close(x, y, rtol=0, atol=1e-9)
    decoded = ours.decode(emissions, mask)
    assert [row[row >= 0].tolist() for row in decoded] == theirs.decode(emissions, mask)
