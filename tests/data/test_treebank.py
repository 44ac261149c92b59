"""Parse trees of the Penn Treebank."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from tasktalk.core.errors import DataError
from tasktalk.data.treebank import read_treebank

TREES = """
( (S
    (NP-SBJ-1 (NNP Mr.) (NNP Vinken) )
    (VP (VBZ is)
      (ADJP-PRD (-LRB- -LRB-) (JJ old)
        (S (-NONE- *-1) )))
    (. .) ))
( (X (-NONE- *T*-1)))
(S (UH Yes))
"""


def test_words_and_tags_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.mrg"
    path.write_bytes(b"\xef\xbb\xbf" + TREES.replace("\n", "\r\n").encode())
    first, second = read_treebank(path).sentences
    assert first.words == ["Mr.", "Vinken", "is", "-LRB-", "old", "."]
    assert first.tags == ["NNP", "NNP", "VBZ", "-LRB-", "JJ", "."]
    assert first.lines == [3, 3, 4, 5, 5, 7]
    assert (second.words, second.lines, second.path) == (["Yes"], [9], path)


def test_folders_and_archives(tmp_path: Path) -> None:
    (tmp_path / "wsj" / "01").mkdir(parents=True)
    (tmp_path / "wsj" / "01" / "B.MRG").write_text("(S (UH No))")
    (tmp_path / "wsj" / "00.mrg").write_text(TREES)
    (tmp_path / "wsj" / "README").write_text("((")
    folder = read_treebank(tmp_path / "wsj")
    assert [s.words[0] for s in folder.sentences] == ["Mr.", "Yes", "No"]
    assert list(folder.sources) == ["00.mrg", "01/B.MRG"]
    with ZipFile(tmp_path / "wsj.zip", "w") as archive:
        for name in ("01/B.MRG", "00.mrg", "README"):
            archive.write(tmp_path / "wsj" / name, f"wsj/{name}")
    packed = read_treebank(tmp_path / "wsj.zip")
    assert [s.words for s in packed.sentences] == [s.words for s in folder.sentences]
    assert packed.sentences[2].path == tmp_path / "wsj.zip" / "wsj/01/B.MRG"
    assert list(packed.sources) == ["wsj.zip"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"(S (UH Yes)\n\n", r"a.mrg, line 1: expected 1 more '\)', found the end of the file"),
        (b"(S (UH Yes)))\n", r"a.mrg, line 1: expected a tree that begins with '\(', found '\)'"),
        (b"\nYes\n", r"a.mrg, line 2: expected a tree that begins with '\(', found 'Yes'"),
        (b"(S\n(UH Yes or no))\n", r"a.mrg, line 2: expected a tag and a word, found 'UH Yes or no'"),
        (b"(S\n(UH \xe9))\n", r"a.mrg, line 2: expected text in UTF-8, found byte 0xe9 as byte 5 of the line"),
        (b"", r"a.mrg: expected parse trees in .mrg files, found none"),
    ],
)
def test_what_is_wrong_has_a_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.mrg").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_treebank(tmp_path / "a.mrg")


def test_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no archive")
    with pytest.raises(DataError, match=r"a.zip: cannot be unpacked"):
        read_treebank(tmp_path / "a.zip")
    with pytest.raises(DataError, match=r"b.mrg: cannot be read \(No such file"):
        read_treebank(tmp_path / "b.mrg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: expected parse trees"):
        read_treebank(tmp_path / "empty")


def test_real_data(real_data: Path) -> None:
    sentences = read_treebank(real_data / "treebank-sample" / "treebank.zip").sentences
    assert len(sentences) == 3914
    assert len({s.path for s in sentences}) == 199
    assert sum(len(s.words) for s in sentences) == 94_084
    assert len({tag for s in sentences for tag in s.tags}) == 45
    assert sentences[0].words[:2] == ["Pierre", "Vinken"]
