import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasktalk.analysis.cutting import MAILBOX, Edges, choose_edges, cut_edges, edges_of
from tasktalk.analysis.overview import observe
from tasktalk.communication.cut import cut
from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Dataset
from tasktalk.training.checkpoint import load_tensors, save_tensors
from tasktalk.training.predictor import NetworkPredictor
from tasktalk.training.run import Run
from tasktalk.training.run_folder import MODEL, write_tasks
from tasktalk.training.train import train
from tests.analysis.made import made_overview
from tests.training.toy import config, graph_config, mixed, molecules, tagged, toy

ALL = 1000


@pytest.fixture(scope="module")
def dc(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(toy(), config("dc"), tmp_path_factory.mktemp("dc") / "run")


def test_what_a_task_gives_itself_is_no_edge() -> None:
    edges = edges_of(made_overview(np.arange(9.0).reshape(3, 3)))
    np.testing.assert_array_equal(np.isnan(edges.weight), np.eye(3, dtype=bool))
    assert edges.weight[1, 0] == 3
    assert not edges.only_one_each


def test_experts_are_all_heard() -> None:
    edges = edges_of(made_overview(np.ones((3, 2)), sources=("expert 1", "expert 2")))
    assert not np.isnan(edges.weight).any()


def test_a_mailbox_is_one_edge_of_each_task() -> None:
    meaning = "how alike two tasks read the mailbox of a text, from 0 to 1 (Bhattacharyya coefficient of their beta)"
    open_to = np.array([[0.1, 0.2], [0.3, 0.6], [0.5, 1.0]])
    overview = made_overview(np.ones((2, 2)), samples=3, meaning=meaning, openness=open_to, owner=np.array([0, 1, 1]))
    edges = edges_of(overview)
    assert (edges.sources, edges.only_one_each) == ((MAILBOX,), True)
    np.testing.assert_allclose(edges.weight, [[0.1], [0.8]])
    with pytest.raises(ConfigError, match="expected the gates of a model with a mailbox"):
        edges_of(replace(overview, openness=None))


def test_of_every_receiver_both_ends_are_chosen_first() -> None:
    weight = np.array([[np.nan, 0.1, 0.5, -0.9], [0.2, np.nan, 0.3, 0.4], [0.3, 0.2, np.nan, 0.1], [1, 2, 3, np.nan]])
    edges = Edges(("a", "b", "c", "d"), ("a", "b", "c", "d"), weight, "any sign")
    labelled = np.array([True, True, True, False])
    ends = {(0, 3), (0, 1), (1, 3), (1, 0), (2, 0), (2, 3)}
    assert set(choose_edges(edges, labelled, most=6)) == ends
    seven = [set(choose_edges(edges, labelled, most=7, seed=seed)) for seed in range(20)]
    assert all(ends < chosen for chosen in seven)
    assert {edge for chosen in seven for edge in chosen - ends} == {(0, 2), (1, 2), (2, 1)}
    assert set(choose_edges(edges, labelled, most=ALL)) == {(k, i) for k in range(3) for i in range(4) if i != k}
    assert len(choose_edges(edges, labelled, most=2)) == 2


def test_a_cut_is_asked_as_by_hand(dc: Run) -> None:
    test = toy().splits["test"]
    told: list[tuple[int, int]] = []
    overview = observe(dc, test)
    harms = cut_edges(dc, test, edges_of(overview), ALL, advance=lambda done, total: told.append((done, total)))
    assert [(harm.receiver, harm.source) for harm in harms] == [(k, i) for k in range(3) for i in range(3) if i != k]
    assert told == [(n, 6) for n in range(1, 7)]
    predictor = dc.predictor(0)
    assert isinstance(predictor, NetworkPredictor)
    for harm in harms:
        task = dc.tasks[harm.receiver].name
        np.testing.assert_array_equal(harm.rows, np.flatnonzero(test.owner == harm.receiver))
        scores = dc.metrics["splits"]["test"]["tasks"][task]
        assert harm.before.loss.mean() == pytest.approx(scores["loss"], rel=1e-5)
        assert 100 * harm.before.wrong.mean() == pytest.approx(scores["error"])
        with cut(predictor.network, harm.receiver, harm.source):
            after = dc.evaluate(replace(toy(), splits={"train": toy().splits["train"], "test": test}))
        assert harm.after.loss.mean() == pytest.approx(after["test"]["tasks"][task]["loss"], rel=1e-5)
        assert harm.weight == pytest.approx(overview.mean()[harm.receiver, harm.source])


def test_each_task_is_asked_with_the_weights_that_it_answers_with(dc: Run, tmp_path: Path) -> None:
    shutil.copytree(dc.folder, tmp_path / "run")
    tensors, facts = load_tensors(dc.folder / MODEL)
    save_tensors(tmp_path / "run" / "other.safetensors", {name: x * 0.5 for name, x in tensors.items()}, facts)
    names = [task.name for task in dc.tasks]
    write_tasks(tmp_path / "run", dc.tasks, dc.tokenizer, dict.fromkeys(names, MODEL) | {names[1]: "other.safetensors"})
    run, test = Run.load(tmp_path / "run"), toy().splits["test"]
    scores = run.evaluate(replace(toy(), splits={"train": toy().splits["train"], "test": test}))["test"]["tasks"]
    assert scores[names[1]]["loss"] != pytest.approx(dc.metrics["splits"]["test"]["tasks"][names[1]]["loss"], rel=1e-3)
    for harm in cut_edges(run, test, edges_of(observe(run, test)), ALL):
        assert harm.before.loss.mean() == pytest.approx(scores[names[harm.receiver]]["loss"], rel=1e-5)


@pytest.mark.parametrize(
    ("model", "dataset"),
    [("ic", toy()), ("mitten", mixed()), ("cross-stitch", mixed()), ("mmoe", toy()), ("ic", tagged())],
)
def test_every_model_can_be_cut(model: str, dataset: Dataset, tmp_path: Path) -> None:
    run = train(dataset, config(model), tmp_path / "run")
    _assert_scores(run, dataset)


def test_molecules_can_be_cut(tmp_path: Path) -> None:
    run = train(molecules(), graph_config("mitten"), tmp_path / "run")
    _assert_scores(run, molecules())


def _assert_scores(run: Run, dataset: Dataset) -> None:
    """Before a cut, every task has the scores of the run; after it, some answer is another."""
    test = dataset.splits["test"]
    harms = cut_edges(run, test, edges_of(observe(run, test)), ALL)
    assert {harm.receiver for harm in harms} == set(range(len(run.tasks)))
    for harm in harms:
        scores = run.metrics["splits"]["test"]["tasks"][run.tasks[harm.receiver].name]
        if run.tasks[harm.receiver].kind == "tagging":  # scores count words, not sentences
            assert ((harm.before.wrong >= 0) & (harm.before.wrong <= 1)).all()
        else:
            assert harm.before.loss.mean() == pytest.approx(scores["loss"], rel=1e-4)
        assert np.isfinite(harm.after.loss).all()
    assert any(harm.loss.any() for harm in harms)


def test_a_forest_has_nothing_to_cut(dc: Run, tmp_path: Path) -> None:
    test = toy(shared=True).splits["test"]
    run = train(toy(shared=True), config("linear"), tmp_path / "run")
    with pytest.raises(ConfigError, match="a linear model or a forest has nothing between its tasks"):
        cut_edges(run, test, edges_of(observe(dc, test)), ALL)
