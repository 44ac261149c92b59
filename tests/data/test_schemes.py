"""Schemes of spans: recognised, validated, converted, and read as conlleval reads them."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB1, IOB2, IOBES, Entities

from tasktalk.data.schemes import SCHEMES, Span, convert, problem_of, scheme_of, spans

TWO_PLACES = {  # one person of two words, directly followed by two places of one and of three words
    "iob1": ["O", "I-PER", "I-PER", "I-LOC", "B-LOC", "I-LOC", "I-LOC", "O"],
    "iob2": ["O", "B-PER", "I-PER", "B-LOC", "B-LOC", "I-LOC", "I-LOC", "O"],
    "bioes": ["O", "B-PER", "E-PER", "S-LOC", "B-LOC", "I-LOC", "E-LOC", "O"],
}
BILOU = ["O", "B-PER", "L-PER", "U-LOC", "B-LOC", "I-LOC", "L-LOC", "O"]

types = st.sampled_from(["PER", "LOC", "creative-work"])
any_tags = st.lists(st.just("O") | st.builds("{}-{}".format, st.sampled_from("BIES"), types), max_size=12)


@st.composite
def sentences(draw: st.DrawFn) -> list[Span]:
    """Spans that do not overlap, some of them side by side."""
    found, stop = [], 0
    for gap, length, name in draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), types), max_size=5)):
        start = stop + gap
        stop = start + length
        found.append(Span(name, start, stop))
    return found


def bioes(wanted: Sequence[Span], length: int) -> list[str]:
    tags = ["O"] * length
    for name, start, stop in wanted:
        marks = "S" if stop - start == 1 else "B" + "I" * (stop - start - 2) + "E"
        tags[start:stop] = [f"{mark}-{name}" for mark in marks]
    return tags


def conlleval(tags: Sequence[str]) -> list[Span]:
    """The rules of conlleval.pl one by one (those of S as in seqeval, since conlleval knows none)."""
    parts = [("O", "O"), *[(tag[0], tag[2:] or "O") for tag in tags], ("O", "O")]
    ends = {("B", "B"), ("B", "O"), ("I", "B"), ("I", "O"), ("E", "E"), ("E", "I"), ("E", "O")}
    begins = {("B", "B"), ("I", "B"), ("O", "B"), ("O", "I"), ("E", "E"), ("E", "I"), ("O", "E"), ("E", "B")}
    found, start = [], 0
    for number, ((mark, name), (next_mark, next_name)) in enumerate(pairwise(parts)):
        pair = mark, next_mark
        single = "S" in pair
        if mark != "O" and (pair in ends or single or mark == "E" or name != next_name):
            found.append(Span(name, start, number))
        if next_mark != "O" and (pair in begins or single or name != next_name):
            start = number
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_scheme_is_recognised_and_marks_the_same_spans(scheme: str) -> None:
    tags = TWO_PLACES[scheme]
    assert scheme_of([["O"], tags]) == scheme
    assert spans(tags) == [Span("PER", 1, 3), Span("LOC", 3, 4), Span("LOC", 4, 7)]
    for other, expected in TWO_PLACES.items():
        assert problem_of(tags, scheme) is None
        assert convert(tags, other) == expected


def test_bilou_is_bioes_with_other_letters() -> None:
    assert scheme_of([BILOU]) == "bioes"
    assert problem_of(BILOU, "bioes") is None
    assert convert(BILOU, "bioes") == TWO_PLACES["bioes"]


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        ([["O", "I-A"], ["I-A", "I-A", "O"]], "iob1"),
        ([["I-A", "B-A"]], "iob1"),
        ([["B-A", "O"]], "iob2"),
        ([["B-A"], ["B-B", "I-B"]], "iob2"),
        ([["S-A"]], "bioes"),
        ([["U-A", "O"]], "bioes"),
        ([["O", "O"]], ""),
        ([[]], ""),
        ([["NN", "-LRB-", "B-", "I"]], ""),
        ([["O", "NN", "I-A"]], ""),
        ([["S-sg", "N-pl", "V"]], ""),
        ([["O", "B-A", "I-A", "B_A"]], "iob2"),
    ],
)
def test_what_tags_speak_for(tags: list[list[str]], scheme: str) -> None:
    assert scheme_of(tags) == scheme


@pytest.mark.parametrize(
    ("others", "tags", "scheme", "word", "message"),
    [
        ("B-A I-A O", "O I-A", "iob2", 1, "which continues nothing"),
        ("B-A I-A O", "B-A I-B", "iob2", 1, "a tag that begins a span, as in IOB2, found 'I-B'"),
        ("B-A I-A O", "O B_A", "iob2", 1, "O or a tag of IOB2, as most are, found 'B_A'"),
        ("B-A I-A O B-A O", "B-A E-A", "iob2", 1, "O or a tag of IOB2, as most are, found 'E-A'"),
        ("I-A O I-A O", "B-A O", "iob1", 0, "I- as in IOB1, since no 'A' ends before it, found 'B-A'"),
        ("I-A O I-A O", "I-B B-A", "iob1", 1, "I- as in IOB1"),
        ("S-A B-A E-A", "O I-A", "bioes", 1, "which continues nothing"),
        ("S-A B-A E-A", "S-A E-A", "bioes", 1, "since 'S-A' ends one, found 'E-A'"),
        ("S-A B-A E-A", "B-A O", "bioes", 1, "a tag that continues 'B-A', as in BIOES, found 'O'"),
        ("S-A B-A E-A", "B-A I-B E-B", "bioes", 1, "continues 'B-A', as in BIOES, found 'I-B'"),
        ("S-A B-A E-A", "O B-A I-A", "bioes", 2, "an end of the span 'I-A', found the end of the sentence"),
    ],
)
def test_a_tag_that_does_not_fit(others: str, tags: str, scheme: str, word: int, message: str) -> None:
    corpus = [others.split()] * 3 + [tags.split()]
    assert scheme_of(corpus) == scheme
    assert problem_of(corpus[0], scheme) is None
    problem = problem_of(corpus[-1], scheme)
    assert problem is not None
    assert problem.word == word
    assert message in problem.message


@given(sentences(), st.integers(0, 2), st.sampled_from(SCHEMES))
@settings(deadline=None)
def test_round_trips_lose_nothing(wanted: list[Span], after: int, scheme: str) -> None:
    length = (wanted[-1].stop if wanted else 0) + after
    tags = bioes(wanted, length)
    written = convert(tags, scheme)
    assert spans(written) == wanted
    assert problem_of(written, scheme) is None
    assert convert(written, "bioes") == tags
    assert convert(convert(written, "iob1"), scheme) == written
    if wanted:
        assert scheme_of([written]) == scheme
        strict = {"iob1": IOB1, "iob2": IOB2, "bioes": IOBES}[scheme]
        assert [(e.tag, e.start, e.end) for e in Entities([written], strict).entities[0]] == wanted


@given(any_tags)
@settings(deadline=None)
def test_any_tags_mark_the_spans_of_conlleval(tags: list[str]) -> None:
    assert spans(tags) == conlleval(tags)
    assert [(name, start, stop - 1) for name, start, stop in spans(tags)] == get_entities(tags)


def test_what_is_no_span_is_outside() -> None:
    assert spans(["NN", "B-A", ".", "I-A"]) == [Span("A", 1, 2), Span("A", 3, 4)]
    assert spans([]) == []
    assert convert([], "bioes") == []
