"""Node graphs in Matlab's format, as BlogCatalog and its like are passed around: ``network`` and ``group``."""

import hashlib
import io
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from tasktalk.core.errors import DataError
from tasktalk.data.assemble import Row
from tasktalk.data.dataset import Dataset, NodeGraph
from tasktalk.data.node_tables import node_dataset, undirected
from tasktalk.data.request import Request

_CLASSES = ("no", "yes")


def load_blogcatalog(folder: Path, request: Request) -> Dataset:
    """Load BlogCatalog (Tang and Liu, 2009): 10,312 bloggers, 333,983 friendships, 39 interests, no features.

    Args:
        folder: the folder with ``blogcatalog.mat``.
        request: as in ``load_mat``.

    Raises:
        ConfigError: an unknown task.
        DataError: the file is missing or damaged.
    """
    return load_mat(folder / "blogcatalog.mat", request, "blogcatalog")


def load_mat(path: Path, request: Request, name: str) -> Dataset:
    """Load a ``.mat`` file with ``network`` (nodes, nodes) and ``group`` (nodes, labels).

    An entry of ``network`` that is not 0 is an edge, without direction or weight. Every column of ``group`` is a
    binary task with the classes ``no`` and ``yes``, named by its number: ``label-1``, ``label-2`` and so on; no label
    is missing. Nodes are named by their number, from 1.

    Args:
        path: the file.
        request: ``tasks``, ``kinds``, ``dev``, ``test`` and ``seed``.
        name: name of the data set.

    Raises:
        ConfigError: an unknown task.
        DataError: no ``.mat`` file, a variable that is missing or has the wrong shape, or a graph without edges.
    """
    variables, sha256 = _read(path)
    network, group = (_matrix(variables, variable, path) for variable in ("network", "group"))
    nodes = network.shape[0]
    if network.shape != (nodes, nodes):
        raise DataError(f"expected as many rows as columns in 'network', found {_size(network)}", path)
    if group.shape[0] != nodes:
        raise DataError(f"expected {nodes} rows in 'group' as in 'network', found {_size(group)}", path)
    rows, columns = network.nonzero()
    given = np.stack((rows, columns)).astype(np.int64)
    one_way = given if (network != network.T).nnz else given[:, given[0] <= given[1]]  # stored both ways is no repeat
    edges, dropped = undirected(one_way, path)
    names = [str(number + 1) for number in range(nodes)]
    tasks = [f"label-{number + 1}" for number in range(group.shape[1])]
    labels = [
        Row(node, {task: _CLASSES[int(has)] for task, has in zip(tasks, known, strict=True)}, path, number)
        for number, (node, known) in enumerate(zip(names, _members(group, path), strict=True), start=1)
    ]
    graph = NodeGraph(names, edges, np.zeros((nodes, 0), dtype=np.float32))
    return node_dataset(name, graph, tasks, labels, request, {path.name: sha256}, dropped)


def _read(path: Path) -> tuple[dict[str, Any], str]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})", path) from error
    # What scipy raises on a damaged file depends on where the damage is; version 7.3 it does not implement.
    damages = (MatReadError, ValueError, TypeError, KeyError, IndexError, EOFError, OSError, MemoryError, zlib.error)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            variables = loadmat(io.BytesIO(content), variable_names=["network", "group"])
    except NotImplementedError as error:
        raise DataError("expected a .mat file of version 4 to 7.2, found 7.3 (save it with -v7)", path) from error
    except damages as error:
        raise DataError("expected a .mat file of version 4 to 7.2, found one that cannot be read", path) from error
    return variables, hashlib.sha256(content).hexdigest()


def _matrix(variables: dict[str, Any], name: str, path: Path) -> Any:
    """A variable as a sparse matrix."""
    from scipy.sparse import csr_array

    if name not in variables:
        found = ", ".join(repr(other) for other in variables if not other.startswith("__")) or "neither"
        raise DataError(f"expected the variables 'network' and 'group', found {found}", path)
    try:
        return csr_array(variables[name], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"expected numbers in rows and columns in {name!r}, found something else", path) from error


def _members(group: Any, path: Path) -> Bool[np.ndarray, "nodes labels"]:
    values = group.toarray()
    wrong = values[(values != 0) & (values != 1)]
    if len(wrong):
        raise DataError(f"expected 0 and 1 in 'group', found {wrong[0]:g}", path)
    return np.asarray(values == 1)


def _size(matrix: Any) -> str:
    return " x ".join(map(str, matrix.shape))
