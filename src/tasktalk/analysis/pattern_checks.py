"""How far to trust what is shown of the mailbox: uniform reading, readers that are all alike, and luck."""

import numpy as np
from jaxtyping import Bool

from tasktalk.analysis.chance import too_few
from tasktalk.analysis.mining import Mined
from tasktalk.analysis.picture import Check

_UNIFORM, _APART, _HOLDS, _BEST = 0.95, 0.1, 1.1, 20


def pattern_checks(mined: Mined, few_texts: str = "") -> list[Check]:
    """Whether words choose what they read, whether it matters who reads, and whether patterns hold in other texts.

    Args:
        mined: what was counted.
        few_texts: why the texts are too few to compare one half with the other; empty if they are not.
    """
    singles = np.array([pattern.kind == "word" for pattern in mined.patterns], dtype=bool)
    return [
        _uniform_check(mined),
        _readers_check(mined),
        _halves_check(mined, singles, "the words that are read most", few_texts),
        _halves_check(mined, ~singles, "the pairs and sequences that are linked most", few_texts),
    ]


def _few_words(mined: Mined) -> str:
    return too_few(mined.words, what="word") if mined.words else "No text has two words, so there is nothing to choose."


def _uniform_check(mined: Mined) -> Check:
    name = "reading is not uniform"
    if problem := _few_words(mined):
        return Check(name, None, problem)
    sentence = f"The mean entropy of a word's reading is {mined.entropy:.2f} of the largest possible (log n). "
    if mined.entropy < _UNIFORM:
        return Check(name, True, sentence + "Words choose what they read.")
    return Check(name, False, sentence + "The reading is close to uniform: all links are weak, and lifts are small.")


def _readers_check(mined: Mined) -> Check:
    name = "it matters which word reads"
    if problem := _few_words(mined):
        return Check(name, None, problem)
    sentence = (
        f"The reading of a word differs from that of the mean word of its text in {mined.apart:.1%} of its weight. "
    )
    if mined.apart >= _APART:
        return Check(name, True, sentence + "Different words read different words.")
    said = "All words of a text read nearly the same: arcs show which word is read, hardly who reads it."
    return Check(name, False, sentence + said)


def _halves_check(mined: Mined, which: Bool[np.ndarray, " patterns"], noun: str, few_texts: str) -> Check:
    name = f"other texts: {noun}"
    if few_texts:
        return Check(name, None, few_texts)
    first, second = mined.lift(half=0), mined.lift(half=1)
    both = np.flatnonzero(which & np.isfinite(first) & np.isfinite(second))
    if len(both) < 2 * _BEST:
        return Check(name, None, f"Too few stand in both halves of the texts to compare them ({len(both)}).")
    best = both[np.argsort(-first[both], kind="stable")[:_BEST]]
    there, other, usual = float(first[best].mean()), float(second[best].mean()), float(second[both].mean())
    sentence = (
        f"The {_BEST} with the highest lift in one half of the texts have {there:.2f} on average there, and "
        f"{other:.2f} in the other half, where they were not chosen; all {len(both)} have {usual:.2f} there. "
    )
    if other >= _HOLDS * usual:
        return Check(name, True, sentence + "They are read more in texts that did not choose them, too.")
    return Check(name, False, sentence + "They were luck: do not read their order in the table.")
