"""From options to settings."""

import pytest

from tasktalk.cli.options import data_section, example
from tasktalk.core.errors import ConfigError


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
