"""From molecules and nodes to what a model reads; saved with the run, so that new ones are read alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from scipy.sparse import csr_matrix, hstack

from tasktalk.core.errors import ConfigError, RunFolderError
from tasktalk.core.files import whole_file, write_text
from tasktalk.core.inputs import GraphInputs
from tasktalk.data.atoms import ATOM_FEATURES, BOND_KINDS
from tasktalk.data.dataset import Examples, Molecules, NodeGraph, Nodes, noun
from tasktalk.data.descriptors import descriptor_names, descriptors
from tasktalk.data.fingerprints import ecfp
from tasktalk.data.molecule_batches import EncodedMolecules, encode_molecules
from tasktalk.data.node_batches import EncodedGraph, EncodedNodes, NodeFeatures, encode_graph, encode_nodes
from tasktalk.models.settings import MoleculeView
from tasktalk.models.transfer_options import Bonds
from tasktalk.training.run_folder import GRAPH, MOLECULES, NODES, read_json, write_json

FINGERPRINT = 2048
"""Columns of a fingerprint."""
_FARTHEST = 5.0
"""A descriptor of a strange molecule counts as so many standard deviations at most."""


@dataclass(frozen=True, eq=False)
class MoleculeEncoder:
    """Atoms, bonds and, if wanted, features of the whole molecule.

    Args:
        bonds: whether each kind of bond is a kind of edge, or all are one.
        sees: features of the whole molecule: none (``atoms``), an ECFP4 fingerprint as log(1 + count), RDKit's
            descriptors in standard deviations from the mean of the training molecules, or both.
        mean: mean of every descriptor.
        std: standard deviation of every descriptor.
    """

    bonds: Bonds
    sees: MoleculeView
    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def fit(cls, examples: Examples, bonds: Bonds, sees: MoleculeView) -> "MoleculeEncoder":
        """Measure the descriptors of the training molecules, where they are seen.

        Raises:
            ConfigError: the examples are not molecules.
        """
        molecules = _molecules(examples)
        if sees not in ("descriptors", "both"):
            return cls(bonds, sees, np.zeros(0), np.ones(0))
        values = descriptors(molecules.smiles).astype(np.float64)
        std = values.std(axis=0)
        return cls(bonds, sees, values.mean(axis=0), np.where(std > 1e-6, std, 1.0))

    def __call__(self, examples: Examples) -> EncodedMolecules:
        """Encode examples."""
        smiles = _molecules(examples).smiles
        parts = []
        if self.sees in ("ecfp", "both"):
            parts.append(ecfp(smiles, FINGERPRINT).log1p())
        if self.sees in ("descriptors", "both"):
            scaled = (descriptors(smiles) - self.mean) / self.std
            parts.append(csr_matrix(np.clip(scaled, -_FARTHEST, _FARTHEST).astype(np.float32)))
        return encode_molecules(examples, self.bonds, hstack(parts, format="csr") if parts else None)

    @property
    def inputs(self) -> GraphInputs:
        """What a network is built for."""
        kinds = len(BOND_KINDS) if self.bonds == "kinds" else 1
        columns = FINGERPRINT * (self.sees in ("ecfp", "both")) + len(self.mean)
        return GraphInputs("molecules", len(ATOM_FEATURES), kinds, summary=columns)

    def save(self, folder: Path) -> None:
        """Write how molecules are described."""
        facts = {"bonds": self.bonds, "sees": self.sees, "mean": self.mean.tolist(), "std": self.std.tolist()}
        write_json(folder / MOLECULES, facts | _description(bool(len(self.mean))))

    @classmethod
    def load(cls, folder: Path) -> "MoleculeEncoder":
        """Read it back.

        Raises:
            RunFolderError: the file is damaged, or another version of tasktalk or RDKit describes molecules in another
                way.
        """
        facts = read_json(folder / MOLECULES)
        try:
            mean, std = np.array(facts["mean"]), np.array(facts["std"])
            bonds, sees = facts["bonds"], facts["sees"]
            expected = _description(bool(len(mean)))
            same = expected == {key: facts[key] for key in expected}
        except (KeyError, TypeError, ValueError) as error:
            raise RunFolderError(f"{folder / MOLECULES}: does not say how molecules are described ({error})") from error
        if not same:
            raise RunFolderError(
                f"{folder}: trained by a version of tasktalk or RDKit that has other features of molecules"
            )
        return cls(bonds, sees, mean, std)


def _molecules(examples: Examples) -> Molecules:
    if not isinstance(examples.content, Molecules):
        raise ConfigError(f"this run reads molecules, found {noun(examples.content)}")
    return examples.content


def _description(with_descriptors: bool) -> dict[str, Any]:
    names = descriptor_names() if with_descriptors else []
    return {"atom_features": list(ATOM_FEATURES), "bond_kinds": list(BOND_KINDS), "descriptors": names}


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
            encoded, learned = encode_graph(whole), bool(tensors["learned"][0])
        except (OSError, UnicodeDecodeError, SafetensorError, KeyError, ValueError) as error:
            raise RunFolderError(f"{folder}: the graph of the run cannot be read ({error})") from error
        if len(names) != len(encoded):
            found = f"{len(names)} names for {len(encoded)} nodes"
            raise RunFolderError(f"{folder}: the graph of the run cannot be read ({found})")
        return cls(graph, encoded, learned)
