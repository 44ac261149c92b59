"""Tables of scores: the metric of each task, means, marks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tasktalk.cli.scores import AUROC, ERROR, RMSE, comparison, evaluation, main_metrics
from tasktalk.core.task import Kind, Task
from tasktalk.data.dataset import Content, Dataset, Examples, Molecules, NodeGraph, Nodes

CLASSES: dict[Kind, tuple[str, ...]] = {"binary": ("0", "1"), "multiclass": ("a", "b", "c"), "regression": ()}


def data(kinds: dict[str, Kind], separate: bool = False, content: Content | None = None) -> Dataset:
    """Tasks of some kinds, and one example."""
    tasks = tuple(Task(name, kind, CLASSES[kind]) for name, kind in kinds.items())
    owner = np.zeros(1, dtype=np.int64) if separate else None
    examples = Examples([["word"]] if content is None else content, np.zeros((1, len(tasks))), owner)
    return Dataset("data", tasks, {"train": examples}, "words")


def texts(*names: str) -> Dataset:
    """Binary tasks with texts of their own."""
    return data(dict.fromkeys(names, "binary"), separate=True)


MOLECULES = Molecules([], [], [])


def scores(
    test: Mapping[str, tuple[int, float | None]], new: Mapping[str, tuple[int, float | None]] | None = None,
    metric: str | dict[str, str] = "error",
) -> dict[str, Any]:  # fmt: skip
    """``metrics.json`` as far as the table reads it."""

    def block(tasks: Mapping[str, tuple[int, float | None]]) -> dict[str, Any]:
        keys = {task: metric if isinstance(metric, str) else metric[task] for task in tasks}
        return {"tasks": {task: {"n": n, keys[task]: value, "loss": 0.5} for task, (n, value) in tasks.items()}}

    return {"splits": {"test": block(test), "test_not_in_train": block(new or test)}}


def test_metric_of_each_kind_of_task() -> None:
    kinds: dict[str, Kind] = {"a": "binary", "b": "multiclass", "c": "regression"}
    assert main_metrics(data(kinds)) == {"a": AUROC, "b": ERROR, "c": RMSE}
    assert main_metrics(data(kinds, separate=True)) == {"a": ERROR, "b": ERROR, "c": RMSE}


def test_lowest_error_of_every_row_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    comparison(
        {
            "ic": scores({"books": (10, 20.0), "dvd": (10, 30.0), "music": (0, None)}),
            "linear": scores({"books": (10, 20.0), "dvd": (10, 40.0), "music": (0, None)}),
        },
        texts("books", "dvd", "music"),
    )
    assert capsys.readouterr().out.splitlines() == [
        "task   texts     ic    linear",
        "books     10  20.00 *   20.00 *",
        "dvd       10  30.00 *   40.00",
        "music      0    n/a       n/a",
        "mean      20  25.00 *   30.00",
        "Test error in %, * marks the lowest of a row.",
    ]


def test_highest_area_is_marked_and_what_is_not_defined_is_not_in_the_mean(capsys: pytest.CaptureFixture[str]) -> None:
    tasks = data({"a": "binary", "b": "binary"}, content=MOLECULES)
    one, other = ({"a": (9, area), "b": (7, None)} for area in (0.5, 0.75))
    comparison({"mitten": scores(one, metric="auroc"), "forest": scores(other, metric="auroc")}, tasks)
    assert capsys.readouterr().out.splitlines() == [
        "task                 molecules  mitten    forest",
        "a                            9   0.500     0.750 *",
        "b                            7     n/a       n/a",
        "mean (1 of 2 tasks)         16   0.500     0.750 *",
        "Test AUROC (area under the ROC curve; 0.5 is chance, 1 perfect), * marks the highest of a row.",
    ]


def test_tasks_of_several_kinds_have_a_column_of_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    graph = NodeGraph([], np.zeros((2, 0), dtype=np.int64), np.zeros((0, 0), dtype=np.float32))
    nodes = Nodes(graph, np.zeros(0, dtype=np.int64))
    tasks = data({"a": "binary", "b": "binary", "c": "multiclass", "d": "regression"}, content=nodes)
    metric = {"a": "auroc", "b": "auroc", "c": "error", "d": "rmse"}
    one = {"a": (9, 0.5), "b": (9, 0.75), "c": (9, 30.0), "d": (9, 12.0)}
    other = {"a": (9, 0.75), "b": (9, 0.25), "c": (9, 10.0), "d": (9, 15.0)}
    comparison({"mitten": scores(one, metric=metric), "linear": scores(other, metric=metric)}, tasks)
    assert capsys.readouterr().out.splitlines() == [
        "task        nodes   metric  mitten    linear",
        "a               9    AUROC   0.500     0.750 *",
        "b               9    AUROC   0.750 *   0.250",
        "c               9  error %   30.00     10.00 *",
        "d               9     RMSE  12.000 *  15.000",
        "mean AUROC     18    AUROC   0.625 *   0.500",
        "Test scores: * marks the best of a row.",
        "  AUROC (area under the ROC curve; 0.5 is chance, 1 perfect): the highest is best",
        "  error in %: the lowest is best",
        "  RMSE (root mean squared error, in the unit of the labels): the lowest is best",
    ]


def test_mean_of_texts_that_are_not_in_train_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    comparison({"ic": scores({"books": (10, 20.0)}, {"books": (8, 25.0)})}, texts("books"))
    assert capsys.readouterr().out.splitlines() == [
        "task               texts     ic",
        "books                 10  20.00",
        "mean                  10  20.00",
        "mean of new texts      8  25.00",
        "Test error in %.",
    ]


def test_development_error_stands_in_where_there_is_no_test(capsys: pytest.CaptureFixture[str]) -> None:
    block = scores({"books": (10, 20.0)})["splits"]["test"]
    comparison({"ic": {"splits": {"dev": block}}}, texts("books"))
    assert "Development error in %." in capsys.readouterr().out
    comparison({"ic": {"splits": {}}}, data({"a": "binary"}, content=MOLECULES))
    assert capsys.readouterr().out == "No scores: the data has neither test nor development molecules.\n"


def test_many_tasks_with_long_names_fit(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{number} disorders of something with a very long name, and some more of them" for number in range(27)]
    found = scores(dict.fromkeys(names, (140, 0.5)), metric="auroc")
    tasks = data(dict.fromkeys(names, "binary"), content=MOLECULES)
    comparison({"mitten": found, "forest": found}, tasks)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 30 and max(map(len, lines[:29])) <= 80
    assert lines[1].startswith("0 disorders of something with a very long name") and "…" in lines[1]


def test_scores_of_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    metric = {"a": "auroc", "b": "auroc", "c": "rmse"}
    blocks = scores({"a": (9, 0.5), "b": (0, None), "c": (9, 2.0)}, metric=metric)["splits"]
    evaluation(blocks, data({"a": "binary", "b": "binary", "c": "regression"}), "all texts")
    assert capsys.readouterr().out.splitlines()[:4] == [
        "test:",
        "task  texts  metric  score    loss",
        "a         9   AUROC  0.500  0.5000",
        "c         9    RMSE  2.000  0.5000",
    ]
    evaluation({"train": scores({"a": (9, 0.5)}, metric="auroc")["splits"]["test"]}, data({"a": "binary"}), "all texts")
    assert capsys.readouterr().out.splitlines() == [
        "all texts:",
        "task  texts  AUROC    loss",
        "a         9  0.500  0.5000",
        "mean      9  0.500  0.5000",
    ]


def test_new_test_texts_are_shown_apart_where_there_are_others(capsys: pytest.CaptureFixture[str]) -> None:
    for unseen, shown in (
        (9, ["the same texts"]),
        (7, ["task  texts  error %    loss", "a         7     0.50  0.5000"]),
    ):
        blocks = scores({"a": (9, 0.5)}, {"a": (unseen, 0.5)})["splits"]
        evaluation(blocks, texts("a"), "all texts")
        lines = capsys.readouterr().out.splitlines()
        assert lines[4] == "test not in train:" and lines[5:7] == shown
