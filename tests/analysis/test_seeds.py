from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tasktalk.analysis.overview import Overview
from tasktalk.analysis.seeds import seeds_check, seeds_picture
from tasktalk.core.errors import ConfigError
from tests.analysis.made import made_overview


def several(noise: float, signal: float = 1.0, count: int = 3) -> list[Overview]:
    """The same structure in every seed, and noise of its own."""
    random = np.random.default_rng(0)
    structure = signal * random.random((6, 6))
    return [made_overview(structure + noise * random.random((6, 6))) for _ in range(count)]


def test_what_repeats_passes() -> None:
    check = seeds_check(several(noise=0.1))
    assert check.passed is True
    assert check.sentence.startswith("Over 3 seeds the rank correlation of the weights is +0.9")
    assert "the picture repeats" in check.sentence


def test_what_depends_on_the_seed_does_not() -> None:
    check = seeds_check(several(noise=1, signal=0))
    assert check.passed is False
    assert "does not pass, it depends on the seed" in check.sentence


def test_a_few_samples_certify_nothing() -> None:
    structure = np.random.default_rng(0).random((6, 6))
    checks = [seeds_check([made_overview(structure, samples, noise=0.01)] * 2) for samples in (1, 19, 20)]
    assert [check.passed for check in checks] == [None, None, True]
    assert checks[0].sentence.startswith("1 sample is too few") and checks[1].sentence.startswith("19 samples are too")


def test_a_correlation_that_chance_reaches_is_no_check() -> None:
    two = [made_overview(np.array([[0, 0.1, 0.9], [0.2, 0, 0.8], [0.3, 0.7, 0.0]])) for _ in range(2)]
    check = seeds_check(two)
    assert "+1.00 on average, but 3 tasks have only 6 orders" in check.sentence
    assert check.passed is None
    assert seeds_check([*two, two[0]]).passed is True  # of which there are 36


def test_the_diagonal_does_not_count() -> None:
    overviews = several(noise=1, signal=0)
    loud = [replace(o, weights=o.weights + 9 * np.eye(6)) for o in overviews]
    assert seeds_check(loud).sentence == seeds_check(overviews).sentence


def test_what_cannot_be_compared() -> None:
    one = made_overview(np.random.default_rng(0).random((3, 3)))
    assert seeds_check([one]).passed is None
    experts = [replace(one, sources=("expert 1", "expert 2", "expert 3"))] * 2
    assert seeds_check(experts).passed is None
    assert "Experts have no names" in seeds_check(experts).sentence
    assert seeds_check([made_overview(np.ones((3, 3)))] * 2).passed is None
    with pytest.raises(ConfigError, match="differ in the seed alone"):
        seeds_check([one, replace(one, tasks=("x", "y", "z"))])
    with pytest.raises(ConfigError, match="expected at least one overview, found none"):
        seeds_picture([])


def test_the_picture_has_mean_and_spread_of_every_edge() -> None:
    overviews = several(noise=0.5)
    picture = seeds_picture(overviews)
    assert picture.header == ("receiver", "source", "mean", "standard deviation", "run 1", "run 2", "run 3")
    assert len(picture.rows) == 30
    row: list[Any] = list(picture.rows[0])
    receiver, source, mean, spread, *each = row
    assert (receiver, source) == ("task 0", "task 1")
    assert each == pytest.approx([overview.mean()[0, 1] for overview in overviews])
    assert mean == pytest.approx(np.mean(each))
    assert spread == pytest.approx(np.std(each))
