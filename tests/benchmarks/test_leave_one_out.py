"""Which runs an experiment needs, where they stand, with which settings, and what is refused in their place."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasktalk.benchmarks.leave_one_out import (
    ALL,
    TRANSFERRED,
    Experiment,
    Piece,
    alone_models,
    check_pieces,
    choose_targets,
    pieces,
    refuse_unshared,
    work,
)
from tasktalk.core.errors import ConfigError, DataError, RunFolderError, TrainingError
from tasktalk.data.dataset import Dataset
from tasktalk.data.load import load
from tasktalk.data.masks import mask_labels, parse_mask
from tasktalk.models.options import LSTMOptions
from tasktalk.training.config import Config, make_config, read_config
from tasktalk.training.lock import held
from tasktalk.training.run_folder import read_json
from tasktalk.training.train import train
from tests.cli.conftest import contents, reviews, write_csv

SMALL: dict[str, Any] = {"hidden": 4, "embedding_features": 4}
TRAINING = {"epochs": 1, "tracker": "none", "patience": 2, "beside": [], "device": "cpu"}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with three tasks, whose names are not in the order of their bytes."""
    (tmp_path / "shop").mkdir()
    for seed, name in enumerate(("books", "dvd", "Music")):
        write_csv(tmp_path / f"shop/{name}.csv", reviews(40, seed))
    return tmp_path / "shop"


def settings(source: Path | str = "shop", model: str = "ic", **training: Any) -> Config:
    values = {"data": {"source": [str(source)]}, "model": {"name": model, **SMALL}, "training": TRAINING | training}
    return make_config(values)


def experiment(config: Config, **changes: Any) -> Experiment:
    models = {"ic": config.model, "lstm": LSTMOptions(**SMALL)}
    usual = Experiment(config, 2, ("books", "dvd", "Music"), {"books": 28, "Music": 28}, (0, 1), (7,), models)
    return replace(usual, **changes)


def test_every_piece_has_its_folder_and_its_settings() -> None:
    found = {piece.folder.as_posix(): piece for piece in pieces(experiment(settings()))}
    assert list(found)[:4] == [
        "seed-0/without-books", "seed-0/books", "seed-0/alone-books-ic", "seed-0/alone-books-lstm",
    ]  # fmt: skip
    assert list(found)[-2:] == ["seed-0/all", "seed-1/all"]
    assert [name for name in found if "labels" in name and name.startswith("seed-1")] == [
        f"seed-1/labels-7/{name}"
        for name in ("books", "alone-books-ic", "alone-books-lstm", "Music", "alone-Music-ic", "alone-Music-lstm")
    ]
    source, moved, few = (found[f"seed-1/{name}"] for name in ("without-books", "books", "labels-7/books"))
    assert source.config.data.tasks == ["dvd", "Music"]  # sorted, ignoring case
    assert (source.config.training.seed, source.config.training.epochs, source.method) == (1, 1, "")
    assert (moved.method, moved.source, moved.labels) == (TRANSFERRED, source.folder, None)
    assert (few.source, few.labels, few.config.data.mask) == (source.folder, 7, "few:7")
    assert moved.config.data.mask == "sufficient"
    # Twice as many epochs, and as much patience, with a quarter of the labels.
    for piece, factor in ((moved, 1), (few, 2)):
        its = piece.config.training
        assert (its.epochs, its.patience, its.seed) == (2 * factor, 2 * factor, 1)
    for name, model in (("ic", "ic"), ("lstm", "lstm")):
        lone = found[f"seed-1/labels-7/alone-books-{name}"]
        assert (lone.config.model.name, lone.method, lone.source) == (model, f"{name} alone", None)
        assert (lone.config.data, lone.config.training) == (few.config.data, few.config.training)
    assert (found["seed-0/all"].config.data.tasks, found["seed-0/all"].targets) == ([], ("books", "Music"))


def test_kinds_are_told_of_the_tasks_that_are_there() -> None:
    kinds = {"books": "binary", "dvd": "binary"}
    config = settings()
    config = config.model_copy(update={"data": config.data.model_copy(update={"kinds": kinds})})
    found = {piece.folder.name: piece.config.data.kinds for piece in pieces(experiment(config, labels=()))}
    assert found["without-books"] == {"dvd": "binary"}
    assert (found["books"], found["Music"], found["all"]) == ({"books": "binary"}, {}, kinds)


def test_the_curve_leaves_out_what_the_table_has() -> None:
    found = pieces(experiment(settings(), labels=(7, 28), seeds=(0,)))
    assert {piece.labels for piece in found} == {None, 7}


def test_an_own_run_has_nothing_to_train_but_the_task(tmp_path: Path) -> None:
    its = experiment(settings(), run=tmp_path, seeds=(3,), counts={"garden": 28}, labels=())
    assert its.methods == [TRANSFERRED, "ic alone", "lstm alone"]
    found = pieces(its)
    assert [piece.folder.as_posix() for piece in found] == [
        "seed-3/garden", "seed-3/alone-garden-ic", "seed-3/alone-garden-lstm",
    ]  # fmt: skip
    assert found[0].source == tmp_path


