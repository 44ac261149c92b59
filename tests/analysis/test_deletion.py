from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plotly.graph_objects import Figure as Interactive

from tasktalk.analysis.chance import resampled
from tasktalk.analysis.cutting import Edges, Harm, Scored
from tasktalk.analysis.deletion import (
    agreement,
    agreement_check,
    auroc_change,
    deletion_part,
    ends_check,
    examples_of,
    mean_rise,
    strongest_and_weakest,
)
from tasktalk.analysis.overview import observe
from tasktalk.core.errors import ConfigError
from tasktalk.training.train import train
from tests.training.toy import config, toy

NAN = np.nan


def scored(loss: np.ndarray) -> Scored:
    return Scored(loss, (loss > 1).astype(float), np.full(len(loss), NAN))


def made(rises: dict[tuple[int, int], float], weight: np.ndarray, samples: int = 30, noise: float = 0.1) -> list[Harm]:
    """Harms of every edge: how much the loss rises, with noise from sample to sample."""
    random = np.random.default_rng(0)
    before = random.random(samples)
    rows, labels = np.arange(samples), np.zeros(samples)
    return [
        Harm(
            k,
            i,
            weight[k, i],
            rows,
            labels,
            scored(before),
            scored(before + rise + noise * random.normal(size=samples)),
        )
        for (k, i), rise in rises.items()
    ]


WEIGHT = np.array([[NAN, 0.1, 0.9, 0.5], [0.7, NAN, 0.2, 0.4], [0.3, 0.6, NAN, 0.8], [0.45, 0.35, 0.15, NAN]])
EDGES = Edges(tuple("abcd"), tuple("abcd"), WEIGHT, "weights")
ALL = [(k, i) for k in range(4) for i in range(4) if i != k]


def test_ends_of_every_receiver() -> None:
    strong, weak = strongest_and_weakest(EDGES, made(dict.fromkeys(ALL, 0.0), WEIGHT))
    assert [(h.receiver, h.source) for h in strong] == [(0, 2), (1, 0), (2, 3), (3, 0)]
    assert [(h.receiver, h.source) for h in weak] == [(0, 1), (1, 2), (2, 0), (3, 2)]


def test_with_one_edge_each_halves_are_compared() -> None:
    weight = np.array([[0.3], [0.1], [0.9], [0.5], [0.2]])
    edges = Edges(tuple("abcde"), ("mailbox",), weight, "openness")
    strong, weak = strongest_and_weakest(edges, made({(k, 0): 0.0 for k in range(5)}, weight))
    assert [h.receiver for h in strong] == [3, 2]
    assert [h.receiver for h in weak] == [1, 4]


def test_a_rise_is_paired_and_its_draws_are_means_of_drawn_samples() -> None:
    harms = made({(0, 1): 0.2, (1, 0): 0.4}, WEIGHT)
    counts = resampled(30, None, draws=7)
    mean, draws = mean_rise(harms, counts)
    assert mean == pytest.approx(np.mean([harm.loss for harm in harms]))
    for drawn, count in zip(draws, counts, strict=True):
        rows = np.repeat(np.arange(30), count.astype(int))
        assert drawn == pytest.approx(np.mean([harm.loss[rows] for harm in harms]))


def test_harm_where_weights_are_large_passes() -> None:
    harms = made({edge: WEIGHT[edge] for edge in ALL}, WEIGHT)
    counts = resampled(30, None)
    check = ends_check(EDGES, harms, counts)
    assert check.passed is True
    assert "large weights are where cutting hurts" in check.sentence
    assert "The largest weight of all that were cut is a ← c (0.900; loss +0.9" in check.sentence
    check = agreement_check(EDGES, harms, 12, 0)
    assert check.passed is True
    assert "over 12 of 12 edges, each counted from the mean of its receiver: +1.00 (p = 0.00" in check.sentence


@pytest.mark.parametrize("sign", [0, -1])
def test_harm_elsewhere_does_not_pass(sign: float) -> None:
    harms = made({edge: sign * WEIGHT[edge] for edge in ALL}, WEIGHT)
    for check in (ends_check(EDGES, harms, resampled(30, None)), agreement_check(EDGES, harms, 12, 0)):
        assert check.passed is False
        assert "does not pass" in check.sentence


def test_what_cannot_be_checked() -> None:
    harms = made({(0, 1): 0.1, (1, 0): 0.2}, WEIGHT)
    assert ends_check(EDGES, harms, resampled(30, None)).passed is None
    assert agreement_check(EDGES, harms, 12, 0).passed is None
    few = made(dict.fromkeys(ALL, 0.0), WEIGHT, samples=5)
    check = ends_check(EDGES, few, resampled(5, None))
    assert (check.passed, check.sentence[:32]) == (None, "5 labelled samples are too few: ")


def test_a_receiver_that_suffers_from_everything_does_not_count() -> None:
    groups = np.repeat(np.arange(3), 4)
    size = np.tile(np.arange(4.0), 3)
    assert agreement(size, size + 100 * groups, groups) == pytest.approx(1)
    assert agreement(size + 10 * groups, -size + 100 * groups, groups) == pytest.approx(-1)


def test_change_of_auroc() -> None:
    labels = np.array([0.0, 0, 1, 1])
    with_it = Scored(labels, labels, np.array([0.1, 0.2, 0.8, 0.9]))
    without = Scored(labels, labels, np.array([0.1, 0.85, 0.8, 0.9]))
    assert auroc_change(Harm(0, 1, 0.5, np.arange(4), labels, with_it, without)) == pytest.approx(-0.25)
    assert np.isnan(auroc_change(Harm(0, 1, 0.5, np.arange(4), 0 * labels, with_it, without)))


