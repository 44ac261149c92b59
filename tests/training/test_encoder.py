"""From words to what a model reads."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import DataError, RunFolderError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.encoders import vectors as vectors_module
from tasktalk.encoders.vectors import load_vectors
from tasktalk.training.config import DataConfig
from tasktalk.training.encoder import TextEncoder

TEXTS = {
    "train": ["good good book", "bad book", "good book"],
    "dev": ["good film"],
    "test": ["Fine film", "odd"],
}


@pytest.fixture
def dataset() -> Dataset:
    splits = {
        name: Examples([text.split() for text in texts], np.arange(len(texts))[:, None] % 2.0, None)
        for name, texts in TEXTS.items()
    }
    return Dataset("toy", (Task("a", "binary", ("no", "yes")),), splits, "whitespace")


def test_words_are_learned_from_the_training_texts_only(dataset: Dataset) -> None:
    encoder = TextEncoder.fit(dataset, DataConfig(max_words=2), with_features=True)
    assert encoder.vocabulary.words == ("book", "good", "bad")
    assert encoder.features is not None
    assert set(encoder.features.terms) == {"good", "book", "good book"}  # in two texts or more
    assert [words.tolist() for words in encoder(dataset.splits["test"]).words] == [[1, 1], [1]]


def test_rare_words_are_unknown(dataset: Dataset) -> None:
    assert TextEncoder.fit(dataset, DataConfig(min_count=2), False).vocabulary.words == ("book", "good")


def test_words_of_other_splits_are_known_if_they_have_a_vector(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("film 1 2\nfine 3 4\nunused 5 6\n")
    encoder = TextEncoder.fit(dataset, DataConfig(vectors=[str(path)]), with_features=False)
    assert encoder.vocabulary.words == ("book", "good", "bad", "Fine", "film")


def test_files_of_vectors_are_read_once(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [tmp_path / "one.txt", tmp_path / "two.txt"]
    paths[0].write_text("film 1 2\nfine 3 4\nbook 5 6\nunused 7 8\n")
    paths[1].write_text("good 9\nodd 8\n")
    config = DataConfig(vectors=[str(path) for path in paths], min_count=2)
    read: list[str] = []
    rows = vectors_module._rows

    def counting(path: str, wanted: set[str]) -> Iterator[tuple[str, np.ndarray]]:
        read.append(path)
        return rows(path, wanted)

    monkeypatch.setattr(vectors_module, "_rows", counting)
    encoder = TextEncoder.fit(dataset, config, with_features=False)
    assert read == config.vectors
    monkeypatch.undo()
    assert encoder.vocabulary.words == ("book", "good", "Fine", "film", "odd")
    assert encoder.vectors is not None
    for found, expected in zip(encoder.vectors, load_vectors(paths, encoder.vocabulary.words), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert TextEncoder.fit(dataset, DataConfig(), with_features=False).vectors is None


def test_the_cut_is_for_the_network_only(dataset: Dataset) -> None:
    encoder = TextEncoder.fit(dataset, DataConfig(max_words=1), with_features=True)
    encoded = encoder(dataset.splits["train"])
    assert [len(words) for words in encoded.words] == [1, 1, 1]
    assert encoded.features is not None and np.diff(encoded.features.indptr).tolist() == [3, 1, 3]
    assert encoded.labels is dataset.splits["train"].labels


def test_features_only_where_they_are_wanted(dataset: Dataset) -> None:
    encoder = TextEncoder.fit(dataset, DataConfig(), with_features=False)
    assert encoder.features is None
    assert encoder(dataset.splits["dev"]).features is None


@pytest.mark.parametrize("with_features", [True, False])
def test_save_and_load(dataset: Dataset, with_features: bool, tmp_path: Path) -> None:
    encoder = TextEncoder.fit(dataset, DataConfig(max_words=2), with_features)
    encoder.save(tmp_path)
    expected = ["features.safetensors"] * with_features + ["vocabulary.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == expected
    again = TextEncoder.load(tmp_path, max_words=2)
    for split in dataset.splits.values():
        one, other = encoder(split), again(split)
        assert [a.tolist() for a in one.words] == [b.tolist() for b in other.words]
        assert (one.features is None) == (other.features is None)
        if one.features is not None and other.features is not None:
            assert (one.features != other.features).nnz == 0


def test_damaged_files_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="vocabulary.txt: cannot be read"):
        TextEncoder.load(tmp_path, 2)
    TextEncoder.fit(dataset, DataConfig(), with_features=True).save(tmp_path)
    (tmp_path / "vocabulary.txt").write_text("book\nbook\n")
    with pytest.raises(DataError, match="vocabulary.txt, line 2: expected every word once"):
        TextEncoder.load(tmp_path, 2)
    (tmp_path / "features.safetensors").write_bytes(b"x")
    with pytest.raises(RunFolderError, match="features.safetensors: expected TF-IDF features"):
        TextEncoder.load(tmp_path, 2)
