"""Tokenisers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasktalk.core.errors import ConfigError
from tasktalk.data.tokenize import TOKENIZERS, tokenizer


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
