"""``tasktalk predict``: a line in, a line out; a table in, a table out."""

import csv
import json
from pathlib import Path

import pytest

from tasktalk.training.run import Run
from tests.cli.conftest import BROKEN, Cli, start, write_csv

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


def rows_of(path: Path, separator: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=separator))


def test_table_of_texts_keeps_its_columns(cli: Cli, trained: Path, tmp_path: Path) -> None:
    table = tmp_path / "new.csv"
    table.write_text('stars,text\n5,"a good, ""fine"" plot"\n,\n')
    assert cli("predict", trained / "run", table, "-o", tmp_path / "out.csv", "--task", "dvd").code == 0
    rows = rows_of(tmp_path / "out.csv")
    (first, second) = Run.load(trained / "run").predict(['a good, "fine" plot', ""], "dvd")
    assert list(rows[0]) == ["stars", "text", "dvd", "dvd_probability"]
    assert (rows[0]["stars"], rows[0]["text"], rows[1]["text"]) == ("5", 'a good, "fine" plot', "")
    for row, answer in zip(rows, (first, second), strict=True):
        found = answer["predictions"]["dvd"]
        assert (row["dvd"], float(row["dvd_probability"])) == (found["label"], found["probabilities"]["pos"])
    other = cli("predict", trained / "run", table, "--text", "stars").out.splitlines()
    assert json.loads(other[0])["text"] == "5"


def test_table_of_molecules_has_an_answer_of_every_kind(cli: Cli, of_molecules: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "new.csv", [("CCO", "one"), ("OCc1ccccc1", "two")], "SMILES,name")
    assert cli("predict", of_molecules / "run", path, "-o", tmp_path / "out.tsv").code == 0
    rows = rows_of(tmp_path / "out.tsv", "\t")
    assert list(rows[0]) == [
        "SMILES", "name", "oxygen", "oxygen_probability", "ring", "ring_benzene", "ring_none", "ring_propane", "size",
    ]  # fmt: skip
    answers = Run.load(of_molecules / "run").predict(["CCO", "OCc1ccccc1"])
    for row, answer in zip(rows, answers, strict=True):
        found = answer["predictions"]
        assert float(row["size"]) == found["size"]["value"]
        assert (row["oxygen"], row["ring"]) == (found["oxygen"]["label"], found["ring"]["label"])
        assert float(row["oxygen_probability"]) == found["oxygen"]["probabilities"]["1"]
        assert [float(row[f"ring_{name}"]) for name in ("benzene", "none", "propane")] == [
            *found["ring"]["probabilities"].values()
        ]
    assert rows[1]["ring"] == "benzene" and float(rows[0]["size"]) < float(rows[1]["size"])


def test_what_cannot_be_read_stays_without_an_answer_and_is_named(cli: Cli, of_molecules: Path, tmp_path: Path) -> None:
    done = cli("predict", of_molecules / "run", of_molecules / "assays.csv", "-o", tmp_path / "out.csv")
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        f"warning: {of_molecules / 'assays.csv'}: 1 of 60 molecules have no answer, since RDKit cannot read their "
        f"SMILES: line 5 ('{BROKEN}')\n"
    )
    rows = rows_of(tmp_path / "out.csv")
    assert len(rows) == 60
    added = list(rows[0])[5:]
    assert added[:2] == ["oxygen_predicted", "oxygen_predicted_probability"] and added[-1] == "size_predicted"
    assert [number for number, row in enumerate(rows) if not any(row[name] for name in added)] == [3]
    assert all(row[name] for number, row in enumerate(rows) for name in added if number != 3)
    given = rows_of(of_molecules / "assays.csv")
    assert [{key: row[key] for key in given[0]} for row in rows] == given


def test_smiles_on_lines(cli: Cli, of_molecules: Path) -> None:
    done = cli("predict", of_molecules / "run", "--task", "size", stdin=f"{BROKEN}\n CCO \n\nxx\nyy\nzz\n".encode())
    assert done.code == 0
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert answers[0] == {"smiles": BROKEN, "predictions": {}}
    assert answers[1]["smiles"] == "CCO" and isinstance(answers[1]["predictions"]["size"]["value"], float)
    assert "standard input: 5 of 6 molecules" in done.err
    assert f"line 1 ('{BROKEN}'), line 3 (''), line 4 ('xx') and 2 more\n" in done.err


def test_many_molecules_are_answered_chunk_by_chunk(cli: Cli, of_molecules: Path, tmp_path: Path) -> None:
    rows = [(BROKEN,)] * 300 + [("C" * (1 + number % 9),) for number in range(300)]
    path = write_csv(tmp_path / "new.csv", rows, "smiles")
    done = cli("predict", of_molecules / "run", path, "-o", tmp_path / "out.csv", "--task", "size")
    assert "300 of 600 molecules" in done.err
    found = rows_of(tmp_path / "out.csv")
    assert [row["smiles"] for row in found] == [row[0] for row in rows]
    assert [bool(row["size"]) for row in found] == [False] * 300 + [True] * 300


def test_a_column_is_taken_from_the_run_or_named(cli: Cli, of_molecules: Path, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "new.csv", [("CCO", "C")], "drug,ligand")
    named = cli("predict", of_molecules / "run", path, "--smiles", "ligand", "--task", "size")
    assert json.loads(named.out)["smiles"] == "C"


def test_nodes_by_name(cli: Cli, of_nodes: Path, tmp_path: Path) -> None:
    done = cli("predict", of_nodes / "run", stdin=b"p3\nnobody\n")
    one, other = (json.loads(line) for line in done.out.splitlines())
    assert (one["node"], set(one["predictions"])) == ("p3", {"side", "group"})
    assert other == {"node": "nobody", "predictions": {}}
    assert "1 of 2 nodes have no answer, since the graph of the run does not have them: line 2 ('nobody')" in done.err
    assert cli("predict", of_nodes / "run", of_nodes / "people.csv", "-o", tmp_path / "out.csv").err == ""
    rows = rows_of(tmp_path / "out.csv")
    assert len(rows) == 40 and rows[3]["side_predicted"] == one["predictions"]["side"]["label"]
