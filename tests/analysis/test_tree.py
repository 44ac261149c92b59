"""Trees and groups of tasks: against loops, and on planted groups."""

import numpy as np
import pytest

from tasktalk.analysis.tree import MOST_GROUPS, groups, grow, mirrored, profile_distances, task_distances

RIGHT = np.repeat(np.arange(3), 3)


def planted(noise: float, seed: int = 0) -> np.ndarray:
    """Weights of nine tasks that listen within their group; rows sum to 1, nothing on the diagonal."""
    weights = (RIGHT[:, None] == RIGHT) + noise * np.random.default_rng(seed).uniform(size=(9, 9))
    weights[np.diag_indices(9)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return np.where(np.eye(9, dtype=bool), np.nan, weights)


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("count", [3, None])
def test_planted_groups_are_found_through_noise(directed: bool, count: int | None) -> None:
    from sklearn.metrics import adjusted_rand_score

    order = np.random.default_rng(1).permutation(9)
    for seed in range(5):
        weights = planted(0.5, seed)[order][:, order]
        assert adjusted_rand_score(RIGHT[order], groups(task_distances(weights, directed), count)) == 1


def test_distances_are_over_what_both_know() -> None:
    rows = np.array([[0.5, np.nan, 0.1], [0.2, 0.3, np.nan], [np.nan, 0.7, 0.4]])
    found = profile_distances(rows)
    for i in range(3):
        for j in range(3):
            shared = [k for k in range(3) if not np.isnan(rows[i, k]) and not np.isnan(rows[j, k])]
            squares = [(rows[i, k] - rows[j, k]) ** 2 for k in shared]
            assert found[i, j] == pytest.approx((sum(squares) / len(squares)) ** 0.5)


def test_a_row_of_which_nothing_is_known_is_as_far_as_any() -> None:
    rows = np.array([[0.0, 0.0], [1.0, 1.0], [np.nan, np.nan]])
    np.testing.assert_allclose(profile_distances(rows), [[0, 1, 1], [1, 0, 1], [1, 1, 0]])


def test_a_task_without_samples_is_placed_by_who_listens_to_it() -> None:
    weights = planted(0.0)
    weights[8] = np.nan
    np.testing.assert_array_equal(
        groups(task_distances(weights, True), 3)[6:8], groups(task_distances(weights, True), 3)[8]
    )


def test_a_mirror_takes_what_it_knows() -> None:
    found = mirrored(np.array([[1.0, 2.0, np.nan], [4.0, 1.0, 5.0], [np.nan, np.nan, np.nan]]))
    np.testing.assert_allclose(found, [[1.0, 3.0, np.nan], [3.0, 1.0, 5.0], [np.nan, 5.0, np.nan]])


def test_groups_are_numbered_along_the_tree() -> None:
    distances = task_distances(planted(0.3), True)
    along = groups(distances, 3)[grow(distances).order]
    assert (np.diff(along) >= 0).all()
    assert set(along) == {0, 1, 2}


def test_what_does_not_differ_is_one_group() -> None:
    assert groups(np.zeros((5, 5))).tolist() == [0] * 5
    assert groups(profile_distances(np.ones((1, 3)))).tolist() == [0]
    assert len(groups(task_distances(planted(0.0)[:2, :2], True))) == 2


def test_no_more_groups_than_can_be_named() -> None:
    points = np.arange(30.0).repeat(2)[:, None]
    assert groups(profile_distances(points)).max() < MOST_GROUPS
