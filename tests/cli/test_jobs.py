"""Which runs one ``tasktalk train`` makes, and with which settings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasktalk.cli.jobs import complete, default_folder, outline, plan
from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Content, Dataset, Examples, Molecules, NodeGraph, Nodes, Sentences
from tasktalk.models.options import OwnOptions
from tasktalk.training.config import Config, make_config

OUT = Path("out")


NODES = Nodes(
    NodeGraph([], np.zeros((2, 0), dtype=np.int64), np.zeros((0, 0), dtype=np.float32)), np.zeros(0, dtype=np.int64)
)
MOLECULES = Molecules([], [], [])


def data(content: Content, separate: bool = False) -> Dataset:
    """A data set of which only the kind of its inputs matters."""
    owner = np.zeros(len(content), dtype=np.int64) if separate else None
    examples = Examples(content, np.zeros((len(content), 1)), owner)
    return Dataset("data", (Task("a", "binary", ("0", "1")),), {"train": examples}, "")


SEPARATE = data([["word"]], separate=True)


def config(beside: list[str], **model: Any) -> Config:
    values = {"data": {"vectors": ["v.txt"], "max_words": 9}, "training": {"beside": beside, "epochs": 3}}
    return make_config({**values, "model": model})


def labels(beside: list[str], **model: Any) -> list[str]:
    return [job.label for job in plan(config(beside, **model), OUT, SEPARATE)]


def test_linear_stands_for_two_models() -> None:
    jobs = plan(config(["linear"], name="ic"), OUT, SEPARATE)
    assert [(job.label, job.folder) for job in jobs] == [
        ("ic", OUT),
        ("linear-per-task", OUT / "beside/linear-per-task"),
        ("linear-easy-adapt", OUT / "beside/linear-easy-adapt"),
    ]
    assert all(job.config.data.vectors == [] for job in jobs[1:])


def test_no_model_stands_beside_itself() -> None:
    assert labels(["linear"], name="linear") == ["linear-easy-adapt", "linear-per-task"]
    assert labels(["ic", "lstm", "lstm"], name="ic") == ["ic", "lstm"]
    assert labels(["ic"], name="ic", wide="fitted") == ["ic-wide", "ic"]
    assert labels([], name="dc") == ["dc"]


def test_models_are_compared_on_equal_terms() -> None:
    first = config(["lstm"], name="ic", hidden=7, pooling="mean", causal=True, wide="joint")
    job = plan(first, OUT, SEPARATE)[1]
    model = job.config.model
    assert (model.name, model.hidden, model.pooling, model.wide) == ("lstm", 7, "mean", "off")
    assert job.config.data == first.data
    assert job.config.training == first.training.model_copy(update={"beside": []})


def test_a_block_of_ones_own_stands_beside_others_on_equal_terms() -> None:
    first, beside = plan(config(["a.b:C"], name="ic", hidden=7), OUT, SEPARATE)
    assert (first.label, beside.label, beside.folder) == ("ic", "a.b.C", OUT / "beside/a.b.C")
    assert beside.config.model == OwnOptions(path="a.b:C", hidden=7)
    own, other = plan(config(["a.d:C"], name="a.b:C", hidden=7), OUT, SEPARATE)
    assert (own.label, other.label) == ("a.b.C", "a.d.C")
    assert other.config.model == OwnOptions(path="a.d:C", hidden=7)
    assert default_folder(own.config).name.endswith("-a.b.C")


def test_a_block_that_is_not_there_is_told_before_the_data_is_loaded() -> None:
    with pytest.raises(ConfigError, match="model.path no_such:Block: no module 'no_such' in the current folder"):
        outline({"model": {"name": "no_such:Block"}}, [])


def test_what_is_usual_for_one_model_is_not_forced_on_another() -> None:
    assert plan(config(["fs"], name="mt-cnn"), OUT, SEPARATE)[1].config.model.pooling == "last"


@pytest.mark.parametrize(
    ("beside", "model", "message"),
    [
        ("lsmt", {"name": "ic"}, "beside 'lsmt': unknown model 'lsmt': did you mean 'lstm'"),
        ("mt-cnn", {"name": "ic", "bidirectional": True}, "beside 'mt-cnn': model.bidirectional"),
    ],
)
def test_model_beside_that_is_impossible_is_refused(beside: str, model: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plan(config([beside], **model), OUT, SEPARATE)


@pytest.mark.parametrize(
    ("content", "separate", "model", "beside"),
    [
        ([["word"]], True, "ic", ["ic", "linear-per-task", "linear-easy-adapt"]),
        ([["word"]], False, "ic", ["ic", "linear-per-task"]),
        (Sentences([["word"]], []), True, "ic", ["ic", "lstm"]),
        (MOLECULES, False, "mitten", ["mitten", "forest"]),
        (NODES, False, "mitten", ["mitten", "linear-per-task"]),
    ],
    ids=["texts of their own", "shared texts", "sentences", "molecules", "nodes"],
)
def test_models_that_suit_the_data(content: Content, separate: bool, model: str, beside: list[str]) -> None:
    dataset = data(content, separate)
    found = complete({"model": {"hidden": 7}}, ["training.epochs=2"], dataset)
    assert (found.model.name, found.model.hidden, found.training.epochs) == (model, 7, 2)
    assert [job.label for job in plan(found, OUT, dataset)] == beside
    named = complete({"model": {"name": "linear"}, "training": {"beside": []}}, [], dataset)
    assert (named.model.name, named.training.beside) == ("linear", [])
    assert complete({}, ["training.beside=[forest]", "model.name=fs"], dataset).training.beside == ["forest"]


def test_a_graph_is_not_read_for_every_few_nodes() -> None:
    dataset = data(Nodes(NODES.graph, np.zeros(1000, dtype=np.int64)))
    assert complete({}, [], dataset).training.batch_size == 100
    assert complete({}, ["training.batch_size=7"], dataset).training.batch_size == 7
    assert complete({}, [], data(Nodes(NODES.graph, np.zeros(50, dtype=np.int64)))).training.batch_size == 16
    assert complete({}, [], SEPARATE).training.batch_size == 16


def test_settings_are_checked_before_the_data_is_there() -> None:
    assert outline({"data": {"dev": 0.3}, "model": {"layers": 2}}, ["model.readout=mean"]).data.dev == 0.3
    for values, settings in ({"training": {"epochs": 0}}, []), ({"model": {"name": "ic"}}, ["model.layers=2"]):
        with pytest.raises(ConfigError):
            outline(values, settings)
    with pytest.raises(ConfigError, match="unknown model 'lsmt'"):
        outline({}, ["model.name=lsmt"])


def test_networks_of_graphs_are_compared_on_equal_terms() -> None:
    first = config(["single", "mmoe", "forest"], name="mitten", hidden=8, layers=2, readout="mean", eta=2.0)
    _, single, mmoe, forest = (job.config for job in plan(first, OUT, data(MOLECULES)))
    for other in (single, mmoe):
        assert (other.model.hidden, other.model.layers, other.model.readout) == (8, 2, "mean")
    assert single.model.embeddings == "private"
    assert forest.data.vectors == []
    text = plan(config(["lstm"], name="mitten", hidden=8, layers=2), OUT, SEPARATE)[1].config.model
    assert (text.name, text.hidden) == ("lstm", 8)


def test_simple_models_have_the_name_of_their_mode() -> None:
    assert [job.label for job in plan(config([], name="linear"), OUT, data(NODES))] == ["linear-per-task"]
    assert labels([], name="linear") == ["linear-easy-adapt"]
    assert labels(["linear"], name="linear", mode="pooled") == ["linear-pooled", "linear-per-task", "linear-easy-adapt"]
    assert labels(["forest"], name="forest", trees=9) == ["forest"]


@pytest.mark.parametrize(
    ("sources", "folder"),
    [
        (["fdu-mtl"], "runs/fdu-mtl-ic"),
        (["shop/books.train.csv"], "runs/books-ic"),
        (["x=shop/books.csv"], "runs/books-ic"),
        (["shop"], "runs/shop-ic"),
        (["shop/books.csv", "shop/dvd.csv"], "runs/shop-ic"),
        (["conll2000:limit=200", "ud-ewt"], "runs/conll2000+ud-ewt-ic"),
        (["pos=a/train.conll:column=1", "a/chunks.conll"], "runs/pos+chunks-ic"),
    ],
)
def test_default_folder_is_named_after_data_and_model(sources: list[str], folder: str) -> None:
    assert default_folder(make_config({"data": {"source": sources}})) == Path(folder)
