"""``tasktalk predict``: a line in, a line out."""

import json
from pathlib import Path

import pytest

from tasktalk.training.run import Run
from tests.cli.conftest import Cli, start

TEXTS = ["a good plot", "", "dull\x85disc\x0cpage", "poor, \u2028café"]


def test_lines_become_json_lines_in_their_order(cli: Cli, trained: Path) -> None:
    done = cli("predict", trained / "run", stdin="".join(text + "\n" for text in TEXTS).encode())
    assert (done.code, done.err) == (0, "")
    lines = done.out.removesuffix("\n").split("\n")
    assert [json.loads(line) for line in lines] == Run.load(trained / "run").predict(TEXTS)
    answer = json.loads(lines[0])
    assert set(answer["predictions"]) == {"books", "dvd"}
    books = answer["predictions"]["books"]
    assert books["label"] == "pos" and sum(books["probabilities"].values()) == pytest.approx(1)
    assert "café" in lines[3]


@pytest.mark.parametrize(
    "content", [b"one\ntwo\n", b"one\ntwo", b"one\r\ntwo\r\n", b"\xef\xbb\xbfone\ntwo\n"],
    ids=["usual", "no line end at the end", "CRLF", "byte order mark"],
)  # fmt: skip
def test_line_ends_and_byte_order_marks_are_no_text(content: bytes, cli: Cli, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_bytes(content)
    out = cli("predict", trained / "run", tmp_path / "texts.txt").out
    assert [json.loads(line)["text"] for line in out.splitlines()] == ["one", "two"]


def test_tasks_are_asked_for_by_name(cli: Cli, trained: Path) -> None:
    one = cli("predict", trained / "run", "--task", "dvd", stdin=b"text\n")
    assert list(json.loads(one.out)["predictions"]) == ["dvd"]
    both = cli("predict", trained / "run", "--task", "dvd", "--task", "books", stdin=b"text\n")
    assert list(json.loads(both.out)["predictions"]) == ["dvd", "books"]


def test_output_file_is_the_same_as_standard_output(cli: Cli, trained: Path, tmp_path: Path) -> None:
    texts = "".join(f"text {number}\n" for number in range(600)).encode()
    done = cli("predict", trained / "run", "-o", tmp_path / "answers.jsonl", stdin=texts)
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / "answers.jsonl").read_text(encoding="utf-8") == cli("predict", trained / "run", stdin=texts).out


def test_nothing_in_nothing_out(cli: Cli, trained: Path) -> None:
    done = cli("predict", trained / "run", stdin=b"")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_answers_start_early_and_a_reader_may_leave(trained: Path) -> None:
    process = start("predict", str(trained / "run"))
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.write("first\n" + "text\n" * 300)
    process.stdin.flush()  # and not closed: the answer comes while more texts may follow
    assert json.loads(process.stdout.readline())["text"] == "first"
    process.stdout.close()
    try:
        process.stdin.write("text\n" * 2000)
        process.stdin.close()
    except BrokenPipeError:
        """It has ended already."""
    assert process.wait(60) != 0
    assert process.stderr.read() == ""
    process.stderr.close()
