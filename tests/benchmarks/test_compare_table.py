from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tasktalk.benchmarks.compare import Results, plan_rows
from tasktalk.benchmarks.compare_table import (
    Difference,
    best_of,
    choose_against,
    choose_metric,
    half_width,
    metric_by_task,
    paired,
    paper_scores,
    seed_scores,
    summarise_rows,
)
from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset

T_95 = {1: 12.706204736, 2: 4.302652730}
"""Two-sided 95 % quantiles of Student's t, from a printed table, by degrees of freedom."""


def run(auroc: float | None, defined: int = 3, error: float = 10.0) -> dict[str, Any]:
    def block(shift: float) -> dict[str, Any]:
        mean = {"auroc": None if auroc is None else auroc + shift, "error": error, "tasks": 3}
        one: Mapping[str, Any] = {"n": 5, **mean}
        return {"mean": mean, "defined": {} if defined == 3 else {"auroc": defined}, "tasks": dict.fromkeys("abc", one)}

    return {"splits": {"dev": block(0.25), "test": block(0.0)}, "seconds": 2.0}


RESULTS: Results = {
    "single": {0: run(0.5), 1: run(0.6), 2: run(0.7)},
    "mitten": {0: run(0.6), 1: run(0.8), 2: run(0.7, defined=2)},
    "linear": {1: run(0.9)},
    "failed": {},
}


def test_means_and_deviations_by_hand() -> None:
    lines = {line.title: line for line in summarise_rows(RESULTS, "auroc", "single", {"mitten": 0.8})}
    assert list(lines) == ["single", "mitten", "linear"]
    single, mitten, linear = lines.values()
    assert single.mean == pytest.approx(0.6) and single.std == pytest.approx(0.1)
    assert single.dev == pytest.approx(0.85) and single.seconds == 2.0
    assert single.difference is None and single.paper is None
    assert mitten.mean == pytest.approx(0.7) and mitten.paper == 0.8
    assert (mitten.defined, mitten.tasks) == (2, 3) and (single.defined, single.tasks) == (3, 3)
    assert (linear.seeds, linear.mean, linear.std) == (1, 0.9, None)


def test_differences_are_paired_by_seed_with_the_interval_of_students_t() -> None:
    lines = {line.title: line for line in summarise_rows(RESULTS, "auroc", "single")}
    gap = lines["mitten"].difference  # 0.1, 0.2, 0: mean 0.1, deviation 0.1
    assert gap is not None and (gap.against, gap.seeds) == ("single", 3)
    assert gap.mean == pytest.approx(0.1)
    assert gap.half_width == pytest.approx(T_95[2] * 0.1 / 3**0.5, rel=1e-8)
    assert lines["linear"].difference == Difference("single", 1, 0.9 - 0.6, None)
    assert half_width(np.array([1.0, 3.0])) == pytest.approx(T_95[1] * 2**0.5 / 2**0.5, rel=1e-8)


def test_against_the_best_other() -> None:
    lines = summarise_rows({title: RESULTS[title] for title in ("single", "mitten")}, "auroc", "best")
    assert [line.difference.against for line in lines if line.difference] == ["mitten", "single"]
    assert [line.difference.mean for line in lines if line.difference] == [pytest.approx(-0.1), pytest.approx(0.1)]
    assert summarise_rows({"single": RESULTS["single"]}, "auroc", "best")[0].difference is None


def test_lower_is_better_for_errors_and_losses() -> None:
    scores = {"a": {0: 1.0, 1: 2.0}, "b": {0: 1.0}, "c": {}}
    assert (best_of(scores, "auroc"), best_of(scores, "error"), best_of({"c": {}}, "loss")) == ("a", "b", None)


def test_seeds_without_a_score_do_not_count() -> None:
    runs = {0: run(None), 1: run(0.5)}
    assert seed_scores(runs, "auroc") == {1: 0.5}
    assert seed_scores(runs, "auroc", "no such split") == {}
    line = summarise_rows({"a": {0: run(None)}}, "auroc", "a")[0]
    assert (line.seeds, line.mean, line.std) == (0, None, None)
    assert paired("b", {0: 1.0}, {1: 2.0}) is None


def test_a_failed_other_gives_no_difference() -> None:
    assert summarise_rows(RESULTS, "auroc", "failed")[0].difference is None


BINARY, MANY, VALUE = Task("a", "binary", ("0", "1")), Task("b", "multiclass", ("x", "y", "z")), Task("c", "regression")


