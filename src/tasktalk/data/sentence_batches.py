"""Sentences whose words are tagged, as batches."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from tasktalk.core.batch import TextBatch
from tasktalk.data.batches import Plan, digest_of, label_matrix, padded
from tasktalk.data.dataset import Examples, Sentences
from tasktalk.data.spellings import Alphabet, SpellingTable
from tasktalk.data.vocabulary import Vocabulary

_NO_TAG = -1


@dataclass(frozen=True)
class EncodedSentences:
    """The sentences of a split.

    Args:
        words: word indices of every sentence, at least one each.
        tags: sequences of tags; a label is the number of its sequence.
        spelling: how the words are written.
        labels: as in ``Examples``.
        owner: as in ``Examples``.
        features: None: simple models do not tag.
    """

    words: list[Int[np.ndarray, " _"]]
    tags: list[Int[np.ndarray, " _"]]
    spelling: SpellingTable
    labels: Float[np.ndarray, "examples tasks"]
    owner: Int[np.ndarray, " examples"] | None
    features: None = None

    def __len__(self) -> int:
        return len(self.words)

    def sizes(self) -> Int[np.ndarray, " examples"]:
        """Words of every sentence."""
        return np.array([len(words) for words in self.words], dtype=np.int64)

    def checksum(self) -> str:
        """SHA-256 of words, spellings, tags, labels and owners."""
        parts = (self.sizes(), *self.words, *self.spelling.sentences, self.spelling.letters, *self.tags, self.labels)
        return digest_of(*parts, np.zeros(0) if self.owner is None else self.owner)

    def gold(self, row: int, task: int) -> Int[np.ndarray, " words"] | None:
        """The tags of an example for a task, or None if it has none."""
        number = self.labels[row, task]
        return None if np.isnan(number) else self.tags[int(number)]

    def collate(self, plan: Plan) -> TextBatch:
        """Pad the sentences of a plan; groups of unequal size get rows without words."""
        words = torch.from_numpy(padded(self.words, plan.rows))
        spelling = self.spelling.collate(plan.rows)
        tags = torch.from_numpy(self._tags(plan, *words.shape[1:]))
        return TextBatch(plan.receivers, words, words != 0, label_matrix(self, plan), None, spelling, tags)

    def _tags(self, plan: Plan, batch: int, length: int) -> Int[np.ndarray, "receivers batch words"]:
        tags = np.full((len(plan.receivers), batch, length), _NO_TAG, dtype=np.int64)
        for i, task in enumerate(plan.receivers):
            for place, row in enumerate(plan.rows[i if len(plan.rows) > 1 else 0]):
                gold = self.gold(int(row), task)
                if gold is not None:
                    tags[i, place, : len(gold)] = gold
        return tags


def encode_sentences(examples: Examples, vocabulary: Vocabulary, alphabet: Alphabet, fold: bool) -> EncodedSentences:
    """Turn words into indices and spellings; no sentence is cut, since every word wants a tag.

    Args:
        examples: sentences.
        vocabulary: the known words.
        alphabet: the known characters.
        fold: look words up in lower case; their spelling keeps its capitals.
    """
    content = examples.content
    tags = content.tags if isinstance(content, Sentences) else []
    sentences = [words or [""] for words in examples.tokens]  # a sentence without words is one unknown word
    words = [vocabulary.encode([folded(word, fold) for word in sentence]) for sentence in sentences]
    return EncodedSentences(words, tags, SpellingTable.of(sentences, alphabet), examples.labels, examples.owner)


def folded(word: str, fold: bool) -> str:
    """A word as it is looked up."""
    return word.lower() if fold else word