def test_targets_are_counted(shop: Path) -> None:
    dataset = load(shop)
    assert choose_targets(dataset, ("Music", "books"), ()) == {"books": 28, "Music": 28}
    assert list(choose_targets(dataset, (), (28,))) == ["books", "dvd", "Music"]
    with pytest.raises(ConfigError, match="--target: no task 'book': did you mean 'books'"):
        choose_targets(dataset, ("book",), ())
    with pytest.raises(ConfigError, match="--labels 29: books has 28 training labels; choose fewer"):
        choose_targets(dataset, (), (5, 29))
    untested = replace(dataset, splits={"train": dataset.splits["train"]})
    with pytest.raises(DataError, match="task 'books': expected texts to test on, found none"):
        choose_targets(untested, (), ())


def test_tasks_that_read_the_same_texts_are_refused(shop: Path, molecules: Dataset) -> None:
    dataset = load(shop)
    splits = {name: replace(split, owner=None) for name, split in dataset.splits.items()}
    with pytest.raises(ConfigError, match="tasks with texts of their own, and 'shop' has texts that all tasks read"):
        choose_targets(replace(dataset, splits=splits), (), ())
    with pytest.raises(ConfigError, match="and 'm' has molecules"):
        choose_targets(molecules, (), ())


def test_what_cannot_be_transferred_is_refused_before_it_is_trained(shop: Path) -> None:
    dataset = load(shop)
    refuse_unshared(settings(), dataset)
    with pytest.raises(ConfigError, match="model 'dc' has no shared layer"):
        refuse_unshared(settings(model="dc"), dataset)
    with pytest.raises(ConfigError, match="takes two or more, and 'books' has one"):
        refuse_unshared(settings(), load(shop / "books.csv"))


@pytest.mark.parametrize("model", ["ic", "fs"])
def test_the_same_network_and_an_lstm_are_trained_alone(model: str, shop: Path) -> None:
    config = make_config({"model": {"name": model, "hidden": 7, "pooling": "max", "wide": "joint"}})
    models, remarks = alone_models(config.model, load(shop))
    assert remarks == []
    assert models == {model: config.model, "lstm": LSTMOptions(hidden=7, pooling="max")}


def test_a_network_that_refuses_one_task_is_left_out_and_that_is_said(shop: Path) -> None:
    models, remarks = alone_models(settings(model="sp").model, load(shop))
    assert models == {"lstm": LSTMOptions(**SMALL)}
    assert len(remarks) == 1
    assert remarks[0].startswith("sp cannot be trained on one task alone (SP-MTL needs at least 2 tasks")
    assert remarks[0].endswith("; lstm is")


def folders(out: Path, found: list[Piece]) -> list[str]:
    """What was trained now."""
    return [piece.folder.as_posix() for piece in work(found, out, progress=False)]


def test_runs_are_trained_once_and_a_plain_run_is_taken(shop: Path, tmp_path: Path) -> None:
    out, dataset = tmp_path / "out", load(shop)
    found = pieces(experiment(settings(shop), counts={"books": 28}, seeds=(0,), labels=(7,)))
    plain = settings(shop).data.model_copy(update={"tasks": ["dvd", "Music"]})
    train(load(shop, tasks=["dvd", "Music"]), settings(shop).model_copy(update={"data": plain}), out / found[0].folder)
    check_pieces(found, out, dataset.sources)
    told: list[str] = []
    assert [piece.folder.as_posix() for piece in work(found[:3], out, False, told.append)] == [
        "seed-0/books", "seed-0/alone-books-ic",
    ]  # fmt: skip
    assert told[0] == "seed-0/books (2 of 3) ..." and told[1].startswith("seed-0/books (2 of 3) trained in ")
    (out / "seed-0/alone-books-ic/metrics.json").unlink()  # as if it was killed before its scores were written
    check_pieces(found, out, dataset.sources)
    assert folders(out, found) == [piece.folder.as_posix() for piece in found[2:]]
    check_pieces(found, out, dataset.sources)
    assert folders(out, found) == []
    kept = [
        read_json(out / f"seed-0/labels-7/{name}/mask.json")["labels"]["books"]
        for name in ("books", "alone-books-lstm")
    ]
    assert kept == [{"kept": 7, "of": 28}] * 2


def test_transfer_and_alone_learn_from_the_same_labels(shop: Path) -> None:
    its = experiment(settings(shop), labels=(3, 7), counts={"dvd": 28}, seeds=(4,))
    drawn: dict[int, list[set[tuple[str, ...]]]] = {3: [], 7: []}
    for piece in pieces(its):
        if piece.labels:
            data = load(shop, tasks=["dvd"])
            masked, _ = mask_labels(data, parse_mask(piece.config.data.mask), piece.config.training.seed)
            drawn[piece.labels].append({tuple(text) for text in masked.splits["train"].tokens})
    assert all(texts == drawn[3][0] for texts in drawn[3]) and len(drawn[3]) == 3
    assert drawn[3][0] < drawn[7][0]


