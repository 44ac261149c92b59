"""What ``data check`` counts."""

import json
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.task import Task
from tasktalk.data.check import Graphs, Spread, check
from tasktalk.data.columns import Sentence
from tasktalk.data.corpora import Corpus
from tasktalk.data.dataset import Dataset, Examples, MoleculeGraph, Molecules, NodeGraph, Nodes
from tasktalk.data.fdu import load_fdu
from tasktalk.data.mat_graphs import load_mat
from tasktalk.data.request import Request
from tasktalk.data.tagging import assemble_tagging

NAN = np.nan
TASKS = (Task("a", "binary", ("no", "yes")), Task("b", "binary", ("0", "1")))


def separate() -> Dataset:
    train = Examples(
        [["x", "y"], ["x"], ["x", "y", "z", "z"], ["q"]],
        np.array([[0, NAN], [1, NAN], [1, NAN], [NAN, 0]]),
        np.array([0, 0, 0, 1]),
    )
    labels = np.array([[0, NAN], [1, NAN], [0, NAN]])
    test = Examples([["x", "y"], [], ["q", "new", "new", "y"]], labels, np.zeros(3, int))
    return Dataset("name", TASKS, {"train": train, "test": test}, "words", warnings=("beware",))


def test_separate_inputs() -> None:
    report = check(separate(), ["x", "y", "q"])
    assert [(part.task, part.split, part.examples) for part in report.parts] == [
        ("a", "train", 3),
        ("a", "test", 3),
        ("b", "train", 1),
    ]
    train, test, _ = report.parts
    assert train.classes == {"no": 1, "yes": 2}
    assert (train.median_words, train.max_words, train.empty) == (2, 4, 0)
    assert train.unknown_to_vectors == pytest.approx(2 / 7)
    assert train.unknown_to_train is None
    assert train.also_in_train is None
    assert (test.median_words, test.p95_words, test.max_words, test.empty) == (2, 2, 4, 1)
    assert test.unknown_to_vectors == test.unknown_to_train == pytest.approx(2 / 6)
    assert test.also_in_train == 1
    assert report.warnings == ("beware",)


def test_shared_inputs_count_the_labelled_examples_of_each_task() -> None:
    train = Examples([["x"], ["y", "y"], []], np.array([[0, 1], [1, NAN], [NAN, NAN]]), None)
    parts = check(Dataset("name", TASKS, {"train": train}, "words")).parts
    counts = [(part.task, part.examples, part.max_words, part.empty) for part in parts]
    assert counts == [("a", 2, 2, 0), ("b", 1, 1, 0)]
    assert parts[1].classes == {"0": 0, "1": 1}
    assert parts[0].unknown_to_vectors is None


def test_rows_and_json() -> None:
    report = check(separate())
    row = report.rows()[0]
    assert row["classes"] == "no 1, yes 2"
    assert all(value is None or isinstance(value, (str, int, float)) for value in row.values())
    written = json.loads(json.dumps(report.as_json()))
    assert written["parts"][1]["also_in_train"] == 1
    assert written["parts"][0]["classes"] == {"no": 1, "yes": 2}


def test_regression_has_no_classes() -> None:
    train = Examples([["x"], ["y"]], np.array([[0.3], [NAN]]), None)
    (part,) = check(Dataset("name", (Task("a", "regression"),), {"train": train}, "words")).parts
    assert (part.examples, part.classes) == (1, {})


def test_shares_and_spreads_of_labels() -> None:
    labels = np.array([[1, 0.5], [0, 2.5], [1, NAN], [NAN, NAN]])
    examples = Examples([["x"], ["y"], ["z"], ["z"]], labels, None)
    tasks = (Task("a", "binary", ("no", "yes")), Task("b", "regression"))
    one, other = check(Dataset("name", tasks, {"train": examples}, "words")).parts
    assert one.positive == pytest.approx(2 / 3) and (one.mean, one.std) == (None, None)
    assert (other.positive, other.mean, other.std) == (None, 1.5, 1.0)


