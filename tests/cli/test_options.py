"""From options to settings."""

from pathlib import Path

import pytest

import tasktalk as tt
from tasktalk.cli.options import data_section, example
from tasktalk.core.errors import ConfigError
from tests.cli.conftest import Cli


def test_only_what_is_given_becomes_a_setting() -> None:
    assert data_section(None) == {}
    assert data_section(["a.csv"], text="body", labels=["x, y", "z"], tasks=["x"]) == {
        "source": ["a.csv"],
        "text": "body",
        "labels": ["x", "y", "z"],
        "tasks": ["x"],
    }


def test_lists_and_pairs_become_settings() -> None:
    section = data_section(["a.csv"], kinds=["x=regression", "y=z=binary"], vectors=[], smiles="mol", mask="", edges="")
    assert section == {"source": ["a.csv"], "kinds": {"x": "regression", "y=z": "binary"}, "smiles": "mol"}
    assert data_section(["a.csv"], label="toxic", labels=["x"], smiles="mol")["labels"] == ["x", "toxic"]
    with pytest.raises(ConfigError, match="expected --kind TASK=KIND, .* found 'regression'"):
        data_section(None, kinds=["regression"])


def test_examples_stand_on_lines_of_their_own() -> None:
    assert example("a", "b").split("\n\n") == ["[bold]Examples[/]", "  [dim]$[/] a", "  [dim]$[/] b"]


def test_a_task_with_an_equals_sign_is_a_source() -> None:
    given = data_section(["ud-ewt"], tasks=["pos=train.conll:column=1", "books", "b=a.csv"])
    assert given == {"source": ["ud-ewt", "pos=train.conll:column=1", "b=a.csv"], "tasks": ["books"]}
    assert data_section(None, tasks=["a=b.conll"]) == {"source": ["a=b.conll"]}


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        (["evaluate", "run"], "use tasktalk.evaluate(run, data) there"),
        (["explain", "run"], "use tasktalk.explain(run, data.splits['test']) there"),
        (["train", "--resume", "--out", "run"], "use tasktalk.training.train.resume(data, out) there"),
    ],
)
def test_run_whose_data_is_not_here_says_what_to_do(
    command: list[str], instead: str, shop: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {"model.hidden": 4, "training.epochs": 1, "training.tracker": "none", "training.device": "cpu"}
    tt.train(tt.load([shop / "books.csv"]), "fs", out="run", settings=settings, progress=False)
    if "--resume" in command:
        Path("run/metrics.json").unlink()
    done = cli(*command)
    assert done.code == 2 and done.err.startswith("error: run: cannot load its own data: no data set, folder or table")
    assert (
        "start in the folder from which 'books' was named, or, if it was a data set in Python, " + instead in done.err
    )
