"""A search: judged by development scores, shared, stopped and continued."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.training import tune as module
from tasktalk.training.config import Config, make_config, read_config
from tasktalk.training.progress import Silent
from tasktalk.training.run import Run
from tasktalk.training.search_space import parse_search, points
from tasktalk.training.study import Place
from tasktalk.training.train import train
from tasktalk.training.tune import Bench, Pruning, Search, Tuning, shuffled
from tests.training.toy import config, toy

LINEAR = make_config({"model": {"name": "linear"}})
COUNTS = ["data.min_count=1,5,20"]


def tuned(
    out: Path,
    dataset: Dataset,
    chosen: Config,
    searched: list[str],
    trials: int = 9,
    sampler: str = "grid",
    name: str = "study",
) -> tuple[optuna.Study, list[str]]:
    """A finished study, and what was told."""
    out.mkdir(exist_ok=True)
    space = parse_search(searched, chosen)
    grid = shuffled(points(space), 0) if sampler == "grid" else None
    lines: list[str] = []
    search = Search(chosen, space, trials, sampler, "none", grid)
    place = Place(str(out / "study.journal"), out)
    study = Tuning(search, Bench(dataset, chosen.data), place, out, Silent(), lines.append).run(name)
    return study, lines


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "trials.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def untimed(out: Path) -> list[dict[str, str]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows(out)]


def with_test(dataset: Dataset, test: Examples | None) -> Dataset:
    splits = {name: examples for name, examples in dataset.splits.items() if name != "test"}
    return replace(dataset, splits=splits if test is None else {**splits, "test": test})


def test_test_examples_are_never_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []

    def spy(dataset: Dataset, *arguments: Any, **others: Any) -> Run:
        seen.append(set(dataset.splits))
        return train(dataset, *arguments, **others)

    monkeypatch.setattr(module, "train", spy)
    whole = toy()
    test = whole.splits["test"]
    others = [test, replace(test, labels=1 - test.labels), None]
    for number, other in enumerate(others):
        tuned(tmp_path / str(number), with_test(whole, other), LINEAR, COUNTS)
    assert seen == [{"train", "dev"}] * 9
    assert untimed(tmp_path / "0") == untimed(tmp_path / "1") == untimed(tmp_path / "2")
    assert len({(tmp_path / str(number) / "best.yaml").read_bytes() for number in range(3)}) == 1


def test_the_best_settings_train_to_the_score_that_was_found(tmp_path: Path) -> None:
    study, lines = tuned(tmp_path, toy(), config("fs"), ["training.learning_rate=0.02,0.0001,1e30"])
    states = {row["training.learning_rate"]: row["state"] for row in rows(tmp_path)}
    assert states == {"0.02": "finished", "0.0001": "finished", "1e+30": "failed"}  # one diverges, the others go on
    failed = next(row for row in rows(tmp_path) if row["state"] == "failed")
    assert "is nan" in failed["error"] or "number" in failed["error"] or "inf" in failed["error"]
    assert len(lines) == 3 and any(failed["error"] in line for line in lines)
    found = make_config(read_config(tmp_path / "best.yaml"))
    assert found.training.learning_rate == study.best_params["training.learning_rate"]
    assert found.model == config("fs").model and found.training.tracker == config("fs").training.tracker
    run = train(toy(), found, tmp_path / "run")
    assert run.metrics["splits"]["dev"]["mean"]["error"] == study.best_value
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        *("best.yaml", "study.journal", "trials.csv", "tune.json")
    ]
    assert list((tmp_path / "trials").iterdir()) == []


def test_more_trials_go_on_and_a_finished_study_does_nothing(tmp_path: Path) -> None:
    searched = ["data.max_words=2..200:int"]
    tuned(tmp_path, toy(), LINEAR, searched, 2, "random")
    first = rows(tmp_path)
    (tmp_path / "trials" / "0001").mkdir()  # left by somebody who was killed
    _, lines = tuned(tmp_path, toy(), LINEAR, searched, 4, "random")
    assert rows(tmp_path)[:2] == first and len(rows(tmp_path)) == 4 and len(lines) == 2
    assert list((tmp_path / "trials").iterdir()) == []
    assert tuned(tmp_path, toy(), LINEAR, searched, 4, "random")[1] == []
    tuned(tmp_path / "whole", toy(), LINEAR, searched, 4, "random")
    assert untimed(tmp_path) == untimed(tmp_path / "whole")


def test_an_interrupted_point_of_a_grid_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> Run:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "train", interrupt)
    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path, toy(), LINEAR, COUNTS)
    monkeypatch.undo()
    tuned(tmp_path, toy(), LINEAR, COUNTS)
    assert [row["state"] for row in rows(tmp_path)] == ["lost", "finished", "finished", "finished"]
    assert sorted(row["data.min_count"] for row in rows(tmp_path)[1:]) == ["1", "20", "5"]


def test_another_model_or_other_data_is_refused(tmp_path: Path) -> None:
    tuned(tmp_path, toy(), LINEAR, COUNTS)
    with pytest.raises(ConfigError, match="is of another search space: data.min_count is 1, 5, 20 there, 1, 5 here"):
        tuned(tmp_path, toy(), LINEAR, ["data.min_count=1,5"])
    with pytest.raises(ConfigError, match="is of another configuration: model.name is linear there, fs here"):
        tuned(tmp_path, toy(), config("fs"), COUNTS)
    with pytest.raises(ConfigError, match="is of another data set: toy.tsv is .* there, other here"):
        tuned(tmp_path, replace(toy(), sources={"toy.tsv": "other"}), LINEAR, COUNTS)


def test_there_must_be_something_to_judge_by(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are no development examples by which to judge"):
        tuned(tmp_path, toy(splits=("train", "test")), LINEAR, COUNTS)
    with pytest.raises(ConfigError, match="training.weights: unknown task 'bok': did you mean 'books'?"):
        tuned(tmp_path, toy(), LINEAR, ["training.weights.bok=1,2"])


def test_the_weights_of_tasks_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand in the run folder, as what the loss is made of."""
    found: list[tuple[float, ...]] = []

    def spy(*arguments: Any, **others: Any) -> Run:
        run = train(*arguments, **others)
        found.append(tuple(task.weight for task in run.tasks))
        return run

    monkeypatch.setattr(module, "train", spy)
    chosen = LINEAR.model_copy(update={"training": LINEAR.training.model_copy(update={"weights": {"dvd": 3.0}})})
    tuned(tmp_path, toy(), chosen, ["training.weights.books=1,0.5"])
    assert sorted(found) == [(0.5, 3.0, 1.0), (1.0, 3.0, 1.0)]


