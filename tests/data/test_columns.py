"""Column files."""

import re
from pathlib import Path

import pytest

from tasktalk.core.errors import DataError
from tasktalk.data.columns import Separator, Tagged, read_columns


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def told(tagged: Tagged) -> list[tuple[str, str, list[int]]]:
    return [(" ".join(s.words), " ".join(s.tags), s.lines) for s in tagged.sentences]


def test_words_and_tags_and_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\n\nWe PRP B-NP\nrun  VBP\tB-VP \n\n\nFast RB B-ADVP")
    tagged = read_columns(path)
    assert told(tagged) == [("We run", "B-NP B-VP", [3, 4]), ("Fast", "B-ADVP", [7])]
    assert tagged.sentences[0].path == path
    assert list(tagged.sources) == ["a.txt"]
    assert told(read_columns(path, tag=1))[0][1] == "PRP VBP"
    assert told(read_columns(path, token=1, tag=0))[1] == ("RB", "Fast", [7])
    assert told(read_columns(path, token=-1, tag=-2))[1] == ("B-ADVP", "RB", [7])
    assert told(read_columns(path, tag=None))[1] == ("Fast", "", [7])


def test_a_file_of_words_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "We\nrun\n\n# a comment\n#fast\n")
    assert told(read_columns(path, tag=None)) == [("We run", "", [1, 2]), ("#fast", "", [5])]


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"\xef\xbb\xbfWe O\r\nrun O\r\n\r\nFast O\r\n")
    assert told(read_columns(path)) == [("We run", "O O", [1, 2]), ("Fast", "O", [4])]


def test_no_break_spaces_and_other_ends_of_lines_stand_inside_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "10\u00a0000 O\n\u0085x O\n")
    assert read_columns(path).sentences[0].words == ["10\u00a0000", "\u0085x"]


@pytest.mark.parametrize(("separator", "word"), [("tab", "New York"), ("space", "New"), ("whitespace", "New")])
def test_separators(tmp_path: Path, separator: Separator, word: str) -> None:
    path = write(tmp_path / "a.txt", "New York\tLOC\n \t\nis O\t\n" if separator != "tab" else "New York\t LOC\n\t\n")
    assert read_columns(path, separator=separator, tag=1).sentences[0].words == [word]


def test_starts_of_documents_are_no_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "-DOCSTART- -X- O\n\nWe PRP O\n-DOCSTART-\nrun VBP O\n\n-DOCSTART- -X- O\n")
    assert told(read_columns(path)) == [("We", "O", [3]), ("run", "O", [5])]


def test_comments_and_words_that_begin_with_a_hash(tmp_path: Path) -> None:
    lines = ["# id = 1", "#", "We\tO", "#NFL\tB-A", "", "#x\tO", "#\tB-A", "", "#only\tO", "", "#bye"]
    path = write(tmp_path / "a.txt", "\n".join(lines))
    assert told(read_columns(path, separator="tab")) == [
        ("We #NFL", "O B-A", [3, 4]),
        ("#x #", "O B-A", [6, 7]),
        ("#only", "O", [9]),
    ]


def test_a_comment_as_wide_as_the_words_needs_another_separator(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "# id 5239\tdomain=en\nWe _ _ O\n")
    assert read_columns(path).sentences[0].words == ["#", "We"]
    assert read_columns(path, separator="space").sentences[0].words == ["We"]


def test_a_file_of_hashes_has_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "#a O\n#b O\n")
    assert told(read_columns(path)) == [("#a #b", "O O", [1, 2])]


def test_lines_of_different_widths_are_read_from_the_left(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "We PRP O\nrun VBP\n\n# NN O O\n# NN\n")
    assert told(read_columns(path, tag=1))[0][1] == "PRP VBP"
    with pytest.raises(DataError, match=r"a.txt, line 2: expected 3 columns as in line 1, found 2 columns$"):
        read_columns(path)


@pytest.mark.parametrize(
    ("content", "choices", "message"),
    [
        ("We O\nrun\n", {"tag": 1}, "line 2: expected a tag in column 1 (the first is 0), found 1 column"),
        ("We O\nrun\n", {}, "line 2: expected 2 columns as in line 1, found 1 column"),
        ("We\nrun\n", {}, "line 1: expected a word and a tag in two columns, found both in column 0 of 1 column"),
        ("We O\n", {"token": 2}, "line 1: expected a word in column 2 (the first is 0), found 2 columns"),
        ("a\tO\n\tO\n", {"separator": "tab"}, "line 2: expected a word in column 0 (the first is 0), found it empty"),
        ("a\tO\nb\t\n", {"separator": "tab"}, "line 2: expected a tag in column -1 (the first is 0), found it empty"),
        ("", {}, "expected rows, found an empty file"),
        ("\n \n\n-DOCSTART- O\n", {}, "expected sentences, a word per line, found none"),
        (b"We O\nrun \xff\n", {}, "line 2: expected text in UTF-8, found byte 0xff as byte 5 of the line"),
        ("We O\nrun O\n#x\n", {}, "line 3: expected 2 columns as in line 1, found 1 column"),
    ],
)
def test_what_is_wrong_has_a_line(
    tmp_path: Path, content: str | bytes, choices: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=rf"a\.txt.*{re.escape(message)}"):
        read_columns(write(tmp_path / "a.txt", content), **choices)  # type: ignore[arg-type]


@pytest.mark.slow
def test_real_data(real_data: Path) -> None:
    for name, sentences, words in (("train", 8936, 211_727), ("test", 2012, 47_377)):
        tagged = read_columns(real_data / "conll2000" / f"{name}.txt")
        assert (len(tagged.sentences), sum(len(s.words) for s in tagged.sentences)) == (sentences, words)
    tweets = read_columns(real_data / "wnut17" / "emerging.dev.conll", separator="tab").sentences
    assert (len(tweets), sum(len(s.words) for s in tweets)) == (1009, 15_733)
    assert sum(word.startswith("#") for s in tweets for word in s.words) > 20
