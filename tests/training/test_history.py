"""history.csv."""

import csv
from pathlib import Path

import pytest

from tasktalk.core.errors import RunFolderError
from tasktalk.training.history import write_history
from tasktalk.training.train import train
from tests.training.toy import config, toy

ROWS = [
    {"epoch": 1, "train_loss": 0.1 + 0.2, "dev_error": 12.5, 'dev_error_a, "b"': None},
    {"epoch": 2, "train_loss": 0.25, "dev_error": None, 'dev_error_a, "b"': 3.0},
]


def test_a_row_for_each_epoch_and_an_empty_cell_for_what_is_not_defined(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_history(path, ROWS)
    assert b"\r" not in path.read_bytes()
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [list(row) for row in found] == [list(row) for row in ROWS]
    assert [row["dev_error"] for row in found] == ["12.5", ""]
    assert float(found[0]["train_loss"]) == 0.1 + 0.2


def test_it_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    write_history(path, ROWS[:1])
    write_history(path, ROWS)
    assert path.read_text().count("\n") == 3
    assert [p.name for p in tmp_path.iterdir()] == ["history.csv"]


def test_a_folder_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="history.csv: cannot be written"):
        write_history(tmp_path / "gone" / "history.csv", ROWS)


def test_the_scores_are_those_of_the_chosen_epoch(tmp_path: Path) -> None:
    run = train(toy(), config("fs", training__epochs=3, training__learning_rate=0.1), tmp_path / "run")
    with (tmp_path / "run" / "history.csv").open(newline="") as file:
        best = min(csv.DictReader(file), key=lambda row: (float(row["dev_error"]), float(row["dev_loss"])))
    dev = run.metrics["splits"]["dev"]["mean"]
    assert dev["error"] == pytest.approx(float(best["dev_error"]))
    assert dev["loss"] == pytest.approx(float(best["dev_loss"]), rel=1e-5)


def test_every_task_answers_with_its_own_epoch(tmp_path: Path) -> None:
    chosen = config("lstm", training__selection="per-task", training__epochs=4, training__seed=1)
    run = train(toy(), chosen, tmp_path / "run")
    assert len(set(run.weights.values())) > 1, "this seed has to make a task differ from the mean"
    with (tmp_path / "run" / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name, scores in run.metrics["splits"]["dev"]["tasks"].items():
        assert scores["error"] == pytest.approx(min(float(row[f"dev_error_{name}"]) for row in rows))
