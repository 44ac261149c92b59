import pytest
import torch
from torch import Tensor

from tasktalk.heads.pooling import (
    AttentionPooling,
    DotPooling,
    LastState,
    MaxPooling,
    MeanPooling,
    Pooling,
    pooling,
)

# Two receivers, three sentences of 3, 1 and no words, two features.
MASK = torch.tensor([[True, True, True], [True, False, False], [False, False, False]]).expand(2, -1, -1)
RECEIVERS = (2, 0)
KINDS: tuple[Pooling, ...] = ("last", "mean", "max", "attention", "dot")


def make_states() -> Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 3, 3, 2, dtype=torch.float64)


def test_last_state() -> None:
    states = make_states()
    pooled = LastState()(states, MASK, RECEIVERS)
    assert torch.equal(pooled[:, 0], states[:, 0, 2])
    assert torch.equal(pooled[:, 1], states[:, 1, 0])


def test_the_last_state_of_a_backward_reader_stands_at_the_first_word() -> None:
    states = make_states()
    pooled = LastState(backward_features=1)(states, MASK, RECEIVERS)
    assert torch.equal(pooled[:, 0], torch.stack((states[:, 0, 2, 0], states[:, 0, 0, 1]), dim=-1))
    assert torch.equal(pooled[:, 1], states[:, 1, 0])


def test_mean_over_the_words() -> None:
    states = make_states()
    pooled = MeanPooling()(states, MASK, RECEIVERS)
    torch.testing.assert_close(pooled[:, 0], (states[:, 0, 0] + states[:, 0, 1] + states[:, 0, 2]) / 3)
    torch.testing.assert_close(pooled[:, 1], states[:, 1, 0])


def test_largest_over_the_words_even_if_all_are_negative() -> None:
    states = -make_states().abs() - 1
    states[:, 1, 1:] = 5
    pooled = MaxPooling()(states, MASK, RECEIVERS)
    assert torch.equal(pooled[:, 0], states[:, 0].amax(dim=1))
    assert torch.equal(pooled[:, 1], states[:, 1, 0])


def test_attention_by_each_tasks_own_vector() -> None:
    states = make_states()
    attention = AttentionPooling(features=2, tasks=3).double()
    torch.testing.assert_close(attention(states, MASK, RECEIVERS)[:, 0], states[:, 0].mean(dim=1))
    with torch.no_grad():
        attention.queries[2].copy_(torch.tensor([3.0, -1.0]))
    pooled = attention(states, MASK, RECEIVERS)
    weights = torch.softmax(states[0, 0] @ attention.queries[2] / 2**0.5, dim=0)
    torch.testing.assert_close(pooled[0, 0], weights @ states[0, 0])
    torch.testing.assert_close(pooled[1, 0], states[1, 0].mean(dim=0))
    torch.testing.assert_close(pooled[:, 1], states[:, 1, 0])


def test_attention_by_the_last_state() -> None:
    """Dependency paper, App. B.2: alpha = softmax(O H_n^T), and alpha^T O."""
    states = make_states().requires_grad_()
    pooled = DotPooling()(states, MASK, RECEIVERS)
    expected = []
    for sentences, masks in zip(states, MASK, strict=True):
        for sentence, mask in zip(sentences[:2], masks, strict=False):
            words = sentence[: int(mask.sum())]
            exponentials = [torch.exp(word @ words[-1]) for word in words]
            expected.append(sum(e * word for e, word in zip(exponentials, words, strict=True)) / sum(exponentials))
    oracle = torch.stack(expected).view(2, 2, 2)
    torch.testing.assert_close(pooled[:, :2], oracle, rtol=0, atol=1e-9)
    direction = torch.randn_like(oracle)
    ours, theirs = (torch.autograd.grad(y, states, direction)[0] for y in (pooled[:, :2], oracle))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind: Pooling) -> None:
    states = make_states().requires_grad_()
    module = pooling(kind, features=2, tasks=3).double()
    pooled = module(states, MASK, RECEIVERS)
    longer = torch.cat((torch.where(MASK.unsqueeze(-1), states, 9.0), torch.full((2, 3, 2, 2), 9.0)), dim=2)
    longer_mask = torch.cat((MASK, torch.zeros(2, 3, 2, dtype=torch.bool)), dim=2)
    assert torch.equal(module(longer, longer_mask, RECEIVERS)[:, :2], pooled[:, :2])
    (gradient,) = torch.autograd.grad(pooled[:, :2].sum(), states)
    assert (gradient[~MASK] == 0).all()
    assert (gradient[:, :2].sum(dim=(0, 1, 2)) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_row_without_words_does_no_harm(kind: Pooling, dtype: torch.dtype) -> None:
    """A linear layer and a loss may follow: what is huge here is infinite there."""
    states = torch.where(MASK.unsqueeze(-1), make_states(), 0).to(dtype).requires_grad_()
    pooled = pooling(kind, features=2, tasks=3).to(dtype)(states, MASK, RECEIVERS)
    assert torch.equal(pooled[:, 2], torch.zeros(2, 2, dtype=dtype))
    (gradient,) = torch.autograd.grad(pooled.square().sum(), states)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_makes_its_pooling(kind: Pooling) -> None:
    expected = {
        "last": LastState,
        "mean": MeanPooling,
        "max": MaxPooling,
        "attention": AttentionPooling,
        "dot": DotPooling,
    }
    module = pooling(kind, features=4, tasks=3, backward_features=1)
    assert type(module) is expected[kind]
    if isinstance(module, LastState):
        assert module.backward_features == 1
