from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples


def test_a_split_has_as_many_examples_as_texts_an_empty_one_included() -> None:
    examples = Examples([["a", "word"], []], np.array([[1.0], [np.nan]]), None)
    assert len(examples) == 2


def test_a_data_set_is_a_value_that_does_not_change() -> None:
    examples = Examples([["a"]], np.array([[1.0]]), np.array([0]))
    dataset = Dataset("d", (Task("t", "binary", ("no", "yes")),), {"train": examples}, "words")
    assert (dict(dataset.sources), dataset.warnings) == ({}, ())
    with pytest.raises(FrozenInstanceError):
        dataset.name = "other"  # type: ignore[misc]
