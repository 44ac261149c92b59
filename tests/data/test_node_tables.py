"""Node graphs from tables."""

import re
from pathlib import Path

import numpy as np
import pytest

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, NodeGraph, Nodes
from tasktalk.data.node_tables import load_nodes
from tasktalk.data.request import Request

LABELS = "node,red,age\n" + "".join(f"n{number},{number % 2},{number % 3 + 0.5}\n" for number in range(30))
EDGES = "from,to\n" + "".join(f"n{number},n{number + 1}\n" for number in range(29))


def load(folder: Path, people: str = LABELS, edges: str = EDGES, features: str = "", **request: object) -> Dataset:
    (folder / "people.csv").write_text(people)
    (folder / "edges.csv").write_text(edges)
    (folder / "features.csv").write_text(features)
    wanted = Request(edges=str(folder / "edges.csv"), features=str(folder / "features.csv") if features else "")
    return load_nodes(folder / "people.csv", Request(**{**vars(wanted), **request}))


def graph_of(dataset: Dataset) -> NodeGraph:
    content = dataset.splits["train"].content
    assert isinstance(content, Nodes)
    return content.graph


def named(dataset: Dataset, split: str) -> list[str]:
    content = dataset.splits[split].content
    assert isinstance(content, Nodes)
    return [content.graph.names[row] for row in content.rows]


def test_labels_edges_and_splits(tmp_path: Path) -> None:
    dataset = load(tmp_path)
    assert dataset.name == "people"
    assert dataset.tasks == (Task("red", "binary", ("0", "1")), Task("age", "multiclass", ("0.5", "1.5", "2.5")))
    assert {split: len(examples) for split, examples in dataset.splits.items()} == {"train": 21, "dev": 3, "test": 6}
    assert sorted(named(dataset, "train") + named(dataset, "dev") + named(dataset, "test")) == sorted(
        f"n{number}" for number in range(30)
    )
    graph = graph_of(dataset)
    assert all(examples.content.graph is graph for examples in dataset.splits.values())
    np.testing.assert_array_equal(graph.edges, [range(29), range(1, 30)])
    assert graph.features.shape == (30, 0)
    for split, examples in dataset.splits.items():
        numbers = np.array([int(name[1:]) for name in named(dataset, split)])
        np.testing.assert_array_equal(examples.labels, np.stack((numbers % 2, numbers % 3), axis=1))
        assert examples.owner is None
    assert set(dataset.sources) == {"people.csv", "edges.csv"}
    assert dataset.warnings == ()


def test_the_seed_deals_the_nodes(tmp_path: Path) -> None:
    first = load(tmp_path, seed=1)
    assert named(first, "test") == named(load(tmp_path, seed=1), "test")
    assert named(first, "test") != named(load(tmp_path, seed=2), "test")


def test_edges_without_direction_once_and_no_loops(tmp_path: Path) -> None:
    edges = "a,b,weight\nn1,n0,2\nn0,n1,2\nn3,n3,1\nn2,n1,1\nn1,n0,1\n"
    dataset = load(tmp_path, edges=edges)
    assert graph_of(dataset).edges.tolist() == [[0, 1], [1, 2]]
    assert [warning.removeprefix(str(tmp_path)) for warning in dataset.warnings] == [
        "/edges.csv: ignored 'weight'; edges have no weight",
        "/edges.csv: dropped 1 loops and 2 repeated edges",
    ]


def test_features_and_nodes_without_labels(tmp_path: Path) -> None:
    features = "node,height,width\nextra,7,-1e3\n" + "".join(f"n{number},{number},0.5\n" for number in range(30))
    labels = LABELS + "silent,,\n"
    dataset = load(tmp_path, labels, EDGES + "extra,n0\n", features + "silent,1,1\n")
    graph = graph_of(dataset)
    assert graph.names[29:] == ["n29", "silent", "extra"]
    np.testing.assert_array_equal(graph.features[[3, 30, 31]], [[3, 0.5], [1, 1], [7, -1000]])
    assert (graph.edges == [[0], [31]]).all(0).any()
    assert sum(len(examples) for examples in dataset.splits.values()) == 30
    assert set(dataset.sources) == {"people.csv", "edges.csv", "features.csv"}


def test_missing_labels_chosen_tasks_and_kinds(tmp_path: Path) -> None:
    labels = "id,red,age\n" + "".join(f"{n},{'' if n % 4 else '1.0' if n % 8 else '0'},{n % 3}\n" for n in range(32))
    edges = "x,y\n" + "".join(f"{n},{n + 1}\n" for n in range(31))
    dataset = load(tmp_path, labels, edges, node="id", kinds={"age": "regression"})
    assert dataset.tasks == (Task("red", "binary", ("0", "1")), Task("age", "regression"))
    assert sum(int(np.isnan(examples.labels[:, 0]).sum()) for examples in dataset.splits.values()) == 24
    chosen = load(tmp_path, labels, edges, node="id", tasks=("red",))
    assert [task.name for task in chosen.tasks] == ["red"]
    assert sum(len(examples) for examples in chosen.splits.values()) == 8
    columns = load(tmp_path, labels, edges, node="id", labels=("age",))
    assert [task.name for task in columns.tasks] == ["age"]
    with pytest.raises(ConfigError, match=r"no task 'rad': did you mean 'red'\?"):
        load(tmp_path, labels, edges, node="id", tasks=("rad",))


