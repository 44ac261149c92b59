"""What a network is built for: how many words, or what is known of atoms and nodes."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TextInputs:
    """Texts.

    Args:
        vocabulary: number of word indices, padding and unknown included.
        wide_features: number of sparse features for the wide part of a model.
    """

    vocabulary: int
    wide_features: int = 0


@dataclass(frozen=True)
class SentenceInputs:
    """Sentences whose words are tagged.

    Args:
        vocabulary: number of word indices, padding and unknown included.
        letters: number of indices of characters, padding and unknown included.
    """

    vocabulary: int
    letters: int


@dataclass(frozen=True)
class GraphInputs:
    """Molecules, or the nodes of one graph.

    Args:
        examples: whether an example is a whole graph or a node.
        features: what is known of a position (an atom or a node): how many numbers.
        kinds: how many kinds of edges, loops included.
        learned: positions for each of which a model learns a vector; 0 where there are none.
        summary: number of features of a whole molecule; 0 where a model reads none.
    """

    examples: Literal["molecules", "nodes"]
    features: int
    kinds: int
    learned: int = 0
    summary: int = 0


Inputs = TextInputs | SentenceInputs | GraphInputs
