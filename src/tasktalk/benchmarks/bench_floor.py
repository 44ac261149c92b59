"""The least that DC-MTL and IC-MTL have to compute: their products, and one pass over the attention."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

Model = Literal["ic", "dc", "dc-fixed"]
"""``dc-fixed`` is DC-MTL with ``train_senders=False``."""

MODELS: tuple[Model, ...] = ("ic", "dc", "dc-fixed")


@dataclass(frozen=True)
class Sizes:
    """One step of training: a batch of one receiver.

    Args:
        words: words of a sentence.
        tasks: how many tasks there are.
        batch: sentences.
        hidden: size of a state, and of a word vector.
    """

    words: int = 100
    tasks: int = 16
    batch: int = 8
    hidden: int = 200


def operations(model: Model, sizes: Sizes) -> int:
    """Floating-point operations of all matrix products, forwards and backwards (message-passing paper, Eq. 2-11).

    A product of (n, a) and (a, b) counts 2 n a b, once forwards, once for the gradient of each factor that has one.
    Messages are mixed before they meet W_f and W_r, which is cheaper than after.
    """
    n, d = sizes.words * sizes.batch, sizes.hidden
    lstm = 2 * n * (d + d) * 4 * d
    read = 2 * n * d * (d + d)  # [x_t, h_t-1] W^(s)
    read += 2 * n * d * 2 * d + 2 * n * d * d  # r_t [W_f, W_r] and c_t W_c
    sources = sizes.words if model == "ic" else sizes.tasks - 1
    weigh = 2 * n * sources * d * 2  # u^(s) with every source, and r_t
    if model == "ic":
        keys = 2 * n * d * d  # h^(s) W^(s)
        return 3 * (2 * lstm + read + keys + weigh)
    senders, keys = (sizes.tasks - 1) * lstm, 2 * n * (sizes.tasks - 1) * d * d
    if model == "dc":
        return 3 * (senders + lstm + read + keys + weigh)
    return senders + 2 * keys + 3 * (lstm + read + weigh)


def attention_pass(model: Model, sizes: Sizes) -> Callable[[], object]:
    """One pass over the elements of the attention, words x sources x hidden of each sentence, word by word."""
    sources = sizes.words if model == "ic" else sizes.tasks - 1
    keys = torch.randn(sizes.batch, sources, sizes.hidden)
    query, out = torch.randn(sizes.batch, 1, sizes.hidden), torch.empty_like(keys)

    def run() -> None:
        for _ in range(sizes.words):
            torch.add(keys, query, out=out)

    return run
