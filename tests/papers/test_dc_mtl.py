"""DC-MTL against the loops of the oracle (message-passing paper, Eq. 2-6, 9-11)."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tasktalk.communication.direct import DirectCommunication
from tasktalk.communication.kernels.choice import KERNELS, using
from tests.papers.notation import (
    Answer,
    Case,
    assert_same,
    block_answer,
    leaves,
    make_case,
    oracle_answer,
    randomised,
    reader,
    theta,
)
from tests.papers.oracle_message_passing import Equations, dc_mtl

TASKS, WORD_FEATURES, HIDDEN = 4, 3, 2

BROKEN: dict[str, dict[str, Any]] = {
    "Eq. 2 without the forget gate": {
        "memory": lambda p, x, h, c: (
            c + torch.sigmoid(p.W_i @ torch.cat((x, h)) + p.b_i) * torch.tanh(p.W_g @ torch.cat((x, h)) + p.b_g),
            torch.sigmoid(p.W_o @ torch.cat((x, h)) + p.b_o),
        )
    },
    "Eq. 2 without tanh, in the senders": {"eq2": lambda o_t, c_t: o_t * c_t},
    "Eq. 3 with i = k": {"senders": lambda k, K: list(range(K))},
    "Eq. 3 without one sender": {"senders": lambda k, K: [i for i in range(K) if i != k][1:]},
    "Eq. 3 as a mean": {"aggregate": lambda weights, messages: torch.stack(tuple(messages)).mean(0)},
    "Eq. 5 with h_t": {"query": lambda h_before, o_t, c_t: o_t * torch.tanh(c_t)},
    "Eq. 5 with c_t": {"query": lambda h_before, o_t, c_t: c_t},
    "Eq. 5 without tanh": {"eq5": lambda s, x, h, h_i: s.u @ (s.W @ torch.cat((x, h, h_i)))},
    "Eq. 5 without x_t": {"eq5": lambda s, x, h, h_i: s.u @ torch.tanh(s.W @ torch.cat((0 * x, h, h_i)))},
    "Eq. 5 without u": {"eq5": lambda s, x, h, h_i: torch.tanh(s.W @ torch.cat((x, h, h_i))).sum()},
    "Eq. 6 without softmax": {"eq6": list},
    "Eq. 6 with a sigmoid each": {"eq6": lambda scores: [torch.sigmoid(score) for score in scores]},
    "Eq. 10 without the gate": {"eq10": lambda s, o, c, g, r: o * torch.tanh(c + s.W_f @ r)},
    "Eq. 10 without W_f": {"eq10": lambda s, o, c, g, r: o * torch.tanh(c + g * r)},
    "Eq. 10 without the message": {"eq10": lambda s, o, c, g, r: o * torch.tanh(c)},
    "Eq. 10 with the message outside": {"eq10": lambda s, o, c, g, r: o * (torch.tanh(c) + g * (s.W_f @ r))},
    "Eq. 11 without W_c": {"eq11": lambda s, r, c, c_before: torch.sigmoid(s.W_r @ r)},
    "Eq. 11 without W_r": {"eq11": lambda s, r, c, c_before: torch.sigmoid(s.W_c @ c)},
    "Eq. 11 with c_{t-1}": {"eq11": lambda s, r, c, c_before: torch.sigmoid(s.W_r @ r + s.W_c @ c_before)},
    "Eq. 11 with tanh": {"eq11": lambda s, r, c, c_before: torch.tanh(s.W_r @ r + s.W_c @ c)},
}


@pytest.fixture(params=KERNELS, autouse=True)
def kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every implementation of the recurrences is held against the equations."""
    with using(request.param):
        yield


def make_block(train_senders: bool = True) -> DirectCommunication:
    """A small block with large parameters."""
    block = DirectCommunication(WORD_FEATURES, HIDDEN, TASKS, train_senders)
    randomised(block)
    return block


def oracle(block: DirectCommunication, case: Case, equations: Equations, train_senders: bool) -> Answer:
    """The oracle's answer, with the parameters of the block."""
    p = leaves(block)
    thetas, s = [theta(p, f"lstms.cells.{i}") for i in range(TASKS)], reader(p)
    return oracle_answer(p, case, lambda x, k: dc_mtl(equations, thetas, s, x, k, train_senders), "alpha")


@pytest.mark.parametrize("train_senders", [True, False])
@pytest.mark.parametrize(
    ("receivers", "groups"), [((0,), 1), ((2,), 1), ((1, 3), 1), ((0, 1, 2, 3), 1), ((3, 0), 2), ((2, 0, 1), 3)]
)
def test_block_is_the_oracle(receivers: tuple[int, ...], groups: int, train_senders: bool) -> None:
    block = make_block(train_senders)
    case = make_case(receivers, groups, WORD_FEATURES, HIDDEN)
    assert_same(block_answer(block, case), oracle(block, case, Equations(), train_senders))


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_equation_is_noticed(change: dict[str, Any]) -> None:
    block = make_block()
    case = make_case((2, 0), 2, WORD_FEATURES, HIDDEN)
    broken = oracle(block, case, Equations()._replace(**change), train_senders=True)
    with pytest.raises(AssertionError, match="block and oracle differ in states"):
        assert_same(block_answer(block, case), broken)


@pytest.mark.parametrize("train_senders", [True, False])
def test_senders_that_learn_are_told_from_senders_that_do_not(train_senders: bool) -> None:
    block = make_block(train_senders)
    case = make_case((2, 0), 2, WORD_FEATURES, HIDDEN)
    with pytest.raises(AssertionError, match=r"differ in the gradient of words .*the gradient of lstms\.cells\.1"):
        assert_same(block_answer(block, case), oracle(block, case, Equations(), not train_senders))
