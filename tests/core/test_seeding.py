import random

import numpy as np
import torch

from tasktalk.core.seeding import generator, seed_everything


def draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), torch.rand(1).item()  # noqa: NPY002, S311


def test_a_seed_repeats_every_generator() -> None:
    seed_everything(3)
    first, second = draw(), draw()
    seed_everything(3)
    assert draw() == first
    assert all(a != b for a, b in zip(first, second, strict=True))
    seed_everything(4)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


def test_seeds_may_be_larger_than_numpys() -> None:
    seed_everything(2**40)
    first = draw()
    seed_everything(2**40)
    assert draw() == first


def test_a_generator_depends_on_seed_and_purpose_alone() -> None:
    def numbers(*key: int) -> list[int]:
        return [int(n) for n in generator(*key).integers(1000, size=5)]

    expected = numbers(1, 2)
    seed_everything(0)
    assert numbers(1, 2) == expected
    assert all(numbers(*key) != expected for key in [(1,), (2, 1), (1, 2, 1), (1, 3)])
