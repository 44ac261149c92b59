"""From words to what a model reads; fitted on the training texts, saved with the run."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from tasktalk.core.inputs import TextInputs
from tasktalk.data.batches import Encoded, encode
from tasktalk.data.dataset import Dataset, Examples, Texts
from tasktalk.data.tfidf import TfidfFeatures
from tasktalk.data.vocabulary import Vocabulary
from tasktalk.encoders.vectors import load_vectors
from tasktalk.training.config import DataConfig
from tasktalk.training.run_folder import FEATURES, VOCABULARY

Vectors = tuple[Float[np.ndarray, "words features"], Bool[np.ndarray, " words"]]
"""Pretrained vectors of a vocabulary's words, as ``load_vectors`` gives them."""


@dataclass(frozen=True)
class TextEncoder:
    """Word indices for the network, and sparse features for a linear model.

    Args:
        vocabulary: the known words.
        max_words: longer texts are cut, for the network only.
        features: words and word pairs for a linear model, or None.
        vectors: of the known words, where they were just fitted; None otherwise. They are no part of the run folder.
    """

    vocabulary: Vocabulary
    max_words: int
    features: TfidfFeatures | None = None
    vectors: Vectors | None = field(default=None, repr=False, compare=False)

    @classmethod
    def fit(cls, dataset: Dataset, config: DataConfig, with_features: bool) -> "TextEncoder":
        """Learn words and features from the training texts.

        Words of the other splits are known only if they have a pretrained vector. Words that first come in later texts
        stay unknown, with or without one: the run folder keeps the vectors of its data's words, not of the language.
        """
        texts = dataset.splits["train"].tokens
        others = (split.tokens for name, split in dataset.splits.items() if name != "train")
        vocabulary, vectors = fit_vocabulary(texts, others, config)
        return cls(vocabulary, config.max_words, TfidfFeatures.fit(texts) if with_features else None, vectors)

    def __call__(self, examples: Examples) -> Encoded:
        """Encode examples."""
        features = None if self.features is None else self.features.transform(examples.tokens)
        return encode(examples, self.vocabulary, self.max_words, features)

    def save(self, folder: Path) -> None:
        """Write the features and the vocabulary into a run folder; the vocabulary comes last, so that it means both."""
        if self.features is not None:
            self.features.save(folder / FEATURES)
        self.vocabulary.save(folder / VOCABULARY)

    @property
    def inputs(self) -> TextInputs:
        """What a network is built for."""
        return TextInputs(len(self.vocabulary), 0 if self.features is None else len(self.features))

    @classmethod
    def load(cls, folder: Path, max_words: int) -> "TextEncoder":
        """Read them back.

        Raises:
            RunFolderError: a file is missing or damaged.
        """
        features = TfidfFeatures.load(folder / FEATURES) if (folder / FEATURES).exists() else None
        return cls(Vocabulary.load(folder / VOCABULARY), max_words, features)


def fit_vocabulary(texts: Texts, others: Iterable[Texts], config: DataConfig) -> tuple[Vocabulary, Vectors | None]:
    """The words of the training texts, and their pretrained vectors if there are any; the files are read once.

    Args:
        texts: the training texts.
        others: the other splits, whose words are known only if they have a vector.
        config: settings of the data.

    Raises:
        DataError: as ``load_vectors``, or a word that is empty or holds a line feed.
    """
    if not config.vectors:
        return Vocabulary.build(texts, min_count=config.min_count), None
    extra = {word for tokens in others for text in tokens for word in text}
    words = list(extra.union(*texts))
    vectors, found = load_vectors(config.vectors, words)
    row = {word: number for number, word in enumerate(words)}
    known = {word for word in extra if found[row[word]]}
    vocabulary = Vocabulary.build(texts, min_count=config.min_count, extra=known)
    rows = [row[word] for word in vocabulary.words]
    return vocabulary, (vectors[rows], found[rows])
