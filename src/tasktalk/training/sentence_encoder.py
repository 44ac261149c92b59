"""From sentences to what a tagger reads; fitted on the training sentences, saved with the run."""

from dataclasses import dataclass, field
from pathlib import Path

from tasktalk.core.inputs import SentenceInputs
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.sentence_batches import EncodedSentences, encode_sentences, folded
from tasktalk.data.spellings import Alphabet
from tasktalk.data.vocabulary import Vocabulary
from tasktalk.training.config import DataConfig
from tasktalk.training.encoder import Vectors, fit_vocabulary
from tasktalk.training.run_folder import ALPHABET, VOCABULARY


@dataclass(frozen=True)
class SentenceEncoder:
    """Word indices and spellings.

    Args:
        vocabulary: the known words.
        alphabet: the known characters.
        fold: whether words are looked up in lower case.
        vectors: of the known words, where they were just fitted; None otherwise. They are no part of the run folder.
    """

    vocabulary: Vocabulary
    alphabet: Alphabet
    fold: bool
    vectors: Vectors | None = field(default=None, repr=False, compare=False)

    @classmethod
    def fit(cls, dataset: Dataset, config: DataConfig) -> "SentenceEncoder":
        """Learn words and characters from the training sentences.

        Words of the other splits are known only if they have a pretrained vector, as for texts.
        """
        fold = config.case == "fold"
        sentences = dataset.splits["train"].tokens
        words = {
            name: [[folded(word, fold) for word in sentence] for sentence in split.tokens]
            for name, split in dataset.splits.items()
        }
        vocabulary, vectors = fit_vocabulary(words.pop("train"), words.values(), config)
        return cls(vocabulary, Alphabet.build(word for sentence in sentences for word in sentence), fold, vectors)

    def __call__(self, examples: Examples) -> EncodedSentences:
        """Encode examples."""
        return encode_sentences(examples, self.vocabulary, self.alphabet, self.fold)

    def save(self, folder: Path) -> None:
        """Write alphabet and vocabulary into a run folder; the vocabulary comes last, so that it means both."""
        self.alphabet.save(folder / ALPHABET)
        self.vocabulary.save(folder / VOCABULARY)

    @property
    def inputs(self) -> SentenceInputs:
        """What a network is built for."""
        return SentenceInputs(len(self.vocabulary), len(self.alphabet))

    @classmethod
    def load(cls, folder: Path, fold: bool) -> "SentenceEncoder":
        """Read them back.

        Raises:
            RunFolderError: a file is missing or damaged.
        """
        return cls(Vocabulary.load(folder / VOCABULARY), Alphabet.load(folder / ALPHABET), fold)
