import itertools

import pytest
import torch
from torch import Tensor

from tasktalk.heads.crf import CRF, Legality, constraints

SPANS = ("O", "B-a", "E-a", "I-a", "S-a", "B-b-c", "E-b-c", "I-b-c", "S-b-c")


def filled(classes: tuple[str, ...] = SPANS, constrained: bool = True) -> CRF:
    crf = CRF(classes, constrained)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    return crf


def follows(before: str, after: str) -> bool:
    """As one would say it."""
    if before[0] in "BI":
        return after[0] in "IE" and after[1:] == before[1:]
    return after[0] in "OBS"


def is_legal(names: list[str]) -> bool:
    inner = all(follows(a, b) for a, b in itertools.pairwise(names))
    return names[0][0] in "OBS" and names[-1][0] in "OES" and inner


def batch(classes: tuple[str, ...] = SPANS) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    mask = torch.arange(7) < torch.tensor([7, 1, 2, 5])[:, None]
    return 3 * torch.randn(4, 7, len(classes)), mask


def test_constraints_of_spans() -> None:
    start, transitions, end = constraints(SPANS)
    assert [name for name, legal in zip(SPANS, start, strict=True) if legal] == ["O", "B-a", "S-a", "B-b-c", "S-b-c"]
    assert [name for name, legal in zip(SPANS, end, strict=True) if legal] == ["O", "E-a", "S-a", "E-b-c", "S-b-c"]
    for before, row in zip(SPANS, transitions, strict=True):
        assert row.tolist() == [follows(before, after) for after in SPANS]


@pytest.mark.parametrize("classes", [("NN", "VB"), ("O", "OO"), ("B-a", "S-a"), ("O", "B-a", "X-a"), ("O", "B-")])
def test_other_classes_have_none(classes: tuple[str, ...]) -> None:
    assert all(legal.all() for legal in constraints(classes))


def test_decoded_tags_are_legal() -> None:
    crf = filled()
    for seed in range(30):
        torch.manual_seed(seed)
        emissions, mask = 5 * torch.randn(8, 9, len(SPANS)), torch.arange(9) < torch.randint(1, 10, (8, 1))
        for path, length in zip(crf.decode(emissions, mask).tolist(), mask.sum(dim=1).tolist(), strict=True):
            assert is_legal([SPANS[tag] for tag in path[:length]]) and set(path[length:]) <= {-1}


def test_without_constraints_they_need_not_be() -> None:
    emissions, mask = batch()
    paths = filled(constrained=False).decode(emissions, mask)
    names = [[SPANS[tag] for tag in path if tag >= 0] for path in paths.tolist()]
    assert not all(is_legal(path) for path in names)


def test_the_best_tags_with_scores() -> None:
    crf, (emissions, mask) = filled(), batch()
    best = crf.n_best(emissions, mask, 6)
    assert [len(own) for own in best] == [6, 3, 6, 6]  # a word alone is O, S-a or S-b-c
    decoded = crf.decode(emissions, mask)
    for own, path, length in zip(best, decoded, mask.sum(dim=1).tolist(), strict=True):
        assert own[0][0] == path[:length].tolist()
        values = [score for _, score in own]
        assert values == sorted(values, reverse=True)
        assert all(is_legal([SPANS[tag] for tag in tags]) for tags, _ in own)


def test_marginals_are_the_gradient_of_the_loss() -> None:
    crf, (emissions, mask) = filled(), batch()
    emissions.requires_grad_()
    gold = crf.decode(emissions, mask).clamp(min=0)
    (gradient,) = torch.autograd.grad(crf.nll(emissions, mask, gold).sum(), emissions)
    chosen = torch.nn.functional.one_hot(gold, len(SPANS)) * mask[:, :, None]
    shares = crf.marginals(emissions, mask)
    assert not shares.requires_grad and shares.dtype == torch.float32
    torch.testing.assert_close(gradient, shares - chosen)
    torch.testing.assert_close(shares.sum(dim=2), mask.float())


def test_it_starts_as_a_softmax() -> None:
    emissions, mask = batch()
    crf, gold = CRF(SPANS, constrained=False), torch.randint(len(SPANS), mask.shape)
    losses = torch.nn.functional.cross_entropy(emissions.transpose(1, 2), gold, reduction="none")
    torch.testing.assert_close(crf.nll(emissions, mask, gold), (losses * mask).sum(dim=1))


def test_an_illegal_gold_path_has_a_finite_loss() -> None:
    crf, (emissions, mask) = filled(), batch()
    emissions.requires_grad_()
    gold = crf.decode(emissions, mask).clamp(min=0)
    legal = crf.nll(emissions, mask, gold)
    gold[0, :2] = torch.tensor([SPANS.index("I-a"), SPANS.index("S-b-c")])
    losses = crf.nll(emissions, mask, gold)
    torch.testing.assert_close(losses[1:], legal[1:])
    free = CRF(SPANS, constrained=False)
    free.load_state_dict(crf.state_dict())
    torch.testing.assert_close(losses[0], free.nll(emissions, mask, gold)[0])
    losses.sum().backward()
    assert (losses > 0).all() and losses.isfinite().all()
    assert all(x.grad is not None and x.grad.isfinite().all() for x in (emissions, *crf.parameters()))


def test_constraints_are_no_weights() -> None:
    assert set(CRF(SPANS).state_dict()) == {"transitions", "start", "end"}
    assert not Legality(SPANS).state_dict()


@pytest.mark.parametrize("constrained", [False, True])
def test_it_learns_what_follows_what(constrained: bool) -> None:
    """With the same emissions at every word, only transitions can tell the words apart."""
    classes = ("O", "B-a", "E-a", "I-a", "S-a")
    torch.manual_seed(0)
    crf, bias = CRF(classes, constrained), torch.zeros(len(classes), requires_grad=True)
    gold, mask = torch.tensor([[0, 1, 3, 3, 2, 4]]), torch.ones(1, 6, dtype=torch.bool)
    optimizer = torch.optim.Adam([*crf.parameters(), bias], lr=0.1)
    losses = []
    for _ in range(100):
        losses.append(crf.nll(bias.expand(1, 6, -1), mask, gold).sum())
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.6 * losses[0] and losses[-1] < 2.5
