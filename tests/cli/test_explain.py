"""``tasktalk explain`` through the real command: what it writes and says, and what it refuses."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasktalk.analysis.folder import LIST
from tests.cli.conftest import Cli, assays, contents, finished, reviews, write_csv
from tests.cli.test_bad_input import assert_refused

SMALL = {"hidden": 6, "embedding_features": 6}
NASTY = "</script><img src=x onerror=alert(1)><script>alert(2)</script> $x_$ {0} %s"


def train(home: Path, values: dict[str, Any]) -> Iterator[Path]:
    home.mkdir(exist_ok=True)
    training = {"epochs": 1, "tracker": "none", "device": "cpu"}
    yield from finished(home, {**values, "training": training})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small IC-MTL of two tasks in ``run``. Not to be changed."""
    folder = tmp_path_factory.mktemp("explain")
    for task, seed in (("books", 1), ("dvd", 2)):
        write_csv(folder / f"{task}.csv", reviews(40, seed))
    source = [str(folder / "books.csv"), str(folder / "dvd.csv")]
    yield from train(folder, {"data": {"source": source}, "model": {"name": "ic", **SMALL}})


@pytest.fixture
def run(home: Path, tmp_path: Path) -> Path:
    """A copy of the run, into which pictures may be written."""
    return Path(shutil.copytree(home / "run", tmp_path / "run"))


