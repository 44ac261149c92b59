"""Every wrong input is one sentence and exit code 2, and nothing is written."""

import errno
import re
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL, Cli, Done, contents, program, reviews, write_csv

ROWS = reviews(12, seed=0)


def assert_refused(done: Done, *facts: str) -> None:
    """One line on standard error with these facts, nothing on standard output."""
    assert done.code == 2, done
    assert done.err.startswith("error: ") and done.err.count("\n") == 1 and done.err.endswith("\n"), done.err
    assert done.out == ""
    for fact in facts:
        assert fact in done.err, done.err


def bad_label_in_test(folder: Path) -> list[object]:
    write_csv(folder / "a.test.csv", [("fine", "pos"), ("so so", "neutral")])
    return ["train", write_csv(folder / "a.train.csv", ROWS)]


def bad_bytes(folder: Path) -> list[object]:
    (folder / "a.csv").write_bytes(b"text,label\ngood,pos\nna\xefve,neg\n")
    return ["train", folder / "a.csv"]


def vectors_of_two_widths(folder: Path) -> list[object]:
    (folder / "v.txt").write_text("good 0.1 0.2\nbad 0.3\n")
    return ["train", write_csv(folder / "a.csv", ROWS), "--vectors", folder / "v.txt", *SMALL]


def empty(folder: Path) -> list[object]:
    (folder / "a.csv").write_bytes(b"")
    return ["train", folder / "a.csv"]


def header_only(folder: Path) -> list[object]:
    return ["train", write_csv(folder / "a.csv", [])]


def one_class(folder: Path) -> list[object]:
    return ["train", write_csv(folder / "a.csv", [(f"text {row}", "pos") for row in range(9)])]


def ragged(folder: Path) -> list[object]:
    (folder / "a.csv").write_text("text,label\ngood,pos\nbad\n")
    return ["train", folder / "a.csv"]


DATA: list[tuple[Callable[[Path], list[object]], list[str]]] = [
    (bad_label_in_test, ["a.test.csv, line 3: ", "'neutral'", "not in training", "neg, pos"]),
    (bad_bytes, ["a.csv, line 3: ", "UTF-8", "byte 0xef as byte 3"]),
    (vectors_of_two_widths, ["v.txt, line 2: ", "a word and 2 numbers, found 1"]),
    (empty, ["a.csv: ", "expected rows, found an empty file"]),
    (header_only, ["a.csv: ", "expected rows, found none"]),
    (one_class, ["a.csv: ", "task 'a'", "at least two classes", "only 'pos'"]),
    (ragged, ["a.csv, line 3: ", "expected 2 fields, found 1"]),
]


@pytest.mark.parametrize(("make", "facts"), DATA, ids=[make.__name__ for make, _ in DATA])
def test_data_that_cannot_be_used(
    make: Callable[[Path], list[object]], facts: list[str], cli: Cli, tmp_path: Path
) -> None:
    arguments = make(tmp_path)
    before = contents(tmp_path)
    assert_refused(cli(*arguments, "--out", tmp_path / "run"), *facts)
    assert contents(tmp_path) == before and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["--model", "lsmt"], ["unknown model 'lsmt'", "did you mean 'lstm'"]),
        (["--task", "bokos"], ["no task 'bokos'", "did you mean 'books'"]),
        (["--beside", "linaer"], ["unknown model 'linaer'", "'linear'"]),
        (["--text", "txet"], ["books.csv: ", "a column 'txet'", "found 'text', 'label'", "did you mean 'text'"]),
        (["--label", "stars"], ["books.csv: ", "a column 'stars'", "found 'text', 'label'"]),
        (["--tokenizer", "wrods"], ["unknown tokeniser 'wrods'", "'words'"]),
        (["--set", "training.epohcs=3"], ["unknown setting 'training.epohcs'", "'training.epochs'"]),
        (["--set", "training.epochs=many"], ["training.epochs: ", "found 'many'"]),
        (["--set", "model.pooling=summe"], ["model.pooling: ", "'mean'", "found 'summe'"]),
        (["--set", "epochs"], ["section.key=value", "found 'epochs'"]),
        (["--set", "traning.epochs=3"], ["traning", "training"]),
        (["--epochs", "0"], ["training.epochs: ", "greater than or equal to 1", "found 0"]),
        (["--config", "missing.yaml"], ["missing.yaml: ", "cannot be read"]),
        (["--vectors", "missing.txt"], ["missing.txt: ", "no such file"]),
        (["--resume"], ["--resume", "found data.source"]),
    ],
)
def test_options_that_cannot_be_used(
    arguments: list[str], facts: list[str], cli: Cli, shop: Path, tmp_path: Path
) -> None:
    before = contents(tmp_path)
    assert_refused(cli("train", shop, *arguments, "--out", tmp_path / "run"), *facts)
    assert contents(tmp_path) == before and not (tmp_path / "run").exists()


