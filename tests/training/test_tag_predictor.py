"""The answers of a tagger: best paths, marginals, losses."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tasktalk.data.batches import Plan, rows_of
from tasktalk.data.dataset import Examples
from tasktalk.data.sentence_batches import EncodedSentences
from tasktalk.models.tagging_network import TaggingNetwork
from tasktalk.training.metrics import summarise
from tasktalk.training.predictor import network_predictor, score
from tasktalk.training.tag_predictor import Tagged, TagPredictor
from tests.training.toy import config as small
from tests.training.toy import make_fit, tagged, toy

DATA = tagged()


def made(
    model: str = "ic", output: str = "crf", batch_size: int = 4, marginals: bool = True
) -> tuple[TagPredictor, EncodedSentences]:
    """An untrained tagger, and the development sentences of both tasks."""
    chosen = small(model, output=output, hidden=5)
    fit = make_fit(Path("nowhere"), DATA, chosen)
    network, examples = fit.network, fit.splits["dev"]
    assert isinstance(network, TaggingNetwork) and isinstance(examples, EncodedSentences)
    predictor = network_predictor(network.double(), DATA.tasks, torch.device("cpu"), batch_size)
    assert isinstance(predictor, TagPredictor)
    return replace(predictor, marginals=marginals), examples


def same(one: Tagged, other: Tagged) -> bool:
    assert one.probabilities is not None and other.probabilities is not None
    close = np.allclose(one.probabilities, other.probabilities, rtol=0, atol=1e-6)  # a softmax counts in float32
    return bool((one.tags == other.tags).all()) and close and math.isclose(one.loss, other.loss, abs_tol=1e-5)


@pytest.mark.parametrize("output", ["crf", "softmax"])
@pytest.mark.parametrize("model", ["lstm", "ic"])
@torch.no_grad()
def test_every_sentence_is_answered_in_its_place_as_if_alone(model: str, output: str) -> None:
    predictor, examples = made(model, output)
    predictor.network.eval()
    answers = predictor.answers(examples, (1, 0))
    for task, found in zip((1, 0), answers, strict=True):
        rows = rows_of(examples, task)
        assert len(found) == len(rows) == 8
        for row, answer in zip(rows, found, strict=True):
            alone = Plan((task,), (np.array([row]),))
            batch = examples.collate(alone)
            scores, mask, tagger = predictor.network(batch).logits[0], batch.mask[0], predictor.network.tagger
            assert batch.tags is not None
            path = tagger.decode(scores, mask, task)
            marginals = tagger.marginals(scores, mask, task)
            chosen = marginals[0, torch.arange(mask.shape[1]), path[0]].double().numpy()
            assert same(answer, Tagged(path[0].numpy(), chosen, float(tagger.nll(scores, mask, batch.tags[0], task))))
            assert len(answer.tags) == len(examples.words[row])


@pytest.mark.parametrize("output", ["crf", "softmax"])
def test_probabilities_are_computed_where_they_are_asked_for(output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, examples = made(output=output)
    plain, _ = made(output=output, marginals=False)
    assert network_predictor(plain.network, DATA.tasks, torch.device("cpu"), 4) == plain
    every = asked.answers(examples, (0,))[0]
    monkeypatch.delattr(type(plain.network.tagger), "marginals")
    for answer, other in zip(plain.answers(examples, (0,))[0], every, strict=True):
        assert answer.probabilities is None and (answer.tags == other.tags).all()
        assert answer.loss == pytest.approx(other.loss)


def test_sentences_that_all_tasks_read_are_read_once() -> None:
    predictor, examples = made()
    shared = replace(examples, owner=None, labels=np.full_like(examples.labels, np.nan))
    together = predictor.answers(shared, (0, 1))
    apart = predictor.answers(examples, (0, 1))
    assert [len(found) for found in together] == [16, 16]
    for task, found in enumerate(apart):
        for row, answer in zip(rows_of(examples, task), found, strict=True):
            assert same(together[task][row]._replace(loss=answer.loss), answer)
            assert math.isnan(together[task][row].loss)


def test_training_goes_on_where_it_was() -> None:
    predictor, examples = made()
    predictor.network.train()
    first, second = (predictor.answers(examples, (0,))[0] for _ in range(2))
    assert predictor.network.training
    assert all(same(*pair) for pair in zip(first, second, strict=True))


def test_no_sentence_has_no_answer() -> None:
    predictor, examples = made()
    nothing = replace(examples, words=[], labels=np.zeros((0, 2)), owner=np.zeros(0, dtype=np.int64))
    assert predictor.answers(nothing, (0, 1)) == [[], []]


def test_texts_are_refused(tmp_path: Path) -> None:
    texts = make_fit(tmp_path, toy(), small("fs")).splits["dev"]
    predictor, _ = made("fs")
    with pytest.raises((TypeError, IndexError, AttributeError)):
        predictor.answers(texts, (0,))


def test_who_listened_to_whom_in_a_batch() -> None:
    predictor, examples = made("ic")
    record = predictor.record(examples, Plan((0,), (np.arange(3),)))
    assert record and all(len(weights) == 1 and not weights.requires_grad for weights in record.values())


def test_scores_of_right_answers_are_perfect() -> None:
    _, examples = made()
    answers = []
    for task in (0, 1):
        rows = rows_of(examples, task)
        gold = [examples.gold(int(row), task) for row in rows]
        answers.append([Tagged(tags, np.ones(len(tags)), 0.0) for tags in gold if tags is not None])
    found = score(answers, examples, DATA.tasks)
    assert found["pos"]["accuracy"] == found["chunk"]["f1"] == found["chunk"]["accuracy"] == 1
    block = summarise(DATA.tasks, found)
    assert (
        isinstance(block["mean"], dict)
        and block["mean"]["f1"] == 1
        and block["defined"] == dict.fromkeys(("f1", "precision", "recall"), 1)
    )
    keep = np.zeros(len(examples), dtype=bool)
    assert score(answers, examples, DATA.tasks, keep)["chunk"]["n"] == 0


def test_a_wrong_answer_costs_its_share() -> None:
    _, examples = made()
    one = Examples(DATA.splits["dev"].content, DATA.splits["dev"].labels, DATA.splits["dev"].owner)
    words = sum(len(one.tokens[row]) for row in rows_of(examples, 0))
    gold = [examples.gold(int(row), 0) for row in rows_of(examples, 0)]
    answers = [Tagged(tags.copy(), np.ones(len(tags)), 0.0) for tags in gold if tags is not None]
    answers[0].tags[0] = (answers[0].tags[0] + 1) % 3
    found = score([answers], examples, DATA.tasks[:1])["pos"]
    assert found["accuracy"] == pytest.approx(1 - 1 / words) and found["error"] == pytest.approx(100 / words)
