"""``tasktalk predict`` on taggers: column files that stay as they are, JSON lines, tables."""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, finished, program, sentences, write_conll


def added(before: bytes, after: bytes) -> list[bytes]:
    """What was added at the ends of lines; nothing else may have changed."""
    ends = []
    for old, new in zip(before.split(b"\n"), after.split(b"\n"), strict=True):
        end = b"\r" if old.endswith(b"\r") else b""
        assert new.startswith(old.removesuffix(b"\r")) and new.endswith(end), (old, new)
        ends.append(new.removesuffix(b"\r")[len(old.removesuffix(b"\r")) :])
    return ends


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"the\ndog\nsees\n\na\ntree\n", [0, 1, 2, 4, 5]),
        (b"the x\r\ndog y\r\n\r\na z\r\n", [0, 1, 3]),  # Windows
        (b"\xef\xbb\xbfthe\ndog\n", [0, 1]),  # a byte order mark
        (b"-DOCSTART- -X- O\n\n# a comment of words\nthe DT\ndog NN\n\n\n\na DT\n", [3, 4, 8]),
        (b"the\tDT\ndog\tNN\n", [0, 1]),
        (b"the\ndog", [0, 1]),  # no line end at the end
        (b"\n\nthe\n\n", [2]),
        ("der\nK\u00e4se\n\u5b57\n".encode(), [0, 1, 2]),
    ],
)
def test_every_byte_stays_and_tags_are_added(
    content: bytes, words: list[int], cli: Cli, of_sentences: Path, tmp_path: Path
) -> None:
    path, out = tmp_path / "in.conll", tmp_path / "out.conll"
    path.write_bytes(content)
    done = cli("predict", of_sentences / "run", path, "--format", "conll", "-o", out)
    assert done.code == 0, done.err
    ends = added(content, out.read_bytes())
    assert [number for number, end in enumerate(ends) if end] == words
    separator = b"\t" if b"\t" in content else b" "
    for number in words:
        assert ends[number].startswith(separator)
        pos, chunk = ends[number][1:].split(separator)
        assert pos in (b"DT", b"NN", b"VB", b".") and chunk in (b"B-NP", b"I-NP", b"B-VP", b"I-VP", b"O")
    shown = cli("predict", of_sentences / "run", path, "--format", "conll")
    assert shown.out.encode() == out.read_bytes()


def test_tags_are_those_of_json_in_the_scheme_of_the_files(cli: Cli, of_sentences: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.conll"
    path.write_text("X the\nX dog\nX sees\nX a\nX tree\nX .\n\nX a\nX Cat\n")
    run = of_sentences / "run"
    done = cli("predict", run, path, "--format", "conll", "--token", "1", "--task", "chunk", "--task", "pos")
    lines = [line.split() for line in done.out.splitlines()]
    texts = b"the dog sees a tree .\na Cat\n"
    answers = [json.loads(line) for line in cli("predict", run, stdin=texts).out.splitlines()]
    for answer, part in zip(answers, (lines[:6], lines[7:]), strict=True):
        assert answer["words"] == answer["text"].split() == [line[1] for line in part]
        assert answer["predictions"]["chunk"]["tags"] == [line[2] for line in part]
        assert answer["predictions"]["pos"]["tags"] == [line[3] for line in part]
    chunk = answers[0]["predictions"]["chunk"]
    assert chunk["tags"] == ["B-NP", "I-NP", "B-VP", "B-NP", "I-NP", "O"]  # it was trained to
    spans = [(span["type"], span["start"], span["stop"], span["text"]) for span in chunk["spans"]]
    assert spans == [("NP", 0, 2, "the dog"), ("VP", 2, 3, "sees"), ("NP", 3, 5, "a tree")]
    assert answers[0]["predictions"]["pos"]["tags"] == ["DT", "NN", "VB", "DT", "NN", "."]
    assert "spans" not in answers[0]["predictions"]["pos"]
    assert all(0 < p <= 1 for p in chunk["probabilities"]) and len(chunk["probabilities"]) == 6


def test_an_empty_line_has_no_tags(cli: Cli, of_sentences: Path) -> None:
    first, second = map(json.loads, cli("predict", of_sentences / "run", stdin=b"\na dog\n").out.splitlines())
    assert first["words"] == first["predictions"]["pos"]["tags"] == first["predictions"]["chunk"]["spans"] == []
    assert len(second["predictions"]["pos"]["tags"]) == 2


def test_a_table_has_a_column_of_tags_for_each_task(cli: Cli, of_sentences: Path, tmp_path: Path) -> None:
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text("id,text\n1,the dog sees\n2,\n3,a tree\n")
    assert cli("predict", of_sentences / "run", table, "-o", out).code == 0
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "text", "pos", "chunk"]
    assert [(row["pos"], row["chunk"]) for row in rows] == [
        ("DT NN VB", "B-NP I-NP B-VP"),
        ("", ""),
        ("DT NN", "B-NP I-NP"),
    ]


