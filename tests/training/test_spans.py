"""Scores of spans: equal to seqeval's, and to what conlleval prints of cases made by hand."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score, classification_report
from seqeval.scheme import IOB1, IOB2, IOBES

from tasktalk.data.schemes import convert
from tasktalk.training.spans import span_scores, token_scores

GOLD = ["B-PER", "I-PER", "O", "B-LOC", "B-LOC", "I-LOC", "O", "B-ORG"]
FOUND = ["B-PER", "I-PER", "O", "B-LOC", "I-LOC", "I-LOC", "B-ORG", "B-ORG"]

any_tags = st.lists(st.sampled_from(["O", *(f"{m}-{t}" for m in "BIES" for t in ("A", "B-c"))]), min_size=6, max_size=6)


@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes"])
def test_a_case_made_by_hand_in_every_scheme(scheme: str) -> None:
    scores = span_scores([convert(GOLD, scheme)], [convert(FOUND, scheme)])
    assert (scores["n"], scores["precision"], scores["recall"], scores["f1"]) == (1, 2 / 4, 2 / 4, 0.5)
    assert scores["types"] == {
        "LOC": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 2},
        "ORG": {"precision": 0.5, "recall": 1.0, "f1": 2 / 3, "support": 1},
        "PER": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1},
    }
    assert span_scores([GOLD], [FOUND])["accuracy"] == 6 / 8


def test_predictions_that_are_not_well_formed() -> None:
    gold = [["O", "B-A", "E-A", "O", "S-B"]]
    assert span_scores(gold, [["O", "I-A", "I-A", "O", "I-B"]])["f1"] == 1  # I after O begins a span, as in conlleval
    assert span_scores(gold, [["O", "B-A", "O", "O", "B-B"]])["f1"] == 0.5  # a span without an end ends where O begins
    assert span_scores(gold, [["O", "B-A", "I-B", "O", "S-B"]])["precision"] == 1 / 3
    assert span_scores(gold, [["E-A", "E-A", "E-A", "O", "S-B"]])["f1"] == 1 / 3


def test_types_that_are_only_predicted_or_only_there() -> None:
    scores = span_scores([["B-A", "O"]], [["O", "B-B"]])
    assert scores["types"]["A"] == {"precision": None, "recall": 0.0, "f1": 0.0, "support": 1}
    assert scores["types"]["B"] == {"precision": 0.0, "recall": None, "f1": 0.0, "support": 0}
    assert (scores["precision"], scores["recall"], scores["f1"], scores["accuracy"]) == (0, 0, 0, 0)


def test_what_is_not_defined_is_none() -> None:
    empty: dict[str, Any] = {"precision": None, "recall": None, "f1": None, "accuracy": None, "types": {}}
    assert span_scores([], []) == {"n": 0, **empty}
    assert span_scores([["O"]], [["O"]]) == {"n": 1, **empty, "accuracy": 1.0}
    assert token_scores([], []) == {"n": 0, "error": None, "accuracy": None}


def test_a_span_goes_no_further_than_its_sentence() -> None:
    gold = [["B-A", "I-A"], ["I-A"]]
    assert span_scores(gold, gold)["types"]["A"]["support"] == 2
    assert span_scores(gold, [["B-A", "I-A"], ["O"]])["recall"] == 0.5


def test_tokens() -> None:
    gold, found = [["DT", "NN"], ["VB", "NN"]], [["DT", "NN"], ["NN", "NN"]]
    assert token_scores(gold, found) == {"n": 2, "error": 25.0, "accuracy": 0.75}
    with pytest.raises(ValueError, match="shorter"):
        token_scores(gold, [["DT", "NN"], ["VB"]])


@given(st.lists(st.tuples(any_tags, any_tags), min_size=1, max_size=4))
@settings(deadline=None)
def test_any_tags_have_the_scores_of_seqeval(pairs: list[tuple[list[str], list[str]]]) -> None:
    gold, found = [first for first, _ in pairs], [second for _, second in pairs]
    scores = span_scores(gold, found)
    assume(scores["types"])  # seqeval divides by zero where there is no span at all
    report = classification_report(gold, found, output_dict=True, zero_division=0)
    assert (scores["f1"] or 0) == pytest.approx(report["micro avg"]["f1-score"], abs=1e-12)
    assert (scores["precision"] or 0) == pytest.approx(report["micro avg"]["precision"], abs=1e-12)
    assert (scores["recall"] or 0) == pytest.approx(report["micro avg"]["recall"], abs=1e-12)
    assert scores["accuracy"] == pytest.approx(accuracy_score(gold, found))
    for name, of_type in scores["types"].items():
        assert (of_type["f1"] or 0) == pytest.approx(report[name]["f1-score"], abs=1e-12)
        assert of_type["support"] == report[name]["support"]


@given(st.lists(st.tuples(any_tags, any_tags), min_size=1, max_size=4), st.sampled_from([IOB1, IOB2, IOBES]))
@settings(deadline=None)
def test_well_formed_tags_have_the_scores_of_strict_seqeval(
    pairs: list[tuple[list[str], list[str]]], scheme: type[IOB1] | type[IOB2] | type[IOBES]
) -> None:
    name = {IOB1: "iob1", IOB2: "iob2", IOBES: "bioes"}[scheme]
    gold, found = ([convert(pair[side], name) for pair in pairs] for side in (0, 1))
    scores = span_scores(gold, found)
    assume(scores["types"])
    strict = classification_report(gold, found, output_dict=True, mode="strict", scheme=scheme, zero_division=0)
    expected = [strict["micro avg"][score] for score in ("precision", "recall", "f1-score")]
    assert [scores["precision"] or 0, scores["recall"] or 0, scores["f1"] or 0] == pytest.approx(expected, abs=1e-12)
