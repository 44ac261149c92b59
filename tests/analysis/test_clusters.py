import numpy as np
import pytest

from tasktalk.analysis.clusters import (
    directions,
    far_apart,
    features,
    find_clusters,
    null_silhouettes,
    one_cloud,
    permuted,
)
from tests.analysis.overviews import alike, in_groups, make


def clouds(sizes: tuple[int, ...] = (30, 20, 10), seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    centres = 3 * generator.normal(size=(len(sizes), 12))
    return np.concatenate([c + 0.3 * generator.normal(size=(n, 12)) for c, n in zip(centres, sizes, strict=True)])


def test_planted_clusters_are_found_the_largest_first() -> None:
    found = find_clusters(clouds())
    assert found.count == 3
    assert found.of.tolist() == [0] * 30 + [1] * 20 + [2] * 10
    assert found.silhouette > 0.7
    assert find_clusters(clouds()).of.tolist() == found.of.tolist()
    assert find_clusters(clouds(), count=5).count == 5


def test_directions_are_principal_components() -> None:
    rows = clouds()
    points, explained = directions(rows)
    values = np.linalg.eigvalsh(np.cov(rows.T))[::-1]
    np.testing.assert_allclose(points.var(axis=0, ddof=1), values[:10])
    np.testing.assert_allclose(explained, (values / values.sum())[:10])
    np.testing.assert_allclose(find_clusters(rows).explained, explained[:2])


def test_clusters_stand_out_against_both_nulls_and_noise_does_not() -> None:
    real, noise = clouds(), np.random.default_rng(0).normal(size=(60, 12))
    for draw in (permuted, one_cloud):
        assert null_silhouettes(real, draw).max() < find_clusters(real).silhouette
        assert null_silhouettes(noise, draw).max() > find_clusters(noise).silhouette - 0.05


def test_nulls_keep_what_they_say() -> None:
    rows, generator = clouds((400, 300)), np.random.default_rng(0)
    np.testing.assert_allclose(np.sort(permuted(rows, generator), axis=0), np.sort(rows, axis=0))
    cloud = one_cloud(rows, generator)
    np.testing.assert_allclose(cloud.mean(axis=0), rows.mean(axis=0), atol=0.5)
    np.testing.assert_allclose(np.cov(cloud.T), np.cov(rows.T), atol=0.25 * np.cov(rows.T).max())


def test_what_is_so_in_every_sample_is_no_feature() -> None:
    assert features(make(alike(), "beta")).shape == (40, 10)
    assert features(make(in_groups(9))).shape == (9, 81)
    assert features(make(in_groups(9, diagonal=False))).shape == (9, 72)
    assert features(make(in_groups(9)[:, :, :4], "experts")).shape == (9, 36)


def test_a_few_that_are_far_from_all_are_found_and_clusters_are_not() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 4))
    rows[7] += 100
    assert far_apart(rows).tolist() == [7]
    assert not len(far_apart(clouds()))
    assert not len(far_apart(np.zeros((5, 2))))


@pytest.mark.parametrize("rows", [np.eye(3), np.array([[0.0], [0.0], [1.0]])])
def test_few_or_flat_samples_are_clustered_all_the_same(rows: np.ndarray) -> None:
    found = find_clusters(rows)
    assert found.points.shape == (3, 2)
    assert np.isfinite(found.points).all()
