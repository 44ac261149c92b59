"""Rows of tables, of lines and of standard input, each with its line."""

import io
from pathlib import Path

import pytest

from tasktalk.cli.rows import open_rows
from tasktalk.core.errors import DataError


def read(path: Path, *wanted: str) -> tuple[list[str], list[tuple[int, str, list[str]]]]:
    with open_rows(path, wanted, "smiles") as given:
        return list(given.columns), [(row.line, row.content, list(row.cells)) for row in given.rows]


def write(path: Path, content: str) -> Path:
    path.write_bytes(content.encode())
    return path


def test_lines_of_any_other_file_are_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.smi", "\ufeffCCO\r\n\nC,C\n")
    assert read(path, "smiles") == (["smiles"], [(1, "CCO", ["CCO"]), (2, "", [""]), (3, "C,C", ["C,C"])])


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ","), ("a.TSV", "\t")])
def test_fields_of_a_table_may_span_lines(name: str, separator: str, tmp_path: Path) -> None:
    lines = ["id,SMILES,note", '1,CCO,"two\nlines"', "", "2,C,"]
    path = write(tmp_path / name, "\n".join(line.replace(",", separator) for line in lines))
    columns, rows = read(path, "smiles")
    assert columns == ["id", "SMILES", "note"]
    assert rows == [(2, "CCO", ["1", "CCO", "two\nlines"]), (5, "C", ["2", "C", ""])]


def test_the_first_wanted_column_is_read_and_capitals_decide_only_where_they_must(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Mol,mol,smiles,\na,b,c,d\n")
    for wanted, content in ((["mol", "smiles"], "b"), (["molecule", "smiles"], "c"), (["MOL"], "a"), (["Smiles"], "c")):
        assert read(path, *wanted)[1][0][1] == content
    with pytest.raises(DataError, match="a.csv: expected a column 'molecule', found 'Mol', 'mol', 'smiles', ''; did"):
        read(path, "molecule")


def test_objects_have_the_keys_of_the_first(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"smiles": "C", "n": 1.5, "more": [1]}\n\n{"smiles": "CC", "n": null}\n')
    columns, rows = read(path, "smiles")
    assert columns == ["smiles", "n", "more"]
    assert rows == [(1, "C", ["C", "1.5", "[1]"]), (3, "CC", ["CC", "", ""])]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.smi", "", "a.smi: expected a smiles on each line, found an empty file"),
        ("a.csv", "\n\n", "a.csv: expected a header, found only blank lines"),
        ("a.csv", "smiles,smiles\nC,C\n", "a.csv, line 1: expected different column names, found 'smiles' twice"),
        ("a.csv", "smiles,n\nC,1\nC\n", "a.csv, line 3: expected 2 fields, found 1"),
        ("a.csv", 'smiles,n\nC,"1\n', "a.csv, line 2: the row that begins here cannot be read: "),
        ("a.csv", "smiles;n\nC;1\n", "a.csv: expected columns separated by ',', found ';' between them"),
        ("a.jsonl", "\n", "a.jsonl: expected JSON objects, found only blank lines"),
        ("a.jsonl", '{"smiles": ' + "9" * 5000 + "}", "a.jsonl, line 1: expected a JSON object, found one that"),
        ("a.jsonl", '{"n": "\\ud800"}', "a.jsonl, line 1: expected text, found half of a surrogate pair"),
        ("a.jsonl", '{"Smiles": ["C"]}', "a.jsonl, line 1: expected text or a number in 'Smiles', found ["),
        ("a.jsonl", '{"smiles": "C"}\n["C"]\n', "a.jsonl, line 2: expected a JSON object, found "),
        ("a.jsonl", '{"smiles": "C"}\n{"smiles\n', "a.jsonl, line 2: expected a JSON object, found "),
        (
            "a.jsonl",
            '{"smiles": "C"}\n{"mol": "C"}\n',
            "a.jsonl, line 2: expected the keys of the first row, found also",
        ),
    ],
)
def test_what_cannot_be_read(name: str, content: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(DataError) as error:
        read(path, "smiles")
    assert str(error.value).startswith(f"{tmp_path}/{message}")


def test_rows_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "smiles\nC\nCC,\n")
    with open_rows(path, ["smiles"], "smiles") as given:
        assert next(given.rows).content == "C"
        with pytest.raises(DataError, match="line 3"):
            next(given.rows)


def test_standard_input_is_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"C\nCC")))
    with open_rows(None, ["mol"], "smiles") as given:
        assert (given.where, given.columns) == ("standard input", ["smiles"])
        assert [(row.line, row.content) for row in given.rows] == [(1, "C"), (2, "CC")]