def test_data_is_loaded_once_for_what_reads_it_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []

    def load(source: object, *_: object, **__: object) -> Dataset:
        loaded.append(source)
        return toy() if len(loaded) == 1 else toy(seed=9)

    monkeypatch.setattr(module, "load_request", load)
    bench = Bench(toy(), LINEAR.data)
    assert bench.load(LINEAR.data.model_copy(update={"min_count": 3})) is bench.dataset and not loaded
    other = LINEAR.data.model_copy(update={"tokenizer": "characters"})
    assert bench.load(other) is bench.load(other) and len(loaded) == 1
    assert set(bench.load(other).splits) == {"train", "dev"}
    with pytest.raises(ConfigError, match="lead to other development examples"):
        bench.load(LINEAR.data)


class Fake:
    """A trial that is to be stopped after its second epoch."""

    number = 3

    def __init__(self) -> None:
        self.reported: list[tuple[float, int]] = []

    def report(self, value: float, step: int) -> None:
        self.reported.append((value, step))

    def should_prune(self) -> bool:
        return len(self.reported) == 2


def test_the_development_score_of_every_epoch_is_reported() -> None:
    told: list[Mapping[str, Any]] = []

    class Told(Silent):
        def begin(self, label: str, epochs: int, done: int) -> None:
            told.append({"label": label})

        def epoch(self, row: Mapping[str, Any]) -> None:
            told.append(row)

    trial = Fake()
    reporter = Pruning(trial, Told())  # type: ignore[arg-type]
    reporter.begin("ic", 3, 0)
    reporter.epoch({"epoch": 1, "train_loss": 0.5})  # of a look-ahead, which no score ends
    reporter.epoch({"epoch": 1, "criterion": "auroc", "dev_auroc": 0.7, "dev_error": 9.0})
    reporter.epoch({"epoch": 2, "criterion": "auroc", "dev_auroc": None})
    assert trial.reported == [(0.7, 1)]
    with pytest.raises(optuna.TrialPruned):
        reporter.epoch({"epoch": 3, "criterion": "auroc", "dev_auroc": 0.6})
    assert told[0] == {"label": "trial 3 ic"} and len(told) == 5


