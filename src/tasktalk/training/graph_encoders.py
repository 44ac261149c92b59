"""From molecules and nodes to what a model reads; saved with the run, so that new ones are read alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from tasktalk.core.errors import ConfigError, RunFolderError
from tasktalk.core.files import whole_file, write_text
from tasktalk.core.inputs import GraphInputs
from tasktalk.data.atoms import ATOM_FEATURES, BOND_KINDS
from tasktalk.data.dataset import Examples, Molecules, NodeGraph, Nodes, noun
from tasktalk.data.fingerprints import ecfp
from tasktalk.data.molecule_batches import EncodedMolecules, encode_molecules
from tasktalk.data.node_batches import EncodedGraph, EncodedNodes, NodeFeatures, encode_graph, encode_nodes
from tasktalk.training.run_folder import GRAPH, MOLECULES, NODES, read_json, write_json


@dataclass(frozen=True)
class MoleculeEncoder:
    """Atoms, bonds and, if wanted, fingerprints.

    Args:
        bonds: whether each kind of bond is a kind of edge, or all are one.
        fingerprint: number of bits of the fingerprint; 0 for none.
    """

    bonds: Literal["kinds", "one"] = "kinds"
    fingerprint: int = 0

    def __call__(self, examples: Examples) -> EncodedMolecules:
        """Encode examples."""
        content = examples.content
        if not isinstance(content, Molecules):
            raise ConfigError("this run reads molecules; give it a table with a column of SMILES")
        features = ecfp(content.smiles, self.fingerprint) if self.fingerprint else None
        return encode_molecules(examples, self.bonds, features)

    @property
    def inputs(self) -> GraphInputs:
        """What a network is built for."""
        kinds = len(BOND_KINDS) if self.bonds == "kinds" else 1
        return GraphInputs("molecules", len(ATOM_FEATURES), kinds, fingerprint=self.fingerprint)

    def save(self, folder: Path) -> None:
        """Write what atoms and bonds are described by."""
        write_json(folder / MOLECULES, {**vars(self), **_description()})

    @classmethod
    def load(cls, folder: Path) -> "MoleculeEncoder":
        """Read it back.

        Raises:
            RunFolderError: the file is damaged, or another version of tasktalk described atoms in another way.
        """
        facts = read_json(folder / MOLECULES)
        described = {key: facts.get(key) for key in _description()} if isinstance(facts, dict) else {}
        if described != _description():
            raise RunFolderError(f"{folder}: trained by a version of tasktalk that describes atoms in another way")
        return cls(facts["bonds"], facts["fingerprint"])


def _description() -> dict[str, Any]:
    return {"atom_features": list(ATOM_FEATURES), "bond_kinds": list(BOND_KINDS)}


@dataclass(frozen=True, eq=False)
class NodeEncoder:
    """One graph, the same for all splits.

    Args:
        graph: nodes, edges, and what is known of the nodes.
        encoded: the same as a network reads it.
        learned: whether a network learns a vector for each node as well.
    """

    graph: NodeGraph
    encoded: EncodedGraph
    learned: bool

    @classmethod
    def fit(cls, examples: Examples, vectors: NodeFeatures) -> "NodeEncoder":
        """Describe the nodes of the graph; no label is looked at.

        Raises:
            ConfigError: the examples are not nodes.
        """
        if not isinstance(examples.content, Nodes):
            raise ConfigError(f"expected nodes, found {noun(examples.content)}")
        graph = examples.content.graph
        learned = vectors == "both" or (vectors == "learned" and not graph.features.shape[1])
        return cls(graph, encode_graph(graph, vectors), learned)

    def __call__(self, examples: Examples) -> EncodedNodes:
        """Encode examples.

        Raises:
            ConfigError: nodes of another graph.
        """
        content = examples.content
        if not isinstance(content, Nodes) or content.graph.names != self.graph.names:
            raise ConfigError("this run answers for the nodes of the graph that it was trained on, and no others")
        return encode_nodes(examples, self.encoded)

    @property
    def inputs(self) -> GraphInputs:
        """What a network is built for."""
        nodes, features = self.encoded.features.shape
        return GraphInputs("nodes", features, 1, learned=nodes if self.learned else 0)

    def save(self, folder: Path) -> None:
        """Write the graph; the tensors come last, so that they mean all of it."""
        write_text(folder / NODES, "\n".join(self.graph.names) + "\n")
        features = self.encoded.features.numpy()
        spectral = features[:, self.graph.features.shape[1] :]
        tensors = {
            "edges": np.ascontiguousarray(self.graph.edges),
            "features": np.ascontiguousarray(self.graph.features),
            "spectral": np.ascontiguousarray(spectral),
            "learned": np.array([self.learned]),
        }
        with whole_file(folder / GRAPH) as part:
            part.write_bytes(save(tensors))

    @classmethod
    def load(cls, folder: Path) -> "NodeEncoder":
        """Read it back.

        Raises:
            RunFolderError: a file is missing or damaged.
        """
        try:
            names = (folder / NODES).read_text(encoding="utf-8").split("\n")[:-1]
            tensors = load_file(folder / GRAPH)
            graph = NodeGraph(names, tensors["edges"], tensors["features"])
            whole = NodeGraph(names, graph.edges, np.concatenate((graph.features, tensors["spectral"]), axis=1))
            return cls(graph, encode_graph(whole), bool(tensors["learned"][0]))
        except (OSError, UnicodeDecodeError, SafetensorError, KeyError, ValueError) as error:
            raise RunFolderError(f"{folder}: the graph of the run cannot be read ({error})") from error