def test_a_sentence_of_five_thousand_words_is_tagged(cli: Cli, of_sentences: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.conll"
    path.write_text("the\ndog\n" * 2500)
    done = cli("predict", of_sentences / "run", path, "--format", "conll")
    assert done.code == 0 and len(done.out.splitlines()) == 5000
    assert all(len(line.split()) == 3 for line in done.out.splitlines())


@pytest.mark.parametrize(
    ("name", "content", "facts"),
    [
        ("a.conll", b"", ["a.conll: ", "empty file"]),
        ("a.conll", b"\n\n", ["a.conll: ", "expected sentences"]),
        ("a.conll", b"the\ndog\xff\n", ["a.conll, line 2: ", "UTF-8", "0xff"]),
        ("a.conllu", b"1\tthe\n", ["a.conllu: ", "CoNLL-U has ten columns"]),
        ("none.conll", None, ["none.conll: ", "cannot be read"]),
    ],
)
def test_files_that_cannot_be_tagged(
    name: str, content: bytes | None, facts: list[str], cli: Cli, of_sentences: Path, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = cli("predict", of_sentences / "run", tmp_path / name, "--format", "conll", "-o", tmp_path / "out")
    assert done.code == 2 and done.out == "" and done.err.startswith("error: ") and done.err.count("\n") == 1, done
    assert all(fact in done.err for fact in facts), done.err
    assert not (tmp_path / "out").exists()


def test_a_column_of_words_that_is_not_there(cli: Cli, of_sentences: Path, tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("the DT\ndog\n")
    done = cli("predict", of_sentences / "run", tmp_path / "a.conll", "--format", "conll", "--token", 1)
    assert done.code == 2 and "a.conll, line 2: expected a word in column 1" in done.err


def test_the_format_needs_a_file_and_a_tagger(cli: Cli, of_sentences: Path, trained: Path, tmp_path: Path) -> None:
    done = cli("predict", of_sentences / "run", "--format", "conll")
    assert done.code == 2 and done.err.startswith("error: --format conll needs a file")
    (tmp_path / "a.conll").write_text("the\n")
    done = cli("predict", trained / "run", tmp_path / "a.conll", "--format", "conll")
    assert done.code == 2 and "--format conll is for runs that tag words" in done.err


@pytest.fixture(scope="module")
def of_tabs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished run of ``kind``, which learned from a file with tabs and words of several parts, and of ``pos``."""
    home = tmp_path_factory.mktemp("tabs")
    lines = [["THING\tdog\tx", "CITY\tNew York\tx", "THING\tYork\tx"], ["CITY\tNew York\tx", "THING\tNew\tx"]]
    kind = write_conll(home / "kind.conll", lines * 20)
    pos = write_conll(home / "pos.conll", sentences(30, seed=0))
    source = [f"kind={kind}:column=0:token=1:separator=tab", f"pos={pos}:column=1"]
    small = {"name": "fs", "hidden": 8, "embedding_features": 8, "dropout": 0.0}
    training = {"epochs": 8, "tracker": "none", "learning_rate": 0.02, "device": "cpu"}
    yield from finished(home, {"data": {"source": source}, "model": small, "training": training})


def test_words_stand_where_they_stood_in_training(of_tabs: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.conll"
    path.write_bytes(b"1\tNew York\tis far\r\n2\tdog\t\r\n \n\n3\tNew\ta b\n")
    done = program("predict", of_tabs / "run", path, "--format", "conll", "--task", "kind", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    wanted = b"1\tNew York\tis far\tCITY\r\n2\tdog\t\tTHING\r\n \n\n3\tNew\ta b\tTHING\n"
    assert (tmp_path / "out").read_bytes() == wanted


def test_other_columns_than_in_training_can_be_asked_for(of_tabs: Path, tmp_path: Path) -> None:
    path, ask = tmp_path / "in.conll", ("predict", of_tabs / "run")
    path.write_bytes(b"New York\ndog\n")
    choice = ("--format", "conll", "--task", "kind", "--token", 0)
    assert program(*ask, path, *choice).stdout == "New York\tCITY\ndog\tTHING\n"
    path.write_bytes(b"dog a\tb\nNew c\td\n")
    assert program(*ask, path, *choice, "--separator", "space").stdout == "dog a\tb THING\nNew c\td THING\n"


def test_tasks_that_learned_from_different_columns(of_tabs: Path, cli: Cli, tmp_path: Path) -> None:
    path, choice = tmp_path / "in.conll", ["--format", "conll"]
    path.write_text("the\ndog\n")
    done = cli("predict", of_tabs / "run", path, *choice)
    assert done.code == 2 and "choose --token (1 of 'kind', 0 of 'pos'), or a --task" in done.err
    done = cli("predict", of_tabs / "run", path, *choice, "--token", 0)
    assert done.code == 2 and "choose --separator (tab of 'kind', whitespace of 'pos'), or a --task" in done.err
    done = cli("predict", of_tabs / "run", path, *choice, "--token", 0, "--separator", "tab")
    assert done.code == 0 and [line.count("\t") for line in done.out.splitlines()] == [2, 2]
    assert cli("predict", of_tabs / "run", path, *choice, "--task", "pos").out == "the DT\ndog NN\n"


def test_the_ending_of_a_file_tells_that_it_has_words(
    cli: Cli, of_sentences: Path, trained: Path, tmp_path: Path
) -> None:
    for name in ("a.conll", "a.IOB2", "a.bio"):
        (tmp_path / name).write_text("the\n\n-DOCSTART-\ndog\n")
        assert cli("predict", of_sentences / "run", tmp_path / name, "--task", "pos").out == (
            "the DT\n\n-DOCSTART-\ndog NN\n"
        )
    (tmp_path / "a.conllu").write_text("1\tthe\n")
    assert "CoNLL-U has ten columns" in cli("predict", of_sentences / "run", tmp_path / "a.conllu").err
    texts = cli("predict", trained / "run", tmp_path / "a.conll").out.splitlines()  # they are lines to a classifier
    assert len(texts) == 4 and all(line.startswith('{"text": ') for line in texts)
    (tmp_path / "a.txt").write_text("the dog\n")
    (answer,) = map(json.loads, cli("predict", of_sentences / "run", tmp_path / "a.txt").out.splitlines())
    assert list(answer) == ["text", "words", "predictions"]


def test_a_packed_file_is_tagged_as_text(cli: Cli, of_sentences: Path, tmp_path: Path) -> None:
    path = tmp_path / "in.conll.gz"
    path.write_bytes(gzip.compress(b"the\ndog\n"))
    done = cli("predict", of_sentences / "run", path, "--format", "conll", "--task", "pos")
    assert done.code == 0 and done.out == "the DT\ndog NN\n"
