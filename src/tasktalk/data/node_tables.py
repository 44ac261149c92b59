"""A graph whose nodes are the examples, from tables: labels of nodes, edges, and perhaps features of nodes."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.data.assemble import Row, Table, build
from tasktalk.data.dataset import Dataset, NodeGraph, Nodes
from tasktalk.data.records import Record, Records, read_records
from tasktalk.data.request import Request
from tasktalk.data.split import split_rows

_LARGEST = float(np.finfo(np.float32).max)


class _Features(NamedTuple):
    """Features by node, and the file that they came from."""

    records: Records
    lines: Mapping[str, int]
    values: Mapping[str, Float[np.ndarray, " _"]]


def load_nodes(path: Path, request: Request) -> Dataset:
    """Load a node graph from CSV, TSV or JSONL tables, which all have a header (JSONL: keys).

    - The label table names a node in column ``request.node``. Every other column (or ``request.labels``) is a task; an
      empty cell is a missing label.
    - The edge list ``request.edges`` names two nodes in its first two columns; further columns are ignored, with a
      warning. Edges have no direction. Loops and repeated edges (also those the other way round) are dropped, with a
      warning.
    - The feature table ``request.features``, if there is one, names a node in column ``request.node``; every other
      column is a number, which is taken as it is. Every node of the label table needs features.

    A node is known if the label or the feature table has it. The whole graph goes into every split. The examples are
    the nodes with a label, dealt to the splits at random; nodes without one only pass on what their neighbours know.

    Args:
        path: the label table.
        request: ``node``, ``edges``, ``features``, ``labels``, ``tasks``, ``kinds``, ``dev``, ``test`` and ``seed``.

    Raises:
        ConfigError: no edge list, or an unknown task.
        DataError: something wrong in a file: a node that is named twice or is unknown, features that are no numbers, a
            graph without edges.
    """
    if not request.edges:
        raise ConfigError("a graph of nodes needs an edge list")
    labels, edges = read_records(path), read_records(Path(request.edges))
    lines, tasks = _nodes(labels, request.node), _label_columns(labels, request)
    features = _read_features(Path(request.features), request.node) if request.features else None
    names = list(dict.fromkeys([*lines, *(features.lines if features else ())]))
    index = {name: number for number, name in enumerate(names)}
    pairs, warnings = _edges(edges, index)
    graph = NodeGraph(names, pairs, _feature_matrix(names, features, labels.path, lines))
    rows = [_row(labels, record, request.node, tasks) for record in labels.rows]
    files = [labels, edges, *([features.records] if features else [])]
    return node_dataset(path.stem, graph, tasks, rows, request, _checksums(files), warnings)


def node_dataset(
    name: str,
    graph: NodeGraph,
    tasks: Sequence[str],
    rows: Sequence[Row],
    request: Request,
    sources: Mapping[str, str],
    warnings: tuple[str, ...] = (),
) -> Dataset:
    """Deal the labelled nodes of a graph to splits.

    Args:
        name: name of the data set.
        graph: the graph.
        tasks: names of all tasks.
        rows: labels of nodes; the text of a row is the name of its node. Rows without a label are left out.
        request: ``tasks``, ``kinds``, ``dev``, ``test`` and ``seed``.
        sources: SHA-256 by file name.
        warnings: what the user should know of the graph.

    Raises:
        ConfigError: an unknown task.
        DataError: no node has a label, or a task that is none.
    """
    for task in request.tasks or ():
        if task not in tasks:
            raise ConfigError(f"no task {task!r}: {nearest(task, tasks)}")
    chosen = [task for task in tasks if request.tasks is None or task in request.tasks]
    wanted = [replace(row, labels={task: row.labels[task] for task in chosen if task in row.labels}) for row in rows]
    labelled = [row for row in wanted if row.labels]
    if not labelled:
        raise DataError("expected nodes with labels, found none", rows[0].path if rows else None)
    index = {node: number for number, node in enumerate(graph.names)}

    def content(part: Sequence[Row]) -> Nodes:
        return Nodes(graph, np.array([index[row.text] for row in part], dtype=np.int64))

    splits = split_rows(labelled, request.dev, request.test, request.seed, request.kinds)
    dataset = build(Table(name, chosen, splits, True, sources), content, kinds=request.kinds, known=request.known)
    return replace(dataset, warnings=(*warnings, *dataset.warnings))


def undirected(edges: Int[np.ndarray, "2 given"], where: Path) -> tuple[Int[np.ndarray, "2 edges"], tuple[str, ...]]:
    """Every edge once, whichever way it runs, sorted; without loops from a node to itself.

    Args:
        edges: the two nodes of every edge.
        where: the file, for the messages.

    Returns:
        The edges, and a warning that counts what was dropped.

    Raises:
        DataError: no edge is left.
    """
    apart = edges[:, edges[0] != edges[1]]
    if apart.shape[1] == 0:
        loops = f"only {edges.shape[1]} from a node to itself" if edges.shape[1] else "none"
        raise DataError(f"expected edges between nodes, found {loops}", where)
    once = np.unique(np.sort(apart, axis=0), axis=1)
    dropped = {"loops": edges.shape[1] - apart.shape[1], "repeated edges": apart.shape[1] - once.shape[1]}
    counts = " and ".join(f"{count} {what}" for what, count in dropped.items() if count)
    return once, (f"{where}: dropped {counts}",) if counts else ()


def _node(records: Records, record: Record, column: str) -> str:
    name = (records.string(record, column) or "").strip()
    if not name:
        raise DataError(f"expected a node in column {column!r}, found none", records.path, record.line)
    return name


def _nodes(records: Records, column: str) -> dict[str, int]:
    """The line of every node."""
    records.require(column)
    lines: dict[str, int] = {}
    for record in records.rows:
        name = _node(records, record, column)
        if name in lines:
            message = f"expected every node once, found {name!r} again (first in line {lines[name]})"
            raise DataError(message, records.path, record.line)
        lines[name] = record.line
    return lines


def _edges(records: Records, index: Mapping[str, int]) -> tuple[Int[np.ndarray, "2 edges"], tuple[str, ...]]:
    if len(records.columns) < 2:
        raise DataError(f"expected two columns of nodes, found {len(records.columns)}", records.path)
    left, right = records.columns[:2]
    if left in index and right in index:
        message = f"expected a header, found what looks like an edge between the nodes {left!r} and {right!r}"
        raise DataError(message, records.path, 1)
    pairs = np.zeros((2, len(records.rows)), dtype=np.int64)
    for number, record in enumerate(records.rows):
        for end, column in enumerate((left, right)):
            name = _node(records, record, column)
            if name not in index:
                message = f"the edge names {name!r}, which is in no table of nodes{_hint(name, index)}"
                raise DataError(message, records.path, record.line)
            pairs[end, number] = index[name]
    ignored = ", ".join(map(repr, records.columns[2:]))
    edges, warnings = undirected(pairs, records.path)
    return edges, ((f"{records.path}: ignored {ignored}; edges have no weight",) if ignored else ()) + warnings


def _hint(name: str, known: Iterable[str]) -> str:
    """The nearest node; unlike ``nearest`` it does not list thousands of nodes if none is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _read_features(path: Path, node: str) -> _Features:
    records = read_records(path)
    lines = _nodes(records, node)
    columns = [column for column in records.columns if column != node]
    if not columns:
        raise DataError(f"expected columns of numbers beside {node!r}, found none", path)
    values = {name: _numbers(records, record, columns) for name, record in zip(lines, records.rows, strict=True)}
    return _Features(records, lines, values)