@pytest.mark.parametrize(
    ("tasks", "separate", "metric"),
    [([BINARY], False, "auroc"), ([BINARY, MANY], True, "error"), ([MANY], False, "loss"), ([VALUE], True, "loss")],
)
def test_the_metric_that_suits_the_tasks(tasks: list[Task], separate: bool, metric: str) -> None:
    assert choose_metric("", tasks, separate) == metric


def test_a_metric_that_no_task_has_is_refused() -> None:
    assert choose_metric("rmse", [BINARY, VALUE], False) == "rmse"
    with pytest.raises(ConfigError, match="--metric: these tasks have no 'rmse': choose from accuracy, auroc"):
        choose_metric("rmse", [BINARY], False)


def test_against_is_the_first_row_or_one_that_is_there() -> None:
    rows, _ = plan_rows(["single", "mitten"])
    assert [choose_against(name, rows) for name in ("", "mitten", "best")] == ["single", "mitten", "best"]
    with pytest.raises(ConfigError, match="--against: 'mittn' is not compared: did you mean 'mitten'"):
        choose_against("mittn", rows)


def test_scores_of_the_paper_by_data_set_mask_and_model(molecules: Dataset) -> None:
    rows, _ = plan_rows(["single", "forest"], ["prior=mitten:model.eta=2"], {"data": {"mask": "partial:10:0.5"}})
    tox21 = replace(molecules, name="tox21")
    assert paper_scores(tox21, rows, "auroc") == {"single": 0.7138, "prior": 0.7310}
    assert paper_scores(tox21, plan_rows(["mmoe"])[0], "auroc") == {"mmoe": 0.8049}
    with pytest.raises(ConfigError, match="has the AUROC only, this comparison the error"):
        paper_scores(tox21, rows, "error")
    with pytest.raises(ConfigError, match="no 'm'; it has tox21, sider, dblp, blogcatalog, tmdb"):
        paper_scores(molecules, rows, "auroc")
    rows, _ = plan_rows(["single"], (), {"data": {"mask": "all:20"}})
    with pytest.raises(ConfigError, match="no 'tox21' with the mask 'all:20'; it has the masks sufficient, partial:10"):
        paper_scores(tox21, rows, "auroc")


POS = Task("pos", "tagging", ("A", "B"))
NER = Task("ner", "tagging", ("O", "B-x", "E-x", "I-x", "S-x"), scheme="iob2")


def test_spans_are_compared_by_f1_and_other_tags_by_accuracy() -> None:
    assert metric_by_task("", [POS, NER], True) == {"pos": "accuracy", "ner": "f1"}
    assert metric_by_task("accuracy", [POS, NER], True) == {"pos": "accuracy", "ner": "accuracy"}
    assert metric_by_task("", [BINARY, MANY], True) == {"a": "error", "b": "error"}
    with pytest.raises(ConfigError, match="--metric: these tasks have no 'f1'"):
        metric_by_task("f1", [POS], True)
    with pytest.raises(ConfigError, match="--metric: these tasks have no 'types'"):
        metric_by_task("types", [NER], True)


def test_means_are_taken_over_the_tasks_that_have_the_metric() -> None:
    def tagger(pos: float, ner: float) -> dict[str, Any]:
        tasks = {"pos": {"n": 3, "accuracy": pos}, "ner": {"n": 5, "accuracy": 1.0, "f1": ner}}
        block = {"mean": {"accuracy": (pos + 1) / 2, "f1": ner, "tasks": 2}, "defined": {"f1": 1}, "tasks": tasks}
        return {"splits": {"dev": block, "test": block}, "seconds": 1.0}

    results: Results = {"fs": {0: tagger(0.5, 0.25)}, "ic": {0: tagger(0.75, 0.5)}}
    accuracy = summarise_rows(results, "accuracy", "fs", tasks=["pos"])
    assert [(line.mean, line.dev, line.defined, line.tasks) for line in accuracy] == [
        (0.5, 0.5, 1, 1),
        (0.75, 0.75, 1, 1),
    ]
    f1 = summarise_rows(results, "f1", "fs", tasks=["ner"])
    assert [(line.mean, line.defined, line.tasks) for line in f1] == [(0.25, 1, 1), (0.5, 1, 1)]
    assert f1[1].difference == Difference("fs", 1, 0.25, None)
    assert best_of({"fs": {0: 0.25}, "ic": {0: 0.5}}, "f1") == "ic"
