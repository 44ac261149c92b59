"""Scores of tagged sentences: spans as conlleval counts them, and single words."""

from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

from tasktalk.data.schemes import spans

TagSequences = Sequence[Sequence[str]]
"""The tags of each sentence."""


class TypeScores(TypedDict):
    """Scores (0 to 1) of the spans of one type, and how many there truly are."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


class SpanScores(TypedDict):
    """Scores (0 to 1) of spans in ``n`` sentences, over all types and by type; ``accuracy`` is that of the tags."""

    n: int
    precision: float | None
    recall: float | None
    f1: float | None
    accuracy: float | None
    types: dict[str, TypeScores]


class TokenScores(TypedDict):
    """``accuracy`` (0 to 1) and ``error`` (percent) of the tags in ``n`` sentences."""

    n: int
    error: float | None
    accuracy: float | None


def span_scores(gold: TagSequences, predicted: TagSequences) -> SpanScores:
    """Precision, recall and F1 of spans: one is right if its type and both its ends are.

    Equal to conlleval, in any scheme, also where tags do not fit the scheme; but a score that divides by zero (no span
    predicted, none there) is None, where conlleval writes 0. The accuracy is that of the tags as they are given: it is
    conlleval's if these are those of the file.

    Args:
        gold: true tags of each sentence.
        predicted: predicted tags, as many.
    """
    true: Counter[str] = Counter()
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for truth, answer in zip(gold, predicted, strict=True):
        there, given = spans(truth), spans(answer)
        true.update(span.type for span in there)
        found.update(span.type for span in given)
        right.update(span.type for span in set(there) & set(given))
    types = {name: _scores(true[name], found[name], right[name]) for name in sorted(true | found)}
    overall = _scores(true.total(), found.total(), right.total())
    return {
        "n": len(gold),
        "precision": overall["precision"],
        "recall": overall["recall"],
        "f1": overall["f1"],
        "accuracy": token_scores(gold, predicted)["accuracy"],
        "types": types,
    }


def token_scores(gold: TagSequences, predicted: TagSequences) -> TokenScores:
    """Accuracy and error of single words; None where there is no word.

    Args:
        gold: true tags of each sentence.
        predicted: predicted tags, as many.
    """
    words = sum(len(tags) for tags in gold)
    right = sum(a == b for pair in zip(gold, predicted, strict=True) for a, b in zip(*pair, strict=True))
    if not words:
        return {"n": len(gold), "error": None, "accuracy": None}
    return {"n": len(gold), "error": 100 * (words - right) / words, "accuracy": right / words}


def _scores(true: int, found: int, right: int) -> TypeScores:
    return {
        "precision": right / found if found else None,
        "recall": right / true if true else None,
        "f1": 2 * right / (true + found) if true + found else None,
        "support": true,
    }
