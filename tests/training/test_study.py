"""Who is at work on a study, what counts, and what is left to do."""

import json
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from tasktalk.core.errors import ConfigError, RunFolderError, TasktalkError
from tasktalk.training import study as module
from tasktalk.training.search_space import Point
from tasktalk.training.study import (
    ERROR,
    WORKER,
    Place,
    is_finished,
    open_study,
    plan_next,
    quiet_optuna,
    require_optuna,
    tally,
)

SETTINGS: dict[str, Mapping[str, Any]] = {
    "data set": {"a.csv": "12"},
    "configuration": {"model.name": "ic"},
    "search space": {"x": "1, 2"},
}
GRID: list[Point] = [{"x": 1}, {"x": 2}]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with quiet_optuna():
        yield


def opened(place: Place, **others: Mapping[str, Any]) -> optuna.Study:
    sampler, pruner = optuna.samplers.RandomSampler(seed=0), optuna.pruners.NopPruner()
    return open_study(place, "study", False, {**SETTINGS, **others}, sampler, pruner)


def begin(study: optuna.Study, place: Place) -> optuna.Trial:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a heartbeat does not begin by itself this way
        trial = study.ask()
    trial.set_user_attr(WORKER, place.worker)
    trial.suggest_categorical("x", (1, 2))
    return trial


@pytest.fixture(params=["journal", "sqlite"])
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "study.journal") if request.param == "journal" else f"sqlite:///{tmp_path / 'study.db'}"


def test_the_trial_of_a_dead_worker_is_failed_and_its_point_planned_again(tmp_path: Path) -> None:
    name = str(tmp_path / "study.journal")
    with Place(name, tmp_path) as alive, Place(name, tmp_path) as observer:
        dead = Place(name, tmp_path)
        dead.__enter__()
        study = opened(alive)
        for place in (alive, dead):
            assert plan_next(study, tally(study), 9, GRID)
            begin(study, place)
        watching = opened(observer)
        observer.release(watching)
        assert len(tally(watching).running) == 2 and not plan_next(watching, tally(watching), 9, GRID)
        dead.life.release()  # what the system does when a process is killed
        observer.release(watching)
        counts = tally(watching)
        assert [trial.number for trial in counts.running] == [0] and counts.done == []
        assert plan_next(watching, counts, 9, GRID)
        assert begin(watching, observer).params == {"x": 2}
        assert not plan_next(watching, tally(watching), 9, GRID)


def test_a_trial_without_a_worker_is_lost(tmp_path: Path) -> None:
    """Killed between the beginning of a trial and the note whose it is, for which it keeps the turn."""
    with Place(str(tmp_path / "j"), tmp_path) as place:
        study = opened(place)
        study.ask()
        place.release(study)
        assert study.trials[0].state is TrialState.FAIL


def test_a_database_knows_who_is_dead_by_the_heartbeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 1)
    monkeypatch.setattr(module, "GRACE", 1)
    with Place(f"sqlite:///{tmp_path / 'study.db'}", tmp_path) as place:
        study = opened(place)
        trial = begin(study, place)
        study._storage.record_heartbeat(trial._trial_id)  # type: ignore[attr-defined]
        place.release(study)
        assert len(tally(study).running) == 1
        end = time.monotonic() + 30
        while tally(study).running and time.monotonic() < end:
            time.sleep(0.2)
            place.release(study)
        assert study.trials[0].state is TrialState.FAIL


def test_what_counts(name: str, tmp_path: Path) -> None:
    with Place(name, tmp_path) as place:
        study = opened(place)
        for state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.FAIL):
            trial = begin(study, place)
            if trial.number == 2:
                trial.set_user_attr(ERROR, "a loss is nan")
            study.tell(trial, 1.0 if state is TrialState.COMPLETE else None, state)
        begin(study, place)
        counts = tally(study)
        assert [trial.number for trial in counts.done] == [0, 1, 2]
        assert not is_finished(counts, 4, None) and is_finished(counts, 3, None)
        assert not plan_next(study, counts, 4, None)
        assert plan_next(study, counts, 5, None)
        assert len(tally(study).waiting) == 1
        assert plan_next(study, tally(study), 0, None)  # what is planned is begun


def test_a_grid_is_finished_with_the_last_point(tmp_path: Path) -> None:
    with Place(str(tmp_path / "j"), tmp_path) as place:
        study = opened(place)
        for _ in range(2):
            assert not is_finished(tally(study), 9, GRID)
            assert plan_next(study, tally(study), 9, GRID)
            study.tell(begin(study, place), 0.0)
        assert is_finished(tally(study), 9, GRID) and not plan_next(study, tally(study), 9, GRID)
        assert sorted(trial.params["x"] for trial in study.trials) == [1, 2]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"search space": {"x": "1, 3"}}, "is of another search space: x is 1, 2 there, 1, 3 here; choose another"),
        ({"search space": {"y": "1, 3"}}, "is of another search space: x is 1, 2 there, nothing here"),
        ({"configuration": {"model.name": "dc"}}, "is of another configuration: model.name is ic there, dc here"),
        ({"data set": {"a.csv": "12", "b.csv": "3"}}, "is of another data set: b.csv is nothing there, 3 here"),
    ],
)
def test_a_study_of_something_else_is_refused(other: dict[str, Mapping[str, Any]], told: str, tmp_path: Path) -> None:
    name = str(tmp_path / "study.journal")
    opened(Place(name, tmp_path))
    opened(Place(name, tmp_path))
    with pytest.raises(ConfigError, match=f"the study 'study' {told}"):
        opened(Place(name, tmp_path), **other)


def test_a_study_of_somebody_else_is_refused(tmp_path: Path) -> None:
    place = Place(str(tmp_path / "j"), tmp_path)
    optuna.create_study(storage=place.storage(), study_name="study").ask()
    with pytest.raises(ConfigError, match="the study 'study' was not made by tasktalk tune; choose another --study"):
        opened(place)


def test_no_storage(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("a line\nanother line\n", encoding="utf-8")
    with pytest.raises(RunFolderError, match="notes.txt: is no storage of a study"):
        opened(Place(str(other), tmp_path))
    other.write_text(json.dumps({"op": 1}) + "\n", encoding="utf-8")
    with pytest.raises(RunFolderError, match="notes.txt: is no storage of a study"):
        opened(Place(str(other), tmp_path))
    with pytest.raises(RunFolderError, match="cannot be read or written"):
        opened(Place(str(tmp_path), tmp_path))
    with pytest.raises(RunFolderError, match="sqlite:///.*: the study cannot be read or written .*unable to open"):
        opened(Place(f"sqlite:///{tmp_path / 'none' / 'x.db'}", tmp_path))
    with pytest.raises(RunFolderError, match=r"^--storage: the study cannot|^nodatabase://x: the study cannot"):
        opened(Place("nodatabase://x", tmp_path))
    with pytest.raises(RunFolderError, match="^oracle://me:\\*\\*\\*@host/x: the study cannot be read") as error:
        opened(Place("oracle://me:secret@host/x", tmp_path))
    assert "secret" not in str(error.value)


def test_without_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(TasktalkError, match=r'tuning needs optuna: pip install "tasktalk\[tune\]"'):
        require_optuna()
