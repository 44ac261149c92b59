"""``tasktalk bench``."""

import json
from pathlib import Path

from tests.cli.conftest import Cli


def test_table_and_json(cli: Cli, tmp_path: Path) -> None:
    done = cli("bench", "--quick", "--part", "steps", "--rounds", "1", "--threads", "1", "--json", tmp_path / "b.json")
    assert (done.code, done.err) == (0, "")
    assert "times the floor" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert [row["model"] for row in json.loads((tmp_path / "b.json").read_text())["steps"]["rows"]] == [
        "ic", "dc", "dc-fixed",
    ]  # fmt: skip


def test_what_does_not_exist_is_refused(cli: Cli, tmp_path: Path) -> None:
    done = cli("bench", "--part", "step")
    assert done.code == 2
    assert "'step'" in done.err and "steps" in done.err
    done = cli("bench", "--part", "start", "--out", tmp_path / "x")
    assert done.code == 2
    assert "scaling" in done.err
    done = cli("bench", "--part", "start", "--data", "fdu-mtl")
    assert done.code == 2
    assert "training" in done.err


def test_training_end_to_end_fits_a_terminal(cli: Cli, tmp_path: Path) -> None:
    done = cli("bench", "--quick", "--part", "training", "--threads", "1", "--json", tmp_path / "b.json")
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80
    assert "words/s" in done.out and "recurrences" in done.out
    assert json.loads((tmp_path / "b.json").read_text())["training"]["words_per_second"]["training"] > 0
