"""What a study leaves."""

import csv
import json
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml

from tasktalk.training.config import make_config
from tasktalk.training.search_space import parse_search
from tasktalk.training.study import ERROR
from tasktalk.training.tune_files import (
    FEWEST,
    best_trial,
    importances,
    ranked,
    state_of,
    write_best,
    write_results,
)

CONFIG = make_config({"model": {"name": "fs"}, "data": {"source": ["shop"]}, "training": {"beside": ["linear"]}})
SPACE = parse_search(["model.hidden=4,8", "training.learning_rate=1e-4..1e-2:log"], CONFIG)


def study(count: int) -> optuna.Study:
    """Most of it is decided by the hidden size."""
    made = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), study_name="x")
    for _ in range(count):
        trial = made.ask()
        hidden, rate = (dimension.suggest(trial) for dimension in SPACE)
        made.tell(trial, float(hidden) + 10 * float(rate))  # type: ignore[arg-type]
    return made


def test_importance_of_what_matters() -> None:
    found = importances(study(20))
    assert found["trials"] == 20 and found["settings"]["model.hidden"] > 0.9
    assert sum(found["settings"].values()) == pytest.approx(1)
    assert importances(study(20)) == found
    assert importances(study(FEWEST - 1)) == {"method": "fanova", "trials": FEWEST - 1, "settings": None}


def test_the_files(tmp_path: Path) -> None:
    made = study(2)
    made.enqueue_trial({"model.hidden": 8})
    failed = made.ask()
    SPACE[0].suggest(failed)
    failed.set_user_attr(ERROR, "the loss, alas, is nan")
    made.tell(failed, state=optuna.trial.TrialState.FAIL)
    made.tell(made.ask(), state=optuna.trial.TrialState.FAIL)
    made.ask()
    facts: dict[str, Any] = {
        "criterion": "error",
        "sampler": "tpe",
        "pruner": "none",
        "seed": 0,
        "trials": 5,
        "grid": None,
    }
    write_results(tmp_path, made, SPACE, facts)
    with (tmp_path / "trials.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["finished", "finished", "failed", "lost", "running"]
    assert list(rows[0])[:5] == ["trial", "state", "value", "epochs", "seconds"]
    assert (rows[2]["model.hidden"], rows[2]["error"]) == ("8", "the loss, alas, is nan")
    summary = json.loads((tmp_path / "tune.json").read_text(encoding="utf-8"))
    best = min(range(2), key=lambda number: float(rows[number]["value"]))
    assert summary["best"] == {
        "trial": best,
        "value": float(rows[best]["value"]),
        "settings": {
            "model.hidden": int(rows[best]["model.hidden"]),
            "training.learning_rate": float(rows[best]["training.learning_rate"]),
        },
    }
    assert summary["space"] == {"model.hidden": "4, 8", "training.learning_rate": "0.0001..0.01:log"}
    assert summary["states"] == {"failed": 1, "finished": 2, "lost": 1, "running": 1}
    found = best_trial(made.trials, "error")
    assert found is not None and found.number == best and state_of(found) == "finished"
    assert [trial.number for trial in ranked(made.trials, "auroc")] == [1 - best, best]
    write_best(tmp_path, CONFIG, found, "error")
    written = yaml.safe_load((tmp_path / "best.yaml").read_text(encoding="utf-8"))
    assert written["model"]["hidden"] == int(rows[best]["model.hidden"])
    assert (written["training"]["beside"], written["data"]["source"]) == (["linear"], ["shop"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.yaml", "trials.csv", "tune.json"]


def test_no_best_of_nothing() -> None:
    assert best_trial([], "error") is None
