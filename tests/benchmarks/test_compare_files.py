import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tasktalk.benchmarks.compare import Failure, plan_rows
from tasktalk.benchmarks.compare_files import Comparison, best_titles, to_markdown, without_folders, write_comparison
from tasktalk.benchmarks.compare_table import summarise_rows
from tasktalk.core.errors import RunFolderError
from tests.benchmarks.test_compare_table import RESULTS, run

FOLDER = "/" + "secret place"


@pytest.fixture
def comparison() -> Comparison:
    results = {title: RESULTS[title] for title in ("single", "mitten")} | {"mmoe": {}}
    rows, _ = plan_rows(list(results), (), {"data": {"source": [f"{FOLDER}/m.csv"]}})
    return Comparison(
        command=["tasktalk", "compare", f"{FOLDER}/m.csv", "--set", f"data.edges={FOLDER}/x/e.csv"],
        dataset="m",
        sources={f"{FOLDER}/m.csv": "abc"},
        metric="auroc",
        against="single",
        rows=rows,
        seeds=(0, 1, 2),
        results=results,
        failures=[Failure("mmoe", 1, "the file /secret/e.csv cannot be read")],
        lines=summarise_rows(results, "auroc", "single", {"mitten": 0.8}),
    )


def test_the_table_as_markdown(comparison: Comparison) -> None:
    lines = to_markdown(comparison).splitlines()
    assert lines[0] == "# m: test auroc"
    assert "over the seeds 0, 1, 2," in lines[2] and "higher is better" in lines[2]
    assert lines[4].split(" | ")[-4:] == ["difference", "95 % interval", "to", "paper |"]
    assert lines[6] == "| single | 0.6000 | 0.1000 | 3/3 | 0.8500 | 2 |  |  |  |  |"
    interval = "[-0.1484, +0.3484]"  # 0.1 -+ 4.3027 * 0.1 / sqrt(3)
    assert lines[7] == f"| mitten | **0.7000** | 0.1000 | 2/3 | 0.9500 | 2 | +0.1000 | {interval} | single | 0.8000 |"
    assert "| task | single | mitten |" in lines and "| b | 0.6000 | **0.7000** |" in lines
    assert "- mmoe, seed 1, failed: the file /secret/e.csv cannot be read" in lines
    assert lines[-1] == f"Command: `tasktalk compare '{FOLDER}/m.csv' --set 'data.edges={FOLDER}/x/e.csv'`"


def test_files_hold_every_score(comparison: Comparison, tmp_path: Path) -> None:
    write_comparison(comparison, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "comparison.csv", "comparison.json", "comparison.md",
    ]  # fmt: skip
    found = json.loads((tmp_path / "comparison.json").read_text())
    assert (found["metric"], found["higher_is_better"], found["against"]) == ("auroc", True, "single")
    assert found["models"]["mitten"]["settings"]["model"]["eta"] == 1.0
    assert found["models"]["mitten"]["runs"]["1"]["splits"]["test"]["tasks"]["b"]["auroc"] == 0.8
    assert found["models"]["mitten"]["summary"]["difference"]["seeds"] == 3
    assert found["models"]["mmoe"]["summary"] is None and len(found["failures"]) == 1
    with (tmp_path / "comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 3 * 2 * 3 * 4  # models, seeds, splits, tasks, metrics
    assert {"model": "mitten", "seed": "1", "task": "c", "split": "test", "metric": "auroc", "value": "0.8"} in rows


def test_results_hold_no_folder_of_this_machine(comparison: Comparison, tmp_path: Path) -> None:
    write_comparison(comparison, tmp_path, tmp_path / "tox21-all.10")
    for name in ("tox21-all.10.md", "tox21-all.10.json"):
        text = (tmp_path / name).read_text()
        assert "secret" not in text and "m.csv --set data.edges=e.csv" in text and "the file e.csv cannot" in text
    assert "secret" in (tmp_path / "comparison.md").read_text()


def test_nothing_is_left_where_nothing_can_be_written(comparison: Comparison, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="comparison.csv: cannot be written"):
        write_comparison(comparison, tmp_path / "not there")
    assert list(tmp_path.iterdir()) == []


def test_the_best_is_best_as_shown() -> None:
    results = {"a": {0: run(0.70001)}, "b": {0: run(0.70002)}, "c": {0: run(0.6, error=9.0)}, "d": {0: run(None)}}
    assert best_titles(summarise_rows(results, "auroc", "a"), "auroc") == {"a", "b"}
    assert best_titles(summarise_rows(results, "error", "a"), "error") == {"c"}
    assert best_titles(summarise_rows({"a": {0: run(0.7)}}, "auroc", "a"), "auroc") == set()


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("/a/b/c.csv", "c.csv"),
        ("books=/a/b c/books.csv", "books=books.csv"),
        ("data.vectors=[/a/b.zip:in.txt, x]", "data.vectors=[b.zip:in.txt, x]"),
        ("a/b.csv", "a/b.csv"),
        ("https://a/b", "https://a/b"),
        ("C/C=C/C", "C/C=C/C"),
        (5, 5),
    ],
)
def test_folders_of_absolute_paths_only(given: object, left: object) -> None:
    assert without_folders({"k": [given]}) == {"k": [left]}


def tagger(pos: float, ner: float) -> dict[str, Any]:
    scores = {"n": 5, "accuracy": 0.875, "f1": ner, "types": {"x": {"f1": ner}}}
    tasks = {"pos": {"n": 3, "accuracy": pos}, "ner": scores}
    block = {"mean": {"f1": ner, "tasks": 2}, "defined": {"f1": 1}, "tasks": tasks}
    return {"splits": {"dev": block, "test": block}, "seconds": 1.0}


def test_taggings_have_a_table_for_each_metric_in_percent(tmp_path: Path) -> None:
    results = {"fs": {0: tagger(0.5, 0.25)}, "ic": {0: tagger(0.75, 0.5)}}
    rows, _ = plan_rows(list(results))
    tables = {
        name: summarise_rows(results, name, "fs", tasks=[task]) for name, task in (("accuracy", "pos"), ("f1", "ner"))
    }
    made = Comparison(
        ["tasktalk"], "pos+ner", {}, "accuracy", "fs", rows, (0,), results, [], tables["accuracy"],
        {"f1": tables["f1"]}, {"ner": "f1"},
    )  # fmt: skip
    lines = to_markdown(made).splitlines()
    assert lines[0] == "# pos+ner: test accuracy and f1" and "higher is better" in lines[2]
    assert (
        "| model | test accuracy % | std | tasks | dev accuracy % | seconds | difference | 95 % interval | to |"
        in lines
    )
    assert "| ic | **75.00** | n/a | 1/1 | 75.00 | 1 | +25.00 | n/a | fs |" in lines
    assert "| ic | **50.00** | n/a | 1/1 | 50.00 | 1 | +25.00 | n/a | fs |" in lines
    assert "| pos | 50.00 | **75.00** |" in lines and "| ner | 25.00 | **50.00** |" in lines
    write_comparison(made, tmp_path, tmp_path / "pair")
    found = json.loads((tmp_path / "pair.json").read_text())
    assert found["others"]["f1"]["ic"]["mean"] == 0.5
    assert found["models"]["ic"]["runs"]["0"]["splits"]["test"]["tasks"] == {"pos": 0.75, "ner": 0.5}
    assert "types" not in (tmp_path / "comparison.csv").read_text()
