"""Whole runs: the folder they leave, what is refused, and that a killed run goes on as if nothing had happened."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tasktalk.core.errors import ConfigError, DataError, RunFolderError, TrainingError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset
from tasktalk.data.masks import mask_labels, parse_mask
from tasktalk.training import loop
from tasktalk.training import train as module
from tasktalk.training.checkpoint import load_state
from tasktalk.training.config import Config, make_config, read_config
from tasktalk.training.fit_network import fit_network
from tasktalk.training.run import Run
from tasktalk.training.run_folder import read_tasks, write_json
from tasktalk.training.train import prepare, resume, train
from tests.training.toy import (
    NAMES,
    Recorder,
    config,
    files,
    graph_config,
    mixed,
    molecules,
    nodes,
    stop_at_epoch,
    stop_at_step,
    toy,
    without_seconds,
)

ALWAYS = {
    "config.yaml",
    "environment.json",
    "mask.json",
    "metrics.json",
    "model.safetensors",
    "tasks.json",
    "vocabulary.txt",
}


@pytest.mark.parametrize(
    ("model", "settings", "more"),
    [
        ("fs", {}, {"history.csv"}),
        ("fs", {"wide": "joint"}, {"history.csv", "features.safetensors"}),
        ("linear", {}, {"features.safetensors"}),
    ],
)
def test_a_run_folder_has_everything_and_nothing_else(
    model: str, settings: dict[str, Any], more: set[str], tmp_path: Path
) -> None:
    chosen = config(model, **settings)
    run = train(toy(), chosen, tmp_path / "run")
    assert set(files(tmp_path / "run")) == ALWAYS | more
    assert make_config(read_config(tmp_path / "run" / "config.yaml")) == chosen == run.config
    assert read_tasks(tmp_path / "run")[:2] == (toy().tasks, "whitespace")
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert (environment["seed"], environment["data"]) == (0, dict(toy().sources))
    mask = json.loads((tmp_path / "run" / "mask.json").read_text())
    assert (mask["masked"], mask["labels"]) == ([], {name: {"kept": 40, "of": 40} for name in NAMES})
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert list(metrics) == ["splits", "seconds", "peak_memory_mb"]
    assert list(metrics["splits"]) == ["dev", "test", "test_not_in_train"]
    assert 0 < metrics["seconds"] < 600
    assert 50 < metrics["peak_memory_mb"] < 100_000
    for block in metrics["splits"].values():
        assert list(block["tasks"]) == list(NAMES)
        assert block["mean"]["error"] == pytest.approx(np.mean([s["error"] for s in block["tasks"].values()]))


def test_a_mask_takes_training_labels_away_and_is_recorded(tmp_path: Path) -> None:
    reporter = Recorder()
    chosen = config("fs", data__mask="partial:50:0.34", training__epochs=1, training__seed=4)
    run = train(toy(), chosen, tmp_path / "run", reporter=reporter)
    record = json.loads((tmp_path / "run" / "mask.json").read_text())
    masked, expected = mask_labels(toy(), parse_mask("partial:50:0.34"), seed=4)
    assert record == expected
    assert len(record["masked"]) == 1 and record["labels"][record["masked"][0]] == {"kept": 20, "of": 40}
    assert reporter.reports[-1]["steps"] == -(-len(masked.splits["train"]) // 8) < -(-120 // 8)
    assert run.metrics["splits"]["test"]["mean"]["tasks"] == 3


def test_a_regression_is_measured_on_the_labels_that_the_mask_leaves() -> None:
    dataset, record = prepare(mixed(), config("fs", data__mask="all:20"))
    left = dataset.splits["train"].labels[:, 2]
    left = left[~np.isnan(left)]
    assert len(left) == record["labels"]["price"]["kept"] < 20
    assert dataset.tasks[2].mean == pytest.approx(left.mean()) and dataset.tasks[2].std == pytest.approx(left.std())
    assert dataset.tasks[:2] == mixed().tasks[:2]


def test_molecules_that_cannot_be_read_are_listed(tmp_path: Path) -> None:
    train(molecules(), config("linear"), tmp_path / "run")
    listed = (tmp_path / "run" / "skipped.txt").read_text().splitlines()
    assert listed == list(molecules().skipped)
    assert [line.split(": ")[0] for line in listed] == ["boiling.csv, line 2", "boiling.csv, line 63"]
    assert set(files(tmp_path / "run")) == (ALWAYS - {"vocabulary.txt"}) | {"molecules.json", "skipped.txt"}


def test_the_size_of_pretrained_vectors_stands_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text("good 1 2 3\nbad 4 5 6\n")
    chosen = config("fs", data__vectors=[str(tmp_path / "vectors.txt")], training__epochs=1)
    run = train(toy(), chosen, tmp_path / "run")
    assert run.config.model.embedding_features == 3
    assert chosen.model.embedding_features == 6
    (tmp_path / "vectors.txt").unlink()
    assert Run.load(tmp_path / "run").evaluate(toy()) == run.metrics["splits"]
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert list(environment["vectors"]) == ["vectors.txt"]


def no_training_examples() -> Dataset:
    dataset = toy()
    return replace(dataset, splits={name: split for name, split in dataset.splits.items() if name != "train"})


def different_classes() -> Dataset:
    tasks = toy().tasks
    return replace(toy(), tasks=(replace(tasks[0], classes=("x", "y")), *tasks[1:]))


def tagging() -> Dataset:
    return replace(toy(), tasks=(Task("books", "tagging", ("N", "V")), *toy().tasks[1:]))


@pytest.mark.parametrize(
    ("dataset", "chosen", "error", "message"),
    [
        (no_training_examples(), config("fs"), DataError, "expected training examples, found none in .* 'toy'"),
        (toy(sizes=(0, 0, 0)), config("fs"), DataError, "expected training examples, found none"),
        (toy(shared=True), config("sp"), ConfigError, "SP-MTL's adversary"),
        (tagging(), config("fs"), ConfigError, "task 'books' is a tagging task, and these are texts"),
        (
            mixed(),
            config("fs", wide="fitted"),
            ConfigError,
            "model.wide fitted is for classifications, and task 'price'",
        ),
        (mixed(), config("fs", training__criterion="error"), ConfigError, "a regression such as 'price' has no error"),
        (toy(), config("fs", data__mask="all:1"), DataError, "task 'books': mask 'all:1' leaves none of its 40"),
        (nodes(), config("ic"), ConfigError, "model 'ic' reads texts, not nodes"),
        (toy(), config("fs", training__tracker="abc"), ConfigError, "training.tracker: 'abc'"),
        (different_classes(), config("linear", mode="pooled"), ConfigError, "'pooled' needs the same classes"),
        (toy(), config("fs", data__vectors=["gone.txt"]), DataError, "gone.txt: expected a file of word vectors"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written_or_overwritten(
    dataset: Dataset, chosen: Config, error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        train(dataset, chosen, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "config.yaml").write_text("an old run")
    with pytest.raises(error, match=message):
        train(dataset, chosen, tmp_path, overwrite=True)
    assert files(tmp_path) == {"config.yaml": b"an old run"}


def test_an_existing_run_is_refused_unless_it_may_be_overwritten(tmp_path: Path) -> None:
    train(toy(), config("linear"), tmp_path / "run")
    before = files(tmp_path / "run")
    with pytest.raises(RunFolderError, match="exists already"):
        train(toy(), config("fs"), tmp_path / "run")
    assert files(tmp_path / "run") == before
    train(toy(), config("fs", training__epochs=1), tmp_path / "run", overwrite=True)
    assert Run.load(tmp_path / "run").config.model.name == "fs"
    assert "features.safetensors" not in files(tmp_path / "run")


# A killed run.


SETTINGS: dict[str, dict[str, Any]] = {
    "adamw": {"model": "ic", "training__decay": "cosine"},
    "adadelta": {"model": "lstm", "training__optimizer": "adadelta", "training__learning_rate": 1.0},
    "joint": {"model": "fs", "wide": "joint", "training__schedule": "joint", "training__selection": "per-task"},
}


def settings(name: str) -> Config:
    of_all: dict[str, Any] = {"training__epochs": 3, "training__patience": 0, "training__checkpoint_seconds": 0.0}
    if name == "molecules with a mask":
        masked = {"data__smiles": "smiles", "data__mask": "partial:50", "dropout": 0.2}
        return graph_config("mitten", molecules="ecfp", **masked, **of_all)
    return config(**SETTINGS[name], **of_all)


def data_for(chosen: Config) -> Dataset:
    return molecules() if chosen.data.smiles else toy()


@pytest.fixture(scope="module", params=[*SETTINGS, "molecules with a mask"])
def undisturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Path]:
    folder, chosen = tmp_path_factory.mktemp("runs") / "undisturbed", settings(request.param)
    train(data_for(chosen), chosen, folder)
    return chosen, folder


@pytest.mark.parametrize("times", [1, 2])
def test_a_killed_run_goes_on_to_the_same_bits(undisturbed: tuple[Config, Path], times: int, tmp_path: Path) -> None:
    chosen, folder = undisturbed
    stops = [stop_at_step(0, 3), stop_at_epoch(2)] if times == 2 else [stop_at_step(1, 4)]
    with pytest.raises(KeyboardInterrupt):
        train(data_for(chosen), chosen, tmp_path / "run", reporter=stops[0])
    for stop in stops[1:]:
        with pytest.raises(KeyboardInterrupt):
            resume(data_for(chosen), tmp_path / "run", stop)
    assert not (tmp_path / "run" / "metrics.json").exists()
    last = Recorder()
    resume(data_for(chosen), tmp_path / "run", last)
    assert without_seconds(tmp_path / "run") == without_seconds(folder)
    assert last.begun == [(chosen.model.name, 3, 1)]


@pytest.mark.parametrize("stage", ["before training", "after training", "while the metrics are written"])
def test_a_run_killed_outside_the_training_goes_on_too(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings("joint")
    train(toy(), chosen, tmp_path / "undisturbed")

    def kill(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    def fit_and_kill(*arguments: Any) -> float:
        fit_network(*arguments)
        raise KeyboardInterrupt

    def kill_at_metrics(path: Path, value: object) -> None:
        if path.name == "metrics.json":
            raise KeyboardInterrupt
        write_json(path, value)

    replaced: dict[str, tuple[str, Callable[..., Any]]] = {
        "before training": ("fit_network", kill),
        "after training": ("fit_network", fit_and_kill),
        "while the metrics are written": ("write_json", kill_at_metrics),
    }
    with monkeypatch.context() as patch:
        patch.setattr(module, *replaced[stage])
        with pytest.raises(KeyboardInterrupt):
            train(toy(), chosen, tmp_path / "run")
    resume(toy(), tmp_path / "run")
    assert without_seconds(tmp_path / "run") == without_seconds(tmp_path / "undisturbed")


def test_a_run_killed_before_its_vocabulary_was_written_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_tasks", kill)
        with pytest.raises(KeyboardInterrupt):
            train(toy(), config("linear"), tmp_path / "run")
    assert set(files(tmp_path / "run")) == {"config.yaml"}
    resume(toy(), tmp_path / "run")
    assert set(files(tmp_path / "run")) == ALWAYS | {"features.safetensors"}


def killed(folder: Path, dataset: Dataset | None = None, **more: Any) -> Path:
    with pytest.raises(KeyboardInterrupt):
        train(dataset or toy(), config("fs", **more), folder, reporter=stop_at_epoch(2))
    return folder


def test_the_time_before_the_kill_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = killed(tmp_path / "run")

    def an_hour_later(*arguments: Any) -> dict[str, Any]:
        facts = load_state(*arguments)
        assert 0 < facts["seconds"] < 600
        return {**facts, "seconds": 3600.0}

    monkeypatch.setattr(loop, "load_state", an_hour_later)
    reporter = Recorder()
    run = resume(toy(), folder, reporter)
    assert [row["seconds"] > 3600 for row in reporter.rows] == [True]
    assert run.metrics["seconds"] > 3600


def test_a_finished_run_is_not_resumed(tmp_path: Path) -> None:
    train(toy(), config("linear"), tmp_path / "run")
    with pytest.raises(RunFolderError, match="this run is finished, there is nothing to resume"):
        resume(toy(), tmp_path / "run")
    with pytest.raises(RunFolderError, match="nothing to resume, config.yaml is missing"):
        resume(toy(), tmp_path / "nothing")


def test_other_data_is_refused(tmp_path: Path) -> None:
    folder = killed(tmp_path / "run")
    before = files(folder)
    relabelled = toy()
    relabelled.splits["train"].labels[0, 0] = 1 - relabelled.splits["train"].labels[0, 0]
    others = [
        toy(seed=1),  # files with other checksums
        replace(toy(), tasks=toy().tasks[::-1]),
        relabelled,  # the same files, read in another way
        toy(splits=("train", "test")),
    ]
    for other in others:
        with pytest.raises(RunFolderError, match="cannot be resumed, the data is not what the run began with"):
            resume(other, folder)
    assert files(folder) == before
    resume(toy(), folder)


def test_a_damaged_checkpoint_is_one_sentence_and_stays(tmp_path: Path) -> None:
    folder = killed(tmp_path / "run")
    (folder / "checkpoint.safetensors").write_bytes(b"x")
    with pytest.raises(RunFolderError, match="checkpoint.safetensors: cannot be read as weights"):
        resume(toy(), folder)
    assert (folder / "checkpoint.safetensors").exists()


def test_a_diverging_run_stops_and_can_be_resumed_from_a_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings("adamw")
    folder = tmp_path / "run"

    def diverge(self: loop.Fit) -> None:
        if (self.state.epoch, self.state.step) == (1, 7):
            self.dense[0].grad = torch.full_like(self.dense[0], float("inf"))
        update(self)

    update = loop.Fit._update
    with monkeypatch.context() as patch:
        patch.setattr(loop.Fit, "_update", diverge)
        with pytest.raises(
            TrainingError, match="is no longer a number .* at epoch 2, step 8; the last good checkpoint"
        ):
            train(toy(), chosen, folder)
    with pytest.raises(RunFolderError, match="this run is not finished; go on with --resume"):
        Run.load(folder)
    resume(toy(), folder)
    train(toy(), chosen, tmp_path / "undisturbed")
    assert without_seconds(folder) == without_seconds(tmp_path / "undisturbed")
