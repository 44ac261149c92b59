import dataclasses

import jaxtyping
import pytest
import torch

from tasktalk.core.batch import SparseRows, TextBatch


def make_batch() -> TextBatch:
    tokens = torch.tensor([[[3, 2], [4, 0]]])
    wide = SparseRows(torch.tensor([5, 1]), torch.tensor([0, 2]), torch.tensor([0.5, 1.0]))
    return TextBatch((1, 0), tokens, tokens != 0, torch.zeros(2, 2), wide)


def test_a_batch_moves_whole() -> None:
    moved = make_batch().to(torch.device("meta"))
    assert moved.receivers == (1, 0)
    assert moved.wide is not None
    tensors = [moved.tokens, moved.mask, moved.labels, moved.wide.indices, moved.wide.offsets, moved.wide.values]
    assert {x.device.type for x in tensors} == {"meta"}
    assert moved.labels.shape == (2, 2)


def test_a_batch_without_wide_features_moves_too() -> None:
    assert dataclasses.replace(make_batch(), wide=None).to(torch.device("cpu")).wide is None


@pytest.mark.parametrize(
    "change",
    [
        {"mask": torch.ones(1, 2, 3, dtype=torch.bool)},
        {"mask": torch.ones(1, 2, 2)},
        {"labels": torch.zeros(2, 3)},
        {"labels": torch.zeros(2, 2, dtype=torch.int64)},
        {"tokens": torch.zeros(1, 2, 2)},
    ],
)
def test_shapes_and_types_are_checked_while_the_tests_run(change: dict[str, torch.Tensor]) -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        dataclasses.replace(make_batch(), **change)  # type: ignore[arg-type]
