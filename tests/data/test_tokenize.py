"""Tokenisers, and what is kept of them."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasktalk.core.errors import ConfigError
from tasktalk.data import remember
from tasktalk.data import tokenize as module
from tasktalk.data.tokenize import TOKENIZERS, tokenize_all, tokenizer

TEXTS = ["It's GOOD, isn’t it?", "", " \u2028\n", "C[nH]1cc%12Cl good \ud800 1,000.5 naïve_words", "It's GOOD"]


def test_whitespace_changes_nothing_but_white_space() -> None:
    assert tokenizer("whitespace")("  A `` b's\t3.5 ! ") == ["A", "``", "b's", "3.5", "!"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's GOOD, isn't it?", ["it", "'s", "good", ",", "is", "n't", "it", "?"]),
        ("I can’t at 5 o'clock!!", ["i", "ca", "n't", "at", "5", "o'clock", "!", "!"]),
        ("1,000.5 2nd naïve_words (A-b)", ["1,000.5", "2nd", "naïve_words", "(", "a", "-", "b", ")"]),
        ("they'll 'quote' you've", ["they", "'ll", "'", "quote", "'", "you", "'ve"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert tokenizer("words")(text) == words


def test_characters_keep_spaces() -> None:
    assert tokenizer("characters")("a b\n") == ["a", " ", "b", " "]


@pytest.mark.parametrize(
    ("text", "atoms"),
    [
        ("CC(=O)Oc1ccccc1", list("CC(=O)Oc1ccccc1")),
        ("ClCBr", ["Cl", "C", "Br"]),
        ("[nH]1cc%12[13C@@H]", ["[nH]", "1", "c", "c", "%12", "[13C@@H]"]),
        ("C%(100)F/C=C\\I.[Na+]", ["C", "%(100)", "F", "/", "C", "=", "C", "\\", "I", ".", "[Na+]"]),
        ("[broken Cl", ["[", "b", "r", "o", "k", "e", "n", "Cl"]),
        ("[a\nb]C", ["[", "a", "b", "]", "C"]),
    ],
)
def test_smiles(text: str, atoms: list[str]) -> None:
    assert tokenizer("smiles")(text) == atoms


@given(st.text())
def test_only_white_space_is_lost(text: str) -> None:
    kept = "".join(text.split())
    assert "".join(tokenizer("whitespace")(text)) == kept
    assert "".join(tokenizer("smiles")(text)) == kept
    lowered = "".join(text.lower().replace("’", "'").split())
    assert "".join(tokenizer("words")(text)) == lowered
    assert len(tokenizer("characters")(text)) == len(text)
    assert "".join("".join(tokenizer("characters")(text)).split()) == kept


@given(st.text(alphabet="a[]\n\r\u0085 '"), st.sampled_from(sorted(TOKENIZERS)))
def test_no_word_is_empty_or_holds_the_end_of_a_line(text: str, name: str) -> None:
    assert all(word and "\n" not in word for word in tokenizer(name)(text))


def test_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(ConfigError, match=re.escape("unknown tokeniser 'smile': did you mean 'smiles'?")):
        tokenizer("smile")
    assert set(TOKENIZERS) == {"whitespace", "words", "characters", "smiles"}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path))
    monkeypatch.setattr(remember, "_here", {})
    monkeypatch.setattr(module, "_WORTH", 1)
    return tmp_path / remember.FOLDER


@pytest.mark.parametrize("name", TOKENIZERS)
def test_texts_are_cut_once(name: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [TOKENIZERS[name](text) for text in TEXTS]
    assert tokenize_all(TEXTS, name) == expected

    def never(text: str) -> list[str]:
        raise AssertionError(text)

    monkeypatch.setitem(TOKENIZERS, name, never)
    assert tokenize_all(TEXTS, name) == expected
    assert len(list(cache.iterdir())) == 1
    with pytest.raises(AssertionError, match="GOOD"):
        tokenize_all([*TEXTS, "other"], name)


def test_texts_of_other_tokenisers_are_kept_apart(cache: Path) -> None:
    assert len({str(tokenize_all(TEXTS, name)) for name in TOKENIZERS}) == len(TOKENIZERS)
    assert len(list(cache.iterdir())) == len(TOKENIZERS)


def test_equal_words_are_one_object(cache: Path) -> None:
    for _ in range(2):
        first, *_, last = tokenize_all(TEXTS, "whitespace")
        assert first[0] is last[0]


def test_short_texts_are_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WORTH", 1000)
    tokenize_all(TEXTS, "words")
    assert not cache.exists()
    tokenize_all([], "words")


def test_a_changed_tokeniser_has_another_version() -> None:
    """Where this fails, count on ``_VERSION`` in data/tokenize.py, and write the new digest here."""
    words = json.dumps([[cut(text) for text in TEXTS] for cut in TOKENIZERS.values()])
    assert (module._VERSION, hashlib.sha256(words.encode()).hexdigest()[:16]) == (1, "d87e921d3c148b6e")
