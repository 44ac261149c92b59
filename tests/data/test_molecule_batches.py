"""Batches of molecules, compared with loops over atoms and bonds."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from tasktalk.core.errors import ConfigError
from tasktalk.data.atoms import BOND_KINDS, molecule_graph, parse
from tasktalk.data.batches import Batchable, Plan, plan_epoch, plan_evaluation
from tasktalk.data.dataset import Examples, MoleculeGraph, Molecules
from tasktalk.data.fingerprints import ecfp
from tasktalk.data.molecule_batches import Edges, encode_molecules

pytest.importorskip("rdkit", reason="RDKit is not installed")

SMILES = ["CC(=O)Nc1ccc(O)cc1", "C", "C#N", "[Na+].[Cl-]", "OCC1OC(O)C(O)C(O)C1O", "C=C"]


def molecules(smiles: list[str], owner: Any = None) -> Examples:
    labels = np.arange(3.0 * len(smiles)).reshape(-1, 3)
    labels[::2, 1] = np.nan
    content = Molecules(smiles, smiles, [molecule_graph(parse(string)) for string in smiles])
    return Examples(content, labels, owner)


def by_loops(graphs: list[MoleculeGraph], edges: Edges) -> np.ndarray:
    """Entry (k, i, j): the weight of the edge of kind k from j to i."""
    positions = sum(len(graph.atoms) for graph in graphs)
    kinds = len(BOND_KINDS) if edges == "kinds" else 1
    found = np.zeros((kinds, positions, positions))
    start = 0
    for graph in graphs:
        degree = np.ones(len(graph.atoms))  # the loop counts
        for a, b in graph.bonds.T:
            degree[a] += 1
            degree[b] += 1
        for atom in range(len(graph.atoms)):
            found[0, start + atom, start + atom] = 1 / degree[atom]
        for (a, b), kind in zip(graph.bonds.T, graph.kinds, strict=True):
            weight = 1 / np.sqrt(degree[a]) / np.sqrt(degree[b])
            found[kind if edges == "kinds" else 0, start + a, start + b] = weight
            found[kind if edges == "kinds" else 0, start + b, start + a] = weight
        start += len(graph.atoms)
    return found


@pytest.mark.parametrize("edges", ["kinds", "one"])
def test_a_batch_is_what_loops_over_atoms_and_bonds_give(edges: Edges) -> None:
    examples = molecules(SMILES)
    encoded = encode_molecules(examples, edges)
    rows = np.array([4, 0, 3, 1])
    batch = encoded.collate(Plan((2, 0), (rows,)))
    graphs = [encoded.graphs[row] for row in rows]
    expected = by_loops(graphs, edges)
    assert batch.adjacency.kinds == encoded.kinds == len(expected)
    gather = batch.adjacency.gather.to_dense()
    np.testing.assert_allclose(gather.reshape(expected.shape), expected, rtol=1e-6)
    torch.testing.assert_close(batch.adjacency.scatter.to_dense(), gather.T)
    np.testing.assert_array_equal(batch.features, np.concatenate([graph.atoms for graph in graphs]))
    assert batch.features.dtype == torch.float32
    assert batch.graph_of is not None and batch.graph_of.dtype == torch.int64
    assert batch.graph_of.tolist() == [i for i, graph in enumerate(graphs) for _ in graph.atoms]
    assert batch.receivers == (2, 0) and batch.nodes is None and batch.wide is None
    np.testing.assert_array_equal(batch.labels, examples.labels[rows][:, [2, 0]].T)


@pytest.mark.parametrize("edges", ["kinds", "one"])
def test_a_batch_of_single_atoms_has_loops_only(edges: Edges) -> None:
    batch = encode_molecules(molecules(["C", "[Na+].[Cl-]"]), edges).collate(Plan((0,), (np.array([0, 1]),)))
    kinds = batch.adjacency.kinds
    torch.testing.assert_close(batch.adjacency.gather.to_dense(), torch.eye(3 * kinds)[:, :3])


def test_fingerprints_go_along() -> None:
    features = ecfp(SMILES, size=64)
    rows = np.array([2, 5, 0])
    batch = encode_molecules(molecules(SMILES), "one", features).collate(Plan((0,), (rows,)))
    assert batch.wide is not None
    identity = torch.eye(64)
    found = functional.embedding_bag(
        batch.wide.indices, identity, batch.wide.offsets, mode="sum", per_sample_weights=batch.wide.values
    )
    np.testing.assert_array_equal(found, features[rows].toarray())


def test_it_is_batchable_with_shared_and_with_separate_inputs() -> None:
    shared: object = encode_molecules(molecules(SMILES), "kinds")
    assert isinstance(shared, Batchable) and len(shared) == 6
    assert shared.sizes().tolist() == [11, 1, 2, 2, 12, 2]
    plans = plan_epoch(shared, 4, 0, 0)
    assert sorted(np.concatenate([plan.rows[0] for plan in plans]).tolist()) == list(range(6))
    assert all(shared.collate(plan).labels.shape == (3, len(plan.rows[0])) for plan in plans)
    separate = encode_molecules(molecules(SMILES, owner=np.array([0, 1, 2, 0, 1, 2])), "one")
    for plan in [*plan_epoch(separate, 2, 0, 0), *plan_evaluation(separate, (1,), 2)]:
        batch = separate.collate(plan)
        assert len(batch.receivers) == 1 and batch.labels.shape[0] == 1


def test_tasks_with_rows_of_their_own_are_refused() -> None:
    separate = encode_molecules(molecules(SMILES, owner=np.array([0, 1, 2, 0, 1, 2])), "one")
    (plan, *_) = plan_epoch(separate, 2, 0, 0, schedule="joint")
    with pytest.raises(ConfigError, match="expected a batch whose molecules all its tasks read, found 3 groups"):
        separate.collate(plan)


def test_texts_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected molecules, found texts"):
        encode_molecules(Examples([["a"]], np.zeros((1, 1)), None), "one")


def test_the_checksum_tells_other_batches_apart() -> None:
    one = encode_molecules(molecules(SMILES), "kinds")
    first, *rest = one.graphs
    others = [
        encode_molecules(molecules(SMILES), "one"),
        encode_molecules(molecules(SMILES[::-1]), "kinds"),
        replace(one, labels=one.labels + 1),
        replace(one, owner=np.zeros(6, dtype=np.int64)),
        replace(one, graphs=[replace(first, kinds=first.kinds[::-1].copy()), *rest]),
        replace(one, graphs=[replace(first, bonds=first.bonds[::-1].copy()), *rest]),
        replace(one, graphs=[replace(first, atoms=first.atoms * 2), *rest]),
    ]
    assert one.checksum() == encode_molecules(molecules(SMILES), "kinds").checksum()
    assert len({one.checksum(), *(other.checksum() for other in others)}) == 8
