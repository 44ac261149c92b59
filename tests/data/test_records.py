"""Records of CSV, TSV and JSONL files."""

import csv
import gzip
import re
from pathlib import Path

import pytest

from tasktalk.core.errors import DataError
from tasktalk.data.records import long_fields, read_records


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_bytes(content.encode())
    return path


def refused(path: Path, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(f"{path}{message}")):
        read_records(path)


def test_csv_with_quotes_line_ends_and_blank_lines(tmp_path: Path) -> None:
    content = '\ufefftext,label\r\n"a, ""b""\r\nc",1\r\n\r\n,0\r\nd\u0085e\u2028f,1\r\n'
    records = read_records(write(tmp_path, "a.csv", content))
    assert records.columns == ("text", "label")
    assert [(row.line, dict(row.values)) for row in records.rows] == [
        (2, {"text": 'a, "b"\nc', "label": "1"}),
        (5, {"text": "", "label": "0"}),
        (6, {"text": "d\u0085e\u2028f", "label": "1"}),
    ]


def test_tsv(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, "a.TSV", 'label\ttext\n1\ta, b\n0\t"c\td"\n'))
    assert [row.values["text"] for row in records.rows] == ["a, b", "c\td"]


def test_jsonl_converts_only_what_is_asked_for(tmp_path: Path) -> None:
    lines = ['{"text": "a", "n": 1, "x": [1]}', "", '{"text": "", "n": null, "f": 1.0, "b": true, "nan": NaN}']
    records = read_records(write(tmp_path, "a.jsonl", "\n".join(lines)))
    assert records.columns == ("text", "n", "x", "f", "b", "nan")
    first, second = records.rows
    assert (first.line, second.line) == (1, 3)
    assert [records.string(first, column) for column in ("text", "n", "f")] == ["a", "1", None]
    found = [records.string(second, column) for column in ("text", "n", "f", "b", "nan")]
    assert found == ["", None, "1.0", "true", None]
    with pytest.raises(DataError, match=r"a.jsonl, line 1: expected text or a number in 'x', found \[1\]"):
        records.string(first, "x")


def test_json_escape_that_no_file_could_hold(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, "a.jsonl", r'{"text": "\ud83d\ude00"}' + "\n" + r'{"text": "\ud83d"}'))
    assert records.text(records.rows[0], "text") == "\U0001f600"
    with pytest.raises(DataError, match=r"a.jsonl, line 2: expected text in 'text', found half of a surrogate pair"):
        records.text(records.rows[1], "text")


def test_text_must_be_there_but_may_be_empty(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, "a.jsonl", '{"text": ""}\n{"text": null}\n{"other": "a"}'))
    assert records.text(records.rows[0], "text") == ""
    for row in records.rows[1:]:
        with pytest.raises(DataError, match=f"a.jsonl, line {row.line}: expected text in 'text', found none"):
            records.text(row, "text")


def test_wrong_column_names_those_that_are_there(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, "a.csv", "txt,label\na,1\n"))
    records.require("txt")
    expected = "a.csv: expected a column 'text', found 'txt', 'label'; did you mean 'txt'?"
    with pytest.raises(DataError, match=re.escape(expected)):
        records.require("text")


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    refused(write(tmp_path, "a.xlsx", "text,label\n"), ": expected a file that ends in .csv, .tsv, .jsonl")
    refused(write(tmp_path, "a.csv", ""), ": expected rows, found an empty file")
    refused(write(tmp_path, "a.csv", "\n\n"), ": expected a header, found only blank lines")
    refused(write(tmp_path, "a.csv", "text,label\n"), ": expected rows, found none")
    refused(write(tmp_path, "a.jsonl", "\n"), ": expected rows, found none")
    refused(write(tmp_path, "a.csv", "\ntext,b,text\n1,2,3\n"), ", line 2: expected different column names")


