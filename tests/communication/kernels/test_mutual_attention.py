from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tasktalk.communication.kernels import mutual_attention as kernel
from tasktalk.communication.kernels.mutual_attention import mutual_attention

SOURCES, TARGETS, POSITIONS, FEATURES = 4, 3, 7, 2


def draw(sources: int = SOURCES, targets: int = TARGETS, groups: int = 1, positions: int = POSITIONS) -> list[Tensor]:
    """Arguments of mutual_attention, all different from 0."""
    generator = torch.Generator().manual_seed(0)
    maps = (targets, sources * FEATURES, FEATURES)
    pairs = (targets, sources)
    shapes = ((sources, groups, positions, FEATURES), (targets, positions, FEATURES), maps, maps, pairs, pairs)
    return [torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_() for shape in shapes]


def straightforward(
    sent: Tensor, own: Tensor, score_maps: Tensor, value_maps: Tensor, scale: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The same with all pairs of tasks at once, and torch's gradients."""
    targets, sources = scale.shape
    s = sent.expand(-1, targets, -1, -1)  # (sources, targets, positions, features)
    m, g = (maps.view(targets, sources, FEATURES, FEATURES) for maps in (score_maps, value_maps))
    attention = torch.einsum("ijnf,jifo,jno->jni", s, m, own)
    weights = torch.softmax(scale.unsqueeze(1) * attention + bias.unsqueeze(1), dim=-1)
    return torch.einsum("jni,ijnf,jifo->jno", weights, s, g), attention, weights


def with_gradients(states: Tensor, arguments: list[Tensor]) -> tuple[Tensor, ...]:
    arriving = torch.randn(states.shape, dtype=states.dtype, generator=torch.Generator().manual_seed(1))
    return states, *torch.autograd.grad(states, arguments, arriving)


def assert_straightforward(arguments: list[Tensor]) -> None:
    found, expected = mutual_attention(*arguments), straightforward(*arguments)
    for a, b in zip(with_gradients(found[0], arguments), with_gradients(expected[0], arguments), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    for a, b in zip(found[1:], expected[1:], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("sources", "targets", "groups"), [(SOURCES, TARGETS, 1), (SOURCES, TARGETS, TARGETS), (2, 3, 3), (1, 1, 1)]
)
def test_equals_the_straightforward_way(sources: int, targets: int, groups: int) -> None:
    assert_straightforward(draw(sources, targets, groups))


@pytest.mark.parametrize("groups", [1, TARGETS])
@pytest.mark.parametrize("elements", [1, 3 * SOURCES * FEATURES, POSITIONS * SOURCES * FEATURES])
def test_chunks_make_no_difference(elements: int, groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kernel._CHUNK_ELEMENTS, "cpu", elements)
    assert_straightforward(draw(groups=groups))


@pytest.mark.parametrize("groups", [1, 2])
def test_gradcheck(groups: int) -> None:
    arguments = draw(3, 2, groups, 2)
    assert torch.autograd.gradcheck(lambda *x: mutual_attention(*x).states, arguments)


def test_a_source_that_is_left_out() -> None:
    arguments = draw()
    arguments[5] = arguments[5].detach()
    arguments[5][1, 2] = -torch.inf
    arguments[5].requires_grad_()
    assert_straightforward(arguments)
    answer = mutual_attention(*arguments)
    assert not answer.weights[1, :, 2].any()
    gradients = torch.autograd.grad(answer.states.square().sum(), arguments)
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert [float(gradient[1, 2]) for gradient in gradients[4:]] == [0, 0]


def test_gradients_that_arrive_expanded() -> None:
    arguments = draw()
    found = torch.autograd.grad(mutual_attention(*arguments).states.sum(), arguments)
    expected = torch.autograd.grad(straightforward(*arguments)[0].sum(), arguments)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_no_positions() -> None:
    answer = mutual_attention(*draw(positions=0))
    assert answer.states.shape == (TARGETS, 0, FEATURES)
    answer.states.sum().backward()


def test_attention_and_weights_are_for_the_record_only() -> None:
    answer = mutual_attention(*draw())
    assert answer.states.requires_grad
    assert not answer.attention.requires_grad
    assert not answer.weights.requires_grad


def test_inputs_stay_as_they_are() -> None:
    arguments = draw()
    before = [x.detach().clone() for x in arguments]
    mutual_attention(*arguments).states.sum().backward()
    assert all(torch.equal(x, y) for x, y in zip(arguments, before, strict=True))


def test_gradients_of_gradients_are_refused() -> None:
    arguments = draw()
    states = mutual_attention(*arguments).states
    (gradient,) = torch.autograd.grad(states.square().sum(), arguments[:1], create_graph=True)
    with pytest.raises(RuntimeError, match="trying to differentiate twice a function that was marked"):
        gradient.sum().backward()


def test_mixed_precision_keeps_the_precision_of_the_scale() -> None:
    arguments = [x.detach().bfloat16().requires_grad_() for x in draw()]
    arguments[4:] = [x.detach().float() for x in arguments[4:]]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answer = mutual_attention(*arguments)
    assert {x.dtype for x in answer} == {torch.float32}
    answer.states.sum().backward()
    assert all(x.grad is not None and x.grad.dtype == torch.bfloat16 for x in arguments[:4])


class Largest(TorchDispatchMode):
    """Remembers the largest tensor that any operation gives."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation."""
        result = func(*args, **(kwargs or {}))
        for x in result if isinstance(result, tuple | list) else (result,):
            self.numbers = max(self.numbers, x.numel() if isinstance(x, Tensor) else 0)
        return result


@pytest.mark.parametrize("groups", [1, TARGETS])
def test_states_of_all_pairs_are_never_held(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kernel._CHUNK_ELEMENTS, "cpu", 3 * SOURCES * FEATURES)
    arguments = draw(groups=groups, positions=100)
    with Largest() as largest:
        mutual_attention(*arguments).states.sum().backward()
    assert largest.numbers == max(x.numel() for x in (arguments[0], torch.empty(TARGETS, 100, SOURCES)))
    with Largest() as largest:
        straightforward(*arguments)
    assert largest.numbers == 100 * SOURCES * TARGETS * FEATURES
