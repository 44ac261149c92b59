from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Content, Dataset, Examples, MoleculeGraph, Molecules, NodeGraph, Nodes, noun

ATOM = MoleculeGraph(np.ones((1, 2), dtype=np.float32), np.zeros((2, 0), dtype=int), np.zeros(0, dtype=int))
GRAPH = NodeGraph(["a", "b", "c"], np.array([[0], [2]]), np.zeros((3, 0)))
MOLECULES = Molecules(["OC", "CO", "C"], ["CO", "CO", "C"], [ATOM] * 3)
NODES = Nodes(GRAPH, np.array([2, 0, 2]))
TEXTS = [["a", "word"], [], ["a", "word"]]
CONTENTS: dict[str, Content] = {"texts": TEXTS, "molecules": MOLECULES, "nodes": NODES}


def examples(content: Content) -> Examples:
    return Examples(content, np.array([[1.0], [np.nan], [0.0]]), None)


@pytest.mark.parametrize("name", CONTENTS)
def test_every_kind_of_content_has_a_length_and_a_noun(name: str) -> None:
    assert len(examples(CONTENTS[name])) == len(CONTENTS[name]) == 3
    assert noun(CONTENTS[name]) == name
    assert (noun([]), len(Examples([], np.zeros((0, 1)), None))) == ("texts", 0)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (TEXTS, [("a", "word"), (), ("a", "word")]),
        (MOLECULES, ["CO", "CO", "C"]),
        (NODES, [2, 0, 2]),
    ],
)
def test_a_key_is_the_same_for_the_same_example(content: Content, expected: list[object]) -> None:
    keys = list(examples(content).keys())
    assert keys == expected
    assert len(set(keys)) == 2  # they go into sets


def test_only_texts_have_words() -> None:
    assert examples(TEXTS).tokens is TEXTS
    for name in ("molecules", "nodes"):
        with pytest.raises(ConfigError, match=f"expected texts, found {name}"):
            _ = examples(CONTENTS[name]).tokens


def test_a_data_set_is_a_value_that_does_not_change() -> None:
    dataset = Dataset("d", (Task("t", "binary", ("no", "yes")),), {"train": examples(TEXTS)}, "words")
    assert (dict(dataset.sources), dataset.warnings, dataset.skipped) == ({}, (), ())
    with pytest.raises(FrozenInstanceError):
        dataset.name = "other"  # type: ignore[misc]
