from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tasktalk as tt
from tasktalk.data.dataset import Dataset, Molecules, Nodes
from tests.training.toy import mixed, molecules, nodes

SETTINGS = {
    "model.hidden": 4,
    "model.embedding_features": 4,
    "training.epochs": 1,
    "training.tracker": "none",
    "data.max_words": 5,
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    rows = [f"{'good' if i % 2 else 'bad'} thing {i},{i % 2},{'' if i % 3 else i % 2}" for i in range(40)]
    path.write_text("text,first,second\n" + "\n".join(rows) + "\n")
    return path


def test_five_lines_from_a_file_to_predictions(table: Path, tmp_path: Path) -> None:
    data = tt.load(table)
    run = tt.train(data, model="ic", out=tmp_path / "run", settings=SETTINGS, progress=False)
    assert run.config.data.source == [data.name]
    assert run.config.data.max_words == 5
    assert tt.evaluate(tmp_path / "run", data)["test"] == run.metrics["splits"]["test"]
    (answer,) = tt.predict(run, ["a good thing"], task="second")
    assert set(answer["predictions"]) == {"second"}
    assert sum(answer["predictions"]["second"]["probabilities"].values()) == pytest.approx(1)


def inputs(dataset: Dataset) -> tuple[str, list[str]]:
    """The training examples as a person gives them, and what they are called in the answers."""
    content = dataset.splits["train"].content
    if isinstance(content, Molecules):
        return "smiles", content.smiles
    if isinstance(content, Nodes):
        return "node", [content.graph.names[row] for row in content.rows]
    return "text", [" ".join(words) for words in content]


LEARN = {
    "training.epochs": 20,
    "training.patience": 0,
    "training.learning_rate": 0.03,
    "training.tracker": "none",
    "training.batch_size": 8,
}


@pytest.mark.parametrize(
    ("dataset", "model", "settings"),
    [
        (mixed, "mitten", {"model.hidden": 6, "model.pooling": "max"}),
        (molecules, "mitten", {"model.hidden": 8, "model.layers": 1, "model.dropout": 0.0}),
        (nodes, "cross-stitch", {"model.hidden": 8, "model.layers": 1}),
        (molecules, "forest", {"model.trees": 20}),
        (molecules, "linear", {"model.molecules": "descriptors"}),
    ],
)
def test_values_come_back_in_the_unit_of_their_labels(
    dataset: Callable[[], Dataset], model: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    data = dataset()
    run = tt.train(data, model, out=tmp_path / "run", settings={**LEARN, **settings}, progress=False)
    key, given = inputs(data)
    answers = tt.predict(tmp_path / "run", given)
    assert [row[key] for row in answers] == given
    first, second, value = data.tasks
    assert value.kind == "regression"
    labels = data.splits["train"].labels[:, 2]
    found = np.array([row["predictions"][value.name]["value"] for row in answers])
    assert np.nanmean(np.abs(found - labels)) < 0.5 * np.nanstd(labels)
    assert [task.std for task in run.tasks] == [1.0, 1.0, pytest.approx(np.nanstd(labels))]
    for task in (first, second):
        probabilities = [row["predictions"][task.name]["probabilities"] for row in answers]
        assert all(tuple(p) == task.classes and sum(p.values()) == pytest.approx(1) for p in probabilities)
    assert tt.evaluate(tmp_path / "run", data) == run.metrics["splits"]


def test_a_path_will_do_for_data_and_mistakes_are_sentences(table: Path, tmp_path: Path) -> None:
    with pytest.raises(tt.TasktalkError, match="unknown setting 'model.hiden': did you mean 'model.hidden'"):
        tt.train(table, out=tmp_path / "run", settings={"model.hiden": 4}, progress=False)
    with pytest.raises(tt.TasktalkError, match="expected section.key"):
        tt.train(table, out=tmp_path / "run", settings={"epochs": 4}, progress=False)
    assert not (tmp_path / "run").exists()


def test_the_run_folder_knows_the_path(table: Path, tmp_path: Path) -> None:
    run = tt.train(table, out=tmp_path / "run", settings=SETTINGS, progress=False)
    assert run.config.data.source == [str(table)]
    assert tt.evaluate(run, run.config.data.source[0])["test"] == run.metrics["splits"]["test"]


@pytest.fixture
def later(tmp_path: Path) -> Path:
    path = tmp_path / "later.csv"
    rows = [f"{'good' if i % 2 else 'bad'} thing {i},{i % 2}" for i in range(40)]
    path.write_text("review,stars\n" + "\n".join(rows) + "\n")
    return path


def test_a_task_that_comes_later(table: Path, later: Path, tmp_path: Path) -> None:
    run = tt.train(table, "ic", out=tmp_path / "run", settings=SETTINGS, progress=False)
    columns = {"data.text": "review", "data.label": "stars"}
    settings = {**columns, "training.epochs": 2, "data.test": 0.5}
    new = tt.transfer(tmp_path / "run", later, "third", out=tmp_path / "new", settings=settings, progress=False)
    assert [task.name for task in new.tasks] == ["first", "second", "third"]
    assert new.metrics["splits"]["test"]["tasks"]["third"]["n"] == 20
    for task in ("first", "second"):
        assert tt.predict(new, ["a good thing"], task) == tt.predict(run, ["a good thing"], task)
    assert set(tt.predict(new, ["a good thing"], "third")[0]["predictions"]) == {"third"}
    loaded = tt.load(f"games={later}", text="review", label="stars")
    given: dict[str, Any] = {"out": tmp_path / "loaded", "settings": {"training.epochs": 1}, "progress": False}
    assert tt.transfer(run, loaded, "fourth", **given).tasks[-1].name == "fourth"


def test_a_task_that_comes_later_is_refused_before_anything_is_written(
    table: Path, later: Path, tmp_path: Path
) -> None:
    run = tt.train(table, "fs", out=tmp_path / "run", settings=SETTINGS, progress=False)

    def refused(match: str, name: str = "third", **given: Any) -> None:
        with pytest.raises(tt.TasktalkError, match=match):
            tt.transfer(run, later, name, out=tmp_path / "new", progress=False, **given)

    refused("has a task 'first' already", name="first")
    refused("^model.hidden: a task is added to the run as it is", settings={"model.hidden": 3})
    refused("unknown setting 'training.epoch'", settings={"training.epoch": 3})
    refused(r"later.csv: expected a column 'text'", settings={"data.label": "stars"})
    refused("nothing would be unfrozen", settings={"data.text": "review", "data.label": "stars"}, unfreeze_after=5)
    assert not (tmp_path / "new").exists()
