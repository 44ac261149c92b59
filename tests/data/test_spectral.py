"""The spectral embedding."""

import numpy as np
import pytest
from jaxtyping import Float, Int

from tasktalk.data.spectral import spectral_embedding


def random_edges(nodes: int, count: int, seed: int = 0) -> Int[np.ndarray, "2 _"]:
    pairs = np.random.default_rng(seed).integers(nodes, size=(2, count))
    return np.unique(np.sort(pairs[:, pairs[0] != pairs[1]], axis=0), axis=1)


def naive(edges: Int[np.ndarray, "2 _"], nodes: int, size: int) -> Float[np.ndarray, "nodes size"]:
    """By the definition, entry by entry, for graphs without isolated nodes."""
    adjacency = np.zeros((nodes, nodes))
    for left, right in edges.T:
        adjacency[left, right] = adjacency[right, left] = 1
    degrees = adjacency.sum(1)
    for i in range(nodes):
        for j in range(nodes):
            adjacency[i, j] /= np.sqrt(degrees[i] * degrees[j])
    values, vectors = np.linalg.eigh(adjacency)
    chosen = []
    for k in sorted(range(nodes), key=lambda k: -values[k])[:size]:
        vector = vectors[:, k]
        chosen.append(vector if vector[np.argmax(np.abs(vector))] > 0 else -vector)
    rows = np.stack(chosen, axis=1)
    return np.stack([row * np.sqrt(size) / np.sqrt((row**2).sum()) for row in rows])


@pytest.mark.parametrize("nodes", [15, 60], ids=["dense", "Lanczos"])
def test_against_the_definition(nodes: int) -> None:
    edges = random_edges(nodes, 6 * nodes)
    assert set(edges.ravel()) == set(range(nodes))
    np.testing.assert_allclose(spectral_embedding(edges, nodes, size=8), naive(edges, nodes, 8), atol=1e-5)


def test_the_seed_decides_nothing_but_rounding() -> None:
    edges = random_edges(80, 400)
    first = spectral_embedding(edges, 80, size=8, seed=1)
    np.testing.assert_array_equal(first, spectral_embedding(edges, 80, size=8, seed=1))
    np.testing.assert_allclose(first, spectral_embedding(edges, 80, size=8, seed=2), atol=1e-5)


def test_two_halves_are_told_apart() -> None:
    left, right = random_edges(50, 500, seed=1), random_edges(50, 500, seed=2) + 50
    edges = np.concatenate((left, right, [[0], [99]]), axis=1)
    embedding = spectral_embedding(edges, 100, size=2)
    assert abs(np.sign(embedding[:50, 1]).sum()) == 50
    assert (np.sign(embedding[:50, 1]) == -np.sign(embedding[50:, 1])).all()


def test_nodes_without_edges_and_columns_without_eigenvectors_are_zeros() -> None:
    embedding = spectral_embedding(np.array([[1, 3], [3, 4]]), 6, size=5)
    assert (embedding[[0, 2, 5]] == 0).all()
    assert (embedding[:, 3:] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(embedding[[1, 3, 4]], axis=1), np.sqrt(5), rtol=1e-6)
    assert (spectral_embedding(np.zeros((2, 0), dtype=np.int64), 3, size=4) == np.zeros((3, 4))).all()


def test_rounding_errors_are_not_blown_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all eigenvectors are zero but for rounding, nothing is known of a node."""
    vectors = np.array([[0.6, 0.1], [1e-17, -1e-16], [0.8, 0.0]])
    monkeypatch.setattr("tasktalk.data.spectral._leading", lambda *_: vectors)
    embedding = spectral_embedding(np.array([[0, 1], [1, 2]]), 3, size=2)
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), [np.sqrt(2), 0, np.sqrt(2)], rtol=1e-6)
