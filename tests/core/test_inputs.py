import dataclasses
from typing import Any, get_args

import pytest

from tasktalk.core.inputs import GraphInputs, Inputs, TextInputs


def test_what_is_not_said_is_not_there() -> None:
    assert TextInputs(7).wide_features == 0
    nodes = GraphInputs("nodes", features=3, kinds=1)
    assert (nodes.learned, nodes.summary) == (0, 0)


def test_equal_inputs_make_equal_networks() -> None:
    assert TextInputs(7, 2) == TextInputs(vocabulary=7, wide_features=2) != TextInputs(7)
    assert GraphInputs("molecules", 4, 5) != GraphInputs("nodes", 4, 5)


@pytest.mark.parametrize(("inputs", "field"), [(TextInputs(7), "vocabulary"), (GraphInputs("nodes", 3, 1), "kinds")])
def test_inputs_stay_as_they_are(inputs: Any, field: str) -> None:
    assert isinstance(inputs, get_args(Inputs))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(inputs, field, 1)