def test_it_writes_a_page_and_pictures_and_says_where(run: Path, cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = cli("explain", run, "-o", page, "--samples", "8")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["passed", "did not pass", "not made", "Pictures", "Report"]
    assert max(len(line) for line in lines[:3]) <= 80
    assert str(page) in lines[-1]
    text = page.read_text(encoding="utf-8")
    assert "8 texts of 16, drawn with seed 0" in text and f"explain {run} -o" in text
    found = {path.suffix for path in (run / "explain").iterdir() if path.name != LIST}
    assert found == {".png", ".svg", ".csv"}
    assert page.stat().st_size < 6_000_000


def test_json_has_every_check_and_the_default_place_is_the_run_folder(run: Path, cli: Cli) -> None:
    done = cli("explain", run, "--samples", "8", "--json", "-")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["report"] == str(run / "explain" / "report.html") and Path(found["report"]).is_file()
    assert found["facts"]["Split"] == "test" and found["samples"] == 8
    checks = [check for part in found["parts"] for check in part["checks"]]
    assert checks and all(check["sentence"] for check in checks)
    for part in found["parts"]:
        assert all((run / "explain" / f"{name}.png").is_file() for name in part["pictures"])


def test_the_folder_has_the_last_report_only_and_what_the_user_put_there(run: Path, cli: Cli, tmp_path: Path) -> None:
    folder = run / "explain"
    assert cli("explain", run, "--samples", "8").code == 0
    before = contents(folder)
    assert {"deletion.csv", "deletion.png", "words.svg"} <= before.keys()
    (folder / "slide.png").write_bytes(before["deletion.png"])
    (folder / "deletion.csv").write_bytes(before["deletion.csv"] + b"my notes\n")
    (folder / "arcs.svg.part").mkdir()  # what is in the way of the new pictures
    own = ["--text", "a good disc", "-o", tmp_path / "own.html"]
    assert_refused(cli("explain", run, *own), "arcs.svg: cannot be written")
    (folder / "arcs.svg.part").rmdir()
    left = before.keys() - {LIST, "deletion.csv"}
    assert {name: contents(folder)[name] for name in left} == {name: before[name] for name in left}
    done = cli("explain", run, *own, "--json", "-")
    pictures = [name for part in json.loads(done.out)["parts"] for name in part["pictures"]]
    expected = {f"{name}.{form}" for name in pictures for form in ("png", "svg", "csv")}
    assert "deletion.png" not in expected
    assert set(contents(folder)) == expected | {"slide.png", "deletion.csv", "report.html", LIST}


@pytest.mark.parametrize("own", [["good"], ["word " * 10_000], [NASTY, "good \u4f60\u597d \U0001f600"]])
def test_own_texts_of_one_word_of_ten_thousand_and_of_markup(own: list[str], run: Path, cli: Cli) -> None:
    done = cli("explain", run, *(part for text in own for part in ("--text", text)))
    assert done.code == 0, done.err
    text = (run / "explain" / "report.html").read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert "own inputs" in text
    assert ("only the first 200 words" in text) == (len(own[0]) > 10_000)  # those that the model reads


def test_a_file_of_texts_and_of_a_table(run: Path, cli: Cli, tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("a good page\n\n  \nbad disc\n", encoding="utf-8")
    table = write_csv(tmp_path / "table.csv", [("a good page", "pos"), ("bad disc", "neg")])
    for path in (lines, table):
        done = cli("explain", run, "--input", path, "--task", "dvd", "--json", "-")
        assert done.code == 0, done.err
        assert json.loads(done.out)["samples"] == 2


def test_the_samples_of_one_task(run: Path, cli: Cli) -> None:
    done = cli("explain", run, "--task", "dvd", "--json", "-")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["samples"] == 8 and found["facts"]["Only of task"] == "dvd"


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["--split", "tset"], ["no split 'tset'", "did you mean 'test'?"]),
        (["--task", "dvds"], ["unknown task 'dvds'", "did you mean 'dvd'?"]),
        (["--text", "x", "--split", "test"], ["--split", "leave it out"]),
        (["--text", " "], ["expected a text", "only blanks"]),
        (["--input", "missing.txt"], ["missing.txt: cannot be read"]),
        (["-o", "missing/report.html"], ["missing/report.html: cannot be written"]),
        (["-o", "."], [".: is a folder; name a file, such as report.html"]),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(
    arguments: list[str], facts: list[str], home: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(home / "run", tmp_path / "run"))
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    assert_refused(cli("explain", run, *arguments), *facts)
    assert contents(tmp_path) == before


def test_a_folder_that_is_no_run_or_of_another_version(run: Path, cli: Cli, tmp_path: Path) -> None:
    assert_refused(cli("explain", tmp_path), "is not a run folder, config.yaml is missing")
    config = run / "config.yaml"
    written = config.read_text(encoding="utf-8")
    config.write_text(written.replace("embedding_features", "embedding_size"), encoding="utf-8")
    assert_refused(cli("explain", run), "embedding_size")
    config.write_text(written.replace("hidden: 6", "hidden: 7"), encoding="utf-8")
    assert_refused(cli("explain", run), "model.safetensors")


def test_a_model_without_weights_is_refused(trained: Path, of_sentences: Path, cli: Cli, tmp_path: Path) -> None:
    for name, home in (("linear", trained), ("fs", of_sentences)):
        run = shutil.copytree(home / "run", tmp_path / name)
        assert_refused(cli("explain", run), "messages" if name == "linear" else "no weights between tasks")


def test_another_run_needs_the_same_tasks(run: Path, of_molecules: Path, cli: Cli) -> None:
    done = cli("explain", run, "--also", of_molecules / "run")
    assert_refused(done, f"{of_molecules / 'run'}: expected a run with the tasks books, dvd, found oxygen")


def test_a_task_without_test_data(cli: Cli, tmp_path: Path) -> None:
    """Of the folder in FDU format only one task has test texts; with none at all the report is about dev."""
    shop = tmp_path / "shop"
    shop.mkdir()
    for task, seed in (("books", 1), ("dvd", 2)):
        for split in ("train", "test") if task == "books" else ("train",):
            lines = "\n".join(f"{int(label == 'pos')}\t{text}" for text, label in reviews(210, seed))
            (shop / f"{task}.task.{split}").write_text(lines + "\n", encoding="utf-8")
    home = next(train(tmp_path / "trained", {"data": {"source": [str(shop)]}, "model": {"name": "dc", **SMALL}}))
    done = cli("explain", home / "run", "--samples", "8")
    assert done.code == 0, done.err
    assert_refused(cli("explain", home / "run", "--task", "dvd"), "task 'dvd' has no examples here")


def test_one_task_only(cli: Cli, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "books.csv", reviews(40, seed=1))
    home = next(train(tmp_path / "home", {"data": {"source": [str(table)]}, "model": {"name": "ic", **SMALL}}))
    done = cli("explain", home / "run", "--samples", "8")
    assert done.code in (0, 2), done.err
    assert "Traceback" not in done.err


def test_molecules_and_a_smiles_that_is_none(cli: Cli, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "assays.csv", assays(40, seed=0), "id,smiles,oxygen,ring,size")
    data = {"source": [str(table)], "smiles": "smiles", "labels": ["oxygen", "ring", "size"]}
    home = next(train(tmp_path / "home", {"data": data, "model": {"name": "mitten", "hidden": 6}}))
    done = cli("explain", home / "run", "--samples", "8")
    assert done.code == 0, done.err
    assert_refused(cli("explain", home / "run", "--text", "C1CC("), "C1CC(")


def test_an_interrupted_command_says_how_to_go_on(run: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tasktalk.analysis.explain.explain", interrupted)
    done = cli("explain", run)
    assert (done.code, done.out) == (130, "") and "no report was written" in done.err
    (run / "null").mkdir()
    assert f"go on with: tasktalk explain {run}" in cli("explain", run).err
