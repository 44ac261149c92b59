"""``tasktalk train``: which settings win, what is written, what is shown."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load

from tests.cli.conftest import SMALL, Cli, contents, reviews, write_csv

ONE_EPOCH = (*SMALL, "--epochs", "1")


def settings(run: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = yaml.safe_load((run / "config.yaml").read_text())
    return found


def test_set_beats_options_beat_the_file_beats_defaults(cli: Cli, shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("model: {name: fs, hidden: 5}\ntraining: {epochs: 1, seed: 4, batch_size: 7, beside: []}\n")
    out = tmp_path / "run"
    done = cli(
        "train", shop, "--config", file, "--model", "lstm", "--epochs", 2, "--seed", 3, "--set", "training.seed=2",
        "--set", "training.tracker=none", "--set", "model.embedding_features=4", "--out", out,
    )  # fmt: skip
    assert done.code == 0, done.err
    found = settings(out)
    assert found["data"]["source"] == [str(shop)]
    assert (found["model"]["name"], found["model"]["hidden"]) == ("lstm", 5)
    assert [found["training"][key] for key in ("epochs", "seed", "batch_size", "clip", "beside")] == [2, 2, 7, 1.0, []]


def test_same_settings_from_the_run_folder_give_the_same_weights(cli: Cli, shop: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    assert cli("train", shop, *ONE_EPOCH, "--beside", "none", "--out", first).code == 0
    assert cli("train", "--config", first / "config.yaml", "--out", second).code == 0
    assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()
    assert settings(first) == settings(second)


def test_table_compares_with_the_models_beside(cli: Cli, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = cli("train", shop / "books.csv", "--data", shop / "dvd.csv", *ONE_EPOCH, "--beside", "linear",
               "--beside", "fs", "--out", out)  # fmt: skip
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0].split() == ["task", "texts", "ic", "linear-per-task", "linear-easy-adapt", "fs"]
    assert [line.split()[0] for line in lines[1:4]] == ["books", "dvd", "mean"]
    assert f"Run folder: {out}" in done.out and f"tasktalk predict {out} --task books" in done.out
    for label in ("linear-per-task", "linear-easy-adapt", "fs"):
        assert f"{label} trained in " in done.err
        metrics = json.loads((out / "beside" / label / "metrics.json").read_text())
        shown = f"{metrics['splits']['test']['mean']['error']:.2f}"
        assert shown in lines[3].replace("*", "").split()
    assert "ic epoch 1/1  loss" in done.err


def test_quiet_shows_the_table_only(cli: Cli, shop: Path, tmp_path: Path) -> None:
    done = cli("train", shop, "--model", "linear", "--out", tmp_path / "run", "-q")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("task   texts  linear-easy-adapt    linear-per-task")


def test_default_folder(cli: Cli, shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("train", shop, "--model", "linear", "--beside", "none").code == 0
    assert (tmp_path / "runs/shop-linear/metrics.json").is_file()


def test_overwrite_replaces_the_whole_folder(cli: Cli, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert cli("train", shop, *ONE_EPOCH, "--out", out).code == 0
    assert cli("train", shop, "--model", "linear", "--beside", "none", "--out", out, "--overwrite").code == 0
    assert settings(out)["model"]["name"] == "linear"
    assert not (out / "beside").exists() and not (out / "history.csv").exists()


def test_model_beside_that_cannot_be_trained_is_a_warning(cli: Cli, tmp_path: Path) -> None:
    # No word stands in two texts, so that the linear models have no features.
    path = write_csv(tmp_path / "t.csv", [(f"w{row} v{row}", ("a", "b")[row % 2]) for row in range(20)])
    done = cli("train", path, *ONE_EPOCH, "--out", tmp_path / "run")
    assert done.code == 0
    assert "warning: linear-per-task was not trained: expected a word that stands in at least 2" in done.err
    assert done.out.splitlines()[0].split() == ["task", "texts", "ic"]


def test_resume_does_only_what_is_missing(cli: Cli, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert cli("train", shop, *ONE_EPOCH, "--out", out).code == 0
    before = contents(out)
    for path in (out / "beside/linear-easy-adapt").iterdir():
        path.unlink()
    (out / "beside/linear-per-task/metrics.json").unlink()
    done = cli("train", "--resume", "--out", out)
    assert done.code == 0, done.err
    assert [line.split(" in ")[0] for line in done.err.splitlines()] == [
        "linear-per-task resumed and trained",
        "linear-easy-adapt trained",
    ]
    after = contents(out)
    assert set(after) == set(before)
    for name in after:
        if name.endswith(".safetensors"):
            one, other = load(before[name]), load(after[name])
            assert all(np.array_equal(one[key], other[key]) for key in one | other)
        elif not name.endswith(("metrics.json", "environment.json")):  # these tell the time and the command
            assert after[name] == before[name]


def test_resume_of_a_run_that_had_not_begun_to_train_begins_it(cli: Cli, shop: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert cli("train", shop, *ONE_EPOCH, "--beside", "none", "--out", whole).code == 0
    killed.mkdir()
    (killed / "config.yaml").write_bytes((whole / "config.yaml").read_bytes())
    assert cli("train", "--resume", "--out", killed).code == 0
    assert (whole / "model.safetensors").read_bytes() == (killed / "model.safetensors").read_bytes()


def test_columns_of_one_table(cli: Cli, tmp_path: Path) -> None:
    rows = [(f"{text},{label}", "" if row % 3 else label) for row, (text, label) in enumerate(reviews(60, seed=0))]
    path = write_csv(tmp_path / "films.csv", rows, "plot,drama,foreign")
    done = cli("train", path, "--text", "plot", "--labels", "drama,foreign", "--model", "linear", "--beside", "none",
               "--out", tmp_path / "run")  # fmt: skip
    assert done.code == 0, done.err
    assert [line.split()[0] for line in done.out.splitlines()[1:4]] == ["drama", "foreign", "mean"]
    only = cli("train", path, "--text", "plot", "--task", "foreign", "--model", "linear", "--beside", "none",
               "--tokenizer", "characters", "--out", tmp_path / "only")  # fmt: skip
    assert only.code == 0, only.err
    assert [line.split()[0] for line in only.out.splitlines()[1:3]] == ["foreign", "mean"]
    assert json.loads((tmp_path / "only/tasks.json").read_text())["tokenizer"] == "characters"


def test_texts_in_train_and_dev_are_a_warning_with_the_count(cli: Cli, tmp_path: Path) -> None:
    rows = reviews(20, seed=0)
    write_csv(tmp_path / "books.dev.csv", [*rows[:3], *reviews(6, seed=9)])
    path = write_csv(tmp_path / "books.train.csv", rows)
    done = cli("train", path, "--model", "linear", "--beside", "none", "--out", tmp_path / "run", "-q")
    assert done.code == 0
    assert done.err == "warning: 3 of 9 dev texts also stand in train: books 3\n"
    assert "Development error in %." in done.out
