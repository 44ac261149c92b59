"""How far to trust what is shown of the mailbox: uniform reading, readers that are all alike, and luck."""

import numpy as np
from jaxtyping import Bool

from tasktalk.analysis.mining import Mined
from tasktalk.analysis.picture import Check

_UNIFORM, _APART, _HOLDS, _BEST = 0.95, 0.1, 1.1, 20


def pattern_checks(mined: Mined) -> list[Check]:
    """Whether words choose what they read, whether it matters who reads, and whether patterns hold in other texts."""
    singles = np.array([pattern.kind == "word" for pattern in mined.patterns], dtype=bool)
    return [
        _uniform_check(mined.entropy),
        _readers_check(mined.apart),
        _halves_check(mined, singles, "the words that are read most"),
        _halves_check(mined, ~singles, "the pairs and sequences that are linked most"),
    ]


def _uniform_check(entropy: float) -> Check:
    name = "reading is not uniform"
    if not np.isfinite(entropy):
        return Check(name, None, "No text has two words, so there is nothing to choose from.")
    sentence = f"The mean entropy of a word's reading is {entropy:.2f} of the largest possible (log n). "
    if entropy < _UNIFORM:
        return Check(name, True, sentence + "Words choose what they read.")
    return Check(name, False, sentence + "The reading is close to uniform: all links are weak, and lifts are small.")


def _readers_check(apart: float) -> Check:
    name = "it matters which word reads"
    if not np.isfinite(apart):
        return Check(name, None, "No text has two words, so readers cannot differ.")
    sentence = f"The reading of a word differs from that of the mean word of its text in {apart:.1%} of its weight. "
    if apart >= _APART:
        return Check(name, True, sentence + "Different words read different words.")
    said = "All words of a text read nearly the same: arcs show which word is read, hardly who reads it."
    return Check(name, False, sentence + said)


def _halves_check(mined: Mined, which: Bool[np.ndarray, " patterns"], noun: str) -> Check:
    name = f"other texts: {noun}"
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