def test_jsonl_numbers_are_names(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text("".join(f'{{"node": {n}, "odd": {n % 2}}}\n' for n in range(20)))
    (tmp_path / "e.tsv").write_text("a\tb\n" + "".join(f"{n}\t{(n + 1) % 20}\n" for n in range(20)))
    dataset = load_nodes(tmp_path / "p.jsonl", Request(edges=str(tmp_path / "e.tsv")))
    assert graph_of(dataset).edges.shape == (2, 20)


FEATURES = "node,height\n" + "".join(f"n{number},{number}\n" for number in range(30))
WRONG = {
    "unknown node": (
        {"edges": EDGES + "n3,m29\n"},
        "edges.csv, line 31: the edge names 'm29', which is in no table of nodes; did you mean 'n29'?",
    ),
    "nothing like it": ({"edges": "a,b\nn1,Berlin\n"}, "edges.csv, line 2: the edge names 'Berlin', which is in no"),
    "empty end": ({"edges": "a,b\nn1,\n"}, "edges.csv, line 2: expected a node in column 'b', found none"),
    "no edges": ({"edges": "a,b\n"}, "edges.csv: expected rows, found none"),
    "only loops": ({"edges": "a,b\nn1,n1\n"}, "edges.csv: expected edges between nodes, found only 1 from a node to"),
    "one column": ({"edges": "a\nn1\n"}, "edges.csv: expected two columns of nodes, found 1"),
    "no header": (
        {"edges": "n1,n2\nn2,n3\n"},
        "edges.csv, line 1: expected a header, found what looks like an edge between the nodes 'n1' and 'n2'",
    ),
    "twice": (
        {"people": LABELS + "n4,1,1\n"},
        "people.csv, line 32: expected every node once, found 'n4' again (first in line 6)",
    ),
    "no name": ({"people": LABELS + " ,1,1\n"}, "people.csv, line 32: expected a node in column 'node', found none"),
    "no labels": ({"people": "node,red\n" + "n0,\nn1,\n", "edges": "a,b\nn0,n1\n"}, "expected nodes with labels"),
    "no tasks": ({"people": "node\nn0\n"}, "people.csv: expected label columns beside 'node', found none"),
    "no node column": ({"people": "nod,red\nn0,1\n"}, "people.csv: expected a column 'node', found 'nod', 'red'; did"),
    "words for numbers": (
        {"features": FEATURES.replace("n7,7", "n7,tall")},
        "features.csv, line 9: expected a number in column 'height', found 'tall'",
    ),
    "not finite": ({"features": FEATURES.replace("n7,7", "n7,inf")}, "features.csv, line 9: expected a number in"),
    "too large": ({"features": FEATURES.replace("n7,7", "n7,1e39")}, "features.csv, line 9: expected a number in"),
    "no number": ({"features": FEATURES.replace("n7,7", "n7,")}, "line 9: expected a number in column 'height', fo"),
    "no features": ({"features": "node\nn1\n"}, "features.csv: expected columns of numbers beside 'node', found none"),
    "features twice": ({"features": FEATURES + "n3,4\n"}, "features.csv, line 32: expected every node once, found 'n3"),
    "without features": (
        {"features": FEATURES.replace("n7,7\n", "")},
        "people.csv, line 9: node 'n7' has no row in features.csv",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_sentence_for_what_is_wrong(tmp_path: Path, name: str) -> None:
    files, sentence = WRONG[name]
    with pytest.raises(DataError, match=re.escape(sentence)):
        load(tmp_path, **files)


def test_features_in_jsonl(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    rows = [f'{{"node": "n{number}", "a": {number}.5, "b": "2"}}' for number in range(30)]
    (tmp_path / "people.csv").write_text(LABELS)
    (tmp_path / "edges.csv").write_text(EDGES)
    request = Request(edges=str(tmp_path / "edges.csv"), features=str(path))
    path.write_text("\n".join(rows))
    np.testing.assert_array_equal(graph_of(load_nodes(tmp_path / "people.csv", request)).features[3], [3.5, 2])
    for cell, found in (("true", "'true'"), ("null", "''"), ("NaN", "''")):
        path.write_text("\n".join([*rows[:-1], rows[-1].replace("29.5", cell)]))
        with pytest.raises(DataError, match=f"line 30: expected a number in column 'a', found {found}"):
            load_nodes(tmp_path / "people.csv", request)
    path.write_text("\n".join([*rows[:-1], '{"node": "n29", "a": 1}']))
    with pytest.raises(DataError, match="line 30: expected a number in column 'b', found ''"):
        load_nodes(tmp_path / "people.csv", request)


def test_missing_files_and_no_edge_list(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a graph of nodes needs an edge list"):
        load_nodes(tmp_path / "people.csv", Request())
    (tmp_path / "people.csv").write_text(LABELS)
    with pytest.raises(DataError, match=r"none\.csv: cannot be read"):
        load_nodes(tmp_path / "people.csv", Request(edges=str(tmp_path / "none.csv")))


def test_two_files_of_one_name_have_two_checksums(tmp_path: Path) -> None:
    for folder, content in (("a", LABELS), ("b", EDGES)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text(content)
    dataset = load_nodes(tmp_path / "a" / "x.csv", Request(edges=str(tmp_path / "b" / "x.csv")))
    assert set(dataset.sources) == {str(tmp_path / folder / "x.csv") for folder in "ab"}
