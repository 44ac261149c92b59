"""A sum over processes where there is one; ``tests/training/together.py`` has two."""

import torch

from tasktalk.core.joint import alone, joint_sum


def test_alone_a_sum_is_what_it_was() -> None:
    part = torch.ones(2, requires_grad=True)
    assert alone() and joint_sum(part) is part
