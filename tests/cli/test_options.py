"""From options to settings."""

from tasktalk.cli.options import data_section, example


def test_only_what_is_given_becomes_a_setting() -> None:
    assert data_section(None) == {}
    assert data_section(["a.csv"], text="body", labels=["x, y", "z"], tasks=["x"]) == {
        "source": ["a.csv"],
        "text": "body",
        "labels": ["x", "y", "z"],
        "tasks": ["x"],
    }


def test_examples_stand_on_lines_of_their_own() -> None:
    assert example("a", "b").split("\n\n") == ["[bold]Examples[/]", "  [dim]$[/] a", "  [dim]$[/] b"]
