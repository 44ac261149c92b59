"""Vocabulary: order, indices, files."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.data.vocabulary import PADDING, UNKNOWN, Vocabulary

TEXTS = [["b", "a", "c", "a"], ["b", "a", "d"], []]
ODD_WORDS = ["a\x85b", "c\rd", "\x0c", "e\u2028f", "g\u00a0", "\ufeff", "naïve"]


def test_frequent_words_first_and_ties_in_alphabetical_order() -> None:
    assert Vocabulary.build(TEXTS).words == ("a", "b", "c", "d")


def test_rare_words_are_dropped() -> None:
    assert Vocabulary.build(TEXTS, min_count=2).words == ("a", "b")


def test_max_size_keeps_the_most_frequent() -> None:
    assert Vocabulary.build(TEXTS, max_size=3).words == ("a", "b", "c")


def test_extra_words_come_last_once_and_beyond_every_limit() -> None:
    vocabulary = Vocabulary.build(TEXTS, min_count=2, max_size=1, extra=["z", "a", "d", "z"])
    assert vocabulary.words == ("a", "d", "z")


def test_length_counts_padding_and_unknown() -> None:
    vocabulary = Vocabulary.build(TEXTS)
    assert len(vocabulary) == 6
    assert len(Vocabulary(())) == 2


def test_encode() -> None:
    vocabulary = Vocabulary.build(TEXTS)
    encoded = vocabulary.encode(["a", "never seen", "d"])
    assert encoded.dtype == np.int64
    assert encoded.tolist() == [2, UNKNOWN, 5]


def test_encode_cuts_long_texts() -> None:
    assert Vocabulary.build(TEXTS).encode(["a", "b", "c"], max_words=2).tolist() == [2, 3]


def test_an_empty_text_is_one_unknown_word() -> None:
    assert Vocabulary.build(TEXTS).encode([]).tolist() == [UNKNOWN]


@given(st.lists(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1))))
def test_every_training_word_has_its_own_index(texts: list[list[str]]) -> None:
    vocabulary = Vocabulary.build(texts)
    indices = [vocabulary.encode([word]).item() for word in vocabulary.words]
    assert indices == list(range(2, len(vocabulary)))
    assert set(vocabulary.words) == {word for text in texts for word in text}
    assert all(
        PADDING not in vocabulary.encode(text) and UNKNOWN not in vocabulary.encode(text) for text in texts if text
    )


@pytest.mark.parametrize("words", [[], ODD_WORDS, ["a", "b"]])
def test_round_trip(tmp_path: Path, words: list[str]) -> None:
    path = tmp_path / "vocabulary.txt"
    vocabulary = Vocabulary(tuple(words))
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    assert path.read_bytes().count(b"\n") == len(words)


def test_limits_below_one_are_refused() -> None:
    with pytest.raises(ConfigError, match="min_count must be at least 1, found 0"):
        Vocabulary.build(TEXTS, min_count=0)
    with pytest.raises(ConfigError, match="max_size must be at least 1, found 0"):
        Vocabulary.build(TEXTS, max_size=0)


def test_max_words_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="max_words must be at least 1, found 0"):
        Vocabulary.build(TEXTS).encode(["a"], max_words=0)


@pytest.mark.parametrize("word", ["", "a\nb"])
def test_words_that_do_not_fit_a_line_are_refused(word: str) -> None:
    with pytest.raises(DataError, match="expected one word a line, found"):
        Vocabulary.build([[word]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\na\n", r"vocabulary\.txt, line 3: expected every word once, found 'a' again"),
        (b"a\n\nb\n", r"vocabulary\.txt, line 2: expected one word a line, found an empty one"),
        (b"a\n\xff\n", r"vocabulary\.txt: expected UTF-8, found b'\\xff'"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        Vocabulary.load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"vocabulary\.txt: cannot be read \(No such file"):
        Vocabulary.load(tmp_path / "vocabulary.txt")
