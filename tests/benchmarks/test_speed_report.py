"""What the commands of all speed tables share."""

import json
from pathlib import Path

import pytest

from tasktalk.benchmarks.speed_report import read_options, taken_on, write_report


def test_options() -> None:
    usual = read_options("speed", "About.", [2, 1], ["--out", "a/b"])
    assert (usual.out, usual.threads, usual.quick, usual.cpu_time) == (Path("a/b"), [2, 1], False, False)
    given = read_options("speed", "About.", [2, 1], ["--out", "x", "--threads", "3", "--quick", "--cpu-time"])
    assert (given.threads, given.quick, given.cpu_time) == ([3], True, True)


def test_help_names_the_module(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_options("speed", "About.", [1], ["--help"])
    assert "python -m tasktalk.benchmarks.speed " in capsys.readouterr().out


def test_files(tmp_path: Path) -> None:
    found = {"time": "CPU", "machine": {"cores": 2, "torch": "2"}}
    assert taken_on(found) == "Taken on: time: CPU; cores: 2; torch: 2.\n"
    write_report(tmp_path / "table", found, "text\n")
    assert (tmp_path / "table.md").read_text() == "text\n"
    assert json.loads((tmp_path / "table.json").read_text()) == found
