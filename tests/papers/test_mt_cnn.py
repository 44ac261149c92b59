"""MT-CNN's convolution against loops (Collobert and Weston 2008)."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tasktalk.communication.convolution import TaskConvolution
from tests.papers.notation import (
    Answer,
    Case,
    assert_same,
    block_answer,
    leaves,
    make_case,
    oracle_answer,
    randomised,
)
from tests.papers.oracle_message_passing import Sentence

TASKS, WORD_FEATURES, HIDDEN, WINDOW = 3, 3, 2, 3

Filter = Callable[[Tensor, Tensor, Tensor, int], Tensor]


def convolve(W: Tensor, b: Tensor, x: Tensor, t: int) -> Tensor:
    """max(0, b + sum_j W_j x_{t+j}), j from -(window // 2) to window // 2; nothing stands outside the sentence."""
    state = b
    for j in range(WINDOW):
        word = t + j - WINDOW // 2
        if 0 <= word < len(x):
            state = state + W[:, :, j] @ x[word]
    return torch.clamp(state, min=0)


def oracle(block: TaskConvolution, case: Case, state: Filter = convolve) -> Answer:
    """The loops' answer, with the parameters of the block; a convolution has no record."""
    p = leaves(block)

    def read(x: Tensor, k: int) -> Sentence:
        W, b = p[f"convolutions.{k}.weight"], p[f"convolutions.{k}.bias"]
        none = torch.zeros(len(x))
        return Sentence(torch.stack([state(W, b, x, t) for t in range(len(x))]), none[:, None], none)

    answer = oracle_answer(p, case, read, "none")
    return Answer({"states": answer.outputs["states"]}, answer.gradients)


def make_block() -> TaskConvolution:
    """A small block with large parameters."""
    block = TaskConvolution(WORD_FEATURES, HIDDEN, TASKS, WINDOW)
    randomised(block)
    return block


@pytest.mark.parametrize(("receivers", "groups"), [((1,), 1), ((0, 2), 1), ((2, 0, 1), 3)])
def test_block_is_the_loops(receivers: tuple[int, ...], groups: int) -> None:
    block, case = make_block(), make_case(receivers, groups, WORD_FEATURES, HIDDEN)
    assert_same(block_answer(block, case), oracle(block, case))


@pytest.mark.parametrize(
    "broken",
    [
        lambda W, b, x, t: convolve(W.flip(2), b, x, t),
        lambda W, b, x, t: convolve(W, 0 * b, x, t),
        lambda W, b, x, t: convolve(W, b, x[: t + 1], t),
        lambda W, b, x, t: -convolve(-W, -b, x, t),
    ],
    ids=["window reversed", "no bias", "no look ahead", "rectified the other way"],
)
def test_a_broken_convolution_is_noticed(broken: Filter) -> None:
    block, case = make_block(), make_case((2, 0), 2, WORD_FEATURES, HIDDEN)
    with pytest.raises(AssertionError, match="block and oracle differ in states"):
        assert_same(block_answer(block, case), oracle(block, case, broken))
