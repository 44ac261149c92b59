"""Corpora of tagged sentences: how they are asked for, and their splits."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.data.corpora import KEYS, KNOWN, Corpus, Spec, format_of, is_corpus, layouts, load_corpus, parse_corpus
from tasktalk.data.request import Request

CONLLU = "1\tWe\twe\tPRON\tPRP\t_\t0\troot\t_\t_\n\n"


def column_file(path: Path, sentences: int, tag: str = "NN", first: int = 0) -> Path:
    """Sentences of two words, no two alike."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"a{n} DT O\nb {tag} B-X\n\n" for n in range(first, first + sentences)))
    return path


def in_folder(folder: Path) -> Callable[[str], Path]:
    return lambda name: folder / name


def load(text: str, request: Request | None = None, folder: Path = Path()) -> Corpus:
    return load_corpus(parse_corpus(text), request or Request(), in_folder(folder))


def sizes(corpus: Corpus) -> dict[str, int]:
    return {split: len(part) for split, part in corpus.splits.items()}


def test_what_is_asked_for() -> None:
    assert parse_corpus("conll2000") == Spec("conll2000")
    assert parse_corpus("pos=a/b.txt:column=1:token=-3") == Spec("a/b.txt", "pos", column=1, token=-3)
    assert parse_corpus("a.conllu:column=upos") == Spec("a.conllu", column="upos")
    whole = "x=a.txt:column=1:dev=b:test=c:token=2:separator=tab:format=columns:limit=10"
    assert parse_corpus(whole) == Spec("a.txt", "x", 1, "b", "c", 2, "tab", "columns", 10)
    assert parse_corpus("x=C:/a:b.txt:dev=D:/c=d.txt") == Spec("C:/a:b.txt", "x", dev="D:/c=d.txt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.txt:colum=1", "'a.txt:colum=1': no key 'colum': did you mean 'column'?"),
        ("a.txt:column=1:column=2", "the key 'column' stands twice"),
        ("a.txt:column=", "expected a value after 'column', found none"),
        ("pos=", "expected a value after 'source', found none"),
        ("a.txt:token=word", "expected a whole number after 'token', found 'word'"),
        ("a.txt:separator=tabs", "no separator 'tabs': did you mean 'tab'"),
        ("a.txt:format=conll", "no format 'conll': did you mean 'conllu'"),
        ("a.txt:limit=0", "expected a limit of 1 or more sentences, found 0"),
    ],
)
def test_keys_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_corpus(text)


def test_which_sources_are_corpora() -> None:
    for text in (*KNOWN, "ner=wnut17", "a.conllu", "x=a/b.CONLL", "a.mrg", "a.zip", "wnut17:colum=1"):
        assert is_corpus(text), text
    for text in (f"a.txt:{key}=1" for key in KEYS):
        assert is_corpus(text), text
    for text in ("fdu-mtl", "a.csv", "books=a.csv", "molecules:3", "a.txt", "folder", "conll200", "a:b=1"):
        assert not is_corpus(text), text


def test_the_ending_tells_the_format(tmp_path: Path) -> None:
    endings = {"a.CoNLLU": "conllu", "a.mrg": "treebank", "a.zip": "treebank", "a.conll": "columns", "train": "columns"}
    assert {name: format_of(Path(name)) for name in endings} == endings
    assert format_of(tmp_path) == "treebank"


def test_one_file_is_split_by_its_words_alone(tmp_path: Path) -> None:
    path = column_file(tmp_path / "a.txt", 100)
    chunks, pos = load(f"{path}"), load(f"pos={path}:column=1")
    assert (chunks.name, pos.name) == ("a", "pos")
    assert sizes(chunks) == {"train": 70, "dev": 10, "test": 20}
    for split, part in chunks.splits.items():
        assert [s.words for s in part] == [s.words for s in pos.splits[split]]
        assert {tag for s in part for tag in s.tags} == {"O", "B-X"}
    assert {tag for s in pos.splits["dev"] for tag in s.tags} == {"DT", "NN"}
    assert load(f"{path}", Request(seed=1)).splits["dev"] != chunks.splits["dev"]
    assert sizes(load(f"{path}", Request(dev=0.0, test=0.5))) == {"train": 50, "test": 50}
    limited = load(f"{path}:limit=7")
    assert sizes(limited) == {"train": 7, "dev": 10, "test": 20}
    assert limited.splits["train"] == chunks.splits["train"][:7]


def test_a_sentence_that_stands_twice_is_not_torn_apart(tmp_path: Path) -> None:
    path = column_file(tmp_path / "a.txt", 30)
    path.write_text(path.read_text() * 3)
    parts = [{tuple(s.words) for s in part} for part in load(f"{path}").splits.values()]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 30


