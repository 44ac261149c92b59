"""Cross-stitch against loops in the notation of the dependency paper (Section 5.2)."""

from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor

from tasktalk.communication.cross_stitch import CrossStitch
from tests.papers.notation import Answer, assert_same, randomised
from tests.papers.transfers import Case, Told, for_all_positions, make_case, oracle_answer, transfer_answer

k, d = 3, 2


def total(terms: Iterable[Tensor]) -> Tensor:
    return sum(terms, torch.zeros(d))


Combine = Callable[[Tensor, list[Tensor], int], Tensor]
BROKEN: dict[str, Combine] = {
    "alpha transposed": lambda alpha, x, i: total(alpha[j, i] * x[j] for j in range(k)),
    "without the task itself": lambda alpha, x, i: total(alpha[i, j] * x[j] for j in range(k) if j != i),
    "rows that sum to 1": lambda alpha, x, i: total(torch.softmax(alpha[i], dim=0)[j] * x[j] for j in range(k)),
    "the task's own alpha for all": lambda alpha, x, i: total(alpha[i, i] * x[j] for j in range(k)),
    "alpha on top of the states": lambda alpha, x, i: x[i] + total(alpha[i, j] * x[j] for j in range(k)),
}


def stitch(alpha: Tensor, x: list[Tensor], i: int) -> Tensor:
    """x~_i = sum_j alpha_ij x_j."""
    answer = torch.zeros_like(x[i])
    for j in range(k):
        answer = answer + alpha[i, j] * x[j]
    return answer


def oracle(transfer: CrossStitch, case: Case, combine: Combine) -> Answer:
    """The oracle's answer, with the parameters of the transfer."""
    answer = oracle_answer(
        transfer, case, lambda p, E, x, i: Told(combine(p["alpha"], E, i), {"stitch": p["alpha"][i]})
    )
    return for_all_positions(answer, "stitch")


def make_transfer() -> CrossStitch:
    """A small transfer with large parameters."""
    transfer = CrossStitch(d, k)
    randomised(transfer)
    return transfer


@pytest.mark.parametrize(
    ("receivers", "groups"), [((0,), 1), ((2,), 1), ((0, 2), 1), ((0, 1, 2), 1), ((2, 0), 2), ((2, 0, 1), 3)]
)
def test_transfer_is_the_oracle(receivers: tuple[int, ...], groups: int) -> None:
    transfer, case = make_transfer(), make_case(k, receivers, groups, d)
    assert_same(transfer_answer(transfer, case), oracle(transfer, case, stitch))


@pytest.mark.parametrize("combine", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_equation_is_noticed(combine: Combine) -> None:
    transfer, case = make_transfer(), make_case(k, (2, 0), 2, d)
    with pytest.raises(AssertionError, match="differ in mixed"):
        assert_same(transfer_answer(transfer, case), oracle(transfer, case, combine))