def _numbers(records: Records, record: Record, columns: Sequence[str]) -> Float[np.ndarray, " columns"]:
    """A row of features. Tables are large: cells are looked at one by one only where something is wrong."""
    try:
        values = np.array([float(str(record.values[column])) for column in columns])
    except (ValueError, KeyError):
        values = np.full(len(columns), np.nan)
    if not (np.abs(values) <= _LARGEST).all():
        for column in columns:
            _refuse_words(records, record, column)
    return values.astype(np.float32)


def _refuse_words(records: Records, record: Record, column: str) -> None:
    found = (records.string(record, column) or "").strip()
    try:
        fits = abs(float(found)) <= _LARGEST
    except ValueError:
        fits = False
    if not fits:
        message = f"expected a number in column {column!r}, found {found[:40]!r}"
        raise DataError(message, records.path, record.line)


def _feature_matrix(
    names: Sequence[str], features: _Features | None, labels: Path, lines: Mapping[str, int]
) -> Float[np.ndarray, "nodes node_features"]:
    if features is None:
        return np.zeros((len(names), 0), dtype=np.float32)
    for name in names:
        if name not in features.values:
            message = f"node {name!r} has no row in {features.records.path.name}"
            raise DataError(message, labels, lines[name])
    return np.stack([features.values[name] for name in names])


def _label_columns(records: Records, request: Request) -> list[str]:
    wanted = list(records.columns) if request.labels is None else list(dict.fromkeys(request.labels))
    found = [column for column in wanted if column != request.node]
    if not found:
        raise DataError(f"expected label columns beside {request.node!r}, found none", records.path)
    for column in found:
        records.require(column)
    return found


def _row(records: Records, record: Record, node: str, tasks: Sequence[str]) -> Row:
    """The labels of a node that are not empty."""
    labels = {task: label for task in tasks if (label := records.label(record, task))}
    return Row(_node(records, record, node), labels, records.path, record.line)


def _checksums(files: Sequence[Records]) -> dict[str, str]:
    """SHA-256 by file name, or by path where two files have the same name."""
    names = [records.path.name for records in files]
    return {
        records.path.name if names.count(records.path.name) == 1 else str(records.path): records.sha256
        for records in files
    }
