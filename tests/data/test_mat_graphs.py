"""Node graphs in Matlab files, and BlogCatalog."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from tasktalk.core.errors import ConfigError, DataError
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, NodeGraph, Nodes
from tasktalk.data.mat_graphs import load_blogcatalog, load_mat
from tasktalk.data.request import Request

GROUP = np.array([[number % 2, number % 3 == 0] for number in range(20)], dtype=float)
RING = np.roll(np.eye(20), 1, axis=1)
NETWORK = RING + RING.T


def graph_of(dataset: Dataset) -> NodeGraph:
    content = dataset.splits["train"].content
    assert isinstance(content, Nodes)
    return content.graph


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("compressed", [True, False])
def test_network_and_group(tmp_path: Path, sparse: bool, compressed: bool) -> None:
    kind = csc_matrix if sparse else np.array
    variables = {"network": kind(NETWORK), "group": kind(GROUP), "other": "text"}
    savemat(tmp_path / "ring.mat", variables, do_compression=compressed)
    dataset = load_mat(tmp_path / "ring.mat", Request(), "ring")
    assert dataset.name == "ring"
    assert dataset.tasks == tuple(Task(f"label-{number}", "binary", ("no", "yes")) for number in (1, 2))
    graph = graph_of(dataset)
    assert sorted(map(tuple, graph.edges.T.tolist())) == sorted([(n, n + 1) for n in range(19)] + [(0, 19)])
    assert graph.names == [str(number) for number in range(1, 21)]
    for examples in dataset.splits.values():
        assert isinstance(examples.content, Nodes)
        np.testing.assert_array_equal(examples.labels, GROUP[examples.content.rows])
    assert dataset.warnings == ()
    assert list(dataset.sources) == ["ring.mat"]


def test_directions_and_loops(tmp_path: Path) -> None:
    network = RING + np.diag(np.arange(20) < 3)
    network[1, 0] = 0.5  # beside the edge from 0 to 1
    savemat(tmp_path / "ring.mat", {"network": csc_matrix(network), "group": GROUP})
    dataset = load_mat(tmp_path / "ring.mat", Request(), "ring")
    assert graph_of(dataset).edges.shape == (2, 20)
    assert dataset.warnings == (f"{tmp_path / 'ring.mat'}: dropped 3 loops and 1 repeated edges",)


def test_tasks_are_chosen_by_name(tmp_path: Path) -> None:
    savemat(tmp_path / "ring.mat", {"network": NETWORK, "group": GROUP})
    dataset = load_mat(tmp_path / "ring.mat", Request(tasks=("label-2",)), "ring")
    assert [task.name for task in dataset.tasks] == ["label-2"]
    assert dataset.splits["test"].labels.shape[1] == 1
    with pytest.raises(ConfigError, match="no task 'label-3': did you mean"):
        load_mat(tmp_path / "ring.mat", Request(tasks=("label-3",)), "ring")


WRONG = {
    "no group": ({"network": NETWORK}, "expected the variables 'network' and 'group', found 'network'"),
    "neither": ({"x": NETWORK}, "expected the variables 'network' and 'group', found neither"),
    "not square": (
        {"network": NETWORK[:5], "group": GROUP},
        "expected as many rows as columns in 'network', found 5 x",
    ),
    "too few rows": (
        {"network": NETWORK, "group": GROUP[:5]},
        "expected 20 rows in 'group' as in 'network', found 5 x 2",
    ),
    "text": ({"network": NETWORK, "group": "text"}, "expected numbers in rows and columns in 'group', found something"),
    "counts": ({"network": NETWORK, "group": GROUP * 3}, "expected 0 and 1 in 'group', found 3"),
    "no edges": ({"network": 0 * NETWORK, "group": GROUP}, "expected edges between nodes, found none"),
    "one class": ({"network": NETWORK, "group": 0 * GROUP}, "task 'label-1': expected at least two classes in trai"),
}


@pytest.mark.parametrize("name", WRONG)
def test_one_sentence_for_what_is_wrong(tmp_path: Path, name: str) -> None:
    variables, sentence = WRONG[name]
    savemat(tmp_path / "ring.mat", variables)
    with pytest.raises(DataError, match=re.escape(f"ring.mat: {sentence}")):
        load_mat(tmp_path / "ring.mat", Request(), "ring")


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "ring.mat"
    savemat(path, {"network": csc_matrix(NETWORK), "group": csc_matrix(GROUP)}, do_compression=True)
    content = path.read_bytes()
    for length in (0, 4, 100, 127, 128, 130, 136, *range(150, len(content) - 8, 23)):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"ring\.mat: expected "):
            load_mat(path, Request(), "ring")
    path.write_bytes(b"node,label\n1,2\n" * 40)
    with pytest.raises(DataError, match=r"expected a \.mat file of version 4 to 7\.2, found one that cannot be read"):
        load_mat(path, Request(), "ring")
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400))
    with pytest.raises(DataError, match=r"found 7\.3 \(save it with -v7\)"):
        load_mat(path, Request(), "ring")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"blogcatalog\.mat: cannot be read \(No such file"):
        load_blogcatalog(tmp_path, Request())


def test_blogcatalog(real_data: Path) -> None:
    dataset = load_blogcatalog(real_data / "blogcatalog", Request())
    graph = graph_of(dataset)
    assert (len(graph.names), graph.edges.shape[1], len(dataset.tasks)) == (10312, 333983, 39)
    assert graph.features.shape == (10312, 0)
    labels = np.concatenate([examples.labels for examples in dataset.splits.values()])
    assert labels.sum() == 14476
    assert labels.sum(0).min() == 8
    assert not np.isnan(labels).any()
    assert (dataset.splits["train"].labels.sum(0) > 0).all()
    assert dataset.warnings == ()