@pytest.fixture
def transferred(shop: Path, tmp_path: Path) -> tuple[list[Piece], Path, Dataset]:
    """A source and what was transferred from it, finished."""
    found = pieces(experiment(settings(shop), counts={"books": 28}, seeds=(0,), labels=()))[:2]
    assert len(folders(tmp_path / "out", found)) == 2
    return found, tmp_path / "out", load(shop)


def test_something_else_in_the_place_of_a_run_is_refused(
    transferred: tuple[list[Piece], Path, Dataset], shop: Path
) -> None:
    found, out, dataset = transferred
    with pytest.raises(RunFolderError, match=r"without-books: this run has other .*training.epochs=1 instead of 3\)"):
        check_pieces(pieces(experiment(settings(shop, epochs=3), seeds=(0,))), out, dataset.sources)
    with pytest.raises(RunFolderError, match=r"0/books: this run has other settings .*epochs=2 instead of 9\)"):
        check_pieces(pieces(experiment(settings(shop), epochs=9, seeds=(0,))), out, dataset.sources)
    with pytest.raises(RunFolderError, match="without-books: this run read other data"):
        check_pieces(found, out, dict.fromkeys(dataset.sources, "another checksum"))
    facts = json.loads((out / "seed-0/books/transfer.json").read_text())
    (out / "seed-0/books/transfer.json").write_text(json.dumps(facts | {"unfreeze_after": 1}))
    with pytest.raises(RunFolderError, match=r"other settings \(--unfreeze-after 1\)"):
        check_pieces(found, out, dataset.sources)
    (out / "seed-0/books/transfer.json").unlink()
    with pytest.raises(RunFolderError, match=r"other settings \(not a transfer\)"):
        check_pieces(found, out, dataset.sources)
    (out / "seed-0/books/config.yaml").unlink()
    with pytest.raises(RunFolderError, match="seed-0/books: is not a run folder"):
        check_pieces(found, out, dataset.sources)


def test_a_transfer_without_its_source_is_refused(transferred: tuple[list[Piece], Path, Dataset]) -> None:
    found, out, dataset = transferred
    shutil.rmtree(out / "seed-0/without-books")
    with pytest.raises(RunFolderError, match="transferred from, .*without-books, is not there; remove it too"):
        check_pieces(found, out, dataset.sources)


@pytest.mark.parametrize(
    "left", [{"vocabulary.txt", "metrics.json", "config.yaml"}, {"vocabulary.txt", "metrics.json"}]
)
def test_a_transfer_that_was_killed_before_it_began_begins_again(
    left: set[str], transferred: tuple[list[Piece], Path, Dataset]
) -> None:
    found, out, dataset = transferred
    before = contents(out / "seed-0/books")
    for name in left:
        (out / "seed-0/books" / name).unlink()
    check_pieces(found, out, dataset.sources)
    assert folders(out, found) == ["seed-0/books"]
    assert contents(out / "seed-0/books")["model.safetensors"] == before["model.safetensors"]


@pytest.mark.parametrize("name", ["metrics.json", "vocabulary.txt"])
def test_what_another_command_trains_is_left_to_it(name: str, transferred: tuple[list[Piece], Path, Dataset]) -> None:
    found, out, dataset = transferred
    for gone in {"metrics.json", name}:  # as if its training went on, or was about to begin
        (out / "seed-0/books" / gone).unlink()
    with held(out / "seed-0/books"):
        before = contents(out)
        check_pieces(found, out, dataset.sources)
        with pytest.raises(RunFolderError, match="seed-0/books: another process is training in it"):
            folders(out, found)
        assert contents(out) == before
    assert folders(out, found) == ["seed-0/books"]


def test_a_folder_that_another_command_has_just_made_is_no_obstacle(shop: Path, tmp_path: Path) -> None:
    found = pieces(experiment(settings(shop), counts={"books": 28}, seeds=(0,), labels=()))
    with held(tmp_path / "out" / found[0].folder):
        check_pieces(found, tmp_path / "out", load(shop).sources)


def test_a_run_that_fails_is_named(shop: Path, tmp_path: Path) -> None:
    found = pieces(experiment(settings(shop, learning_rate=1e30), counts={"books": 28}, seeds=(0,), labels=()))
    with pytest.raises(TrainingError, match="seed-0/without-books: "):
        folders(tmp_path / "out", found[:1])
    assert np.isfinite(
        make_config(read_config(tmp_path / "out/seed-0/without-books/config.yaml")).training.learning_rate
    )
    assert ALL == "all tasks"
