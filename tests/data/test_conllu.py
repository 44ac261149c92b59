"""CoNLL-U."""

from pathlib import Path

import pytest

from tasktalk.core.errors import DataError
from tasktalk.data.conllu import read_conllu

TEXT = """# sent_id = 1
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\t_\t0\troot\t_\t_
2\tn't\tnot\tPART\tRB\t_\t1\tadvmod\t_\t_
2.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t_\t_

# sent_id = 2
1\t#\t#\tSYM\tNN\t_\t0\troot\t_\t_
"""


def word(**cells: str) -> str:
    usual = {"id": "1", "form": "a", "upos": "X", "xpos": "FW"}
    names = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
    return "\t".join({**usual, **cells}.get(name, "_") for name in names) + "\n"


def test_words_and_tags_and_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.conllu"
    path.write_bytes(TEXT.replace("\n", "\r\n").encode("utf-8-sig"))
    first, second = read_conllu(path).sentences
    assert (first.words, first.tags, first.lines) == (["Do", "n't"], ["VB", "RB"], [3, 4])
    assert (second.words, second.tags, second.lines, second.path) == (["#"], ["NN"], [8], path)
    assert [s.tags for s in read_conllu(path, "upos").sentences] == [["AUX", "PART"], ["SYM"]]
    path.write_text(TEXT.rstrip("\n"))
    assert len(read_conllu(path).sentences) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (word() + "2 b c\n", "line 2: expected 10 columns between tabs, found 1"),
        (word(xpos="_"), "line 1: expected a tag in column 'xpos', found none; perhaps column=upos has tags"),
        (word() + word(id="b"), "line 2: expected a number and a word, found 'b' and 'a'"),
        (word(form=""), "line 1: expected a number and a word, found '1' and ''"),
        (word(id="1-2"), "expected sentences in CoNLL-U, found none"),
        ("", "expected rows, found an empty file"),
    ],
)
def test_what_is_wrong_has_a_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.conllu"
    path.write_text(content)
    with pytest.raises(DataError, match=rf"a\.conllu.*{message}"):
        read_conllu(path)


@pytest.mark.slow
def test_real_data(real_data: Path) -> None:
    counts = []
    for split in ("train", "dev", "test"):
        sentences = read_conllu(real_data / "ud-ewt" / f"en_ewt-ud-{split}.conllu").sentences
        counts.append((len(sentences), sum(len(s.words) for s in sentences)))
    assert counts == [(12_544, 204_577), (2001, 25_147), (2077, 25_094)]
