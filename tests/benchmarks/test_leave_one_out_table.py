"""The table of tasks that were left out, and its files."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasktalk.benchmarks.leave_one_out import Experiment, pieces
from tasktalk.benchmarks.leave_one_out_table import (
    MEAN,
    Cell,
    Table,
    legend,
    paper_columns,
    scores_of_pieces,
    shown,
    summary,
    to_markdown,
    write_table,
)
from tasktalk.models.options import LSTMOptions
from tasktalk.training.config import make_config
from tasktalk.training.run_folder import METRICS, write_json

SCORES: dict[str, dict[str, tuple[float, ...]]] = {
    "transfer": {"books": (10.0, 12.0), "MR": (20.0, 22.0)},
    "ic alone": {"books": (15.0, 16.0), "MR": (26.0, 25.0)},
    "lstm alone": {"books": (18.0, 18.0), "MR": (30.0,)},
}


def row(target: str, method: str, seed: int, test: float, labels: int | None = None) -> dict[str, Any]:
    where = {"target": target, "method": method, "seed": seed, "labels": labels}
    return where | {"test": test, "dev": None, "seconds": 1.5, "folder": f"seed-{seed}/{target}"}


def rows() -> list[dict[str, Any]]:
    return [
        row(target, method, seed, test)
        for method, targets in SCORES.items()
        for target, tests in targets.items()
        for seed, test in enumerate(tests)
    ]


def table(
    found: Sequence[dict[str, Any]] | None = None, labels: tuple[int, ...] = (), seeds: tuple[int, ...] = (0, 1)
) -> Table:
    """The scores above, with a few more or instead of them."""
    config = make_config({"data": {"source": ["fdu-mtl"], "vectors": ["/some/where/glove.npz"]}})
    tasks, counts = ("books", "dvd", "MR"), {"books": 40, "MR": 60}
    alone = {"ic": config.model, "lstm": LSTMOptions()}
    experiment = Experiment(config, 20, tasks, counts, seeds, labels, alone)
    command = ["tasktalk", "transfer", "--vectors", "/some/where/glove.npz"]
    paper = paper_columns("fdu-mtl", "ic", list(counts))
    return Table(command, "fdu-mtl", {"books.task.train": "sum"}, "error", experiment, found or rows(), paper)


def test_means_and_deviations_over_the_seeds() -> None:
    its = table()
    assert its.cell("books", "transfer") == Cell(2, 11.0, float(np.std([10, 12], ddof=1)))
    assert its.cell("MR", "lstm alone") == Cell(1, 30.0, None)
    assert its.cell("MR", "all tasks") is None
    assert (shown(its.cell("books", "transfer"), "error"), shown(None, "error")) == ("11.00 ± 1.41", "-")
    assert shown(summary([0.5]), "loss") == "0.5000"


def test_the_mean_is_of_the_seeds_that_have_all_targets() -> None:
    its = table()
    assert its.targets == ["books", "MR", MEAN]
    assert its.by_seed(MEAN, "transfer") == {0: 15.0, 1: 17.0}
    assert its.by_seed(MEAN, "lstm alone") == {0: 24.0}
    assert its.by_seed(MEAN, "all tasks") == {}


def test_differences_are_paired() -> None:
    gap = table().difference(MEAN, "ic alone")
    assert gap is not None and (gap.against, gap.seeds, gap.mean) == ("ic alone", 2, (15 - 20.5 + 17 - 20.5) / 2)
    one = table().difference("MR", "lstm alone")
    assert one is not None and (one.mean, one.half_width) == (-10.0, None)
    assert table().difference("books", "all tasks") is None


def test_the_papers_numbers_stand_beside_ours_where_it_has_them() -> None:
    found = paper_columns("fdu-mtl", "ic", ["kitchen_housewares", "MR"])
    assert found["kitchen_housewares"] == {"transfer": 12.8, "single": 20.1, "all tasks": 11.8}
    assert found[MEAN]["transfer"] == pytest.approx((12.8 + 22.8) / 2)
    assert paper_columns("fdu-mtl", "sp", ["MR"]) == {"MR": {"transfer": 23.5, "single": 26.9, "all tasks": 23.3}}
    for other in (("fdu-mtl", "fs", ["MR"]), ("shop", "ic", ["MR"]), ("fdu-mtl", "ic", ["garden"])):
        assert paper_columns(*other) == {}


def test_files_hold_everything_and_no_folder_of_this_machine(tmp_path: Path) -> None:
    write_table(table(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"leave-one-out.{kind}" for kind in ("csv", "json", "md")
    ]
    assert not any("/some/where" in path.read_text() for path in tmp_path.iterdir())
    found = json.loads((tmp_path / "leave-one-out.json").read_text())
    assert found["command"] == "tasktalk transfer --vectors glove.npz"
    assert (found["seeds"], found["labels"], found["target_epochs"]) == ([0, 1], {"books": 40, "MR": 60}, 20)
    assert {"target": "MR", "method": "lstm alone", "seeds": 1, "mean": 30.0, "std": None} in found["table"]
    assert len(found["table"]) == 9 and len(found["transfer_minus"]) == 6 and len(found["runs"]) == 11
    assert found["paper"]["books"] == {"transfer": 14.5, "single": 19.2, "all tasks": 13.8}
    lines = list(csv.DictReader(io.StringIO((tmp_path / "leave-one-out.csv").read_text())))
    assert lines[0] == {
        "target": "books", "method": "transfer", "seed": "0", "labels": "", "test": "10.0", "dev": "",
        "seconds": "1.5", "folder": "seed-0/books",
    }  # fmt: skip
    assert len(lines) == 11


def test_the_page_has_table_differences_paper_and_command() -> None:
    text = to_markdown(table())
    assert "| books | 11.00 ± 1.41 | 15.50 ± 0.71 | 18.00 ± 0.00 | - | 14.50 | 19.20 | 13.80 |" in text
    assert "| MR | lstm alone | -10.00 | n/a | 1 |" in text
    assert "| mean | ic alone | -4.50 | [-17.21, +8.21] | 2 |" in text
    assert text.endswith("Command: `tasktalk transfer --vectors glove.npz`\n")


def test_the_legend_says_what_was_trained() -> None:
    assert legend(table())[0] == "Test error in %, mean over 2 seeds ± their standard deviation."
    one = legend(table(seeds=(3,)))
    assert one[0] == "Test error in %, seed 3."
    assert "for 20 epochs" in one[2] and one[3].startswith("all tasks: ")
    assert all(len(line) <= 80 for line in one)


def test_only_what_is_finished_counts(tmp_path: Path) -> None:
    its = table(seeds=(0,)).experiment
    scores = {"tasks": {"books": {"error": 7.5}, "MR": {}, "dvd": {"error": 1.0}}}
    for folder in ("without-books", "books", "alone-MR-ic", "all"):
        (tmp_path / "seed-0" / folder).mkdir(parents=True)
        splits = {"test": scores} if folder == "books" else {"dev": scores, "test": scores}
        write_json(tmp_path / "seed-0" / folder / METRICS, {"splits": splits, "seconds": 2.0})
    found = scores_of_pieces(pieces(its), tmp_path, "error")
    assert [(r["target"], r["method"], r["test"], r["dev"]) for r in found] == [
        ("books", "transfer", 7.5, None), ("MR", "ic alone", None, None),
        ("books", "all tasks", 7.5, 7.5), ("MR", "all tasks", None, None),
    ]  # fmt: skip
    assert found[0]["folder"] == "seed-0/books"