def test_hopeless_trials_are_stopped(tmp_path: Path) -> None:
    chosen = config("fs", training__epochs=3)
    space = parse_search(["training.learning_rate=0.03,0.02,0.04,0.05,0.06,1e-7"], chosen)
    grid = points(space)
    search = Search(chosen, space, 6, "grid", "median", grid)
    lines: list[str] = []
    Tuning(
        search, Bench(toy(), chosen.data), Place(str(tmp_path / "j"), tmp_path), tmp_path, Silent(), lines.append
    ).run("x")
    assert [row["state"] for row in rows(tmp_path)] == ["finished"] * 5 + ["pruned"]
    assert rows(tmp_path)[5]["epochs"] == "2" and "pruned after 2 epochs" in lines[5]


SCRIPT = """
import tasktalk.training.study as study
from tasktalk.cli.main import main
study.HEARTBEAT, study.GRACE = 1, 10
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["journal", "sqlite"])
def test_killed_and_continued_by_two_at_once(storage: str, tmp_path: Path) -> None:
    shop = tmp_path / "shop.csv"
    texts = [f"{('good', 'bad')[n % 2]} word{n % 7},{n % 2},{n % 3 % 2}" for n in range(60)]
    shop.write_text("\n".join(["text,a,b", *texts]) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    place = out / "study.journal" if storage == "journal" else f"sqlite:///{tmp_path / 'study.db'}"
    searched = ["--search", "model.hidden=3,4,5", "--search", "training.learning_rate=0.01,0.02,0.03"]
    small = ["--set", "model.embedding_features=4", "--epochs", "2", "--labels", "a,b", "--sampler", "grid"]
    small += ["--set", "training.criterion=loss"]
    command = [sys.executable, "-c", SCRIPT, "tune", str(shop), "--model", "fs", *small, *searched]
    command += ["--storage", str(place), "--out", str(out)]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ})

    first = start()
    assert first.stderr is not None
    told = [first.stderr.readline() for _ in range(2)]
    while not (out / "trials" / "0002").exists() and first.poll() is None:
        time.sleep(0.01)  # two trials are finished, the third has begun
    first.send_signal(signal.SIGKILL)
    first.communicate()
    both = [start(), start()]
    ends = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    found = rows(out)
    assert [row["state"] for row in found[:2]] == ["finished"] * 2, told
    for row, line in zip(found, told, strict=False):
        assert line.startswith(f"trial {row['trial']}: loss {float(row['value']):.4g}")
    finished = [(row["model.hidden"], row["training.learning_rate"]) for row in found if row["state"] == "finished"]
    assert len(set(finished)) == 9
    assert len(finished) == 9 or storage == "sqlite"  # a slow machine may seem dead, and a point is tried twice
    assert all(row["state"] in ("finished", "lost") for row in found)
    assert list((out / "trials").iterdir()) == []


def test_a_trial_that_others_have_given_up_is_not_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a laptop was closed while another machine worked on the same database."""
    given_up: list[int] = []

    def late(*arguments: Any, **others: Any) -> Run:
        if not given_up:
            trial = others["reporter"].trial
            given_up.append(trial.number)
            trial.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        return train(*arguments, **others)

    monkeypatch.setattr(module, "train", late)
    tuned(tmp_path, toy(), LINEAR, COUNTS)
    assert [row["state"] for row in rows(tmp_path)] == ["lost", "finished", "finished", "finished"]


def test_a_defect_is_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Run:
        raise ValueError("a defect")

    monkeypatch.setattr(module, "train", broken)
    with pytest.raises(ValueError, match="a defect"):
        tuned(tmp_path, toy(), LINEAR, COUNTS)
