"""TF-IDF features of words and word pairs: what the linear model and the wide part of a network read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.numpy import load, save
from scipy.sparse import csr_matrix, spmatrix

from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.core.files import whole_file
from tasktalk.data.remember import Arrays, content_of, pack, remember, unpack

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

_WORTH = 50_000
"""What is computed from texts of so many words together is kept between runs."""


@dataclass(frozen=True, eq=False)
class TfidfFeatures:
    """Rows of unit length: (1 + log count) * idf of each known word and word pair of a text.

    The whole text counts; nothing is cut. A text without a known word is a row of zeros.

    Args:
        terms: the words and, joined by a space, the pairs of neighbouring words; one feature each.
        idf: log((1 + texts) / (1 + texts with the term)) + 1, over the training texts.
        sublinear: 1 + log count if True, else the count.
    """

    terms: tuple[str, ...]
    idf: Float[np.ndarray, " features"]
    sublinear: bool

    @classmethod
    def fit(cls, texts: Sequence[Sequence[str]], min_df: int = 2, sublinear: bool = True) -> "TfidfFeatures":
        """Collect the terms of the training texts of all tasks.

        The defaults had the lowest error on the development texts of FDU-MTL.

        Args:
            texts: the words of each text.
            min_df: drop terms that stand in fewer texts.
            sublinear: see the class.

        Raises:
            ConfigError: ``min_df`` below 1.
            DataError: no term is left.
        """
        if min_df < 1:
            raise ConfigError(f"min_df must be at least 1, found {min_df}")
        found = _kept(f"terms in {min_df} texts", texts, lambda: _fit(texts, min_df))
        return cls(tuple(unpack(found)), found["idf"], sublinear)

    @classmethod
    def load(cls, path: Path) -> "TfidfFeatures":
        """Read a file that ``save`` wrote.

        Raises:
            RunFolderError: the file is missing or damaged.
        """
        try:
            arrays = load(path.read_bytes())
            terms = arrays["terms"].tobytes().decode().split("\n")
            return cls(tuple(terms), arrays["idf"], bool(arrays["sublinear"]))
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be read ({error.strerror or error})") from error
        except (SafetensorError, KeyError, UnicodeDecodeError) as error:
            raise RunFolderError(f"{path}: expected TF-IDF features in safetensors, found: {error}") from error

    def save(self, path: Path) -> None:
        """Write one safetensors file: ``terms`` (UTF-8, joined by line feeds), ``idf`` and ``sublinear``.

        Raises:
            RunFolderError: the file cannot be written.
        """
        terms = np.frombuffer("\n".join(self.terms).encode(), dtype=np.uint8)
        content = save({"terms": terms, "idf": self.idf, "sublinear": np.array(self.sublinear)})
        with whole_file(path) as part:
            part.write_bytes(content)

    def __len__(self) -> int:
        """Number of features."""
        return len(self.terms)

    def transform(self, texts: Sequence[Sequence[str]]) -> csr_matrix:
        """The features of some texts: float32, shape (texts, features)."""
        if not texts:  # scikit-learn refuses
            return csr_matrix((0, len(self)), dtype=np.float32)
        found = _kept("features", texts, lambda: _parts(self._fitted.transform(texts)), lambda: self._content)
        return csr_matrix((found["data"], found["indices"], found["indptr"]), shape=(len(texts), len(self)))

    @cached_property
    def _content(self) -> tuple[bytes | np.ndarray, ...]:
        """All that the features of a text depend on."""
        return *pack(self.terms).values(), self.idf, bytes([self.sublinear])

    @cached_property
    def _fitted(self) -> "TfidfVectorizer":
        vectorizer = _vectorizer(self.sublinear, vocabulary=self.terms)
        vectorizer.idf_ = self.idf
        return vectorizer


def _kept(
    what: str,
    texts: Sequence[Sequence[str]],
    compute: Callable[[], Arrays],
    others: Callable[[], Sequence[bytes | np.ndarray]] = tuple,
) -> Arrays:
    """What was computed from these texts (and others) before, if they are long."""
    if sum(map(len, texts)) < _WORTH:
        return compute()
    from sklearn import __version__

    return remember(f"TF-IDF 1, scikit-learn {__version__}: {what}", [*others(), *content_of(texts)], compute)


def _fit(texts: Sequence[Sequence[str]], min_df: int) -> Arrays:
    vectorizer = _vectorizer(sublinear=False, min_df=min_df)
    try:
        vectorizer.fit(texts)
    except ValueError as error:  # scikit-learn's "no terms remain" and "empty vocabulary"
        found = f"found none in {len(texts)} texts"
        raise DataError(f"expected a word that stands in at least {min_df} training texts, {found}") from error
    return {**pack(vectorizer.get_feature_names_out().tolist()), "idf": vectorizer.idf_}


def _parts(features: spmatrix) -> Arrays:
    matrix = csr_matrix(features)
    return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}


def _vectorizer(sublinear: bool, min_df: int = 1, vocabulary: Sequence[str] | None = None) -> "TfidfVectorizer":
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        preprocessor=_same,
        tokenizer=_same,
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, 2),
        min_df=min_df,
        vocabulary=vocabulary,
        sublinear_tf=sublinear,
        dtype=np.float32,
    )


def _same(words: Sequence[str]) -> Sequence[str]:
    """The texts are lists of words already."""
    return words
