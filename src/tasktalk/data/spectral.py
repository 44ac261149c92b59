"""Where a node stands in its graph, in numbers: eigenvectors of the normalised adjacency."""

import numpy as np
from jaxtyping import Float, Int

from tasktalk.core.seeding import generator

_PURPOSE = 1_886_217_573  # keeps this draw apart from those that use the same seed for something else
_NOTHING = 1e-8


def spectral_embedding(
    edges: Int[np.ndarray, "2 edges"], nodes: int, size: int = 128, seed: int = 0
) -> Float[np.ndarray, "nodes size"]:
    """The leading eigenvectors of D^-1/2 A D^-1/2, each row scaled to length sqrt(size).

    These are the eigenvectors of the normalised Laplacian with the smallest eigenvalues, which Ng, Jordan and Weiss
    (2001) cluster by, with rows of equal length as there. On BlogCatalog a logistic regression had a higher AUROC on
    development data with rows of equal length than with columns of unit variance or columns times their eigenvalues.

    Args:
        edges: the two nodes of every edge, each edge once, no loops.
        nodes: number of nodes.
        size: number of eigenvectors; a graph with fewer nodes fills up with zeros.
        seed: of the vector that the search for eigenvectors starts from.

    Returns:
        float32; zeros for nodes without an edge, and for nodes of small components that none of the eigenvectors is
        about.
    """
    embedding = np.zeros((nodes, size), dtype=np.float32)
    linked = np.unique(edges)
    if len(linked) == 0:
        return embedding
    vectors = _leading(np.searchsorted(linked, edges), len(linked), size, seed)
    heaviest = vectors[np.abs(vectors).argmax(0), np.arange(vectors.shape[1])]
    vectors = vectors * np.where(heaviest < 0, -1.0, 1.0)  # an eigenvector is known but for its sign
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    known = lengths > _NOTHING  # below is what rounding left of a zero
    scaled = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=known) * np.sqrt(size)
    embedding[linked, : vectors.shape[1]] = scaled
    return embedding


def _leading(edges: Int[np.ndarray, "2 edges"], nodes: int, size: int, seed: int) -> Float[np.ndarray, "nodes vectors"]:
    """Eigenvectors of the largest eigenvalues, the largest first; every node has an edge."""
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import eigsh

    left, right = edges
    scale = 1 / np.sqrt(np.bincount(edges.ravel(), minlength=nodes))
    weights = scale[left] * scale[right]
    both = (np.concatenate((left, right)), np.concatenate((right, left)))
    matrix = csr_array((np.concatenate((weights, weights)), both), shape=(nodes, nodes))
    if nodes <= 2 * size:  # Lanczos needs more nodes than vectors, and is no faster here
        return np.asarray(np.linalg.eigh(matrix.toarray())[1][:, ::-1][:, :size])
    start = generator(seed, _PURPOSE).standard_normal(nodes)
    values, vectors = eigsh(matrix, k=size, which="LA", v0=start)
    return np.asarray(vectors[:, np.argsort(-values, kind="stable")])
