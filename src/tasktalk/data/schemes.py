"""Schemes in which tags of words mark spans: IOB1, IOB2 and BIOES.

A tag is ``O`` or ``PREFIX-TYPE``. IOB2 begins every span with ``B``; IOB1 only one that directly follows a span of the
same type, all other words have ``I``; BIOES also marks the end (``E``) and spans of a single word (``S``), which BILOU
calls ``L`` and ``U``.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

OUTSIDE = "O"
SCHEMES = ("iob1", "iob2", "bioes")

_PREFIXES = frozenset("BIESLU")
_SAME = {"L": "E", "U": "S"}
_END = ""  # stands where a sentence ends
_PAIRS = 1 << 16  # pairs of tags that are remembered: a corpus has a few hundred


class Span(NamedTuple):
    """Words ``start`` to ``stop - 1`` of a sentence, counted from 0."""

    type: str
    start: int
    stop: int


class Problem(NamedTuple):
    """The word of a sentence (counted from 0) whose tag does not fit the scheme, and why in one sentence."""

    word: int
    message: str


def scheme_of(sequences: Iterable[Sequence[str]]) -> str:
    """Recognise the scheme of a corpus.

    Args:
        sequences: the tags of its sentences.

    Returns:
        ``iob1``, ``iob2`` or ``bioes``; empty if the tags are no spans. They are spans if all of them are ``O`` or
        ``PREFIX-TYPE``, or if a type has both a ``B`` and an ``I`` beside ``O``. Where the schemes are mixed, the one
        that more tags speak for; ``problem_of`` finds the others.
    """
    pairs = Counter(pair for tags in sequences for pair in pairwise([OUTSIDE, *tags, _END]))
    tags = {tag for _, tag in pairs} - {_END}
    marked = {tag for tag in tags if _is_marked(tag)}
    clearly = OUTSIDE in tags and any(tag[0] == "B" and f"I{tag[1:]}" in marked for tag in marked)
    if not marked or not (clearly or marked >= tags - {OUTSIDE}):
        return ""
    if _speak_for_bioes(pairs) > 0:
        return "bioes"
    return "iob2" if _speak_for_iob2(pairs) >= 0 else "iob1"


def problem_of(tags: Sequence[str], scheme: str) -> Problem | None:
    """The first word of a sentence whose tag does not fit the scheme; None if all do.

    Args:
        tags: the tags of the sentence.
        scheme: one of ``SCHEMES``.
    """
    before = OUTSIDE
    for word, tag in enumerate(tags):
        if message := _misfit(before, tag, scheme):
            return Problem(word, message)
        before = tag
    if scheme == "bioes" and _is_open(before):
        return Problem(len(tags) - 1, f"expected an end of the span {before!r}, found the end of the sentence")
    return None


def spans(tags: Sequence[str]) -> list[Span]:
    """The spans that tags mark, in any scheme, by the rules of conlleval.

    Tags that fit no scheme mark spans as well: ``I`` after ``O`` or after another type begins one, and a ``B`` without
    an end ends where the type ends.

    Args:
        tags: the tags of a sentence.
    """
    found: list[Span] = []
    start, before = 0, OUTSIDE
    for word, tag in enumerate([*tags, OUTSIDE]):
        ends, begins = _between(before, tag)
        if ends:
            found.append(Span(before[2:], start, word))
        if begins:
            start = word
        before = tag
    return found


def convert(tags: Sequence[str], scheme: str) -> list[str]:
    """Write the spans of a sentence in a scheme, whichever they were written in.

    Args:
        tags: the tags of the sentence.
        scheme: one of ``SCHEMES``.
    """
    written = [OUTSIDE] * len(tags)
    last = Span("", 0, 0)
    for span in spans(tags):
        written[span.start : span.stop] = [f"I-{span.type}"] * (span.stop - span.start)
        if scheme != "iob1" or (last.type == span.type and last.stop == span.start > 0):
            written[span.start] = f"B-{span.type}"
        if scheme == "bioes":
            written[span.stop - 1] = f"{'S' if span.stop - span.start == 1 else 'E'}-{span.type}"
        last = span
    return written


def _is_marked(tag: str) -> bool:
    return len(tag) > 2 and tag[0] in _PREFIXES and tag[1] == "-"


@lru_cache(_PAIRS)
def _between(before: str, tag: str) -> tuple[bool, bool]:
    """Whether a span ends, and whether one begins, between two tags (conlleval's endOfChunk and startOfChunk)."""
    old, new = (_SAME.get(t[0], t[0]) if _is_marked(t) else OUTSIDE for t in (before, tag))
    changes = before[2:] != tag[2:]
    ends = old != OUTSIDE and (old in "ES" or new in "BSO" or changes)
    begins = new != OUTSIDE and (new in "BS" or old in "ESO" or changes)
    return ends, begins


def _speak_for_bioes(pairs: Counter[tuple[str, str]]) -> int:
    """How many more spans end as in BIOES than as in IOB."""
    balance = 0
    for (before, tag), count in pairs.items():
        if _is_marked(before):
            balance += count if before[0] in "ESLU" else -count if _between(before, tag)[0] else 0
    return balance


def _speak_for_iob2(pairs: Counter[tuple[str, str]]) -> int:
    """How many more spans begin as in IOB2 than as in IOB1."""
    balance = 0
    for (before, tag), count in pairs.items():
        if _is_marked(tag) and before[1:] != tag[1:]:
            balance += count if tag[0] == "B" else -count if tag[0] == "I" else 0
    return balance


def _is_open(tag: str) -> bool:
    return _is_marked(tag) and tag[0] in "BI"


@lru_cache(_PAIRS)
def _misfit(before: str, tag: str, scheme: str) -> str:
    """Why a tag cannot stand after another in a scheme; empty if it can."""
    names = {"iob1": "IOB1", "iob2": "IOB2", "bioes": "BIOES"}
    if tag != OUTSIDE and not (_is_marked(tag) and (scheme == "bioes" or tag[0] in "BI")):
        return f"expected O or a tag of {names[scheme]}, as most are, found {tag!r}"
    follows = before != OUTSIDE and before[1:] == tag[1:]
    if scheme == "iob1":
        fits = tag[0] != "B" or follows
        return "" if fits else f"expected I- as in IOB1, since no {tag[2:]!r} ends before it, found {tag!r}"
    if scheme == "bioes" and _is_open(before):
        fits = follows and tag[0] in "IEL"
        return "" if fits else f"expected a tag that continues {before!r}, as in BIOES, found {tag!r}"
    if tag[0] in ("I" if scheme == "iob2" else "IEL") and not follows:
        return f"expected a tag that begins a span, as in {names[scheme]}, found {tag!r}, which continues nothing"
    if scheme == "bioes" and tag[0] in "IEL":
        return f"expected a tag that begins a span, as in BIOES, since {before!r} ends one, found {tag!r}"
    return ""
