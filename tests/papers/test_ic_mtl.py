"""IC-MTL against the loops of the oracle (message-passing paper, Eq. 2, 5-11)."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tasktalk.communication.indirect import IndirectCommunication
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
from tests.papers.oracle_message_passing import Equations, ic_mtl, positions

TASKS, WORD_FEATURES, HIDDEN = 3, 3, 2

BROKEN: dict[str, dict[str, Any]] = {
    "Eq. 5 with h_t": {"query": lambda h_before, o_t, c_t: o_t * torch.tanh(c_t)},
    "Eq. 5 without tanh": {"eq5": lambda s, x, h, h_i: s.u @ (s.W @ torch.cat((x, h, h_i)))},
    "Eq. 6 without softmax": {"eq6": list},
    "Eq. 8 causal": {"positions": lambda t, T, causal: positions(t, T, True)},
    "Eq. 8 with word t alone": {"positions": lambda t, T, causal: [t]},
    "Eq. 8 without word t": {"positions": lambda t, T, causal: [i for i in range(T) if i != t or T == 1]},
    "Eq. 8 as a mean": {"aggregate": lambda weights, messages: torch.stack(tuple(messages)).mean(0)},
    "Eq. 10 without the gate": {"eq10": lambda s, o, c, g, r: o * torch.tanh(c + s.W_f @ r)},
    "Eq. 10 with the message outside": {"eq10": lambda s, o, c, g, r: o * (torch.tanh(c) + g * (s.W_f @ r))},
    "Eq. 11 without W_c": {"eq11": lambda s, r, c, c_before: torch.sigmoid(s.W_r @ r)},
    "Eq. 11 with c_{t-1}": {"eq11": lambda s, r, c, c_before: torch.sigmoid(s.W_r @ r + s.W_c @ c_before)},
}


@pytest.fixture(params=KERNELS, autouse=True)
def kernel(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every implementation of the recurrences is held against the equations."""
    with using(request.param):
        yield


def make_block(causal: bool = False) -> IndirectCommunication:
    """A small block with large parameters."""
    block = IndirectCommunication(WORD_FEATURES, HIDDEN, TASKS, causal)
    randomised(block)
    return block


def oracle(
    block: IndirectCommunication, case: Case, equations: Equations, causal: bool = False, mailbox: str = "shared.lstm"
) -> Answer:
    """The oracle's answer, with the parameters of the block."""
    p = leaves(block)
    thetas, s = [theta(p, f"lstms.cells.{i}") for i in range(TASKS)], reader(p)
    shared = theta(p, f"{mailbox}.cells.0")
    return oracle_answer(p, case, lambda x, k: ic_mtl(equations, thetas, shared, s, x, k, causal), "beta")


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    ("receivers", "groups"), [((0,), 1), ((2,), 1), ((0, 2), 1), ((0, 1, 2), 1), ((2, 0), 2), ((2, 0, 1), 3)]
)
def test_block_is_the_oracle(receivers: tuple[int, ...], groups: int, causal: bool) -> None:
    block = make_block(causal)
    case = make_case(receivers, groups, WORD_FEATURES, HIDDEN)
    assert_same(block_answer(block, case), oracle(block, case, Equations(), causal))


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_equation_is_noticed(change: dict[str, Any]) -> None:
    block = make_block()
    case = make_case((2, 0), 2, WORD_FEATURES, HIDDEN)
    with pytest.raises(AssertionError, match="block and oracle differ in states"):
        assert_same(block_answer(block, case), oracle(block, case, Equations()._replace(**change)))


def test_looking_ahead_is_noticed_in_a_causal_block() -> None:
    block = make_block(causal=True)
    case = make_case((2, 0), 2, WORD_FEATURES, HIDDEN)
    with pytest.raises(AssertionError, match="block and oracle differ in states"):
        assert_same(block_answer(block, case), oracle(block, case, Equations(), causal=False))


def test_a_mailbox_of_another_lstm_is_noticed() -> None:
    block = make_block()
    case = make_case((2, 0), 2, WORD_FEATURES, HIDDEN)
    with pytest.raises(AssertionError, match="block and oracle differ in states"):
        assert_same(block_answer(block, case), oracle(block, case, Equations(), mailbox="lstms"))
