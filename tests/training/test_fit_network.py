"""From settings to chosen weights: that networks learn, and what is put in place before and after."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tasktalk.core.errors import ConfigError
from tasktalk.core.inputs import TextInputs
from tasktalk.core.task import Task
from tasktalk.data.batches import sparse_features
from tasktalk.data.dataset import Dataset
from tasktalk.data.standardise import standardise
from tasktalk.data.vocabulary import FIRST_WORD
from tasktalk.models.linear import LinearModel
from tasktalk.models.options import FullySharedOptions, IndirectOptions, SharedPrivateOptions
from tasktalk.models.transfer_options import MittenOptions
from tasktalk.training.checkpoint import load_tensors
from tasktalk.training.config import Config
from tasktalk.training.encode import Encoder, fit_encoder
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.fit_network import check_network, fit_network, make_accelerator
from tasktalk.training.run_folder import MODEL, read_tasks
from tests.training.toy import (
    NAMES,
    OF_MOLECULES,
    Recorder,
    config,
    files,
    graph_config,
    mixed,
    molecules,
    nodes,
    tagged,
    toy,
)

WORDS = TextInputs(vocabulary=1000, wide_features=3000)
LEARN: dict[str, Any] = {
    "dropout": 0.0,
    "training__learning_rate": 0.05,
    "training__epochs": 5,
    "training__patience": 0,
}


def fit(folder: Path, chosen: Config, dataset: Dataset | None = None) -> tuple[Encoder, Recorder]:
    dataset = standardise(dataset or toy())
    encoder = fit_encoder(dataset, chosen)
    splits = {name: encoder(examples) for name, examples in dataset.splits.items()}
    reporter = Recorder()
    assert fit_network(dataset, splits, chosen, encoder, folder, reporter) == 0
    return encoder, reporter


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("lstm", {"pooling": "max"}),
        ("mt-cnn", {}),
        ("sp", {}),
        ("mitten", {"pooling": "max"}),
        ("dc", {"wide": "joint"}),
        ("ic", {"pooling": "max", "bidirectional": True}),
        ("ic", {"pooling": "max", "training__schedule": "joint"}),
        ("fs", {"wide": "fitted"}),
        ("fs", {"training__precision": "bf16"}),
        ("fs", {"training__optimizer": "adadelta", "training__learning_rate": 3.0, "wide": "joint"}),
    ],
)
def test_networks_learn_what_one_word_decides(model: str, settings: dict[str, object], tmp_path: Path) -> None:
    _, reporter = fit(tmp_path, config(model, **LEARN | settings))
    assert min(row["dev_error"] for row in reporter.rows) == 0
    assert reporter.rows[-1]["train_loss"] < 0.5 * reporter.rows[0]["train_loss"]


@pytest.mark.parametrize("model", ["ic", "dc", "mitten"])
def test_shared_inputs_with_missing_labels_are_learned(model: str, tmp_path: Path) -> None:
    _, reporter = fit(tmp_path, config(model, **LEARN, pooling="max"), toy(shared=True))
    assert min(row["dev_error"] for row in reporter.rows) == 0
    assert max(row["dev_auroc"] for row in reporter.rows) == 1


@pytest.mark.parametrize(
    ("dataset", "model", "settings"),
    [
        (mixed, "ic", {"pooling": "max", "wide": "joint"}),
        (molecules, "mitten", {}),
        (molecules, "mmoe", {"molecules": "both", "readout": "set2set", "bonds": "one"}),
        (molecules, "single", {"training__precision": "bf16"}),
        (nodes, "mitten", {"layers": 1, **OF_MOLECULES}),
        (nodes, "shared", {"layers": 1, **OF_MOLECULES}),
    ],
)
def test_tasks_of_every_kind_are_learned_together(
    dataset: Callable[[], Dataset], model: str, settings: dict[str, object], tmp_path: Path
) -> None:
    make = config if dataset is mixed else graph_config
    _, reporter = fit(tmp_path, make(model, **LEARN | {"training__epochs": 12} | settings), dataset())
    first, *_, last = (row["train_loss"] for row in reporter.rows)
    assert last < 0.4 * first
    assert min(row["dev_loss"] for row in reporter.rows) < 0.6 * reporter.rows[0]["dev_loss"]


def test_the_best_epoch_for_the_mean_is_put_in_place(tmp_path: Path) -> None:
    fit(tmp_path, config("fs", training__epochs=3, training__seed=1))
    assert sorted(files(tmp_path)) == ["checkpoint.safetensors", "history.csv", MODEL, "tasks.json"]
    assert set(read_tasks(tmp_path)[2].values()) == {MODEL}


def test_per_task_every_task_has_the_weights_of_its_own_epoch(tmp_path: Path) -> None:
    _, reporter = fit(tmp_path, config("lstm", training__selection="per-task", training__epochs=4, training__seed=1))
    weights = read_tasks(tmp_path)[2]
    best = {name: min(row[f"dev_error_{name}"] for row in reporter.rows) for name in NAMES}
    named = {name: file for name, file in weights.items() if file != MODEL}
    assert named, "this seed has to make a task differ from the mean"
    for name, file in named.items():
        epoch = int(file.removeprefix("model-epoch-").removesuffix(".safetensors"))
        assert reporter.rows[epoch - 1][f"dev_error_{name}"] == best[name]
    expected = {"checkpoint.safetensors", "history.csv", "tasks.json", MODEL, *weights.values()}
    assert set(files(tmp_path)) == expected
    assert len({files(tmp_path)[file] for file in {MODEL, *weights.values()}}) == len({MODEL, *weights.values()})


def test_pretrained_vectors_stand_in_the_table(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("good 1 2 3\nbad 4 5 6\n")
    chosen = config("fs", data__vectors=[str(path)], embeddings="frozen", embedding_features=3)
    encoder, _ = fit(tmp_path, chosen)
    assert isinstance(encoder, TextEncoder)
    table = load_tensors(tmp_path / MODEL)[0]["embedding.table.weight"]
    assert table[encoder.vocabulary.index["good"]].tolist() == [1, 2, 3]
    assert table[encoder.vocabulary.index["bad"]].tolist() == [4, 5, 6]
    assert table[:FIRST_WORD, 0].tolist()[0] == 0 and 0 < table[1].abs().max() <= 0.1


def test_a_fitted_wide_part_is_the_linear_model(tmp_path: Path) -> None:
    chosen = config("fs", wide="fitted", training__seed=3, initialisation="uniform")
    encoder, _ = fit(tmp_path, chosen)
    dataset = toy()
    train = encoder(dataset.splits["train"])
    assert isinstance(encoder, TextEncoder)
    linear = LinearModel.fit(sparse_features(train), train.labels, dataset.tasks, seed=3)
    tensors = load_tensors(tmp_path / MODEL)[0]
    (table,) = linear.tables
    np.testing.assert_array_equal(tensors["wide.shared.0"], table.shared)
    assert table.own is not None
    for k in range(3):
        np.testing.assert_array_equal(tensors[f"wide.own.{k}"], table.own[k])
        np.testing.assert_array_equal(tensors[f"wide.bias.{k}"], table.intercepts[k])


def test_scalars_go_to_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    _, reporter = fit(tmp_path, config("fs", training__tracker="tensorboard"))
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert {"train_loss", "dev_error", "dev_loss", "seconds", *(f"dev_error_{name}" for name in NAMES)} <= set(
        events.Tags()["scalars"]
    )
    logged = [(event.step, event.value) for event in events.Scalars("train_loss")]
    assert logged == [(row["epoch"], pytest.approx(row["train_loss"], rel=1e-6)) for row in reporter.rows]


def test_a_tracker_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="training.tracker: 'tensorbord' .* did you mean 'tensorboard'?"):
        make_accelerator(config(training__tracker="tensorbord").training, tmp_path)
    with pytest.raises(ConfigError, match="'aim' does not exist or is not installed: "):
        make_accelerator(config(training__tracker="aim").training, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_one_process_can_train_in_one_precision_after_another(tmp_path: Path) -> None:
    for precision in ("no", "bf16", "no"):
        accelerator = make_accelerator(config(training__precision=precision).training, tmp_path)
        assert accelerator.mixed_precision == precision
        assert accelerator.device == torch.device("cpu")


def test_a_precision_that_a_processor_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="training.precision: 'fp16' needs a GPU"):
        make_accelerator(config(training__precision="fp16").training, tmp_path)


def test_what_does_not_go_together_is_refused_before_training() -> None:
    tasks = toy().tasks
    for shared in (True, False):
        check_network(IndirectOptions(wide="joint"), tasks, WORDS, shared)
        check_network(FullySharedOptions(), (*tasks, Task("age", "regression")), WORDS, shared)
    check_network(SharedPrivateOptions(), tasks, WORDS, shared_inputs=False)
    with pytest.raises(ConfigError, match="SP-MTL's adversary"):
        check_network(SharedPrivateOptions(), tasks, WORDS, shared_inputs=True)
    with pytest.raises(ConfigError, match="task 'pos' is a tagging task, and these are texts"):
        check_network(FullySharedOptions(), (*tasks, Task("pos", "tagging", ("N", "V"))), WORDS, shared_inputs=False)


def test_taggers_are_asked_before_training() -> None:
    inputs = fit_encoder(tagged(), config("ic")).inputs
    for options in (IndirectOptions(), SharedPrivateOptions(output="softmax"), MittenOptions(characters="cnn")):
        check_network(options, tagged().tasks, inputs, shared_inputs=False)
    with pytest.raises(ConfigError, match=r"model.wide is for texts, and these are sentences"):
        check_network(IndirectOptions(wide="joint"), tagged().tasks, inputs, shared_inputs=False)
    with pytest.raises(ConfigError, match="model.prior and model.dependency_data are not for sentences"):
        check_network(MittenOptions(prior="affinity"), tagged().tasks, inputs, shared_inputs=False)


@pytest.mark.parametrize(
    ("dataset", "settings"),
    [(molecules, {"molecules": "atoms"}), (molecules, {"molecules": "both"}), (nodes, OF_MOLECULES)],
)
def test_networks_of_graphs_are_asked_before_training(dataset: Callable[[], Dataset], settings: dict[str, Any]) -> None:
    chosen = graph_config(**settings)
    data = dataset()
    inputs = fit_encoder(data, chosen).inputs
    options = chosen.model
    assert isinstance(options, MittenOptions)
    check_network(options, data.tasks, inputs, shared_inputs=True)
    with pytest.raises(ConfigError, match="model 'ic' reads texts, not"):
        check_network(IndirectOptions(), data.tasks, inputs, shared_inputs=True)


def test_weights_are_finite_and_those_of_a_seed(tmp_path: Path) -> None:
    found = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        (tmp_path / name).mkdir()
        fit(tmp_path / name, config("ic", training__seed=seed, training__epochs=1))
        found.append((tmp_path / name / MODEL).read_bytes())
    assert found[0] == found[1] != found[2]
    assert all(math.isfinite(x.double().sum()) for x in load_tensors(tmp_path / "a" / MODEL)[0].values())
