"""MMoE against loops: expert networks f_i, gates g^t, f^t(x) = sum_i g^t(x)_i f_i(x) (Ma et al. 2018)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from tasktalk.communication.experts import MixtureOfExperts
from tests.papers.notation import Answer, assert_same, randomised
from tests.papers.transfers import Case, Told, make_case, oracle_answer, transfer_answer

TASKS, EXPERTS, INPUT_FEATURES, d = 3, 4, 3, 2


def _logit(x: Tensor, W: Tensor, b: Tensor, i: int) -> Tensor:
    return sum((x[a] * W[a, i] for a in range(INPUT_FEATURES)), b[i])


def shares(x: Tensor, W: Tensor, b: Tensor) -> list[Tensor]:
    """The softmax of the gate."""
    e = [torch.exp(_logit(x, W, b, i)) for i in range(EXPERTS)]
    return [one / sum(e) for one in e]


def mixed(g: list[Tensor], f: list[Tensor]) -> Tensor:
    """The sum over the experts."""
    return sum((g[i] * f[i] for i in range(EXPERTS)), torch.zeros(d))


class Equations(NamedTuple):
    """One function per equation, so that each can be broken."""

    task: Callable[[int], int] = lambda t: t
    gate: Callable[[Tensor, Tensor, Tensor], list[Tensor]] = shares
    mix: Callable[[list[Tensor], list[Tensor]], Tensor] = mixed


def oracle(transfer: MixtureOfExperts, case: Case, eq: Equations) -> Answer:
    """The oracle's answer, with the parameters of the transfer."""

    def tell(p: Any, f: list[Tensor], x: Tensor, t: int) -> Told:
        g = eq.gate(x, p["weight"][eq.task(t)], p["bias"][eq.task(t)])
        return Told(eq.mix(g, f), {"weights": torch.stack(tuple(g))})

    return oracle_answer(transfer, case, tell)


def make_transfer() -> MixtureOfExperts:
    """A small transfer with large parameters."""
    transfer = MixtureOfExperts(d, INPUT_FEATURES, TASKS, EXPERTS)
    randomised(transfer)
    return transfer


@pytest.mark.parametrize(
    ("receivers", "groups"), [((0,), 1), ((2,), 1), ((0, 2), 1), ((0, 1, 2), 1), ((2, 0), 2), ((2, 0, 1), 3)]
)
def test_transfer_is_the_oracle(receivers: tuple[int, ...], groups: int) -> None:
    transfer, case = make_transfer(), make_case(EXPERTS, receivers, groups, d, INPUT_FEATURES)
    assert_same(transfer_answer(transfer, case), oracle(transfer, case, Equations()))


BROKEN: dict[str, dict[str, Any]] = {
    "one gate for all tasks": {"task": lambda t: 0},
    "gate without softmax": {"gate": lambda x, W, b: [_logit(x, W, b, i) for i in range(EXPERTS)]},
    "gate without its bias": {"gate": lambda x, W, b: torch.softmax(x @ W, dim=0).unbind()},
    "gate that reads nothing": {"gate": lambda x, W, b: torch.softmax(b, dim=0).unbind()},
    "mean of the experts": {"mix": lambda g, f: torch.stack(f).mean(dim=0)},
    "best expert alone": {"mix": lambda g, f: f[int(torch.stack(tuple(g)).argmax())] * max(g)},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_equation_is_noticed(change: dict[str, Any]) -> None:
    transfer, case = make_transfer(), make_case(EXPERTS, (2, 0), 2, d, INPUT_FEATURES)
    with pytest.raises(AssertionError, match="differ in mixed"):
        assert_same(transfer_answer(transfer, case), oracle(transfer, case, Equations()._replace(**change)))