def test_molecules_have_atoms_and_no_words() -> None:
    def molecules(*atoms: int) -> Molecules:
        bonds = np.zeros((2, 0), dtype=np.int64)
        graphs = [MoleculeGraph(np.zeros((n, 2), dtype=np.float32), bonds, bonds[0]) for n in atoms]
        names = ["C" * n for n in atoms]
        return Molecules(names, names, graphs)

    train = Examples(molecules(1, 3, 5), np.array([[0, 0], [1, NAN], [1, NAN]]), None)
    test = Examples(molecules(3, 9), np.array([[0, NAN], [1, NAN]]), None)
    report = check(Dataset("name", TASKS, {"train": train, "test": test}, "", skipped=("one",)))
    assert (report.inputs, report.skipped, report.examples) == ("molecules", 1, {"train": 3, "test": 2})
    assert report.graphs == Graphs(atoms=Spread(3.0, 5.0, 9))
    assert [(part.task, part.split, part.examples, part.also_in_train) for part in report.parts] == [
        ("a", "train", 3, None),
        ("a", "test", 2, 1),
        ("b", "train", 1, None),
    ]
    assert all(part.median_words is None and part.empty is None for part in report.parts)
    json.dumps(report.as_json(), allow_nan=False)


def test_a_graph_has_nodes_edges_and_neighbours() -> None:
    edges = np.array([[0, 0, 1], [1, 2, 2]])
    graph = NodeGraph(["a", "b", "c", "d"], edges, np.zeros((4, 5), dtype=np.float32))
    splits = {
        split: Examples(Nodes(graph, np.array([row])), np.array([[0.0, NAN]]), None)
        for row, split in enumerate(("train", "test"))
    }
    report = check(Dataset("name", TASKS, splits, ""))
    assert report.inputs == "nodes"
    assert report.graphs == Graphs(nodes=4, edges=3, features=5, neighbours=Spread(2.0, 2.0, 2), alone=1)
    assert [part.also_in_train for part in report.parts] == [None, 0]


def test_real_data(real_data: Path) -> None:
    report = check(load_fdu(real_data / "fdu-mtl"))
    assert len(report.parts) == 48
    assert sum(part.also_in_train or 0 for part in report.parts if part.split == "test") == 491
    assert {(part.task, part.split) for part in report.parts if part.empty} == {("sports_outdoors", "train")}


def test_real_graphs(real_data: Path) -> None:
    report = check(load_mat(real_data / "blogcatalog/blogcatalog.mat", Request(), "blogcatalog"))
    assert report.graphs is not None
    assert (report.graphs.nodes, report.graphs.edges, report.graphs.alone) == (10312, 333983, 0)
    assert sum(part.classes["yes"] for part in report.parts) == 14476


def tagging() -> Dataset:
    """Parts of speech and spans of the same three sentences."""
    words = [["a", "dog", "barks"], ["dogs", "bark"], ["a"]]
    pos = [["DT", "NN", "VB"], ["NN", "VB"], ["DT"]]
    chunks = [["B-NP", "I-NP", "O"], ["B-NP", "B-VP"], ["O"]]
    path = Path("x.conll")
    corpora = []
    for name, tags in (("pos", pos), ("chunk", chunks)):
        found = [Sentence(w, t, list(range(1, len(w) + 1)), path) for w, t in zip(words, tags, strict=True)]
        corpora.append(Corpus(name, {"train": found[:2], "test": found[2:]}, {}))
    return assemble_tagging(corpora)


def test_tags_are_counted_by_word_and_spans_by_type() -> None:
    report = check(tagging(), {"a", "dog"})
    assert (report.inputs, report.examples) == ("sentences", {"train": 4, "test": 2})
    parts = {(part.task, part.split): part for part in report.parts}
    assert parts["pos", "train"].classes == {"DT": 1, "NN": 2, "VB": 2}
    assert parts["chunk", "train"].classes == {"NP": 2, "VP": 1}
    assert parts["chunk", "test"].classes == {"NP": 0, "VP": 0}
    train = parts["pos", "train"]
    assert (train.examples, train.words, train.max_words, train.positive) == (2, 5, 3, None)
    assert train.unknown_to_vectors == 3 / 5 and parts["pos", "test"].unknown_to_train == 0
