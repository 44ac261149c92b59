"""From settings to networks."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from torch import nn

from tasktalk.core.batch import SparseRows, TextBatch
from tasktalk.core.errors import ConfigError
from tasktalk.core.inputs import GraphInputs, Inputs, SentenceInputs, TextInputs
from tasktalk.core.task import Task
from tasktalk.heads.pooling import AttentionPooling, LastState, Pooling
from tasktalk.models.build import build_network, set_wide
from tasktalk.models.graph_network import GraphNetwork
from tasktalk.models.linear import LinearModel
from tasktalk.models.network import TextNetwork
from tasktalk.models.options import (
    DirectOptions,
    FullySharedOptions,
    IndirectOptions,
    LSTMOptions,
    MTCNNOptions,
    NetworkOptions,
    OwnOptions,
    SharedPrivateOptions,
    TextOnlyOptions,
)
from tasktalk.models.settings import TextOptions, Wide
from tasktalk.models.transfer_options import MittenOptions, TransferNetworkOptions, TransferOptions
from tests.models.test_tagging_network import LETTERS, make, make_batch

TASKS = (
    Task("a", "binary", ("no", "yes")),
    Task("b", "multiclass", ("x", "y", "z")),
    Task("c", "binary", ("no", "yes")),
)
NETWORKS: tuple[type[TextOptions], ...] = get_args(NetworkOptions)
WORDS, FEATURES = 9, 7
GRAPHS = {
    "molecules": GraphInputs("molecules", 3, 2, summary=5),
    "nodes": GraphInputs("nodes", 3, 1, learned=6),
}


def build(options: NetworkOptions, tasks: tuple[Task, ...] = TASKS, sparse: bool = True) -> TextNetwork:
    torch.manual_seed(0)
    network = build_network(options, tasks, TextInputs(WORDS, FEATURES), sparse)
    assert isinstance(network, TextNetwork)
    return network


def batch(receivers: tuple[int, ...] = (0, 1, 2), examples: int = 4) -> TextBatch:
    random = torch.Generator().manual_seed(1)
    tokens = torch.randint(1, WORDS, (len(receivers), examples, 5), generator=random)
    labels = torch.randint(2, (len(receivers), examples), generator=random).float()
    rows = len(receivers) * examples
    wide = SparseRows(torch.arange(rows) % FEATURES, torch.arange(rows), torch.ones(rows))
    return TextBatch(receivers, tokens, tokens != 0, labels, wide)


@pytest.mark.parametrize("wide", get_args(Wide))
@pytest.mark.parametrize("kind", NETWORKS)
def test_every_model_answers_every_task(kind: type[TextOptions], wide: Wide) -> None:
    path = {"path": "tasktalk.communication.direct:DirectCommunication"} if kind is OwnOptions else {}
    network = build(kind(hidden=4, embedding_features=6, wide=wide, **path))  # type: ignore[arg-type]
    assert [tuple(logits.shape) for logits in network(batch()).logits] == [(4, 2), (4, 3), (4, 2)]
    assert [tuple(logits.shape) for logits in network(batch((1,))).logits] == [(4, 3)]
    assert (network.wide is None) == (wide == "off")


@pytest.mark.parametrize("kind", get_args(Pooling))
def test_pooling_in_both_directions(kind: Pooling) -> None:
    network = build(IndirectOptions(hidden=4, pooling=kind, bidirectional=True))
    assert network.head.layers[0].in_features == 8
    if isinstance(network.pooling, LastState):
        assert network.pooling.backward_features == 4
    if isinstance(network.pooling, AttentionPooling):
        assert len(network.pooling.queries) == 3


def embeddings(network: nn.Module) -> list[nn.Embedding]:
    return [module for module in network.modules() if isinstance(module, nn.Embedding)]


@pytest.mark.parametrize("sparse", [True, False])
def test_word_tables(sparse: bool) -> None:
    (shared,) = embeddings(build(FullySharedOptions(embedding_features=6), sparse=sparse))
    assert (shared.num_embeddings, shared.embedding_dim, shared.sparse) == (WORDS, 6, sparse)
    assert shared.weight.requires_grad
    (frozen,) = embeddings(build(FullySharedOptions(embeddings="frozen"), sparse=sparse))
    assert not frozen.weight.requires_grad
    private = embeddings(build(LSTMOptions(embedding_features=6), sparse=sparse))
    assert [(table.embedding_dim, table.sparse) for table in private] == [(6, sparse)] * 3
    partly = embeddings(build(MTCNNOptions(embedding_features=6, private_features=2), sparse=sparse))
    assert [(table.embedding_dim, table.sparse) for table in partly] == [(6, sparse)] + [(2, sparse)] * 3


def test_initialisation_and_dropout() -> None:
    network = build(IndirectOptions(initialisation="uniform", dropout=0.3, wide="joint"))
    dense = [p for name, p in network.named_parameters() if name.startswith(("block.", "head."))]
    assert all(0 < p.abs().max() <= 0.1 for p in dense)
    assert network.wide is not None and not any(p.any() for p in network.wide.parameters())
    assert network.dropout.p == 0.3


def test_tasks_with_the_same_classes_share_wide_weights() -> None:
    wide = build(FullySharedOptions(wide="joint")).wide
    assert wide is not None and wide.groups == (0, 1, 0)
    assert [tuple(p.shape) for p in wide.shared] == [(FEATURES, 2), (FEATURES, 3)]
    assert [tuple(p.shape) for p in wide.own] == [(FEATURES, 2), (FEATURES, 3), (FEATURES, 2)]


@pytest.mark.parametrize(("wide", "sparse"), [("joint", True), ("joint", False), ("fitted", True)])
def test_wide_gradients(wide: Wide, sparse: bool) -> None:
    network = build(FullySharedOptions(wide=wide), sparse=sparse)
    assert network.wide is not None
    sum(logits.sum() for logits in network(batch()).logits).backward()
    gradients = [p.grad for p in (*network.wide.shared, *network.wide.own)]
    if wide == "fitted":
        assert gradients == [None] * 5
    else:
        assert [gradient is not None and gradient.is_sparse for gradient in gradients] == [sparse] * 5


def test_a_fitted_wide_part_answers_as_the_linear_model() -> None:
    rng = np.random.default_rng(0)
    features = csr_matrix(rng.random((30, FEATURES), dtype=np.float32))
    labels = np.stack([rng.integers(task.outputs, size=30) for task in TASKS], axis=1).astype(np.float64)
    linear = LinearModel.fit(features, labels, TASKS)
    assert sorted(table.tasks for table in linear.tables) == [(0, 2), (1,)]  # the second has no copies of its own
    network = build(FullySharedOptions(wide="fitted", initialisation="uniform"))
    assert network.wide is not None
    set_wide(network.wide, linear)
    offsets = torch.arange(0, 30 * FEATURES, FEATURES)
    rows = SparseRows(torch.arange(FEATURES).repeat(30), offsets, torch.from_numpy(features.toarray().ravel()))
    for k, logits in enumerate(network.wide(rows, (1, 30), (0, 1, 2))):
        torch.testing.assert_close(logits, torch.from_numpy(linear.logits(features, k)).float(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("options", [DirectOptions(), SharedPrivateOptions()])
def test_a_single_task_cannot_talk(options: NetworkOptions) -> None:
    with pytest.raises(ConfigError, match="needs at least 2 tasks .* found 1"):
        build(options, TASKS[:1])


AGE, TAGGING = Task("age", "regression"), Task("pos", "tagging", ("N", "V"))


@pytest.mark.parametrize("wide", ["off", "joint"])
def test_a_regression_has_one_output(wide: Wide) -> None:
    network = build(FullySharedOptions(wide=wide), (TASKS[0], AGE))
    assert network.head.outputs == (2, 1)
    assert [tuple(logits.shape) for logits in network(batch((0, 1))).logits] == [(4, 2), (4, 1)]


def test_a_fitted_wide_part_is_for_classifications() -> None:
    message = "model.wide fitted is for classifications, and task 'age' is a regression: choose joint"
    with pytest.raises(ConfigError, match=message):
        build(FullySharedOptions(wide="fitted"), (TASKS[0], AGE))


@pytest.mark.parametrize(("what", "inputs"), [("texts", TextInputs(WORDS)), *GRAPHS.items()])
def test_a_tagging_is_for_sentences_only(what: str, inputs: Inputs) -> None:
    with pytest.raises(ConfigError, match=f"task 'pos' is a tagging task, and these are {what}"):
        build_network(MittenOptions(), (TASKS[0], TAGGING), inputs)


def test_sentences_are_for_taggings_only() -> None:
    with pytest.raises(ConfigError, match=f"task '{TASKS[1].name}' is a .* task, and these are sentences"):
        build_network(MittenOptions(), (TAGGING, TASKS[1]), SentenceInputs(WORDS, 9))


@pytest.mark.parametrize("setting", [{"pooling": "max"}, {"wide": "joint"}, {"layers": 2}, {"bonds": "one"}])
def test_settings_that_would_do_nothing_to_sentences_are_refused(setting: dict[str, Any]) -> None:
    (key,) = setting
    with pytest.raises(ConfigError, match=f"model.{key} is for .*, and these are sentences: leave it out"):
        build_network(MittenOptions(**setting), (TAGGING,), SentenceInputs(WORDS, 9))


def test_a_tagger_without_anything_to_read_is_refused() -> None:
    nothing = IndirectOptions(words=False, characters="none", capitals=False)
    with pytest.raises(ConfigError, match="all off: a tagger has nothing to read"):
        build_network(nothing, (TAGGING,), SentenceInputs(WORDS, 9))


@pytest.mark.parametrize("setting", [{"prior": "affinity"}, {"dependency_data": "held-out"}])
def test_priors_and_held_out_labels_are_not_for_sentences(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="model.prior and model.dependency_data are not for sentences"):
        build_network(MittenOptions(**setting), (TAGGING, TAGGING), SentenceInputs(WORDS, 9))


@pytest.mark.parametrize("inputs", [TextInputs(WORDS), *GRAPHS.values()])
@pytest.mark.parametrize(
    "setting",
    [
        {"output": "softmax"},
        {"constraints": False},
        {"words": False},
        {"characters": "cnn"},
        {"capitals": False},
        {"word_dropout": 0.5},
    ],
)
def test_settings_of_sentences_are_refused_elsewhere(setting: dict[str, Any], inputs: Inputs) -> None:
    (key,) = setting
    with pytest.raises(ConfigError, match=f"model.{key} is for sentences, and these are "):
        build_network(MittenOptions(**setting), TASKS, inputs)


@pytest.mark.parametrize("inputs", GRAPHS)
@pytest.mark.parametrize("kind", get_args(TextOnlyOptions))
def test_models_that_read_words_are_refused_for_graphs(kind: type[TextOptions], inputs: str) -> None:
    name = kind.model_fields["name"].default
    message = f"model '{name}' reads texts, not {inputs}: choose from cross-stitch, mitten, mmoe, shared, single, or "
    with pytest.raises(ConfigError, match=message):
        build_network(kind(), TASKS, GRAPHS[inputs])  # type: ignore[arg-type]


@pytest.mark.parametrize("inputs", GRAPHS)
@pytest.mark.parametrize(
    "setting",
    [
        {"pooling": "max"},
        {"bidirectional": True},
        {"embedding_features": 7},
        {"embeddings": "frozen"},
        {"wide": "joint"},
        {"initialisation": "uniform"},
    ],
)
def test_settings_that_would_do_nothing_to_graphs_are_refused(setting: dict[str, Any], inputs: str) -> None:
    (key,) = setting
    kinds = "texts" if key in ("pooling", "wide") else "texts and sentences"
    with pytest.raises(ConfigError, match=f"model.{key} is for {kinds}, and these are {inputs}: leave it out"):
        build_network(MittenOptions(**setting), TASKS, GRAPHS[inputs])


@pytest.mark.parametrize("inputs", GRAPHS)
@pytest.mark.parametrize("kind", get_args(TransferNetworkOptions))
def test_settings_of_graphs_reach_the_network(kind: type[TransferOptions], inputs: str) -> None:
    molecules = inputs == "molecules"
    readout: dict[str, Any] = {"readout": "max"} if molecules else {}
    options = kind(hidden=4, layers=2, dropout=0.3, **readout)
    network = build_network(options, (*TASKS, AGE), GRAPHS[inputs])  # type: ignore[arg-type]
    assert isinstance(network, GraphNetwork)
    assert (network.readout is not None, network.summaries is not None) == (molecules, molecules)
    assert network.head.outputs == (2, 3, 2, 1)
    assert network.head.layers[0].in_features == (4 + 4 if molecules else 4)
    assert (network.dropout.p, network.encoders.dropout.p, network.encoders.learned) == (0.3, 0.3, not molecules)
    assert len(network.encoders.encoders) == network.transfer.encoders
    assert [len(encoder.get_submodule("layers")) for encoder in network.encoders.encoders] == [2] * len(  # type: ignore[arg-type]
        network.encoders.encoders
    )


@pytest.mark.parametrize(
    ("inputs", "setting", "sentence"),
    [
        (TextInputs(9), {"layers": 2}, "model.layers is for molecules and nodes, and these are texts"),
        (TextInputs(9), {"molecules": "atoms"}, "model.molecules is for molecules, and these are texts"),
        (GraphInputs("molecules", 4, 2), {"nodes": "both"}, "model.nodes is for nodes, and these are molecules"),
        (GraphInputs("nodes", 4, 1), {"readout": "sum"}, "model.readout is for molecules, and these are nodes"),
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(
    inputs: TextInputs | GraphInputs, setting: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        build_network(MittenOptions(hidden=4, **setting), TASKS, inputs)


@pytest.mark.parametrize(
    ("setting", "reads_words", "reads_letters", "reads_capitals"),
    [
        ({"words": False}, False, True, True),
        ({"characters": "none"}, True, False, True),
        ({"capitals": False}, True, True, False),
    ],
)
def test_words_letters_and_capitals_can_be_left_out(
    setting: dict[str, Any], reads_words: bool, reads_letters: bool, reads_capitals: bool
) -> None:
    network = make("ic", **setting)
    batch = make_batch()
    assert batch.spelling is not None
    logits = network(batch).logits

    def changes(other: TextBatch) -> bool:
        return not all(torch.equal(x, y) for x, y in zip(logits, network(other).logits, strict=True))

    letters, capitals = batch.spelling.letters, batch.spelling.capitals
    assert changes(replace(batch, tokens=batch.tokens.clamp(max=2))) == reads_words
    letters = torch.where(letters > 0, letters % (LETTERS - 1) + 1, 0)
    assert changes(replace(batch, spelling=replace(batch.spelling, letters=letters))) == reads_letters
    capitals = torch.where(capitals > 0, capitals % 3 + 1, 0)
    assert changes(replace(batch, spelling=replace(batch.spelling, capitals=capitals))) == reads_capitals
