"""Tables, marks and JSON."""

import json
import re
from pathlib import Path

import pytest

from tasktalk.cli.show import comparison, emit_json, table, write_stdout
from tasktalk.core.errors import RunFolderError


def scores(test: dict[str, tuple[int, float | None]], new: dict[str, tuple[int, float | None]] | None = None) -> dict:
    """``metrics.json`` as far as the table reads it."""

    def block(tasks: dict[str, tuple[int, float | None]]) -> dict:
        known = [error for _, error in tasks.values() if error is not None]
        return {
            "tasks": {task: {"n": n, "error": error} for task, (n, error) in tasks.items()},
            "mean": {"error": sum(known) / len(known)},
        }

    return {"splits": {"test": block(test), "test_not_in_train": block(new or test)}}


def test_table_in_a_pipe_is_aligned_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    table(("task", "n"), [("books", "7"), ("映画[b]", "1000")], left=1)
    assert capsys.readouterr().out == "task        n\nbooks       7\n映画[b]  1000\n"


def test_table_on_a_terminal_is_ruled_and_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    table(("name", "text"), [("a", "word " * 60)])
    shown = re.sub("\x1b\\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert "───" in shown[1]
    assert len(shown) > 4 and max(map(len, shown)) <= 80


def test_lowest_error_of_every_row_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    comparison(
        {
            "ic": scores({"books": (10, 20.0), "dvd": (10, 30.0), "music": (0, None)}),
            "linear": scores({"books": (10, 20.0), "dvd": (10, 40.0), "music": (0, None)}),
        }
    )
    assert capsys.readouterr().out.splitlines() == [
        "task   texts     ic    linear",
        "books     10  20.00 *   20.00 *",
        "dvd       10  30.00 *   40.00",
        "music      0      -         -",
        "mean      20  25.00 *   30.00",
        "Test error in %, * marks the lowest of a row.",
    ]


def test_mean_of_texts_that_are_not_in_train_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    comparison({"ic": scores({"books": (10, 20.0)}, {"books": (8, 25.0)})})
    assert capsys.readouterr().out.splitlines() == [
        "task               texts     ic",
        "books                 10  20.00",
        "mean                  10  20.00",
        "mean of new texts      8  25.00",
        "Test error in %.",
    ]


def test_development_error_stands_in_where_there_is_no_test(capsys: pytest.CaptureFixture[str]) -> None:
    block = scores({"books": (10, 20.0)})["splits"]["test"]
    comparison({"ic": {"splits": {"dev": block}}})
    assert "Development error in %." in capsys.readouterr().out
    comparison({"ic": {"splits": {}}})
    assert "No scores" in capsys.readouterr().out


def test_json_goes_to_a_file_or_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"task": "café"}, str(tmp_path / "a.json"))
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "task": "café"\n}\n'
    emit_json([1, None], "-")
    assert json.loads(capsys.readouterr().out) == [1, None]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_standard_output_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115 - closing it fails, too
    monkeypatch.setattr("sys.stdout", full)
    with pytest.raises(RunFolderError, match="standard output: cannot be written"):
        write_stdout("text")
    monkeypatch.undo()
    with pytest.raises(OSError, match="No space left"):
        full.close()
