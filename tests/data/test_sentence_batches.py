"""Sentences to word indices, spellings and tags, and these to padded tensors."""

import numpy as np
import pytest
import torch

from tasktalk.data.batches import Plan
from tasktalk.data.dataset import Examples, Sentences
from tasktalk.data.sentence_batches import EncodedSentences, encode_sentences, folded
from tasktalk.data.spellings import Alphabet
from tasktalk.data.vocabulary import UNKNOWN, Vocabulary

WORDS = [["The", "dog", "barks"], ["dog"], ["A", "cat"], []]
TAGS = [[2, 0, 1], [1], [0, 0], [1, 1]]
VOCABULARY = Vocabulary(("the", "dog", "cat"))
ALPHABET = Alphabet(tuple("ABTacdeghkorst"))


def encoded(
    fold: bool = True, tags: list[list[int]] | None = None, words: list[list[str]] | None = None
) -> EncodedSentences:
    """Rows 0 and 1 belong to task 0, 2 and 3 to task 1; row 3 has no words, and row 1 no tags."""
    sequences = [np.array(sequence) for sequence in (TAGS if tags is None else tags)]
    labels = np.array([[2, np.nan], [np.nan, np.nan], [np.nan, 0], [np.nan, 1]])
    order = [2, 0, 1]  # a label is the number of a sequence, not that of the example
    sequences = [np.array(TAGS[2]), np.array([0]), sequences[0]] if tags is None else [sequences[n] for n in order]
    content = Sentences(words or WORDS, sequences)
    return encode_sentences(Examples(content, labels, np.array([0, 0, 1, 1])), VOCABULARY, ALPHABET, fold)


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers)


def test_words_are_looked_up_in_lower_case_or_as_they_are() -> None:
    assert [words.tolist() for words in encoded(True).words] == [[2, 3, UNKNOWN], [3], [UNKNOWN, 4], [UNKNOWN]]
    assert [words.tolist() for words in encoded(False).words] == [[UNKNOWN, 3, UNKNOWN], [3], [UNKNOWN, 4], [UNKNOWN]]
    assert (folded("ÉA", True), folded("ÉA", False)) == ("éa", "ÉA")


def test_letters_keep_their_case() -> None:
    table = encoded(True).spelling
    letters = table.letters[table.sentences[0][0]]
    assert letters[:3].tolist() == ALPHABET.encode("The").tolist()


def test_no_sentence_is_cut() -> None:
    long = encoded(words=[["dog"] * 3000, ["dog"], ["cat"], []])
    assert long.sizes().tolist() == [3000, 1, 1, 1] and len(long) == 4
    assert long.collate(Plan((0,), (rows(0),))).tokens.shape == (1, 1, 3000)


def test_a_batch_holds_words_spellings_and_tags() -> None:
    examples = encoded()
    batch = examples.collate(Plan((0,), (rows(1, 0),)))
    assert batch.receivers == (0,)
    assert batch.tokens.tolist() == [[[3, 0, 0], [2, 3, UNKNOWN]]]
    assert torch.equal(batch.mask, batch.tokens != 0)
    assert batch.tags is not None and batch.tags.tolist() == [[[-1, -1, -1], [2, 0, 1]]]  # row 1 has no tags
    assert batch.labels.isnan().tolist() == [[True, False]]
    assert batch.wide is None and examples.features is None
    spelling = batch.spelling
    assert spelling is not None and spelling.of_word.shape == batch.tokens.shape
    assert spelling.of_word[0, 0, 0] == spelling.of_word[0, 1, 1] != 0  # one spelling, once
    assert torch.equal(spelling.of_word == 0, ~batch.mask)


def test_groups_of_unequal_size_get_rows_without_words_and_tags() -> None:
    batch = encoded().collate(Plan((1, 0), (rows(3), rows(0, 1))))
    assert batch.tokens.tolist() == [[[UNKNOWN, 0, 0], [0, 0, 0]], [[2, 3, UNKNOWN], [3, 0, 0]]]
    assert batch.tags is not None
    assert batch.tags.tolist() == [[[0, -1, -1], [-1, -1, -1]], [[2, 0, 1], [-1, -1, -1]]]
    assert batch.labels.isnan().tolist() == [[False, True], [False, True]]


def test_shared_sentences_have_tags_for_each_receiver() -> None:
    content = Sentences([["dog", "cat"]], [np.array([0, 1]), np.array([1, 1])])
    examples = encode_sentences(Examples(content, np.array([[0.0, 1.0]]), None), VOCABULARY, ALPHABET, True)
    batch = examples.collate(Plan((1, 0), (rows(0),)))
    assert batch.tokens.shape == (1, 1, 2)
    assert batch.tags is not None and batch.tags.tolist() == [[[1, 1]], [[0, 1]]]


def test_gold_tags_of_an_example() -> None:
    examples = encoded()
    gold = examples.gold(0, 0)
    assert gold is not None and gold.tolist() == [2, 0, 1]
    assert examples.gold(1, 0) is None


@pytest.mark.parametrize(
    "other",
    [
        encoded(tags=[[2, 0, 0], [1], [0, 0]]),
        encoded(words=[["The", "dog", "barkt"], *WORDS[1:]]),  # as unknown a word, with another letter
        encoded(words=[["the", "dog", "barks"], *WORDS[1:]]),  # the same word, with another capital
        encoded(fold=False),
    ],
)
def test_a_checksum_tells_examples_apart(other: EncodedSentences) -> None:
    assert encoded(tags=[[2, 0, 1], [1], [0, 0]]).checksum() == encoded(tags=[[2, 0, 1], [1], [0, 0]]).checksum()
    assert encoded(tags=[[2, 0, 1], [1], [0, 0]]).checksum() != other.checksum()


def test_new_sentences_without_tags_can_be_encoded() -> None:
    content = Sentences([["dog"], []], [])
    examples = encode_sentences(Examples(content, np.full((2, 1), np.nan), None), VOCABULARY, ALPHABET, True)
    batch = examples.collate(Plan((0,), (rows(0, 1),)))
    assert batch.tags is not None and (batch.tags == -1).all()
