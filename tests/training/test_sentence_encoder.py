"""What is learned of the training sentences, kept, and read back."""

from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import RunFolderError
from tasktalk.data.dataset import Dataset, Examples, Sentences
from tasktalk.data.vocabulary import UNKNOWN
from tasktalk.training.config import DataConfig
from tasktalk.training.encode import load_encoder
from tasktalk.training.run_folder import ALPHABET, VOCABULARY
from tasktalk.training.sentence_encoder import SentenceEncoder
from tests.training.toy import config, tagged


def sentences(**splits: list[list[str]]) -> Dataset:
    parts = {
        name: Examples(Sentences(words, []), np.full((len(words), 1), np.nan), np.zeros(len(words), dtype=np.int64))
        for name, words in splits.items()
    }
    return Dataset("some", tagged().tasks[:1], parts, "whitespace")


DATA = sentences(train=[["Ab", "ab", "c"], ["d"]], dev=[["new", "Ab"]], test=[["Old"]])


def test_words_and_letters_are_those_of_training() -> None:
    encoder = SentenceEncoder.fit(DATA, DataConfig())
    assert encoder.vocabulary.words == ("ab", "c", "d")
    assert encoder.alphabet.characters == ("A", "a", "b", "c", "d")
    assert (encoder.inputs.vocabulary, encoder.inputs.letters) == (5, 7)
    assert [words.tolist() for words in encoder(DATA.splits["dev"]).words] == [[UNKNOWN, 2]]


def test_capitals_make_words_of_their_own_if_they_are_kept() -> None:
    encoder = SentenceEncoder.fit(DATA, DataConfig(case="keep"))
    assert encoder.vocabulary.words == ("Ab", "ab", "c", "d")
    assert [words.tolist() for words in encoder(DATA.splits["test"]).words] == [[UNKNOWN]]


def test_rare_words_are_unknown() -> None:
    assert SentenceEncoder.fit(DATA, DataConfig(min_count=2)).vocabulary.words == ("ab",)


@pytest.mark.parametrize(
    ("case", "known"), [("fold", ("ab", "c", "d", "old")), ("keep", ("Ab", "ab", "c", "d", "Old"))]
)
def test_words_of_other_splits_are_known_by_their_vectors(case: str, known: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("old 0.1 0.2\nnever 0.3 0.4\n")
    settings = DataConfig.model_validate({"case": case, "vectors": [str(tmp_path / "v.txt")]})
    assert SentenceEncoder.fit(DATA, settings).vocabulary.words == known


@pytest.mark.parametrize("case", ["fold", "keep"])
def test_an_encoder_that_was_kept_says_the_same(case: str, tmp_path: Path) -> None:
    chosen = config("ic", data__case=case)
    encoder = SentenceEncoder.fit(tagged(), chosen.data)
    encoder.save(tmp_path)
    again = load_encoder(tmp_path, chosen)
    assert again == encoder
    assert again(tagged().splits["dev"]).checksum() == encoder(tagged().splits["dev"]).checksum()


@pytest.mark.parametrize("name", [ALPHABET, VOCABULARY])
def test_a_file_that_is_gone_is_told(name: str, tmp_path: Path) -> None:
    SentenceEncoder.fit(DATA, DataConfig()).save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(RunFolderError, match=f"{name}: cannot be read"):
        SentenceEncoder.load(tmp_path, True)
