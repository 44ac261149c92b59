"""``tasktalk evaluate``."""

import json
from pathlib import Path

from tests.cli.conftest import ASSAYS, Cli, assays, reviews, write_csv


def test_own_data_gives_the_scores_of_the_training(cli: Cli, trained: Path) -> None:
    splits = json.loads((trained / "run/metrics.json").read_text())["splits"]
    done = cli("evaluate", trained / "run", "--json", "-")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {"splits": {name: splits[name] for name in ("test", "test_not_in_train")}}
    assert json.loads(cli("evaluate", trained / "run", "--split", "dev", "--json", "-").out)["splits"] == {
        "dev": splits["dev"]
    }


def test_labels_that_a_mask_took_away_stay_away(cli: Cli, tmp_path: Path) -> None:
    rows = reviews(60, seed=3)
    write_csv(tmp_path / "books.train.csv", rows)
    write_csv(tmp_path / "books.test.csv", rows[:30])
    out = tmp_path / "run"
    source = tmp_path / "books.train.csv"
    done = cli("train", source, "--model", "linear", "--beside", "none", "--mask", "all:50", "--out", out)
    assert done.code == 0, done.err
    splits = json.loads((out / "metrics.json").read_text())["splits"]
    assert 0 < splits["test_not_in_train"]["tasks"]["books"]["n"] < 30  # texts that lost their label are new
    again = json.loads(cli("evaluate", out, "--json", "-").out)["splits"]
    assert again["test_not_in_train"] == splits["test_not_in_train"]


def test_table(cli: Cli, trained: Path) -> None:
    mean = json.loads((trained / "run/metrics.json").read_text())["splits"]["test"]["mean"]
    lines = cli("evaluate", trained / "run").out.splitlines()
    assert lines[:2] == ["test:", "task   texts  error %    loss"]
    assert [line.split()[0] for line in lines[2:5]] == ["books", "dvd", "mean"]
    assert lines[4].split()[1:] == ["16", f"{mean['error']:.2f}", f"{mean['loss']:.4f}"]
    assert lines[5] == "test not in train:" and lines[6:] == ["the same texts"]


def test_all_texts_of_another_table_count(cli: Cli, trained: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "dvd.csv", [*reviews(30, seed=5), ("", "neg")])
    done = cli("evaluate", trained / "run", "--data", path)
    assert (done.code, done.err) == (0, "")
    assert [line.split()[:2] for line in done.out.splitlines()] == [
        ["all", "texts:"], ["task", "texts"], ["dvd", "31"], ["mean", "31"],
    ]  # fmt: skip


def test_a_single_class_will_do(cli: Cli, trained: Path, of_molecules: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "dvd.csv", [row for row in reviews(30, seed=5) if row[1] == "pos"])
    done = cli("evaluate", trained / "run", "--data", path, "--json", "-")
    assert (done.code, done.err) == (0, "")
    scores = json.loads(done.out)["splits"]["train"]["tasks"]["dvd"]
    assert (scores["n"], scores["auroc"]) == (15, None)
    assert scores["accuracy"] == 1 - scores["error"] / 100
    assert [line.split()[:2] for line in cli("evaluate", trained / "run", "--data", path).out.splitlines()][2] == [
        "dvd", "15",
    ]  # fmt: skip
    write_csv(tmp_path / "books.train.csv", [("a good plot", "pos")])
    write_csv(tmp_path / "books.test.csv", [("a good plot", "pos"), ("a dull plot", "neg"), ("a dull plot", "neg")])
    done = cli("evaluate", trained / "run", "--data", tmp_path / "books.train.csv", "--json", "-")
    assert json.loads(done.out)["splits"]["test"]["tasks"]["books"]["n"] == 3
    rows = [row[1:] for row in assays(30, seed=1) if row[3] == "benzene"]
    done = cli(
        "evaluate", of_molecules / "run", "--data", write_csv(tmp_path / "new.csv", rows, ASSAYS[3:]), "--json", "-"
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["splits"]["train"]["tasks"]["ring"]["n"] == len(rows)


def test_a_class_that_the_run_does_not_know(cli: Cli, trained: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "dvd.csv", [("a good plot", "good")] * 3)
    done = cli("evaluate", trained / "run", "--data", path)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {path}, line 2: task 'dvd': the run was trained without the label 'good'")


def test_test_texts_of_other_data_count_where_there_are_any(cli: Cli, trained: Path, tmp_path: Path) -> None:
    write_csv(tmp_path / "dvd.test.csv", reviews(6, seed=5))
    path = write_csv(tmp_path / "dvd.train.csv", reviews(10, seed=6))
    done = cli("evaluate", trained / "run", "--data", path, "--json", tmp_path / "scores.json")
    assert done.out == ""
    splits = json.loads((tmp_path / "scores.json").read_text())["splits"]
    assert {task: scores["n"] for task, scores in splits["test"]["tasks"].items()} == {"books": 0, "dvd": 6}


def test_data_that_the_run_knows_is_a_warning(cli: Cli, trained: Path) -> None:
    done = cli("evaluate", trained / "run", "--data", trained / "shop/dvd.csv")
    assert done.code == 0
    assert done.err.startswith("warning: the run was trained on data from dvd.csv")


def test_data_that_has_changed_is_a_warning(cli: Cli, shop: Path, tmp_path: Path) -> None:
    cli("train", shop, "--model", "linear", "--beside", "none", "--out", tmp_path / "run")
    write_csv(shop / "dvd.csv", reviews(44, seed=3))
    done = cli("evaluate", tmp_path / "run")
    assert done.code == 0
    assert done.err.startswith("warning: the data has changed since the run was trained")


def test_molecules_have_a_metric_for_each_kind_of_task(cli: Cli, of_molecules: Path) -> None:
    splits = json.loads((of_molecules / "run/metrics.json").read_text())["splits"]
    done = cli("evaluate", of_molecules / "run")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[1].split() == ["task", "molecules", "metric", "score", "loss"]
    tasks = splits["test"]["tasks"]
    shown = {"oxygen": f"{tasks['oxygen']['auroc']:.3f}", "ring": f"{tasks['ring']['error']:.2f}",
             "size": f"{tasks['size']['rmse']:.3f}"}  # fmt: skip
    assert {line.split()[0]: line.split()[-2] for line in lines[2:5]} == shown
    found = json.loads(cli("evaluate", of_molecules / "run", "--json", "-").out)["splits"]
    assert found == {name: splits[name] for name in ("test", "test_not_in_train")}


def test_other_molecules(cli: Cli, of_molecules: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "new.csv", assays(30, seed=9), ASSAYS)
    done = cli("evaluate", of_molecules / "run", "--data", path)
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "all molecules:"
    assert [line.split()[:2] for line in done.out.splitlines()[2:5]] == [
        ["oxygen", "24"],
        ["ring", "30"],
        ["size", "30"],
    ]


def test_nodes_of_the_graph(cli: Cli, of_nodes: Path) -> None:
    done = cli("evaluate", of_nodes / "run", "--split", "dev")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[1].split() == ["task", "nodes", "metric", "score", "loss"]
