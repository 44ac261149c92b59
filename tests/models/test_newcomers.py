"""Which models take a task more, and how its network gets what the smaller one has learned."""

from typing import Any

import pytest
import torch

from tasktalk.core.inputs import GraphInputs, TextInputs
from tasktalk.core.task import Task
from tasktalk.models.build import build_network
from tasktalk.models.newcomers import (
    corner,
    for_one_task,
    graft,
    is_open,
    with_newcomer,
    without_newcomer,
)
from tasktalk.models.options import FullySharedOptions, IndirectOptions, SharedPrivateOptions
from tasktalk.models.transfer_options import MittenOptions
from tasktalk.training.config import model_names

TASKS = tuple(Task(name, "binary", ("no", "yes")) for name in "abcd")
SMALL: dict[str, Any] = {"hidden": 4, "embedding_features": 3}


def test_which_models_take_a_newcomer() -> None:
    models: dict[str, Any] = {name: options() for name, options in model_names().items()}
    assert {name for name, options in models.items() if is_open(options)} == {"ic", "sp", "fs", "mitten"}


def test_settings_of_the_larger_network() -> None:
    for options in (IndirectOptions(), FullySharedOptions(), SharedPrivateOptions()):
        assert with_newcomer(options) == without_newcomer(options) == options
    twice = with_newcomer(with_newcomer(MittenOptions(eta=2.0)))
    assert twice == MittenOptions(eta=2.0, newcomers=2)
    assert without_newcomer(twice) == MittenOptions(eta=2.0, newcomers=1)
    assert for_one_task(SharedPrivateOptions()) == SharedPrivateOptions(adversarial=0.0)
    assert for_one_task(twice) == twice


def test_corner() -> None:
    assert torch.arange(12).view(3, 4)[corner(torch.zeros(2, 3))].tolist() == [[0, 1, 2], [4, 5, 6]]


@pytest.mark.parametrize(
    ("options", "inputs"),
    [
        (SharedPrivateOptions(**SMALL), TextInputs(5)),
        (IndirectOptions(**SMALL, bidirectional=True, pooling="attention"), TextInputs(5)),
        (MittenOptions(**SMALL), TextInputs(5)),
        (MittenOptions(hidden=4), GraphInputs("molecules", 6, 2, summary=5)),
        (MittenOptions(hidden=4, readout="max"), GraphInputs("molecules", 6, 2)),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else type(value).__name__,
)
def test_graft(options: Any, inputs: Any) -> None:
    torch.manual_seed(0)
    small, large = build_network(options, TASKS[:3], inputs), build_network(with_newcomer(options), TASKS, inputs)
    drawn = {name: values.clone() for name, values in large.state_dict().items()}
    graft(large, small)
    learned = small.state_dict()
    assert set(learned) <= set(drawn)
    for name, values in large.state_dict().items():
        expected = drawn[name].clone()
        if name in learned:
            expected[corner(learned[name])] = learned[name]
        assert torch.equal(values, expected)


def test_columns_of_whole_molecules_belong_to_the_same_tasks() -> None:
    """Their encoders stand side by side in one matrix: the first columns of the larger are those of the first tasks."""
    inputs = GraphInputs("molecules", 6, 2, summary=5)
    small, large = (
        build_network(options, tasks, inputs)
        for options, tasks in ((MittenOptions(hidden=4), TASKS[:3]), (MittenOptions(hidden=4, newcomers=1), TASKS))
    )
    graft(large, small)
    for task in range(3):
        columns = slice(4 * task, 4 * task + 4)
        own, same = (net.get_parameter("summaries.weight").view(5, -1)[:, columns] for net in (small, large))
        assert torch.equal(own, same)