def test_parts_that_are_given_are_kept(tmp_path: Path) -> None:
    train, dev, test = (column_file(tmp_path / f"{n}.txt", size, first=100 * n) for n, size in enumerate((40, 3, 5)))
    assert sizes(load(f"{train}:dev={dev}:test={test}")) == {"train": 40, "dev": 3, "test": 5}
    assert sizes(load(f"{train}:test={test}")) == {"train": 36, "dev": 4, "test": 5}
    assert sizes(load(f"{train}:dev={dev}")) == {"train": 40, "dev": 3}
    assert list(load(f"{train}:dev={dev}").sources) == ["0.txt", "1.txt"]


def test_columns_and_separators_reach_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1\tNew York\tB-LOC\tx\n" * 2)
    found = load(f"{path}:token=1:column=-2:separator=tab", Request(dev=0.0, test=0.0)).splits["train"]
    assert (found[0].words, found[0].tags) == (["New York"] * 2, ["B-LOC"] * 2)


def test_where_columns_stand_by_task(tmp_path: Path) -> None:
    texts = ["ner=a.txt:token=1:separator=tab", "b.txt:column=1", "conll2000:column=pos", "n=wnut17:limit=3"]
    assert layouts([*texts, "ud-ewt", "c.conllu", "d.mrg", f"trees={tmp_path}", "treebank-sample"]) == {
        "ner": (1, "tab"),
        "b": (0, "whitespace"),
        "conll2000-pos": (0, "whitespace"),
        "n": (0, "tab"),
    }


def test_conllu_and_trees(tmp_path: Path) -> None:
    alone = Request(dev=0.0, test=0.0)
    (tmp_path / "a.conllu").write_text(CONLLU)
    (tmp_path / "b.txt").write_text(CONLLU)
    (tmp_path / "c.mrg").write_text("(S (UH Yes))")

    def tag(text: str) -> str:
        return load(f"{tmp_path}/{text}", alone).splits["train"][0].tags[0]

    assert [tag("a.conllu"), tag("a.conllu:column=upos"), tag("a.conllu:column=3")] == ["PRP", "PRON", "PRON"]
    assert tag("b.txt:format=conllu") == "PRP"
    assert tag("c.mrg") == tag(":format=treebank") == "UH"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.conllu:column=xops", "no column 'xops': did you mean 'xpos'"),
        ("a.conllu:column=12", "no column '12': choose from deprel"),
        ("a.conllu:token=1", "the key 'token' is for other formats than 'conllu'; leave it out"),
        ("c.mrg:column=1", "the key 'column' is for other formats than 'treebank'"),
        ("a.txt:column=pos", "expected the number of a column, found 'pos'"),
        ("conll2000:test=a.txt", "conll2000: the key 'test' is for files of your own; leave it out"),
        ("conll2000:column=3", "conll2000: no column 3: choose from chunk (2), pos (1)"),
        ("conll200:column=1", "no corpus or file 'conll200': did you mean 'conll2000'"),
        ("treebank-sample:column=upos", "treebank-sample: no column 'upos': choose from pos (1)"),
    ],
)
def test_keys_that_do_not_suit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.conllu", "a.txt", "c.mrg"):
        Path(name).touch()
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(text)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.conll: no such file"):
        load(f"{tmp_path}/a.conll")
    with pytest.raises(DataError, match=r"b\.txt: no such file"):
        load(f"{column_file(tmp_path / 'a.txt', 10)}:dev={tmp_path}/b.txt")


def test_corpora_of_the_catalogue(tmp_path: Path) -> None:
    column_file(tmp_path / "conll2000" / "train.txt", 10)
    column_file(tmp_path / "conll2000" / "test.txt", 3)
    chunks, pos, named = (load(text, folder=tmp_path) for text in ("conll2000", "conll2000:column=1", "x=conll2000"))
    assert (chunks.name, pos.name, named.name) == ("conll2000", "conll2000-pos", "x")
    assert sizes(chunks) == {"train": 9, "dev": 1, "test": 3}
    assert chunks.splits["dev"][0].lines[0] > chunks.splits["train"][-1].lines[-1]  # the last of the training part
    assert sizes(load("conll2000", Request(dev=0.0), tmp_path)) == {"train": 10, "test": 3}
    assert load("conll2000:column=pos", folder=tmp_path) == pos
    assert load("conll2000:column=chunk:limit=4", folder=tmp_path).name == "conll2000"
    (tmp_path / "ud-ewt").mkdir()
    (tmp_path / "wikiann-en").mkdir()
    for split in ("train", "dev", "test"):
        (tmp_path / "ud-ewt" / f"en_ewt-ud-{split}.conllu").write_text(CONLLU)
        (tmp_path / "wikiann-en" / split).write_text("en:a\tO\nen:en:\tO\n")
    upos = load("ud-ewt:column=upos", folder=tmp_path)
    assert (upos.name, upos.splits["dev"][0].tags) == ("ud-ewt-upos", ["PRON"])
    assert load("ud-ewt", folder=tmp_path).splits["dev"][0].tags == ["PRP"]
    assert load("wikiann-en", folder=tmp_path).splits["test"][0].words == ["a", "en:"]
