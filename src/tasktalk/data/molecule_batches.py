"""From molecules to batches: many small graphs become one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix

from tasktalk.core.batch import Adjacency, GraphBatch
from tasktalk.core.errors import ConfigError
from tasktalk.core.graphs import join, normalised
from tasktalk.data.atoms import BOND_KINDS
from tasktalk.data.batches import Plan, digest_of, label_matrix, sparse_rows
from tasktalk.data.dataset import Examples, MoleculeGraph, Molecules, noun

Edges = Literal["kinds", "one"]
"""Whether bonds are told apart by their kind, loops being one more, or all bonds and loops are the same."""


@dataclass(frozen=True)
class EncodedMolecules:
    """The molecules of a split.

    Args:
        graphs: atoms and bonds of every molecule.
        labels: as in ``Examples``.
        owner: as in ``Examples``.
        features: sparse features of every molecule, such as a fingerprint, or None.
        edges: which bonds are told apart.
    """

    graphs: list[MoleculeGraph]
    labels: Float[np.ndarray, "examples tasks"]
    owner: Int[np.ndarray, " examples"] | None
    features: csr_matrix | None = None
    edges: Edges = "kinds"

    def __len__(self) -> int:
        return len(self.graphs)

    @property
    def kinds(self) -> int:
        """How many kinds of edges the batches have, loops included."""
        return len(BOND_KINDS) if self.edges == "kinds" else 1

    def sizes(self) -> Int[np.ndarray, " examples"]:
        """Atoms of every molecule."""
        return np.array([len(graph.atoms) for graph in self.graphs], dtype=np.int64)

    def checksum(self) -> str:
        """SHA-256 of atoms, bonds, labels and owners: the same for examples that make the same batches."""
        parts = [part for graph in self.graphs for part in (graph.atoms, graph.bonds, graph.kinds)]
        bonds = np.array([len(graph.kinds) for graph in self.graphs], dtype=np.int64)
        owner = np.zeros(0) if self.owner is None else self.owner
        return digest_of(np.array(self.kinds), self.sizes(), bonds, *parts, self.labels, owner)

    def collate(self, plan: Plan) -> GraphBatch:
        """The molecules of a plan as one graph, whose edges weigh what ``core.graphs.normalised`` says.

        Raises:
            ConfigError: a plan in which every task reads molecules of its own.
        """
        if len(plan.rows) != 1:
            raise ConfigError(
                f"expected a batch whose molecules all its tasks read, found {len(plan.rows)} groups: "
                "molecules of separate inputs go by the schedule alternate"
            )
        (rows,) = plan.rows
        adjacency, graph_of = self._join([self.graphs[row] for row in rows])
        return GraphBatch(
            plan.receivers,
            torch.from_numpy(np.concatenate([self.graphs[row].atoms for row in rows])),
            adjacency,
            label_matrix(self, plan),
            graph_of=torch.from_numpy(graph_of),
            wide=None if self.features is None else sparse_rows(self.features, plan),
        )

    def _join(self, graphs: list[MoleculeGraph]) -> tuple[Adjacency, Int[np.ndarray, " positions"]]:
        joined = join([graph.bonds for graph in graphs], [graph.kinds for graph in graphs], [*map(_atoms, graphs)])
        apart = self.edges == "kinds"
        # Bonds are numbered from 1; among themselves from 0, or not at all.
        kinds = joined.kinds_of_edges - 1 if apart else np.zeros_like(joined.kinds_of_edges)
        bond_kinds = len(BOND_KINDS) - 1 if apart else 1
        return normalised(joined.edges, kinds, bond_kinds, len(joined.graph_of), loops_apart=apart), joined.graph_of


def encode_molecules(examples: Examples, kinds: Edges, features: csr_matrix | None = None) -> EncodedMolecules:
    """Molecules ready to become batches.

    Args:
        examples: molecules.
        kinds: which bonds are told apart: ``kinds`` gives the kinds ``data.atoms.BOND_KINDS``; ``one`` gives one kind
            that holds all bonds and the loops, as in the graph convolution of Kipf and Welling.
        features: sparse features of every molecule, such as ``data.fingerprints.ecfp``.

    Raises:
        ConfigError: the examples are not molecules.
    """
    if not isinstance(examples.content, Molecules):
        raise ConfigError(f"expected molecules, found {noun(examples.content)}")
    return EncodedMolecules(examples.content.graphs, examples.labels, examples.owner, features, kinds)


def _atoms(graph: MoleculeGraph) -> int:
    return len(graph.atoms)
