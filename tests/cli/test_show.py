"""Tables, marks and JSON."""

import json
import re
from pathlib import Path

import pytest

from tasktalk.cli.show import emit_json, shorten, table, write_stdout
from tasktalk.core.errors import RunFolderError


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


def test_long_names_are_cut_so_that_a_table_fits() -> None:
    rows = [["Neoplasms benign, malignant and unspecified (incl cysts and polyps)", "1.00"], ["short", "2.00"]]
    assert shorten(["task", "x" * 40], rows) == [["Neoplasms benign, malignant and unspe…", "1.00"], ["short", "2.00"]]
    assert shorten(["task", "error"], rows) == rows
    assert shorten(["task", "x" * 79], rows)[0] == ["Neoplasms benign, m…", "1.00"]


def test_names_that_would_become_the_same_are_not_cut() -> None:
    rows = [["a" * 90, "1"], ["a" * 90 + "b", "2"]]
    assert shorten(["task", "n"], rows) == rows


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
