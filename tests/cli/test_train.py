"""``tasktalk train``: which settings win, what is written, what is shown."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load

from tasktalk.training.lock import held
from tests.cli.conftest import (
    ASSAYS,
    BROKEN,
    GRAPH_SMALL,
    SMALL,
    Cli,
    assays,
    contents,
    program,
    reviews,
    write_csv,
    write_graph,
)

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


def test_a_run_that_another_process_trains_is_one_sentence(cli: Cli, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert cli("train", shop, *ONE_EPOCH, "--beside", "none", "--out", out).code == 0
    (out / "metrics.json").unlink()
    with held(out):
        before = contents(out)
        for options in (["--resume"], [shop, *ONE_EPOCH, "--overwrite"]):
            done = cli("train", *options, "--out", out)
            assert (done.code, done.out) == (2, "")
            assert done.err.startswith("error: ") and "another process is training in it" in done.err
        assert contents(out) == before
    assert cli("train", "--resume", "--out", out).code == 0


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


def test_molecules_are_trained_compared_and_resumed(tmp_path: Path) -> None:
    rows = [*assays(60, seed=0), ("x", BROKEN, "1", "none", "1.5")]
    path = write_csv(tmp_path / "assays.csv", rows, ASSAYS)
    out = tmp_path / "run"
    done = program("train", path, "--smiles", "smiles", "--kind", "ring=multiclass", "--mask", "all:50",
                   "--split", "random", *GRAPH_SMALL, "--set", "model.layers=1", "--out", out, "-q")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("warning: ") == 2 and "'id' was taken for names" in done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["task", "molecules", "metric", "mitten", "forest"]
    assert [line.split()[0] for line in lines[1:4]] == ["oxygen", "ring", "size"]
    assert lines[-1] == f"Try next:   echo 'CC(=O)Nc1ccc(O)cc1' | tasktalk predict {out}"
    found = settings(out)
    assert (found["model"]["name"], found["training"]["beside"]) == ("mitten", ["forest"])
    assert (found["data"]["smiles"], found["data"]["split"], found["data"]["mask"]) == ("smiles", "random", "all:50")
    assert found["data"]["kinds"] == {"ring": "multiclass"}
    assert settings(out / "beside/forest")["model"]["name"] == "forest"
    (out / "beside/forest/metrics.json").unlink()
    again = program("train", "--resume", "--out", out)
    assert again.returncode == 0, again.stderr
    assert "forest resumed and trained in " in again.stderr and again.stdout == done.stdout


def test_nodes_are_trained_and_compared(tmp_path: Path) -> None:
    people, friends = write_graph(tmp_path)
    out = tmp_path / "run"
    done = program("train", people, "--edges", friends, "--beside", "single", "--beside", "linear", *GRAPH_SMALL,
                   "--out", out, "-q")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["task", "nodes", "metric", "mitten", "single", "linear-per-task"]
    assert [line.split()[2] for line in lines[1:3]] == ["AUROC", "error"]
    assert lines[-1] == f"Try next:   echo 'p0' | tasktalk predict {out}"
    assert settings(out / "beside/single")["model"]["hidden"] == 8


def test_shared_texts_have_areas_and_one_linear_model(cli: Cli, tmp_path: Path) -> None:
    rows = [(text, label, label if row % 3 else "") for row, (text, label) in enumerate(reviews(60, seed=0))]
    path = write_csv(tmp_path / "films.csv", rows, "text,drama,foreign")
    done = cli("train", path, "--model", "single", *ONE_EPOCH, "--out", tmp_path / "run", "-q")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].split() == ["task", "texts", "single", "linear-per-task"]
    assert "Test AUROC" in done.out
    assert 0 <= float(lines[1].replace("*", "").split()[2]) <= 1


def test_an_interrupt_while_the_data_is_read_is_told(
    cli: Cli, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_request(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tasktalk.data.load.load_request", load_request)
    done = cli("train", shop, "--out", tmp_path / "run")
    assert (done.code, done.out, done.err) == (130, "", "\nstopped; nothing was written\n")


OWN_BLOCKS = """from tasktalk.communication.private import PrivateLSTM


class Sound(PrivateLSTM):
    pass


class Broken(PrivateLSTM):
    def forward(self, words, mask, receivers):
        output = super().forward(words, mask, receivers)
        return output._replace(states=output.states + 1)
"""


def test_a_block_of_ones_own_is_found_again_by_every_command(shop: Path, tmp_path: Path) -> None:
    """As a program, whose path does not have the current folder unless the block asks for it."""
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    (home / "my_blocks.py").write_text(OWN_BLOCKS, encoding="utf-8")
    run = tmp_path / "run"
    done = program("train", shop, "--model", "my_blocks:Sound", *ONE_EPOCH, "--beside", "none", "--out", run, cwd=home)
    assert done.returncode == 0, done.stderr
    assert "my_blocks.Sound" in done.stdout
    model = settings(run)["model"]
    assert (model["name"], model["path"]) == ("own", "my_blocks:Sound")
    weights = (run / "model.safetensors").read_bytes()
    (run / "metrics.json").unlink()
    assert program("train", "--resume", "--out", run, cwd=home).returncode == 0
    assert (run / "model.safetensors").read_bytes() == weights
    assert program("predict", run, "--task", "books", input="good plot\n", cwd=home).returncode == 0
    before = contents(run)
    broken = program("train", shop, "--model", "my_blocks:Broken", "--out", tmp_path / "broken", cwd=home)
    assert broken.returncode == 2 and broken.stderr.count("\n") == 1, broken.stderr
    assert "my_blocks:Broken breaks the contract of a block, assert_states: the state of a padded" in broken.stderr
    assert not (tmp_path / "broken").exists()
    refused = program("evaluate", run, cwd=elsewhere)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1, refused.stderr
    assert "model.path my_blocks:Sound: no module 'my_blocks' in the current folder" in refused.stderr
    assert contents(run) == before


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("my_blocks:Broken", "my_blocks:Broken breaks the contract of a block, assert_states: the state of a padded"),
        ("my_blocks:Sond", "model.path my_blocks:Sond: the module my_blocks has no 'Sond': did you mean 'Sound'?"),
        ("my_block:Sound", "model.path my_block:Sound: no module 'my_block' in the current folder"),
        ("my_blocks:__doc__", "model.path my_blocks:__doc__: expected a class of blocks, found None"),
        ("my_blocks.py:Sound", "model.path my_blocks.py:Sound: no module 'my_blocks.py'"),
    ],
)
def test_a_block_that_cannot_be_used_is_one_sentence(
    model: str, sentence: str, cli: Cli, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_blocks.py").write_text(OWN_BLOCKS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_blocks", raising=False)
    done = cli("train", shop, "--model", model, *ONE_EPOCH, "--out", tmp_path / "run")
    assert done.code == 2 and done.out == ""
    assert done.err.startswith("error: ") and done.err.count("\n") == 1, done.err
    assert sentence in done.err
    assert not (tmp_path / "run").exists()
