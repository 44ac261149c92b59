"""TF-IDF: values by hand, files, wrong input, and what is kept between runs."""

import math
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.data import remember
from tasktalk.data import tfidf as module
from tasktalk.data.tfidf import TfidfFeatures

TEXTS = [["good", "good", "book"], ["bad", "book"], ["good", "book", "!"], ["a\u2028b", "bad", "\u00a0"], []]


def by_hand(texts: list[list[str]], words: list[str], sublinear: bool) -> dict[str, float]:
    """The definition of the class's docstring, term by term, for terms that stand in two texts or more."""

    def terms(text: list[str]) -> list[str]:
        return text + [f"{first} {second}" for first, second in pairwise(text)]

    weights = {}
    for term, count in Counter(terms(words)).items():
        df = sum(term in terms(text) for text in texts)
        if df >= 2:
            tf = 1 + math.log(count) if sublinear else count
            weights[term] = tf * (math.log((1 + len(texts)) / (1 + df)) + 1)
    length = math.sqrt(sum(weight**2 for weight in weights.values()))
    return {term: weight / length for term, weight in weights.items()}


@pytest.mark.parametrize("sublinear", [True, False])
@pytest.mark.parametrize("text", [*TEXTS, ["good", "good", "good", "book", "bad", "never seen"]])
def test_values(text: list[str], sublinear: bool) -> None:
    features = TfidfFeatures.fit(TEXTS, sublinear=sublinear)
    row = features.transform([text])
    assert row.dtype == np.float32
    assert row.shape == (1, len(features))
    found = {features.terms[i]: value for i, value in zip(row.indices, row.data, strict=True)}
    assert found == pytest.approx(by_hand(TEXTS, text, sublinear), rel=1e-6)


def test_terms_are_words_and_pairs_that_stand_in_enough_texts() -> None:
    assert set(TfidfFeatures.fit(TEXTS).terms) == {"good", "book", "bad", "good book"}
    assert len(TfidfFeatures.fit(TEXTS, min_df=1)) == 6 + 6


def test_a_text_without_a_known_word_is_a_row_of_zeros() -> None:
    assert TfidfFeatures.fit(TEXTS).transform([[], ["never seen"]]).nnz == 0


def test_round_trip(tmp_path: Path) -> None:
    features = TfidfFeatures.fit(TEXTS, min_df=1, sublinear=False)
    path = tmp_path / "features.safetensors"
    features.save(path)
    loaded = TfidfFeatures.load(path)
    assert loaded.terms == features.terms
    assert loaded.sublinear is False
    assert (loaded.transform(TEXTS) != features.transform(TEXTS)).nnz == 0


def test_no_term_is_refused() -> None:
    with pytest.raises(DataError, match="expected a word that stands in at least 2 training texts, found none in 2"):
        TfidfFeatures.fit([["a"], ["b"]])
    with pytest.raises(DataError, match="at least 9 training texts, found none in 5"):
        TfidfFeatures.fit(TEXTS, min_df=9)


def test_min_df_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="min_df must be at least 1, found 0"):
        TfidfFeatures.fit(TEXTS, min_df=0)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "features.safetensors"
    with pytest.raises(RunFolderError, match="cannot be read .No such file"):
        TfidfFeatures.load(path)
    TfidfFeatures.fit(TEXTS).save(path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(RunFolderError, match="expected TF-IDF features in safetensors, found"):
        TfidfFeatures.load(path)


def test_what_is_kept_is_the_same_and_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = TfidfFeatures.fit(TEXTS)
    expected = plain.transform(TEXTS)
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path))
    monkeypatch.setattr(remember, "_here", {})
    monkeypatch.setattr(module, "_WORTH", 1)
    for _ in range(2):
        kept = TfidfFeatures.fit(TEXTS)
        found = kept.transform(TEXTS)
        assert kept.terms == plain.terms and kept.idf.dtype == plain.idf.dtype
        np.testing.assert_array_equal(kept.idf, plain.idf)
        for part in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))
            assert getattr(found, part).dtype == getattr(expected, part).dtype
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        monkeypatch.setattr(module, "_vectorizer", None)  # who asks it again, falls
    assert len(list((tmp_path / remember.FOLDER).iterdir())) == 2
    monkeypatch.undo()
    assert plain.transform([]).shape == (0, len(plain))


@pytest.mark.parametrize("change", [{"min_df": 1}, {"sublinear": False}])
def test_other_settings_are_kept_apart(change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: list[dict[str, Any]] = [{}, change]
    expected = [TfidfFeatures.fit(TEXTS, **given).transform(TEXTS).toarray() for given in settings]
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path))
    monkeypatch.setattr(module, "_WORTH", 1)
    for given, rows in zip(settings, expected, strict=True):
        np.testing.assert_array_equal(TfidfFeatures.fit(TEXTS, **given).transform(TEXTS).toarray(), rows)


def test_no_term_is_refused_where_results_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKTALK_DATA", str(tmp_path))
    monkeypatch.setattr(module, "_WORTH", 1)
    with pytest.raises(DataError, match="at least 9 training texts, found none in 5"):
        TfidfFeatures.fit(TEXTS, min_df=9)
