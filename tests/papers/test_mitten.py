"""L2T-MITTEN against loops in the notation of the dependency paper (Eq. 2-4)."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from tasktalk.communication.mitten import MutualAttention
from tests.papers.notation import Answer, assert_same, randomised
from tests.papers.transfers import Case, Told, for_all_positions, make_case, oracle_answer, transfer_answer

k, d = 3, 2
ETA = 1.7
SETTINGS = [
    {"include_self": include_self, "dependency": dependency}
    for include_self in (True, False)
    for dependency in ("scale", "log-prior")
]


def softmax(x: list[Tensor]) -> list[Tensor]:
    """Of some scalars."""
    e = [torch.exp(value) for value in x]
    return [value / sum(e) for value in e]


def likeness(H: Tensor, W_Q: Tensor, E: Tensor, W_K: Tensor) -> Tensor:
    """Eq. 3."""
    return sum(((H @ W_Q)[a] * (E @ W_K)[a] for a in range(d)), torch.zeros(())) / d**0.5


def normalised(D: Tensor, j: int, who: list[int]) -> list[Tensor]:
    """D~ of one target."""
    return softmax([D[j, i] for i in who])


def scaled(D: list[Tensor], A: list[Tensor]) -> list[Tensor]:
    """Eq. 4, what its softmax is of."""
    return [ETA * share * a for share, a in zip(D, A, strict=True)]


class Equations(NamedTuple):
    """One function per equation, so that each can be broken; vectors are rows."""

    F_S: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda E, W, b: torch.clamp(E @ W + b, min=0)
    F_T: Callable[[Tensor, Tensor], Tensor] = lambda S, F: S @ F
    eq3: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = likeness
    normalise: Callable[[Tensor, int, list[int]], list[Tensor]] = normalised
    scores: Callable[[list[Tensor], list[Tensor]], list[Tensor]] = scaled
    weigh: Callable[[list[Tensor]], list[Tensor]] = softmax
    value: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = lambda w, H, W_vi, W_vj: (w * (H @ W_vi)) @ W_vj


def log_prior(D: list[Tensor], A: list[Tensor]) -> list[Tensor]:
    """Our option instead of the scaling in Eq. 4."""
    return [ETA * a + torch.log(share) for share, a in zip(D, A, strict=True)]


def position(
    eq: Equations, p: Mapping[str, Tensor], E: list[Tensor], j: int, include_self: bool, dependency: str
) -> Told:
    """X^_j of Eq. 4 at one position."""
    who = [i for i in range(k) if include_self or i != j]
    S = [eq.F_S(E[i], p["send"][i], p["send_bias"][i]) for i in who]
    H = [eq.F_T(s, p["receive"][j]) for s in S]  # Eq. 2
    A = [eq.eq3(h, p["query"][i], E[j], p["key"][j]) for h, i in zip(H, who, strict=True)]
    D = eq.normalise(p["general"], j, who)
    w = eq.weigh((eq.scores if dependency == "scale" else log_prior)(D, A))
    parts = [
        eq.value(weight, h, p["value_source"][i], p["value_target"][j]) for weight, h, i in zip(w, H, who, strict=True)
    ]
    record = {name: torch.zeros(k) for name in ("dependency_share", "attention", "weights")}
    for name, values in (("dependency_share", D), ("attention", A), ("weights", w)):
        record[name][who] = torch.stack(values).detach()
    return Told(torch.stack(parts).sum(dim=0), {**record, "dependency": p["general"][j]})


def oracle(transfer: MutualAttention, case: Case, equations: Equations, **settings: Any) -> Answer:
    """The oracle's answer, with the parameters of the transfer."""
    answer = oracle_answer(transfer, case, lambda p, E, x, j: position(equations, p, E, j, **settings))
    return for_all_positions(answer, "dependency", "dependency_share")


def make_transfer(**settings: Any) -> MutualAttention:
    """A small transfer with large parameters."""
    transfer = MutualAttention(d, k, eta=ETA, **settings)
    randomised(transfer)
    return transfer


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(
    ("receivers", "groups"), [((0,), 1), ((2,), 1), ((0, 2), 1), ((0, 1, 2), 1), ((2, 0), 2), ((2, 0, 1), 3)]
)
def test_transfer_is_the_oracle(receivers: tuple[int, ...], groups: int, settings: dict[str, Any]) -> None:
    transfer, case = make_transfer(**settings), make_case(k, receivers, groups, d)
    assert_same(transfer_answer(transfer, case), oracle(transfer, case, Equations(), **settings))


BROKEN: dict[str, dict[str, Any]] = {
    "F_S without the nonlinearity": {"F_S": lambda E, W, b: E @ W + b},
    "F_S without a bias": {"F_S": lambda E, W, b: torch.clamp(E @ W, min=0)},
    "F_S transposed": {"F_S": lambda E, W, b: torch.clamp(W @ E + b, min=0)},
    "Eq. 2 without F_T": {"F_T": lambda S, F: S},
    "Eq. 2 transposed": {"F_T": lambda S, F: F @ S},
    "Eq. 3 without sqrt d": {"eq3": lambda H, W_Q, E, W_K: (H @ W_Q) @ (E @ W_K)},
    "Eq. 3 with d": {"eq3": lambda H, W_Q, E, W_K: (H @ W_Q) @ (E @ W_K) / d},
    "Eq. 3 with query and key exchanged": {"eq3": lambda H, W_Q, E, W_K: (H @ W_K) @ (E @ W_Q) / d**0.5},
    "D~ over targets": {"normalise": lambda D, j, who: [torch.softmax(D[:, i], dim=0)[j] for i in who]},
    "D~ of the transposed D": {"normalise": lambda D, j, who: softmax([D[i, j] for i in who])},
    "D itself": {"normalise": lambda D, j, who: [D[j, i] for i in who]},
    "Eq. 4 without D~": {"scores": lambda D, A: [ETA * a for a in A]},
    "Eq. 4 without A": {"scores": lambda D, A: [ETA * share for share in D]},
    "Eq. 4 without eta": {"scores": lambda D, A: [share * a for share, a in zip(D, A, strict=True)]},
    "Eq. 4 with D~ as a log-prior": {"scores": log_prior},
    "Eq. 4 without the softmax": {"weigh": list},
    "Eq. 4 with D~ outside": {"weigh": lambda x: [2 * w for w in softmax(x)]},
    "Eq. 4 without W_vi": {"value": lambda w, H, W_vi, W_vj: (w * H) @ W_vj},
    "Eq. 4 without W_vj": {"value": lambda w, H, W_vi, W_vj: w * (H @ W_vi)},
    "Eq. 4 with W_vj before W_vi": {"value": lambda w, H, W_vi, W_vj: (w * (H @ W_vj)) @ W_vi},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_equation_is_noticed(change: dict[str, Any]) -> None:
    transfer, case = make_transfer(), make_case(k, (2, 0), 2, d)
    broken = oracle(transfer, case, Equations()._replace(**change), **SETTINGS[0])
    with pytest.raises(AssertionError, match="differ in mixed"):
        assert_same(transfer_answer(transfer, case), broken)


@pytest.mark.parametrize("wrong", SETTINGS[1:], ids=str)
def test_another_setting_is_noticed(wrong: dict[str, Any]) -> None:
    transfer, case = make_transfer(), make_case(k, (2, 0), 2, d)
    with pytest.raises(AssertionError, match="differ in mixed"):
        assert_same(transfer_answer(transfer, case), oracle(transfer, case, Equations(), **wrong))
