"""Some of the examples of a split."""

from jaxtyping import Int
from numpy import ndarray

from tasktalk.data.dataset import Content, Examples, Molecules, Nodes, Sentences


def take(examples: Examples, rows: Int[ndarray, " rows"]) -> Examples:
    """The examples of these rows, in the order of the rows."""
    owner = None if examples.owner is None else examples.owner[rows]
    places = [examples.places[row] for row in rows] if examples.places else ()
    return Examples(_take(examples.content, rows), examples.labels[rows], owner, places)


def _take(content: Content, rows: Int[ndarray, " rows"]) -> Content:
    match content:
        case Molecules():
            parts = (content.smiles, content.canonical, content.graphs)
            smiles, canonical, graphs = ([part[row] for row in rows] for part in parts)
            return Molecules(smiles, canonical, graphs)
        case Nodes():
            return Nodes(content.graph, content.rows[rows])
        case Sentences():
            return Sentences([content.words[row] for row in rows], content.tags)
        case _:
            return [content[row] for row in rows]