@pytest.mark.parametrize("source", ["fdu-mlt", "no/such/file.csv"])
def test_data_that_is_not_there(source: str, cli: Cli, tmp_path: Path) -> None:
    facts = ["no data set", "did you mean 'fdu-mtl'"] if source == "fdu-mlt" else [f"{source}: no such file"]
    for arguments in (["train", source, "--out", tmp_path / "run"], ["data", "check", source]):
        assert_refused(cli(*arguments), *facts)


def test_no_data_at_all(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert_refused(cli("train"), "no data", "tasktalk train fdu-mtl")
    assert_refused(cli("data", "check"), "no data")
    assert contents(tmp_path) == {}


def test_settings_file_that_is_none(cli: Cli, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("model: [unfinished\n")
    (tmp_path / "b.yaml").write_text("epochs: 3\n")
    assert_refused(cli("train", shop, "--config", tmp_path / "a.yaml"), "a.yaml: ", "cannot be read as YAML")
    assert_refused(cli("train", shop, "--config", tmp_path / "b.yaml"), "b.yaml: ", "sections data, model and training")


def test_empty_text_is_kept_counted_and_answered(cli: Cli, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [*ROWS, ("", "neg")])
    assert cli("data", "check", path).out.splitlines()[1].split()[5] == "1"
    for model in ("linear", "lstm"):
        out = tmp_path / model
        arguments = () if model == "linear" else (*SMALL, "--epochs", "1")
        assert cli("train", path, "--model", model, "--beside", "none", "--out", out, *arguments).code == 0
        answers = cli("predict", out, stdin=b"\nunheard\n").out.splitlines()
        empty, unknown = (answer[answer.index('"predictions"') :] for answer in answers)
        assert empty == unknown


def test_existing_folder_is_left_alone(cli: Cli, shop: Path, trained: Path, tmp_path: Path) -> None:
    run = shutil.copytree(trained / "run", tmp_path / "run")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    before = contents(tmp_path)
    for place in ("run", "notes", "file"):
        done = cli("train", shop, "--out", tmp_path / place)
        assert_refused(done, f"{tmp_path / place}: ", "exists already", "--overwrite or --resume")
    for place in ("notes", "file"):
        done = cli("train", shop, "--out", tmp_path / place, "--overwrite", *SMALL, "--epochs", 1)
        assert_refused(done, f"{tmp_path / place}: ", "is not a run folder")
    assert_refused(cli("train", shop, "--out", run, "--overwrite", "--text", "body"), "a column 'body'")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("place", ["a file/run", "/proc/run"])
def test_folder_that_cannot_be_written(place: str, cli: Cli, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("mine")
    out = tmp_path / place
    if not out.parent.exists():
        pytest.skip("this system has no /proc")
    done = cli("train", shop, "--model", "linear", "--out", out, "-q")
    assert_refused(done, f"{out}: ", "cannot be written")
    assert (tmp_path / "a file").read_text() == "mine"


def test_tracker_that_cannot_write(cli: Cli, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def log(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("accelerate.Accelerator.log", log)
    done = cli("train", shop, *SMALL, "--out", tmp_path / "run", "-q")
    assert_refused(done, f"{tmp_path / 'run'}: cannot be written (No space left on device)")


def test_network_is_missing(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    facts = ["cache/fdu-mtl/", ": cannot be fetched from https://", "no connection", "run again"]
    for arguments in (["data", "fetch", "fdu-mtl", "-q"], ["train", "fdu-mtl", "--out", tmp_path / "run", "-q"]):
        assert_refused(cli(*arguments), *facts)
    assert contents(tmp_path) == {}


def test_checksum_differs(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path))
    (tmp_path / "fdu-mtl").mkdir()
    (tmp_path / "fdu-mtl/apparel.task.train").write_bytes(b"1\tnot what was published\n")
    before = contents(tmp_path)
    facts = ["fdu-mtl/apparel.task.train: expected SHA-256 ", f"found {sha256(*before.values()).hexdigest()}"]
    for arguments in (["data", "fetch", "fdu-mtl"], ["train", "fdu-mtl"], ["data", "check", "fdu-mtl"]):
        assert_refused(cli(*arguments), *facts)
    assert contents(tmp_path) == before


def test_training_that_diverges_stops_with_task_and_step(cli: Cli, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = cli("train", shop, *SMALL, "--set", "training.learning_rate=1.0e+37", "--set",
               "training.checkpoint_seconds=0", "--out", out, "-q")  # fmt: skip
    facts = [" at epoch 1, step ", f"the last good checkpoint is kept in {out}"]
    assert_refused(done, *facts, "training.learning_rate")
    # Which of the two is seen first depends on where a recurrence overflows.
    what = r"the loss of task '\w+' is (inf|nan)|\S+weight is no longer a number after a batch of '\w+'"
    assert re.search(f"error: ({what}) at epoch", done.err)
    assert {"config.yaml", "vocabulary.txt", "checkpoint.safetensors"} <= set(contents(out))
    assert not list(out.rglob("*.part"))
    assert_refused(cli("predict", out, stdin=b"text\n"), f"{out}: ", "not finished", "--resume")


def test_resume_where_nothing_can_be_resumed(cli: Cli, shop: Path, trained: Path, tmp_path: Path) -> None:
    assert_refused(cli("train", "--resume"), "--out DIR")
    assert_refused(cli("train", "--resume", "--out", shop), f"{shop}: nothing to resume")
    assert_refused(cli("train", "--resume", "--out", trained / "run"), "finished", "nothing to resume")
    done = cli("train", "--resume", "--out", trained / "run", "--epochs", 3, "--set", "model.hidden=4", "--overwrite")
    assert_refused(done, "found training.epochs, --set, --overwrite")


def test_resume_with_other_data(cli: Cli, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert cli("train", shop, "--model", "linear", "--beside", "none", "--out", out).code == 0
    (out / "metrics.json").unlink()
    write_csv(shop / "dvd.csv", reviews(30, seed=9))
    before = contents(tmp_path)
    assert_refused(cli("train", "--resume", "--out", out, "-q"), f"{out}: ", "the data is not what the run began with")
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (["--task", "bokos"], ["unknown task 'bokos'", "did you mean 'books'"]),
        (["missing.txt"], ["missing.txt: ", "cannot be read"]),
        (["empty.txt"], ["empty.txt: ", "found an empty file"]),
        (["bytes.txt"], ["bytes.txt, line 2: ", "expected text in UTF-8, found byte 0xff as byte 4"]),
        (["bytes.txt", "-o", "answers.jsonl"], ["bytes.txt, line 2: "]),
        (["texts.txt", "-o", "texts.txt"], ["texts.txt: ", "would replace the texts"]),
        (["texts.txt", "-o", "no/where.jsonl"], ["no/where.jsonl: cannot be written"]),
    ],
)
def test_texts_that_cannot_be_answered(
    arguments: list[str], facts: list[str], cli: Cli, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").touch()
    (tmp_path / "texts.txt").write_text("one\ntwo\n")
    (tmp_path / "bytes.txt").write_bytes(b"one\ntwo\xff\n")
    before = contents(tmp_path)
    assert_refused(cli("predict", trained / "run", *arguments), *facts)
    assert contents(tmp_path) == before


def test_bytes_on_standard_input(cli: Cli, trained: Path) -> None:
    assert_refused(cli("predict", trained / "run", stdin=b"\xfe\n"), "standard input, line 1: ", "byte 0xfe as byte 1")


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_folder_that_is_no_run(command: str, cli: Cli, shop: Path) -> None:
    assert_refused(cli(command, shop), f"{shop}: is not a run folder")


def test_evaluation_of_other_tasks_labels_or_splits(cli: Cli, trained: Path, tmp_path: Path) -> None:
    run = trained / "run"
    bokos = write_csv(tmp_path / "bokos.csv", ROWS)
    assert_refused(cli("evaluate", run, "--data", bokos), "the run has no task 'bokos'", "did you mean 'books'")
    books = write_csv(tmp_path / "books.csv", [*ROWS, ("so so", "neutral")])
    assert_refused(cli("evaluate", run, "--data", books), "task 'books'", "without the label 'neutral'", "neg, pos")
    assert_refused(run_program("evaluate", run, "--data", books), f"{books}, line {len(ROWS) + 2}: task 'books'")
    assert_refused(cli("evaluate", run, "--split", "tset"), "no split 'tset'", "did you mean 'test'")


def test_names_that_do_not_exist(cli: Cli) -> None:
    assert_refused(cli("models", "lsmt"), "unknown model 'lsmt'", "'lstm'")
    assert_refused(cli("data", "fetch", "fdu"), "unknown data set 'fdu'", "'fdu-mtl'")


def run_program(*arguments: object) -> Done:
    done = program(*arguments)
    return Done(done.returncode, done.stdout, done.stderr)


def test_program_ends_like_this_too() -> None:
    assert_refused(run_program("data", "fetch", "fdu"), "unknown data set 'fdu'")
