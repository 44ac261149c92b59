"""Some examples of texts, molecules and nodes."""

from pathlib import Path

import numpy as np
import pytest

from tasktalk.data.dataset import Content, Examples, MoleculeGraph, Molecules, NodeGraph, Nodes, Place
from tasktalk.data.take import take


def molecules(*smiles: str) -> Molecules:
    graphs = [MoleculeGraph(np.full((1, 2), float(i)), np.zeros((2, 0), int), np.zeros(0, int)) for i in range(3)]
    return Molecules(list(smiles), [text.upper() for text in smiles], graphs)


GRAPH = NodeGraph(["a", "b", "c", "d"], np.array([[0], [1]]), np.zeros((4, 0)))
CONTENTS: list[Content] = [[["x"], [], ["y", "z"]], molecules("c", "n", "o"), Nodes(GRAPH, np.array([3, 0, 1]))]


@pytest.mark.parametrize("content", CONTENTS, ids=["texts", "molecules", "nodes"])
@pytest.mark.parametrize("rows", [[2, 0], [1, 1], []])
@pytest.mark.parametrize("shared", [True, False])
def test_what_is_taken_keeps_its_labels_and_owner(content: Content, rows: list[int], shared: bool) -> None:
    places = [Place(Path("a"), (line,)) for line in (2, 3, 5)]
    examples = Examples(content, np.arange(6.0).reshape(3, 2), None if shared else np.array([0, 1, 0]), places)
    taken = take(examples, np.array(rows, dtype=np.int64))
    assert len(taken) == len(taken.labels) == len(rows)
    assert list(taken.keys()) == [examples.keys()[row] for row in rows]
    np.testing.assert_array_equal(taken.labels, examples.labels[rows])
    assert [place.lines for place in taken.places] == [((2,), (3,), (5,))[row] for row in rows]
    assert (taken.owner is None) == shared
    if taken.owner is not None:
        assert taken.owner.tolist() == [[0, 1, 0][row] for row in rows]


def test_molecules_keep_their_smiles_and_atoms_and_nodes_their_graph() -> None:
    rows, labels = np.array([2, 0]), np.zeros((3, 1))
    drugs = take(Examples(CONTENTS[1], labels, None), rows).content
    assert isinstance(drugs, Molecules)
    assert (drugs.smiles, drugs.canonical) == (["o", "c"], ["O", "C"])
    assert [graph.atoms[0, 0] for graph in drugs.graphs] == [2, 0]
    nodes = take(Examples(CONTENTS[2], labels, None), rows).content
    assert isinstance(nodes, Nodes) and nodes.graph is GRAPH
