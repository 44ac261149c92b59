"""Named tokenisers: a text becomes a list of words."""

import re
from collections.abc import Callable

from tasktalk.core.errors import ConfigError, nearest

Tokenizer = Callable[[str], list[str]]

_WORDS = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
# Schwaller et al. 2019 (doi:10.1021/acscentsci.9b00576), with a last alternative so that no character is lost.
_SMILES = re.compile(r"\[[^\]]+\]|Br|Cl|%\d{2}|%\(\d+\)|[A-Za-z]|\d|[=#$:/\\\-+().~*@?>]|\S")


def whitespace(text: str) -> list[str]:
    """Split at white space only, for text that is tokenised already."""
    return text.split()


def words(text: str) -> list[str]:
    """Lower-case words (an apostrophe inside a word stays) and single punctuation marks."""
    return _WORDS.findall(text.lower())


def characters(text: str) -> list[str]:
    """Every character, spaces included."""
    return list(text)


def smiles(text: str) -> list[str]:
    """Atoms, bonds, branches and ring closures of a SMILES string: ``Cl``, ``[nH]`` and ``%12`` are one word each."""
    return _SMILES.findall(text)


TOKENIZERS: dict[str, Tokenizer] = {
    "whitespace": whitespace,
    "words": words,
    "characters": characters,
    "smiles": smiles,
}


def tokenizer(name: str) -> Tokenizer:
    """The tokeniser of that name.

    Raises:
        ConfigError: no tokeniser has that name.
    """
    if name not in TOKENIZERS:
        raise ConfigError(f"unknown tokeniser {name!r}: {nearest(name, TOKENIZERS)}")
    return TOKENIZERS[name]
