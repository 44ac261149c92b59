from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tasktalk.heads import crf_kernel
from tasktalk.heads.crf import constraints
from tasktalk.heads.crf_kernel import log_partition, marginals, n_best, path_score, viterbi

CLASSES = ("O", "B-a", "E-a", "I-a", "S-a")
TAGS = len(CLASSES)


def scores(batch: int, words: int, width: float = 1.0, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((batch, words, TAGS), (TAGS, TAGS), (TAGS,), (TAGS,))
    return [torch.randn(shape, generator=generator, dtype=torch.float64) * width for shape in shapes]


def forbid(given: list[Tensor]) -> list[Tensor]:
    start, transitions, end = constraints(CLASSES)
    legal = (transitions, start, end)
    return [given[0], *(x.masked_fill(~y, -torch.inf) for x, y in zip(given[1:], legal, strict=True))]


def mask_of(lengths: list[int], words: int) -> Tensor:
    return torch.arange(words) < torch.tensor(lengths)[:, None]


def with_gradients(given: list[Tensor], mask: Tensor) -> list[Tensor]:
    """The partition and its gradients."""
    leaves = [x.clone().requires_grad_() for x in given]
    found = log_partition(leaves[0], mask, *leaves[1:])
    return [found.detach(), *torch.autograd.grad(found.sum(), leaves, materialize_grads=True)]


@pytest.mark.parametrize("width", [1.0, 300.0])
def test_gradients_are_those_of_finite_differences(width: float) -> None:
    given = [x.requires_grad_() for x in scores(3, 4, width)]
    mask = mask_of([4, 1, 2], 4)
    assert torch.autograd.gradcheck(lambda e, *others: log_partition(e, mask, *others), given, atol=1e-5)


def test_gradients_of_gradients_are_refused() -> None:
    given = [x.requires_grad_() for x in scores(2, 3)]
    total = log_partition(given[0], mask_of([3, 2], 3), *given[1:]).square().sum()
    (gradient,) = torch.autograd.grad(total, given[0], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.square().sum().backward()


@pytest.mark.parametrize("width", [1.0, 10.0])
@pytest.mark.parametrize("constrained", [False, True])
def test_both_ways_to_compute_it_agree(width: float, constrained: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    given = scores(4, 30, width)
    given = forbid(given) if constrained else given
    mask = mask_of([30, 1, 17, 2], 30)
    scaled = with_gradients(given, mask)
    monkeypatch.setattr(crf_kernel, "_LARGEST", -1.0)
    for ours, in_logs in zip(scaled, with_gradients(given, mask), strict=True):
        torch.testing.assert_close(ours, in_logs, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("factor", [1.0, 100.0, 1e3, 1e6])
def test_what_scales_away_is_not_lost(factor: float) -> None:
    """The first word nearly rules out the only tag that can go on, and the next words insist on it."""
    emissions = torch.zeros(1, 4, 2)
    emissions[0, 0, 1], emissions[0, 1:, 1] = -8 * factor, 3 * factor
    transitions = torch.tensor([[0.0, -torch.inf], [-torch.inf, 0.0]])
    found = with_gradients([emissions, transitions, torch.zeros(2), torch.zeros(2)], mask_of([4], 4))
    expected = torch.nn.functional.softplus(torch.tensor([factor], dtype=torch.float64))
    torch.testing.assert_close(found[0], expected)
    torch.testing.assert_close(found[1][0, :, 1], torch.ones(4) / (1 + torch.exp(torch.tensor(-factor))))


@pytest.mark.parametrize("constrained", [False, True])
def test_float32_holds_for_a_thousand_words(constrained: bool) -> None:
    given = scores(3, 1000, 3.0)
    given = [x.float() for x in (forbid(given) if constrained else given)]
    mask = mask_of([1000, 999, 4], 1000)
    found, expected = with_gradients(given, mask), with_gradients([x.double() for x in given], mask)
    assert all(x.dtype == torch.float32 for x in found[1:])
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("constrained", [False, True])
def test_the_best_path_in_float32_holds_for_a_thousand_words(constrained: bool) -> None:
    given = scores(8, 1000, 3.0)
    given = [x.float() for x in (forbid(given) if constrained else given)]
    mask = mask_of([1000, 999, 4, 500, 1, 2, 700, 8], 1000)
    paths, found = viterbi(given[0], mask, *given[1:])
    expected = viterbi(given[0].double(), mask, *(x.double() for x in given[1:]))[1]
    torch.testing.assert_close(path_score(given[0], mask, paths, *given[1:]), expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


def test_five_thousand_words() -> None:
    given = forbid([x.float() for x in scores(2, 5000, 5.0)])
    mask = mask_of([5000, 4000], 5000)
    assert all(x.isfinite().all() for x in with_gradients(given, mask))
    paths, best = viterbi(given[0], mask, *given[1:])
    torch.testing.assert_close(path_score(given[0], mask, paths, *given[1:]), best, rtol=1e-6, atol=0)
    totals = marginals(given[0], mask, *given[1:]).sum(dim=2)
    torch.testing.assert_close(totals, mask.double())


def test_what_is_forbidden_has_no_gradient() -> None:
    given = forbid(scores(4, 9))
    gradients = with_gradients(given, mask_of([9, 1, 3, 2], 9))[1:]
    assert all(gradient.isfinite().all() for gradient in gradients)
    for gradient, x in zip(gradients[1:], given[1:], strict=True):
        assert not gradient[x.isneginf()].any() and gradient[~x.isneginf()].all()


def best_paths(given: list[Tensor], mask: Tensor, n: int) -> tuple[Tensor, Tensor]:
    emissions, transitions, start, end = given
    return n_best(emissions, mask, transitions, start, end, n)


def test_best_paths_are_legal() -> None:
    for seed in range(20):
        given = forbid(scores(8, 12, 4.0, seed))
        mask = mask_of([12, 1, 2, 3, 5, 7, 11, 12], 12)
        paths, best = viterbi(given[0], mask, *given[1:])
        torch.testing.assert_close(path_score(given[0], mask, paths, *given[1:]), best)
        several, their_scores = best_paths(given, mask, 4)
        assert torch.equal(several[:, 0], paths)
        torch.testing.assert_close(their_scores[:, 0], best)
        for i in range(4):
            own = path_score(given[0], mask, several[:, i].clamp(min=0), *given[1:])
            kept = ~their_scores[:, i].isneginf()
            torch.testing.assert_close(own[kept], their_scores[kept, i])


def everything(emissions: Tensor, mask: Tensor, *others: Tensor) -> list[Tensor]:
    paths, best = viterbi(emissions, mask, *others)
    several, their_scores = best_paths([emissions, *others], mask, 3)
    gradients = with_gradients([emissions, *others], mask)
    return [*gradients[:2], marginals(emissions, mask, *others), paths, best, several, their_scores]


@pytest.mark.parametrize("width", [2.0, 200.0])
@pytest.mark.parametrize("garbage", [0.0, 1e4, torch.nan, torch.inf])
def test_padding_changes_nothing_and_neither_do_other_sentences(garbage: float, width: float) -> None:
    lengths, words = [6, 1, 4], 9
    given = forbid(scores(3, words, width))
    mask = mask_of(lengths, words)
    together = everything(given[0].masked_fill(~mask[:, :, None], garbage), mask, *given[1:])
    for i, length in enumerate(lengths):
        alone = everything(given[0][i : i + 1, :length], mask[i : i + 1, :length], *given[1:])
        for x, y in zip(together, alone, strict=True):
            own = x[i, ..., :length] if x.dtype == torch.int64 else x[i, :length] if x.ndim == 3 else x[i]
            torch.testing.assert_close(own, y[0], rtol=1e-9, atol=1e-9)
    assert all((x[~mask] == 0).all() for x in together[1:3]) and (together[3][~mask] == -1).all()


def test_a_sentence_without_words() -> None:
    given = scores(2, 3)
    mask = mask_of([3, 0], 3)
    found, gradient, shares, paths, best, several, their_scores = everything(given[0], mask, *given[1:])
    assert found[1] == 0 and best[1] == 0 and not gradient[1].any() and not shares[1].any()
    assert (paths[1] == -1).all() and (several[1] == -1).all()
    assert their_scores[1].tolist() == [0, -torch.inf, -torch.inf]
    assert path_score(given[0], mask, paths, *given[1:])[1] == 0
    nowhere = with_gradients(given, mask_of([0, 0], 3))
    assert not any(x.any() for x in nowhere)


def test_no_path_at_all() -> None:
    given = scores(2, 3)
    given[2].fill_(-torch.inf)
    mask = mask_of([3, 1], 3)
    found = with_gradients(given, mask)
    assert all(x.isfinite().all() for x in found) and (found[0] < -1e29).all()
    assert best_paths(given, mask, 2)[1].isneginf().all()


def test_not_a_number_is_not_hidden() -> None:
    given = scores(2, 3)
    given[0][0, 1, 2] = torch.nan
    found = log_partition(given[0], mask_of([3, 3], 3), *given[1:])
    assert found.isnan().tolist() == [True, False]


def test_mixed_precision_loses_nothing_more() -> None:
    given = [x.bfloat16() for x in scores(3, 20)]
    mask = mask_of([20, 3, 7], 20)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = everything(given[0], mask, *given[1:])
    exact = everything(given[0].double(), mask, *(x.double() for x in given[1:]))
    assert found[0].dtype == torch.float64 and found[1].dtype == torch.bfloat16
    for x, y in zip([found[0], *found[2:]], [exact[0], *exact[2:]], strict=True):
        torch.testing.assert_close(x, y, rtol=1e-6, atol=0)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_marginals_need_no_graph(mode: Callable[[], torch.no_grad]) -> None:
    given, mask = scores(2, 4), mask_of([4, 2], 4)
    expected = marginals(given[0], mask, *given[1:])
    assert not expected.requires_grad
    with mode():
        assert torch.equal(marginals(given[0] + 0, mask, *(x + 0 for x in given[1:])), expected)
