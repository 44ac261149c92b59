"""The list of parts: what is there for which model and samples, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tasktalk.analysis.explain import explain, of_task, refuse_silent
from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.load import load
from tasktalk.training.api import train
from tasktalk.training.run import Run

REVIEWS = Path(__file__).parents[2] / "examples" / "reviews"
SMALL = {"model.hidden": 6, "training.epochs": 1, "training.tracker": "none", "training.device": "cpu"}


@pytest.fixture(scope="module")
def reviews() -> Dataset:
    return load(REVIEWS)


@pytest.fixture(scope="module")
def run(reviews: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(reviews, "ic", out=tmp_path_factory.mktemp("ic") / "run", settings=SMALL, progress=False)


def test_parts_are_in_order_and_names_of_pictures_differ(run: Run, reviews: Dataset) -> None:
    told: list[tuple[str, int, int]] = []
    report = explain(
        run, reviews.splits["test"], samples=12, training=reviews.splits["train"], advance=lambda *a: told.append(a)
    )
    names = [part.name for part in report.parts]
    assert names == ["dependency", "samples", "words", "patterns", "deletion", "seeds", "null"]
    pictures = [picture.name for part in report.parts for picture in part.pictures]
    assert len(pictures) == len(set(pictures)) and len(pictures) > 4
    assert report.samples == 12
    assert {what for what, _, _ in told} >= {"run: reading", *names}
    assert all(0 <= done <= total for _, done, total in told)
    facts = dict(report.facts)
    assert (facts["Model"], facts["Tasks"]) == ("ic", "3") and facts["Samples"].startswith("12 texts of 36")


def test_without_labels_what_needs_them_says_so(run: Run) -> None:
    report = explain(run, run.examples(["A lovely present.", "It broke."]))
    checks = {part.name: part for part in report.parts}["deletion"].checks
    assert [check.passed for check in checks] == [None]
    assert "no labels" in checks[0].sentence


def test_the_same_seed_makes_the_same_report(run: Run, reviews: Dataset) -> None:
    first, second = (explain(run, reviews.splits["test"], samples=6, seed=3) for _ in range(2))
    assert first.summary() == second.summary()
    assert [p.rows for part in first.parts for p in part.pictures] == [
        p.rows for part in second.parts for p in part.pictures
    ]


def test_other_seeds_and_a_null_are_compared(run: Run, reviews: Dataset, tmp_path: Path) -> None:
    settings = {**SMALL, "training.seed": 1}
    other = train(reviews, "ic", out=tmp_path / "other", settings=settings, progress=False)
    report = explain(run, reviews.splits["test"], samples=6, also=[other.folder], null=other)
    found = {part.name: part for part in report.parts}
    assert found["seeds"].pictures and found["null"].pictures


def test_other_tasks_are_refused(run: Run, reviews: Dataset, tmp_path: Path) -> None:
    fewer = load(REVIEWS, tasks=["books", "garden"])
    other = train(fewer, "ic", out=tmp_path / "other", settings=SMALL, progress=False)
    with pytest.raises(ConfigError, match="expected a run with the tasks books, garden, kitchen, found books, garden"):
        explain(run, reviews.splits["test"], also=[other])


def test_a_model_without_weights_is_refused(reviews: Dataset, tmp_path: Path) -> None:
    for model in ("fs", "linear"):
        settings = SMALL if model == "fs" else {}
        run = train(reviews, model, out=tmp_path / model, settings=settings, progress=False)
        with pytest.raises(ConfigError, match="no weights between tasks|passes no messages"):
            explain(run, reviews.splits["test"])


def test_samples_of_one_task_are_its_own_or_those_with_its_label(run: Run) -> None:
    labels = np.array([[1.0, np.nan, np.nan], [np.nan, 0.0, np.nan], [0.0, 1.0, np.nan]])
    shared = Examples([["a"], ["b"], ["c"]], labels, None)
    assert of_task(run, shared, "books").content == [["a"], ["c"]]
    assert of_task(run, replace(shared, owner=np.array([0, 1, 1])), "books").content == [["a"]]
    with pytest.raises(ConfigError, match="task 'kitchen' has no examples here"):
        of_task(run, shared, "kitchen")
    with pytest.raises(ConfigError, match="did you mean 'books'"):
        of_task(run, shared, "bok")
    with pytest.raises(ConfigError, match="at least one sample"):
        refuse_silent(run, Examples([], np.zeros((0, 3)), None))


def test_a_run_is_no_other_seed_of_itself(run: Run, reviews: Dataset) -> None:
    with pytest.raises(ConfigError, match="expected a run with another seed than .*, found 0 too"):
        explain(run, reviews.splits["test"], also=[run])


def test_a_run_with_other_settings_is_no_other_seed(run: Run, reviews: Dataset, tmp_path: Path) -> None:
    settings = {**SMALL, "model.hidden": 3, "training.seed": 1}
    other = train(reviews, "ic", out=tmp_path / "other", settings=settings, progress=False)
    with pytest.raises(ConfigError, match="expected a run with the model settings of"):
        explain(run, reviews.splits["test"], also=[other])