@pytest.mark.parametrize("model", ["dc", "ic"])
def test_the_part_of_a_run(model: str, tmp_path: Path) -> None:
    run, test = train(toy(), config(model), tmp_path / "run"), toy().splits["test"]
    overview = observe(run, test, most=30)
    part = deletion_part(run, test, overview, edges=5)
    cut = 5 if model == "dc" else 3
    how_many = {"dc": "Of 6 edges 5 were cut one by one", "ic": "All 3 edges were cut one by one"}
    assert part.lead.startswith(how_many[model])
    (picture,) = part.pictures
    assert len(picture.rows) == cut
    assert all(len(row) == len(picture.header) for row in picture.rows)
    assert isinstance(picture.interactive, Interactive)
    assert sum(len(trace.x) for trace in picture.interactive.data) == cut
    assert [check.name for check in part.checks] == [
        "cutting the strongest and the weakest edges",
        "weight against harm",
    ]
    for row in picture.rows:
        _, _, _, _, samples, before, after, change, low, high, error, area = row
        assert samples == 10
        assert change == pytest.approx(after - before)  # type: ignore[operator]
        assert low <= change <= high  # type: ignore[operator]
        assert isinstance(error, float) and isinstance(area, float)
    with pytest.raises(ConfigError, match="not the samples of the overview"):
        examples_of(test, overview, seed=1)


def test_a_split_without_labels(tmp_path: Path) -> None:
    run = train(toy(), config("dc"), tmp_path / "run")
    unlabelled = run.examples(["a good film", "a bad page"])
    part = deletion_part(run, unlabelled, observe(run, unlabelled))
    assert (part.pictures, part.checks) == ((), ())
    assert part.lead == "No task has labelled samples and an edge to cut."


def test_a_model_without_edges_says_so(tmp_path: Path) -> None:
    test = toy(shared=True).splits["test"]
    heard = train(toy(shared=True), config("mmoe"), tmp_path / "heard")
    run = train(toy(shared=True), config("linear"), tmp_path / "run")
    part = deletion_part(run, test, observe(heard, test))
    assert part.pictures == ()
    (check,) = part.checks
    assert check.passed is None
    assert check.sentence == "a linear model or a forest has nothing between its tasks that could be cut."


def test_two_tasks_have_no_choice() -> None:
    weight = np.array([[NAN, 1.0], [1.0, NAN]])
    check = ends_check(
        Edges(("a", "b"), ("a", "b"), weight, "w"), made({(0, 1): 0.0, (1, 0): 9.0}, weight), resampled(30, None)
    )
    assert (check.passed, check.sentence) == (None, "There are no two edges with different weights to compare.")


def test_halves_of_a_few_tasks_differ_by_chance() -> None:
    """One edge for each task: that one task suffers more than another says nothing about their weights."""
    few = np.array([[0.4], [0.6]])
    two = Edges(("a", "b"), ("mailbox",), few, "openness")
    check = ends_check(two, made({(0, 0): 0.1, (1, 0): 0.9}, few), resampled(30, None))
    assert check.passed is None and "too few tasks" in check.sentence
    weight = np.linspace(0.1, 0.8, 8)[:, None]
    edges = Edges(tuple("abcdefgh"), ("mailbox",), weight, "openness")
    for rises, passed in ((weight[:, 0], True), (np.array([0, 0, 0.1, 0, 0, 0.5, 0, 0]), False)):
        harms = made({(k, 0): rises[k] for k in range(8)}, weight)
        check = ends_check(edges, harms, resampled(30, None))
        assert check.passed is passed
        assert "with the weights dealt out anew" in check.sentence


def test_three_weights_have_six_orders() -> None:
    """None of them is rarer than one in twenty: a correlation of theirs could never pass."""
    weight = np.array([[0.4], [0.5], [0.6], [0.7]])
    checks = []
    for count in (3, 4):
        edges = Edges(tuple("abcd"[:count]), ("mailbox",), weight[:count], "openness")
        harms = made({(k, 0): weight[k, 0] for k in range(count)}, weight[:count])
        checks.append(agreement_check(edges, harms, count, 0))
    assert [check.passed for check in checks] == [None, True]
    assert "only 6 orders" in checks[0].sentence


def test_no_change_is_not_negative() -> None:
    given = made(dict.fromkeys(ALL, 0.0), WEIGHT)
    harms = [replace(one, after=replace(one.before, loss=one.before.loss - 1e-7)) for one in given]
    sentence = ends_check(EDGES, harms, resampled(30, None)).sentence
    assert "changed the loss by +0.0000" in sentence and "-0.0000" not in sentence


def test_one_sample_of_each_task_certifies_nothing() -> None:
    """Drawn anew from its own task it is always itself, and an interval has no width."""
    harms = [replace(harm, rows=np.array([n])) for n, harm in enumerate(made(dict.fromkeys(ALL, 0.0), WEIGHT, 1))]
    many = [replace(harms[n % 12], receiver=n % 4, rows=np.array([n % 4])) for n in range(12)]
    assert ends_check(EDGES, many, resampled(4, np.arange(4))).passed is None
    assert agreement_check(EDGES, made({edge: WEIGHT[edge] for edge in ALL}, WEIGHT, 3), 12, 0).passed is None
