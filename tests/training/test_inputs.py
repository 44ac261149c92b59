"""What a person types, as examples of a run."""

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Examples, Molecules, NodeGraph, Nodes
from tasktalk.data.vocabulary import Vocabulary
from tasktalk.training.encode import Encoder
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.graph_encoders import MoleculeEncoder, NodeEncoder
from tasktalk.training.inputs import field_name, new_content, positions, unreadable

GRAPH = NodeGraph(["ann", "bob", "cyd"], np.array([[0, 1], [1, 2]]), np.ones((3, 2), dtype=np.float32))


@pytest.fixture
def texts() -> Encoder:
    return TextEncoder(Vocabulary.build([["a", "b"]]), max_words=2)


@pytest.fixture
def nodes() -> Encoder:
    return NodeEncoder.fit(Examples(Nodes(GRAPH, np.arange(3)), np.zeros((3, 1)), None), "learned")


def test_texts_become_words(texts: Encoder) -> None:
    content = new_content(["a  b c", ""], texts, "whitespace")
    assert content == [["a", "b", "c"], []]
    assert positions(content, texts) == [["a", "b"], []]
    assert field_name(texts) == "text" and unreadable(["", "x"], texts) == []


def test_smiles_become_molecules() -> None:
    encoder = MoleculeEncoder("kinds", "atoms", np.zeros(0), np.ones(0))
    content = new_content(["OCC", "[Na+].[Cl-]"], encoder, "")
    assert isinstance(content, Molecules)
    assert (content.smiles, content.canonical) == (["OCC", "[Na+].[Cl-]"], ["CCO", "[Cl-].[Na+]"])
    assert [len(graph.atoms) for graph in content.graphs] == [3, 2]
    assert positions(content, encoder) == [["O", "C", "C"], ["Na", "Cl"]]
    assert field_name(encoder) == "smiles"
    assert unreadable(["OCC", "C1CC(", "", "C"], encoder) == [1, 2]
    with pytest.raises(ConfigError, match=r"expected a SMILES that RDKit can read as input 2, found 'C1CC\('"):
        new_content(["C", "C1CC("], encoder, "")


def test_names_become_nodes(nodes: Encoder) -> None:
    content = new_content(["cyd", "ann"], nodes, "")
    assert isinstance(content, Nodes)
    assert content.rows.tolist() == [2, 0]
    assert positions(content, nodes) == [["cyd"], ["ann"]]
    assert field_name(nodes) == "node" and unreadable(["bob", "eve", ""], nodes) == [1, 2]
    with pytest.raises(ConfigError, match="the graph of the run has no node 'bobb'; did you mean 'bob'?"):
        new_content(["bobb"], nodes, "")
    with pytest.raises(ConfigError, match="has no node 'zoe'$"):
        new_content(["zoe"], nodes, "")
