"""Settings of the models: defaults that papers fix, and a block for each."""

from typing import get_args

import pytest
import torch
from pydantic import ValidationError

from tasktalk.communication.block import Block
from tasktalk.models.options import (
    BiLSTMOptions,
    DirectOptions,
    ForestOptions,
    FullySharedOptions,
    IndirectOptions,
    LinearOptions,
    LSTMOptions,
    MTCNNOptions,
    NetworkOptions,
    Options,
    OwnOptions,
    SharedPrivateOptions,
    StackedOptions,
    TextOnlyOptions,
    title,
)
from tasktalk.models.settings import TextOptions
from tasktalk.models.transfer_options import SingleOptions, TransferNetworkOptions

NETWORKS: tuple[type[TextOptions], ...] = get_args(NetworkOptions)
WIDTH, HIDDEN, TASKS = 5, 4, 3
OWN = "tasktalk.communication.indirect:IndirectCommunication"


def run(options: NetworkOptions) -> tuple[Block, torch.Tensor]:
    torch.manual_seed(0)
    block = options.block(WIDTH, TASKS)
    mask = torch.tensor([[[True, True, True], [True, False, False]]]).expand(TASKS, -1, -1)
    return block, block(torch.randn(TASKS, 2, 3, WIDTH), mask, (0, 1, 2)).states


def test_every_model_has_a_name_of_its_own() -> None:
    names = [options.model_fields["name"].default for options in get_args(Options)]
    assert sorted(names) == [
        "bilstm", "cross-stitch", "dc", "forest", "fs", "ic", "linear", "lstm", "mitten", "mmoe", "mt-cnn", "own",
        "shared", "single", "sp", "stacked",
    ]  # fmt: skip
    assert get_args(Options) == (*NETWORKS, LinearOptions, ForestOptions)
    assert (*get_args(TextOnlyOptions), *get_args(TransferNetworkOptions)) == NETWORKS


@pytest.mark.parametrize(
    ("kind", "both"),
    [(kind, both) for kind in NETWORKS for both in (False, True) if not (both and kind is MTCNNOptions)],
)
def test_blocks_have_the_features_they_promise(kind: type[TextOptions], both: bool) -> None:
    path = {"path": OWN} if kind is OwnOptions else {}
    block, states = run(kind(hidden=HIDDEN, bidirectional=both, **path))  # type: ignore[arg-type]
    parts = 2 if kind is SharedPrivateOptions else 1
    assert states.shape == (TASKS, 2, 3, block.features)
    assert block.features == HIDDEN * parts * (2 if both else 1)


def test_bilstm_is_lstm_in_both_directions() -> None:
    _, one = run(BiLSTMOptions(hidden=HIDDEN))
    _, other = run(LSTMOptions(hidden=HIDDEN, bidirectional=True))
    assert torch.equal(one, other)


def test_a_block_by_its_import_path_is_that_block() -> None:
    _, own = run(OwnOptions(hidden=HIDDEN, path=OWN, bidirectional=True))
    _, same = run(IndirectOptions(hidden=HIDDEN, bidirectional=True))
    assert torch.equal(own, same)


def test_a_model_is_called_by_its_name_or_by_that_of_its_block() -> None:
    assert [title(options) for options in (IndirectOptions(), OwnOptions(), OwnOptions(path="a.b:C"))] == [
        "ic", "own", "a.b.C",
    ]  # fmt: skip


def test_settings_reach_the_block() -> None:
    direct = DirectOptions(hidden=HIDDEN, train_senders=False).block(WIDTH, TASKS)
    assert (direct.features, direct.train_senders) == (HIDDEN, False)  # type: ignore[attr-defined]
    causal = IndirectOptions(hidden=HIDDEN, causal=True).block(WIDTH, TASKS)
    assert causal.causal is True  # type: ignore[attr-defined]
    shared = SharedPrivateOptions(hidden=HIDDEN, adversarial=0.3, orthogonal=0.2).block(WIDTH, TASKS)
    assert (shared.adversarial, shared.orthogonal) == (0.3, 0.2)  # type: ignore[attr-defined]
    window = MTCNNOptions(hidden=HIDDEN, window=3).block(WIDTH, TASKS)
    assert window.convolutions[0].kernel_size == (3,)  # type: ignore[attr-defined]
    assert len(StackedOptions(hidden=HIDDEN, layers=3).block(WIDTH, TASKS).blocks) == 3  # type: ignore[attr-defined]


def test_who_shares_word_vectors() -> None:
    alone = {LSTMOptions, BiLSTMOptions, StackedOptions, SingleOptions}
    assert {kind for kind in NETWORKS if kind().embeddings == "private"} == alone
    assert FullySharedOptions(embeddings="frozen").embeddings == "frozen"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (IndirectOptions, {"hidden": 0}),
        (IndirectOptions, {"dropout": 1.0}),
        (IndirectOptions, {"dropout": -0.1}),
        (IndirectOptions, {"pooling": "sum"}),
        (IndirectOptions, {"no_such": 1}),
        (IndirectOptions, {"wide": False}),
        (StackedOptions, {"layers": 1}),
        (MTCNNOptions, {"window": 4}),
        (MTCNNOptions, {"bidirectional": True}),
        (MTCNNOptions, {"embeddings": "private"}),
        (SharedPrivateOptions, {"adversarial": -1.0}),
        (LinearOptions, {"mode": "both"}),
        (ForestOptions, {"trees": 0}),
    ],
)
def test_wrong_values_are_refused(kind: type[TextOptions], values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        kind(**values)  # type: ignore[arg-type]


def test_later_assignments_are_checked_too() -> None:
    options = IndirectOptions()
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        options.hidden = 0
