"""Named tokenisers: a text becomes a list of words."""

import re
from collections.abc import Callable

from tasktalk.core.errors import ConfigError, nearest

Tokenizer = Callable[[str], list[str]]

_WORDS = re.compile(
    r"""
    \d+(?:[.,]\d+)+                                 # 1,000.5
    | \w+(?=n't\b) | n't\b | '(?:s|m|d|re|ve|ll)\b  # do n't, it 's: as in the Penn Treebank and the GloVe vectors
    | \w+(?:'(?!(?:s|m|d|re|ve|ll)\b)\w+)*          # o'clock
    | [^\w\s]
    """,
    re.VERBOSE,
)
_SMILES = re.compile(r"\[[^\]\s]*\]|Br|Cl|%\d{2}|%\(\d+\)|\S")


def whitespace(text: str) -> list[str]:
    """Split at white space only, for text that is tokenised already."""
    return text.split()


def words(text: str) -> list[str]:
    """Lower-case words, numbers and single punctuation marks; ``don't`` becomes ``do n't``."""
    return _WORDS.findall(text.lower().replace("’", "'"))


def characters(text: str) -> list[str]:
    """Every character; any white space is a space, so that no word holds the end of a line."""
    return [" " if character.isspace() else character for character in text]


def smiles(text: str) -> list[str]:
    """Atoms, bonds, branches and ring closures of a SMILES string: ``Cl``, ``[nH]`` and ``%12`` are one word each.

    After Schwaller et al. 2019 (doi:10.1021/acscentsci.9b00576); here no character is lost except white space.
    """
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
