"""SP-MTL's penalty against loops (Liu, Qiu and Huang 2017: adversarial loss, orthogonality of shared and private)."""

import pytest
import torch
from torch import Tensor

from tasktalk.communication.shared_private import SharedPrivate
from tests.papers.notation import Case, leaves, make_case, randomised, theta
from tests.papers.oracle_message_passing import Equations, lstm

TASKS, WORD_FEATURES, HIDDEN = 3, 3, 2
ADVERSARIAL, ORTHOGONAL = 0.7, 0.3


def make_block() -> SharedPrivate:
    """A small block with large parameters."""
    block = SharedPrivate(WORD_FEATURES, HIDDEN, TASKS, ADVERSARIAL, ORTHOGONAL)
    randomised(block)
    return block


def last_states(p: dict[str, Tensor], case: Case) -> list[tuple[int, list[Tensor], list[Tensor]]]:
    """For every receiver its shared and private last states, one pair per sentence that has words."""
    result = []
    for k, group, lengths in zip(case.receivers, case.words, case.lengths, strict=True):
        sentences = [x[:T] for x, T in zip(group, lengths, strict=True) if T > 0]
        s = [lstm(Equations(), theta(p, "shared.lstm.cells.0"), x)[-1] for x in sentences]
        h = [lstm(Equations(), theta(p, f"private.cells.{k}"), x)[-1] for x in sentences]
        result.append((k, s, h))
    return result


def adversarial(p: dict[str, Tensor], case: Case) -> Tensor:
    """Mean negative log-likelihood of the task an example comes from, by the discriminator."""
    losses = []
    for k, shared, _ in last_states(p, case):
        for s_T in shared:
            score = p["discriminator.weight"] @ s_T + p["discriminator.bias"]
            losses.append(-torch.log(torch.exp(score[k]) / torch.exp(score).sum()))
    return torch.stack(losses).mean()


def orthogonality(p: dict[str, Tensor], case: Case) -> Tensor:
    """Sum over the tasks of ||S^T H||_F^2, the rows of S and H scaled to length 1, per example."""
    total, examples = torch.zeros(()), 0
    for _, shared, private in last_states(p, case):
        S = [s / torch.sqrt((s * s).sum()) for s in shared]
        H = [h / torch.sqrt((h * h).sum()) for h in private]
        for i in range(HIDDEN):
            for j in range(HIDDEN):
                total = total + sum((s[i] * h[j] for s, h in zip(S, H, strict=True)), torch.zeros(())) ** 2
        examples += len(S)
    return total / examples


def make_examples() -> Case:
    """Two tasks with examples of their own, one of them without any word."""
    case = make_case((2, 0), 2, WORD_FEATURES, HIDDEN)
    return case._replace(lengths=((5, 2, 1), (3, 5, 0)))


def penalty_of(block: SharedPrivate, case: Case) -> Tensor:
    """The block's penalty."""
    penalty = block.train()(case.words, case.mask, case.receivers).penalty
    assert isinstance(penalty, Tensor)
    return penalty


def gradients(loss: Tensor, p: dict[str, Tensor]) -> dict[str, Tensor]:
    """Gradient of a loss by every parameter."""
    found = torch.autograd.grad(loss, list(p.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(p, found, strict=True))


def test_penalty_is_the_weighted_sum() -> None:
    block, case = make_block(), make_examples()
    p = leaves(block)
    expected = ADVERSARIAL * adversarial(p, case) + ORTHOGONAL * orthogonality(p, case)
    assert (penalty_of(block, case) - expected).abs().item() < 1e-12
    assert adversarial(p, case).item() > 0.1
    assert orthogonality(p, case).item() > 0.1


def test_discriminator_descends_and_the_shared_reader_ascends() -> None:
    block, case = make_block(), make_examples()
    p = leaves(block)
    game, apart = gradients(adversarial(p, case), p), gradients(orthogonality(p, case), p)
    found = gradients(penalty_of(block, case), dict(block.named_parameters()))
    for name in p:
        sign = 1 if name.startswith("discriminator") else -1  # min-max: the gradient of the game is reversed
        torch.testing.assert_close(found[name], sign * ADVERSARIAL * game[name] + ORTHOGONAL * apart[name])
    for name in ("discriminator.weight", "shared.lstm.cells.0.weight_h"):
        unreversed = -game[name] if name.startswith("discriminator") else game[name]
        assert not torch.allclose(found[name], ADVERSARIAL * unreversed + ORTHOGONAL * apart[name], atol=1e-3)


def test_orthogonality_reaches_both_readers_and_the_game_only_the_shared_one() -> None:
    block, case = make_block(), make_examples()
    p = leaves(block)
    game, apart = gradients(adversarial(p, case), p), gradients(orthogonality(p, case), p)
    for name in ("private.cells.0.weight_x", "private.cells.2.weight_x"):
        assert float(apart[name].abs().max()) > 1e-3
        assert float(game[name].abs().max()) == 0
    assert float(apart["shared.lstm.cells.0.weight_x"].abs().max()) > 1e-3
    assert float(apart["private.cells.1.weight_x"].abs().max()) == 0


def test_a_feature_that_both_readers_have_costs_and_one_that_varies_by_itself_does_not() -> None:
    block = make_block()
    block.adversarial = 0.0
    mask = torch.ones(1, 2, 1, dtype=torch.bool)
    shared = torch.tensor([3.0, 0.5]).view(1, 2, 1, 1) * torch.tensor([1.0, 0.0])
    apart = torch.tensor([2.0, -2.0]).view(1, 2, 1, 1) * torch.tensor([1.0, 0.0])
    assert block._penalty(shared, shared, mask, (0,)).item() == pytest.approx(ORTHOGONAL * 4 / 2)
    assert block._penalty(shared, apart, mask, (0,)).item() == pytest.approx(0)
