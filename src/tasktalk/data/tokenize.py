"""Named tokenisers: a text becomes a list of words."""

import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import numpy as np

from tasktalk.core.errors import ConfigError, nearest
from tasktalk.data.remember import Arrays, pack, remember, unpack

Tokenizer = Callable[[str], list[str]]

_VERSION = 1
"""Count on where a tokeniser makes other words of a text: what was kept under the old number is not read any more."""
_WORTH = 500_000
"""The words of texts with so many characters together are kept between runs."""

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


def tokenize_all(texts: Sequence[str], name: str) -> list[list[str]]:
    """The words of every text; equal words are one object. Those of long texts are kept (``data.remember``).

    Raises:
        ConfigError: no tokeniser has that name.
    """
    cut = tokenizer(name)
    if sum(map(len, texts)) < _WORTH:
        return [[sys.intern(word) for word in cut(text)] for text in texts]
    what = f"tokens {_VERSION}, Unicode {unicodedata.unidata_version}: {name}"
    found = remember(what, pack(texts).values(), lambda: _indexed([cut(text) for text in texts]))
    words = np.array([sys.intern(word) for word in unpack(found)], dtype=object)[found["indices"]].tolist()
    return [words[start:stop] for start, stop in pairwise(accumulate(found["counts"].tolist(), initial=0))]


def _indexed(texts: Sequence[Sequence[str]]) -> Arrays:
    """The different words, which of them stand in the texts, and how many in each."""
    index: dict[str, int] = {}
    indices = np.array([index.setdefault(word, len(index)) for text in texts for word in text], dtype=np.int32)
    return {**pack(list(index)), "indices": indices, "counts": np.array([len(text) for text in texts])}
