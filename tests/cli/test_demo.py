"""``tasktalk demo``: what it shows. What it computes has tests of its own."""

from pathlib import Path

import pytest

from tasktalk.benchmarks.demo import DemoResult, TaskResult
from tests.cli.conftest import Cli


def test_demo_compares_says_what_the_labels_are_and_what_to_try(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    def run_demo(out: Path, seed: int, overwrite: bool, progress: bool) -> DemoResult:
        asked.append((out, seed, overwrite, progress))
        many = {"lstm": 4.5, "ic": 4.75, "single": 3.0, "mitten": 2.0}
        few = {"lstm": 20.0, "ic": 12.5, "single": 16.0, "mitten": 8.25}
        rows = (TaskResult("aromatic", 2000, many), TaskResult("halogen", 40, few))
        return DemoResult(rows, {"ic": out / "ic"}, out / "who.png", {"ic": 1.0})

    monkeypatch.setattr("tasktalk.benchmarks.demo.run_demo", run_demo)
    done = cli("demo", "--out", tmp_path / "d", "--seed", 3, "--overwrite")
    assert asked == [(tmp_path / "d", 3, True, True)]
    assert done.code == 0
    assert done.out.splitlines()[:4] == [
        "task                labels  strings: alone  together  graphs: alone  together",
        "aromatic              2000            4.50      4.75           3.00      2.00",
        "halogen                 40           20.00     12.50          16.00      8.25",
        "mean of few labels                   20.00     12.50          16.00      8.25",
    ]
    assert "strings 20.00 % alone, 12.50 % together" in done.out
    assert "graphs 16.00 % alone, 8.25 % together" in done.out
    assert "computed" in done.out and "who.png" in done.out
    assert done.out.count("  tasktalk ") + done.out.count("| tasktalk ") == 3
