"""From words to what a model reads; fitted on the training texts, saved with the run."""

from dataclasses import dataclass
from pathlib import Path

from tasktalk.core.inputs import TextInputs
from tasktalk.data.batches import Encoded, encode
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.tfidf import TfidfFeatures
from tasktalk.data.vocabulary import Vocabulary
from tasktalk.encoders.vectors import vector_words
from tasktalk.training.config import DataConfig
from tasktalk.training.run_folder import FEATURES, VOCABULARY


@dataclass(frozen=True)
class TextEncoder:
    """Word indices for the network, and sparse features for a linear model.

    Args:
        vocabulary: the known words.
        max_words: longer texts are cut, for the network only.
        features: words and word pairs for a linear model, or None.
    """

    vocabulary: Vocabulary
    max_words: int
    features: TfidfFeatures | None = None

    @classmethod
    def fit(cls, dataset: Dataset, config: DataConfig, with_features: bool) -> "TextEncoder":
        """Learn words and features from the training texts.

        Words of the other splits are known only if they have a pretrained vector. Words that first come in later texts
        stay unknown, with or without one: the run folder keeps the vectors of its data's words, not of the language.
        """
        texts = dataset.splits["train"].tokens
        extra: set[str] = set()
        if config.vectors:
            others = (split.tokens for name, split in dataset.splits.items() if name != "train")
            extra = vector_words(config.vectors, {word for tokens in others for text in tokens for word in text})
        vocabulary = Vocabulary.build(texts, min_count=config.min_count, extra=extra)
        return cls(vocabulary, config.max_words, TfidfFeatures.fit(texts) if with_features else None)

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
