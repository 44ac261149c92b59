"""Settings of the dependency paper's models, and what they make."""

from typing import Any, get_args

import pytest
import torch
from pydantic import ValidationError

from tasktalk.communication.cross_stitch import CrossStitch
from tasktalk.communication.experts import MixtureOfExperts
from tasktalk.communication.mitten import MutualAttention
from tasktalk.communication.over_words import TransferOverWords
from tasktalk.communication.separate import Separate, Shared
from tasktalk.models.transfer_options import (
    MittenOptions,
    MMoEOptions,
    SharedOptions,
    SingleOptions,
    TransferNetworkOptions,
    TransferOptions,
)

MODELS: tuple[type[TransferOptions], ...] = get_args(TransferNetworkOptions)
HIDDEN, INPUTS, TASKS = 4, 5, 3


@pytest.mark.parametrize(
    ("name", "kind", "encoders"),
    [
        ("single", Separate, TASKS),
        ("shared", Shared, 1),
        ("cross-stitch", CrossStitch, TASKS),
        ("mmoe", MixtureOfExperts, 4),
        ("mitten", MutualAttention, TASKS),
    ],
)
def test_every_model_makes_its_transfer(name: str, kind: type, encoders: int) -> None:
    (options,) = (model(hidden=HIDDEN) for model in MODELS if model.model_fields["name"].default == name)
    transfer = options.transfer(INPUTS, TASKS)
    assert isinstance(transfer, kind)
    assert (transfer.features, transfer.encoders) == (HIDDEN, encoders)
    every = tuple(range(TASKS))
    states = torch.randn(len(transfer.sources(every)), 1, 6, HIDDEN)
    assert transfer(states, torch.randn(1, 6, INPUTS), every).states.shape == (TASKS, 6, HIDDEN)


def test_settings_reach_the_transfer() -> None:
    mitten = MittenOptions(hidden=HIDDEN, eta=2.0, include_self=False, dependency="log-prior").transfer(INPUTS, TASKS)
    assert isinstance(mitten, MutualAttention)
    assert (mitten.eta, mitten.include_self, mitten.dependency) == (2.0, False, "log-prior")
    experts = MMoEOptions(hidden=HIDDEN, experts=2).transfer(INPUTS, TASKS)
    assert isinstance(experts, MixtureOfExperts)
    assert experts.weight.shape == (TASKS, INPUTS, 2)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("both", [False, True])
def test_over_words_every_model_is_a_block(model: type[TransferOptions], both: bool) -> None:
    block = model(hidden=HIDDEN, bidirectional=both).block(INPUTS, TASKS)
    assert isinstance(block, TransferOverWords) != both
    mask = torch.ones(1, 2, 3, dtype=torch.bool)
    states = block(torch.randn(1, 2, 3, INPUTS), mask, (2, 0)).states
    assert states.shape == (2, 2, 3, block.features) == (2, 2, 3, HIDDEN * (1 + both))


def test_defaults_are_the_papers_where_it_has_some() -> None:
    for model in MODELS:
        options = model()
        assert (options.pooling, options.readout, options.layers) == ("dot", "set2set", 3)
        assert options.bonds == "kinds"
    assert SingleOptions().embeddings == "private"
    assert (MittenOptions().eta, MittenOptions().include_self, MittenOptions().dependency) == (1.0, True, "scale")


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (MittenOptions, {"eta": 0.0}),
        (MittenOptions, {"dependency": "prior"}),
        (MittenOptions, {"experts": 3}),
        (MMoEOptions, {"experts": 1}),
        (SharedOptions, {"layers": 0}),
        (SharedOptions, {"readout": "last"}),
        (SharedOptions, {"bonds": "two"}),
        (SharedOptions, {"molecules": "bonds"}),
        (SharedOptions, {"nodes": "none"}),
    ],
)
def test_wrong_values_are_refused(model: type[TransferOptions], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model(**values)
