"""A data set in memory: tasks, and examples (texts, sentences, molecules or nodes) whose labels may be missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task

Texts = list[list[str]]
"""The words of each text; an empty text has none."""


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences whose words are tagged.

    A label of a tagging task (in ``Examples.labels``) is the number of a sequence in ``tags``, so that labels may be
    missing, masked and dealt to splits as those of other tasks.

    Args:
        words: the words of each sentence, as they stand in the file.
        tags: sequences of tags, as indices into the classes of the task.
    """

    words: Texts
    tags: list[Int[np.ndarray, " _"]]

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True, eq=False)
class MoleculeGraph:
    """One molecule: atoms and the bonds between them.

    Args:
        atoms: what is known of each atom (``data.atoms``).
        bonds: the two atoms of each bond.
        kinds: kind of each bond, from 1 (``data.atoms``; kind 0 is the loop from an atom to itself).
    """

    atoms: Float[np.ndarray, "atoms atom_features"]
    bonds: Int[np.ndarray, "2 bonds"]
    kinds: Int[np.ndarray, " bonds"]


@dataclass(frozen=True, eq=False)
class Molecules:
    """Molecules as graphs.

    Args:
        smiles: as they stand in the file.
        canonical: canonical SMILES, the same for the same molecule.
        graphs: atoms and bonds.
    """

    smiles: list[str]
    canonical: list[str]
    graphs: list[MoleculeGraph]

    def __len__(self) -> int:
        return len(self.graphs)


@dataclass(frozen=True, eq=False)
class NodeGraph:
    """One large graph whose nodes are the examples.

    Args:
        names: name of every node.
        edges: the two nodes of every edge, each edge once, no loops.
        features: what is known of every node; no column if nothing is.
    """

    names: list[str]
    edges: Int[np.ndarray, "2 edges"]
    features: Float[np.ndarray, "nodes node_features"]


@dataclass(frozen=True, eq=False)
class Nodes:
    """Some nodes of a graph; every split has the whole graph.

    Args:
        graph: the graph.
        rows: index of each node.
    """

    graph: NodeGraph
    rows: Int[np.ndarray, " nodes"]

    def __len__(self) -> int:
        return len(self.rows)


Content = Texts | Sentences | Molecules | Nodes


class Place(NamedTuple):
    """Where an example stands.

    Args:
        path: the file.
        lines: its line, counted from 1; of a sentence, that of each word.
    """

    path: Path
    lines: Sequence[int]


@dataclass(frozen=True)
class Examples:
    """The examples of one split.

    Args:
        content: texts, sentences, molecules or nodes.
        labels: class index, value or number of a sequence of tags, NaN where missing; one column per task of the data
            set.
        owner: separate inputs: the task that each example belongs to (its only label); shared inputs: None.
        places: where each example stands, for messages; empty where that is not known.
    """

    content: Content
    labels: Float[np.ndarray, "examples tasks"]
    owner: Int[np.ndarray, " examples"] | None
    places: Sequence[Place] = ()

    def __len__(self) -> int:
        return len(self.content)

    @property
    def tokens(self) -> Texts:
        """The words of each text or sentence.

        Raises:
            ConfigError: the examples are not texts.
        """
        if isinstance(self.content, Sentences):
            return self.content.words
        if not isinstance(self.content, list):
            raise ConfigError(f"expected texts, found {noun(self.content)}")
        return self.content

    def keys(self) -> Sequence[object]:
        """For every example what makes it the same as another: its words, its molecule, its node."""
        match self.content:
            case Molecules(canonical=canonical):
                return canonical
            case Nodes(rows=rows):
                return list(rows.tolist())
            case _:
                return [tuple(words) for words in self.tokens]


def noun(content: Content) -> str:
    """What examples of this kind are called."""
    return {Sentences: "sentences", Molecules: "molecules", Nodes: "nodes"}.get(type(content), "texts")


@dataclass(frozen=True)
class Dataset:
    """Tasks and their splits (``train``, ``dev`` and ``test``; ``dev`` and ``test`` may be absent).

    Args:
        name: name in the catalogue, or made from the file names.
        tasks: the tasks, in the order of the label columns.
        splits: examples by split name, all of the same kind.
        tokenizer: name of the tokeniser that made the words (``data.tokenize``); prediction uses the same. Empty where
            there are no words.
        sources: SHA-256 of every file that was read, by file name.
        warnings: sentences that the user should see (for example texts shared by train and dev).
        skipped: examples that could not be read, each in one sentence (for example molecules that RDKit rejects).
    """

    name: str
    tasks: tuple[Task, ...]
    splits: Mapping[str, Examples]
    tokenizer: str
    sources: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
