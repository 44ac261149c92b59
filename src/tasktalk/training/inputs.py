"""What a person types or a file holds, as examples of a run: texts, SMILES, or names of nodes."""

from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np

from tasktalk.core.errors import ConfigError
from tasktalk.data.atoms import molecule_graph, parse
from tasktalk.data.dataset import Content, Molecules, Nodes, Sentences
from tasktalk.data.tokenize import tokenizer
from tasktalk.training.encode import Encoder
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.graph_encoders import MoleculeEncoder, NodeEncoder
from tasktalk.training.sentence_encoder import SentenceEncoder


def new_content(given: Sequence[str], encoder: Encoder, tokenizer_name: str) -> Content:
    """Inputs as a run reads them.

    Args:
        given: texts, SMILES, or names of nodes of the run's graph.
        encoder: the run's.
        tokenizer_name: the run's, where it reads texts.

    Raises:
        ConfigError: a SMILES that RDKit rejects, or a node that the graph does not have.
    """
    if isinstance(encoder, MoleculeEncoder):
        return _molecules(given)
    if isinstance(encoder, NodeEncoder):
        return _nodes(given, encoder)
    cut = tokenizer(tokenizer_name)
    texts = [cut(text) for text in given]
    return Sentences(texts, []) if isinstance(encoder, SentenceEncoder) else texts


def unreadable(given: Sequence[str], encoder: Encoder) -> list[int]:
    """Which of the inputs ``new_content`` would refuse, by their numbers from 0; of texts none."""
    if isinstance(encoder, MoleculeEncoder):
        return [number for number, smiles in enumerate(given) if parse(smiles) is None]
    if isinstance(encoder, NodeEncoder):
        known = set(encoder.graph.names)
        return [number for number, name in enumerate(given) if name not in known]
    return []


def field_name(encoder: Encoder) -> str:
    """What an input is called in the answers."""
    return {MoleculeEncoder: "smiles", NodeEncoder: "node"}.get(type(encoder), "text")


def positions(content: Content, encoder: Encoder) -> list[list[str]]:
    """What stands at each position of every example: words, atoms, or the node itself."""
    if isinstance(content, Molecules):
        molecules = [parse(smiles) for smiles in content.smiles]
        return [[atom.GetSymbol() for atom in molecule.GetAtoms()] for molecule in molecules]
    if isinstance(content, Nodes):
        return [[content.graph.names[row]] for row in content.rows]
    texts = content.words if isinstance(content, Sentences) else content
    return [words[: encoder.max_words] for words in texts] if isinstance(encoder, TextEncoder) else texts


def shown(content: Content) -> list[str]:
    """Every example as a person reads it: the words of a text, a SMILES, the name of a node."""
    if isinstance(content, Molecules):
        return content.smiles
    if isinstance(content, Nodes):
        return [content.graph.names[row] for row in content.rows]
    return [" ".join(words) for words in (content.words if isinstance(content, Sentences) else content)]


def _molecules(given: Sequence[str]) -> Molecules:
    from rdkit.Chem import MolToSmiles

    parsed = [parse(smiles) for smiles in given]
    for number, (smiles, molecule) in enumerate(zip(given, parsed, strict=True), start=1):
        if molecule is None:
            raise ConfigError(f"expected a SMILES that RDKit can read as input {number}, found {smiles!r}")
    return Molecules(list(given), [MolToSmiles(m) for m in parsed], [molecule_graph(m) for m in parsed])


def _nodes(given: Sequence[str], encoder: NodeEncoder) -> Nodes:
    index = {name: row for row, name in enumerate(encoder.graph.names)}
    for name in given:
        if name not in index:
            near = get_close_matches(name, list(index), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"the graph of the run has no node {name!r}{hint}")
    return Nodes(encoder.graph, np.array([index[name] for name in given], dtype=np.int64))
