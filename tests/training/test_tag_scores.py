"""Scores of taggings, by hand."""

import numpy as np
import pytest
from jaxtyping import Int

from tasktalk.core.task import Task
from tasktalk.training.tag_predictor import Tagged
from tasktalk.training.tag_scores import tag_scores

POS = Task("pos", "tagging", ("A", "B"))
NER = Task("ner", "tagging", ("O", "B-x", "E-x", "I-x", "S-x"), scheme="iob2")
O, B, E, I, S = range(5)  # noqa: E741


def tagged(tags: list[int], loss: float = 0.0) -> Tagged:
    return Tagged(np.array(tags), np.ones(len(tags)), loss)


def test_tags_that_are_no_spans_have_accuracy_error_and_loss() -> None:
    gold: list[Int[np.ndarray, " _"] | None] = [np.array([0, 1, 1]), np.array([0])]
    scores = tag_scores(POS, [tagged([0, 1, 0], 3.0), tagged([0], 1.0)], gold)
    assert scores == {"n": 2, "error": 25.0, "accuracy": 0.75, "loss": 1.0}


def test_spans_have_f1_and_their_tags_count_as_in_the_files() -> None:
    gold: list[Int[np.ndarray, " _"] | None] = [np.array([B, I, E, O]), np.array([S, O])]
    scores = tag_scores(NER, [tagged([B, E, S, O], 2.0), tagged([S, O], 4.0)], gold)
    # The files have B I I O and B O; the answers B I B O and B O: five of six tags.
    assert (scores["n"], scores["loss"]) == (2, 1.0)
    assert scores["accuracy"] == pytest.approx(5 / 6) and scores["error"] == pytest.approx(100 / 6)
    assert scores["precision"] == pytest.approx(1 / 3) and scores["recall"] == 0.5  # one span is right
    assert scores["f1"] == pytest.approx(2 / 5)
    assert scores["types"] == {"x": {"precision": 1 / 3, "recall": 0.5, "f1": 2 / 5, "support": 2}}


def test_sentences_without_tags_do_not_count() -> None:
    answers = [tagged([0], np.nan), tagged([1], 0.5)]
    assert tag_scores(POS, answers, [None, np.array([1])]) == {"n": 1, "error": 0.0, "accuracy": 1.0, "loss": 0.5}


@pytest.mark.parametrize("task", [POS, NER])
def test_without_any_tags_nothing_is_defined(task: Task) -> None:
    scores = tag_scores(task, [tagged([0], np.nan)], [None])
    assert scores["n"] == 0 and not scores.get("types")
    assert {value for key, value in scores.items() if key not in ("n", "types")} == {None}
