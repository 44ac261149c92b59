"""Spellings: capitals, alphabets and their files, tables and batches."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tasktalk.core.batch import Spelling
from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.data.spellings import CAPITALS, UNKNOWN, Alphabet, SpellingTable, capitals_of
from tasktalk.encoders.spelling import SpellingEncoder

SENTENCES = [["The", "cat", "sat"], ["the", "Vatican's", "cat"], [], ["cat"]]
ODD = '\n\r\x00\x0c\x1c\x85\u2028\u2029\ufeff\ud83d\ude00\udcff😀é"\\ \t'


def spell(spelling: Spelling, alphabet: Alphabet) -> list[list[list[str]]]:
    """The words of a batch, read back from its indices."""
    letters = ["", "?", *alphabet.characters]
    words = ["".join(letters[i] for i in row) for row in spelling.letters.tolist()]
    return [[[words[i] for i in row] for row in group] for group in spelling.of_word.tolist()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["house", "don't", "well-known", "中文", "ª"], 1),
        (["House", "I", "Don't", "(Well", "Ǆ", "Élan", "ǅ"], 2),
        (["NATO", "U.S.", "AT&T", "ÉÉ"], 3),
        (["iPhone", "McDonald", "PhDs"], 4),
        (["1990", "1,000.5", "-5", "½", "$3"], 5),
        (["B-52", "1st", "mp3", "X1"], 6),
        (["...", "'", "%", "😀", "\ud800", " "], 7),
    ],
)
def test_capitals(words: list[str], expected: int) -> None:
    assert [capitals_of(word) for word in words] == [expected] * len(words)


@given(st.text(st.characters()))
def test_every_word_has_an_index_of_capitals(word: str) -> None:
    assert 1 <= capitals_of(word) < CAPITALS


def test_alphabet_in_the_order_of_code_points() -> None:
    alphabet = Alphabet.build(["cab", "Bad", "é"])
    assert alphabet.characters == ("B", "a", "b", "c", "d", "é")
    assert len(alphabet) == 8
    assert len(Alphabet(())) == 2


def test_encode() -> None:
    encoded = Alphabet.build(["abc"]).encode("cxa")
    assert encoded.tolist() == [4, UNKNOWN, 2]
    assert np.issubdtype(encoded.dtype, np.integer)
    assert Alphabet.build(["abc"]).encode("").tolist() == []


@pytest.mark.parametrize(
    ("longest", "expected"), [(10, "abcdefgh"), (8, "abcdefgh"), (7, "abcdfgh"), (4, "abgh"), (2, "ah"), (1, "a")]
)
def test_of_a_long_word_the_middle_is_left_out(longest: int, expected: str) -> None:
    alphabet = Alphabet.build(["abcdefgh"])
    assert alphabet.encode("abcdefgh", longest).tolist() == alphabet.encode(expected).tolist()


@given(st.lists(st.text(st.characters(), max_size=30)))
def test_every_training_character_has_its_own_index(words: list[str]) -> None:
    alphabet = Alphabet.build(words)
    assert alphabet.encode("".join(alphabet.characters), 10**6).tolist() == list(range(2, len(alphabet)))
    assert all(UNKNOWN not in alphabet.encode(word) and len(alphabet.encode(word)) == len(word) for word in words)


@pytest.mark.parametrize("words", [[], ["cab"], [ODD]])
def test_round_trip(tmp_path: Path, words: list[str]) -> None:
    path = tmp_path / "alphabet.json"
    alphabet = Alphabet.build(words)
    alphabet.save(path)
    assert Alphabet.load(path) == alphabet
    content = path.read_bytes()
    assert content.isascii()
    assert content.count(b"\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'["a", "b", "a"]', r"alphabet\.json: expected every character once, found 'a' again"),
        (b'["a", "bc"]', r"alphabet\.json: expected single characters, found 'bc'"),
        (b'["a", ""]', r"alphabet\.json: expected single characters, found ''"),
        (b'["a", 3]', r"alphabet\.json: expected single characters, found 3"),
        (b'{"a": 3}', r"alphabet\.json: expected a list of characters, found dict"),
        (b'["a", ', r"alphabet\.json: expected JSON in ASCII \(Expecting value: line 1 column 7"),
        (b"", r"alphabet\.json: expected JSON in ASCII \(Expecting value: line 1 column 1"),
        (b'["\xff"]', r"alphabet\.json: expected JSON in ASCII \('ascii' codec can't decode byte 0xff"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "alphabet.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        Alphabet.load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"alphabet\.json: cannot be read \(No such file"):
        Alphabet.load(tmp_path / "alphabet.json")


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"alphabet\.json: cannot be written \(No such file"):
        Alphabet(()).save(tmp_path / "missing" / "alphabet.json")


def test_longest_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="longest must be at least 1, found 0"):
        SpellingTable.of(SENTENCES, Alphabet(()), longest=0)


def test_every_different_word_is_spelled_once() -> None:
    alphabet = Alphabet.build(["TVcathesin'"])
    table = SpellingTable.of(SENTENCES, alphabet)
    assert table.letters.shape == (6, len("Vatican's"))
    assert table.lengths.tolist() == [0, 3, 3, 3, 3, 9]
    assert table.capitals.tolist() == [0, 2, 1, 1, 1, 2]
    assert [rows.tolist() for rows in table.sentences] == [[1, 2, 3], [4, 5, 2], [0], [2]]


def test_a_batch_holds_its_words_in_their_places() -> None:
    alphabet = Alphabet.build(["TVcathesin'"])
    table = SpellingTable.of(SENTENCES, alphabet)
    batch = table.collate((np.array([3, 0]), np.array([2])))
    assert spell(batch, alphabet) == [[["cat", "", ""], ["The", "cat", "sat"]], [["", "", ""], ["", "", ""]]]
    assert batch.letters.shape == (4, 3), "padding and three spellings, as wide as the longest of them"
    assert batch.capitals.tolist() == [0, 2, 1, 1]
    assert batch.letters.dtype == batch.capitals.dtype == batch.of_word.dtype == torch.int64
    assert (batch.letters[0] == 0).all()


def test_row_0_is_padding_also_where_nothing_is_padded() -> None:
    alphabet = Alphabet.build(["cat"])
    batch = SpellingTable.of(SENTENCES, alphabet).collate((np.array([3]),))
    assert batch.of_word.tolist() == [[[1]]]
    assert batch.letters.tolist() == [[0, 0, 0], alphabet.encode("cat").tolist()]
    assert batch.capitals.tolist() == [0, 1]


def test_a_batch_without_any_word() -> None:
    batch = SpellingTable.of(SENTENCES, Alphabet(())).collate((np.array([2]),))
    assert (batch.letters.shape, batch.of_word.tolist()) == ((1, 1), [[[0]]])


@given(st.lists(st.lists(st.text(st.characters(), min_size=1, max_size=12)), min_size=1, max_size=6), st.integers(1, 9))
def test_any_words_can_be_read_back(sentences: list[list[str]], longest: int) -> None:
    alphabet = Alphabet.build(word for sentence in sentences for word in sentence)
    batch = SpellingTable.of(sentences, alphabet, longest).collate((np.arange(len(sentences)),))
    (found,) = spell(batch, alphabet)
    cut = [
        [w if len(w) <= longest else w[: -(-longest // 2)] + w[len(w) - longest // 2 :] for w in s] for s in sentences
    ]
    assert [row[: len(words)] for row, words in zip(found, cut, strict=True)] == cut
    assert all(word == "" for row, words in zip(found, cut, strict=True) for word in row[len(words) :])
    assert len(batch.letters) == 1 + len({word for sentence in sentences for word in sentence})


def test_the_encoder_knows_every_use_of_capitals() -> None:
    encoder = SpellingEncoder(letters=2, characters="none")
    assert encoder.capitals is not None
    assert encoder.capitals.num_embeddings == CAPITALS


def test_real_sentences(real_data: Path) -> None:
    lines = (real_data / "wnut17" / "wnut17train.conll").read_text(encoding="utf-8").split("\n")
    blank = [-1, *(i for i, line in enumerate(lines) if not line.strip())]
    sentences = [[line.split("\t")[0] for line in lines[a + 1 : b]] for a, b in pairwise(blank)]
    alphabet = Alphabet.build(word for sentence in sentences for word in sentence)
    table = SpellingTable.of(sentences, alphabet)
    assert table.letters.shape[1] == 40
    batch = table.collate((np.arange(32),))
    found = spell(batch, alphabet)[0]
    assert all(
        w == f for s, row in zip(sentences, found, strict=False) for w, f in zip(s, row, strict=False) if len(w) <= 40
    )
    assert set(table.capitals.tolist()) == set(range(CAPITALS))