def test_malformed_rows(tmp_path: Path) -> None:
    refused(write(tmp_path, "a.csv", 'text,label\n"a\nb",1\nc\n'), ", line 4: expected 2 fields, found 1")
    refused(write(tmp_path, "a.csv", "text,label\na,b,1\n"), ", line 2: expected 2 fields, found 3")
    unclosed = ", line 3: the row that begins here cannot be read as CSV: unexpected end of data"
    refused(write(tmp_path, "a.csv", 'text,label\na,1\n"b,1\nc,1\n'), unclosed)
    broken = ", line 2: expected a JSON object, found \"Expecting ',' delimiter\" at column 11"
    refused(write(tmp_path, "a.jsonl", '{"text": "a"}\n{"text":1 "a"}\n'), broken)
    refused(write(tmp_path, "a.jsonl", '["a"]\n'), ", line 1: expected a JSON object, found '[\"a\"]'")


def test_json_that_python_cannot_hold(tmp_path: Path) -> None:
    for value in ("9" * 5000, "[" * 100_000):
        expected = ", line 1: expected a JSON object, found one that cannot be read ("
        refused(write(tmp_path, "a.jsonl", f'{{"text": {value}'), expected)


def test_white_space_around_names_of_columns_is_dropped(tmp_path: Path) -> None:
    assert read_records(write(tmp_path, "a.csv", " text , label\na,1\n")).columns == ("text", "label")
    twice = ", line 1: expected different column names, found 'label' twice"
    refused(write(tmp_path, "a.csv", "label, label\na,1\n"), twice)


@pytest.mark.parametrize(("name", "found"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", ",")])
def test_other_separators_are_named(name: str, found: str, tmp_path: Path) -> None:
    expected = "','" if name == "a.csv" else repr("\t")
    message = f"{name}: expected columns separated by {expected}, found {found!r} between them"
    with pytest.raises(DataError, match=re.escape(message)):
        read_records(write(tmp_path, name, f"text{found}label\na{found}1\n")).require("text")


def test_fields_may_be_as_long_as_books(tmp_path: Path) -> None:
    book = "word " * 50_000
    limit = csv.field_size_limit()
    assert read_records(write(tmp_path, "a.csv", f"text,label\n{book},1\n")).rows[0].values["text"] == book
    with pytest.raises(ZeroDivisionError), long_fields():
        raise ZeroDivisionError
    assert csv.field_size_limit() == limit


def test_undecodable_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,label\na,1\ncaf\xe9,0\n")
    refused(path, ", line 3: expected text in UTF-8, found byte 0xe9 as byte 4 of the line")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_packed_tables(tmp_path: Path, name: str) -> None:
    content = {"a.csv": "text,n\na,1\n", "a.tsv": "text\tn\na\t1\n", "a.jsonl": '{"text": "a", "n": "1"}\n'}[name]
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(content.encode()))
    assert [dict(row.values) for row in read_records(path).rows] == [{"text": "a", "n": "1"}]


def test_errors_in_packed_tables(tmp_path: Path) -> None:
    refused(write(tmp_path, "a.txt.gz", ""), ": expected a file that ends in .csv, .tsv, .jsonl")
    refused(write(tmp_path, "a.gz", ""), ": expected a file that ends in .csv, .tsv, .jsonl")
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b'a\n"b\n'))
    refused(path, ", line 2: the row that begins here cannot be read as CSV")


def test_labels_are_without_white_space_and_without_the_fraction_of_whole_numbers(tmp_path: Path) -> None:
    lines = (
        '{"a": " 1.0 "}\n{"a": 1.0}\n{"a": -2.00}\n{"a": "1.50"}\n{"a": "4.07"}\n{"a": null}\n{"a": ""}\n{"a": true}'
    )
    records = read_records(write(tmp_path, "a.jsonl", lines))
    assert [records.label(row, "a") for row in records.rows] == ["1", "1", "-2", "1.50", "4.07", "", "", "true"]
