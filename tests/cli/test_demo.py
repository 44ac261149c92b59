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
        rows = (TaskResult("aromatic", 2000, 4.5, 4.75), TaskResult("halogen", 40, 20.0, 12.5))
        return DemoResult(rows, {"ic": out / "ic"}, out / "who.png", {"ic": 1.0})

    monkeypatch.setattr("tasktalk.benchmarks.demo.run_demo", run_demo)
    done = cli("demo", "--out", tmp_path / "d", "--seed", 3, "--overwrite")
    assert asked == [(tmp_path / "d", 3, True, True)]
    assert done.code == 0
    assert done.out.splitlines()[:3] == [
        "task      labels  alone %  together %  difference",
        "aromatic    2000     4.50        4.75       +0.25",
        "halogen       40    20.00       12.50       -7.50",
    ]
    assert "few labels: 20.00 % alone, 12.50 % together" in done.out
    assert "computed" in done.out and "who.png" in done.out
    assert done.out.count("  tasktalk ") + done.out.count("| tasktalk ") == 3
