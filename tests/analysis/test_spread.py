"""Bootstrap over samples, against formulas and loops."""

import numpy as np
import pytest

from tasktalk.analysis.spread import bootstrap, counts, fixed_diagonal, shown_weights, strongest, unsure, varies
from tests.analysis.overviews import alike, in_groups, make


@pytest.mark.parametrize("shared", [True, False])
def test_the_error_is_that_of_a_mean(shared: bool) -> None:
    overview = make(in_groups(90), shared=shared)
    found = bootstrap(overview, draws=4000)
    for task in (0, 5):
        own = overview.own(task)
        expected = overview.weights[own, task].std(axis=0) / np.sqrt(len(own))
        np.testing.assert_allclose(found.error[task], expected, rtol=0.1)
    np.testing.assert_allclose(found.draws.mean(axis=0), overview.mean(), atol=0.005)


def test_draws_depend_on_the_seed_only() -> None:
    overview = make(in_groups(30))
    np.testing.assert_array_equal(bootstrap(overview, 1, 20).draws, bootstrap(overview, 1, 20).draws)
    assert (bootstrap(overview, 1, 20).draws != bootstrap(overview, 2, 20).draws).any()


def test_a_clear_source_is_kept_and_a_tie_is_not() -> None:
    weights = np.zeros((40, 2, 3))
    weights[:, 0] = [0.1, 0.8, 0.1]
    weights[:, 1] = [0.5, 0.5, 0.0]
    weights[:, 1, :2] += np.random.default_rng(0).normal(scale=0.2, size=(40, 2))
    found = bootstrap(make(weights, "experts", shared=True))
    assert found.kept[0] == 1
    assert found.kept[1] < 0.95
    assert unsure(found).tolist() == [False, True]


def test_of_one_sample_or_none_the_spread_is_not_known() -> None:
    overview = make(in_groups(4)[:, :3, :3], owner=np.array([0, 0, 0, 1]))
    found = bootstrap(overview)
    assert np.isfinite(found.error[0]).all()
    assert np.isnan(found.error[1:]).all()
    assert np.isnan(found.kept).tolist() == [False, True, True]
    assert np.isnan(found.draws[:, 2]).all()
    assert counts(overview).tolist() == [[3] * 3, [1] * 3, [0] * 3]


def test_a_likeness_is_what_both_see_and_has_no_diagonal() -> None:
    overview = make(alike(), "beta")
    mean, found = overview.mean(), shown_weights(overview, overview.mean())
    for a in range(5):
        for b in range(5):
            assert np.isnan(found[a, b]) if a == b else found[a, b] == pytest.approx((mean[a, b] + mean[b, a]) / 2)
    assert counts(overview)[0, 1] == 16
    assert (counts(make(alike(), "beta", shared=True)) == 40).all()


def test_a_diagonal_that_is_always_0_is_not_shown() -> None:
    assert fixed_diagonal(make(in_groups(9, diagonal=False)))
    assert not fixed_diagonal(make(in_groups(9)))
    assert not fixed_diagonal(make(np.zeros((3, 2, 2)), "experts"))


def test_the_strongest_has_any_sign_and_is_no_task_itself() -> None:
    weights = np.array([[9.0, 0.1, -0.5], [0.2, np.nan, 0.1], [np.nan, np.nan, np.nan]])
    assert strongest(weights).tolist() == [2, 0, -1]
    assert strongest(weights, between_tasks=False).tolist() == [0, 0, -1]


def test_weights_vary_or_not() -> None:
    assert varies(make(in_groups(9)))
    assert not varies(make(np.repeat(in_groups(1), 9, axis=0)))
    assert not varies(make(in_groups(1)))
