import numpy as np
import pytest
from scipy.stats import spearmanr

from tasktalk.analysis.chance import (
    as_large,
    chance_of,
    interval,
    permuted_within,
    rank_correlation,
    resampled,
    share_of,
    too_few,
)


def test_every_draw_has_as_many_samples() -> None:
    counts = resampled(5, None, draws=50)
    assert counts.shape == (50, 5)
    assert (counts.sum(axis=1) == 5).all()
    assert len(np.unique(counts, axis=0)) > 10
    np.testing.assert_array_equal(counts, resampled(5, None, draws=50))
    assert not np.array_equal(counts, resampled(5, None, draws=50, seed=1))


def test_every_task_draws_from_its_own_samples() -> None:
    owner = np.array([1, 0, 1, 1, 0])
    counts = resampled(5, owner, draws=50)
    assert (counts[:, owner == 0].sum(axis=1) == 2).all()
    assert (counts[:, owner == 1].sum(axis=1) == 3).all()


def test_an_interval_is_the_middle_of_the_draws() -> None:
    low, high = interval(np.append(np.arange(1001.0), np.nan))
    assert (low, high) == (25, 975)
    assert np.isnan(interval(np.full(3, np.nan))).all()


def test_rank_correlation_is_that_of_scipy() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(4, size=(2, 30)).astype(float)  # many ties
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert rank_correlation(a, 2 * a + 1) == pytest.approx(1)
    assert np.isnan(rank_correlation(a, np.ones(30)))
    assert np.isnan(rank_correlation(a[:2], b[:2]))


def test_values_stay_in_their_group() -> None:
    values, groups = np.arange(8.0), np.array([2, 0, 0, 2, 1, 0, 2, 0])
    draw = np.random.default_rng(0)
    seen = {tuple(permuted_within(values, groups, draw).tolist()) for _ in range(2000)}
    for found in seen:
        for group in range(3):
            assert sorted(np.array(found)[groups == group]) == sorted(values[groups == group])
    assert len(seen) == 24 * 6


def test_chance_counts_draws_that_reach_it() -> None:
    assert chance_of(2.0, lambda draw: 1.0, draws=99) == 0.01
    assert chance_of(1.0, lambda draw: 1.0, draws=99) == 1
    assert 0.4 < chance_of(0.5, lambda draw: draw.random()) < 0.6


def test_what_was_found_is_one_of_the_draws() -> None:
    assert as_large(1.0, lambda draw: 1 - 1e-13, draws=7) == 7
    assert as_large(1.0, lambda draw: 0.9, draws=7) == 0
    found = as_large(0.5, lambda draw: draw.random(), 99, seed=3)
    assert share_of(found, 99) == (1 + found) / 100 == chance_of(0.5, lambda draw: draw.random(), 99, seed=3)


def test_a_check_needs_samples_and_of_each_task() -> None:
    assert too_few(20, [20]) == ""
    assert too_few(20, [5] * 4) == ""
    assert too_few(20, [20] * 16) == ""
    assert too_few(1, [1]) == "1 sample is too few: at least 20 are needed, and on average 5 of each task."
    assert too_few(19, [19] * 9).startswith("19 samples are too few")
    assert too_few(30, [1] * 30, "labelled sample").startswith("30 labelled samples are too few")
    assert too_few(20, what="word") == ""
    assert too_few(19, what="word") == "19 words are too few: at least 20 are needed."
