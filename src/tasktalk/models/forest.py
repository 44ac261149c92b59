"""A random forest for every task (L. Breiman, "Random Forests", Machine Learning 2001), kept as plain arrays.

scikit-learn grows the trees. What it would save is a pickle, so that they are turned into arrays: these are written as
safetensors, and predict without scikit-learn what it would predict.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy.sparse import csr_matrix

from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.core.files import whole_file
from tasktalk.core.task import Task

_PAIRS = 2**15
"""So many examples times trees are walked down together: their numbers fit into a processor's cache."""
_MOST_ROWS = 1024
_STEPS = 4
"""So many steps are made before those that have arrived are put aside."""


@dataclass(frozen=True, eq=False)
class Trees:
    """The trees of one task.

    Their nodes stand level by level, those of all trees together: the roots first, and the k-th inner node has the
    nodes ``trees + 2 k`` (where its feature is at most its threshold) and ``trees + 2 k + 1`` as its children.

    Args:
        trees: how many.
        inner: whether a node has children.
        feature: column that an inner node looks at.
        threshold: what it compares the feature with.
        leaf: row of ``values`` of every node without children.
        values: different answers of leaves: probabilities of the classes; of a regression the value less the mean of
            the task, in units of its standard deviation.
    """

    trees: int
    inner: Bool[np.ndarray, " nodes"]
    feature: Int[np.ndarray, " inner"]
    threshold: Float[np.ndarray, " inner"]
    leaf: Int[np.ndarray, " leaves"]
    values: Float[np.ndarray, "answers outputs"]

    def mean(self, features: csr_matrix) -> Float[np.ndarray, "examples outputs"]:
        """The mean over the trees of what they answer."""
        used, feature = np.unique(self.feature, return_inverse=True)
        walk = _Walk(self, feature)
        columns = features[:, used]
        answers = np.zeros((features.shape[0], self.values.shape[1]))
        rows = min(max(_PAIRS // self.trees, 1), _MOST_ROWS)
        for start in range(0, len(answers), rows):
            reached = walk.leaves(columns[start : start + rows].toarray().astype(np.float32))
            for output, values in enumerate(self.values.T):
                answers[start : start + rows, output] = values.take(reached).mean(axis=1, dtype=np.float64)
        return answers


class _Walk:
    """Trees ready to be walked down by many examples at once: every node has a child, a leaf is its own."""

    def __init__(self, trees: Trees, feature: Int[np.ndarray, " inner"]) -> None:
        inner = trees.inner
        self.trees = trees.trees
        self.inner = inner
        self.child = np.arange(len(inner))
        self.child[inner] = self.trees + 2 * np.arange(len(feature))
        self.feature = np.zeros(len(inner), dtype=np.int64)
        self.feature[inner] = feature
        self.threshold = np.full(len(inner), np.inf, dtype=np.float32)  # no feature is larger: a leaf stays
        self.threshold[inner] = trees.threshold
        self.answer = np.zeros(len(inner), dtype=np.int64)
        self.answer[~inner] = trees.leaf

    def leaves(self, features: Float[np.ndarray, "rows columns"]) -> Int[np.ndarray, "rows trees"]:
        """The answer that each example reaches in each tree."""
        rows, columns = features.shape
        flat = features.ravel() if columns else np.zeros(rows, dtype=np.float32)  # trees of one node look at nothing
        node = np.tile(np.arange(self.trees), rows)
        row = np.repeat(np.arange(rows) * columns, self.trees)
        pair = np.arange(len(node))
        reached = np.empty(len(node), dtype=np.int64)
        while len(node):
            for _ in range(_STEPS):
                x = flat.take(self.feature.take(node) + row)
                node = self.child.take(node) + (x > self.threshold.take(node))
            reached[pair] = node
            on = self.inner.take(node)
            node, row, pair = node[on], row[on], pair[on]
        return self.answer.take(reached).reshape(rows, self.trees)


@dataclass(frozen=True, eq=False)
class ForestModel:
    """A fitted random forest for every task.

    Args:
        tasks: the tasks in the order of the label columns.
        features: how many features an example has.
        forests: the trees of every task.
    """

    tasks: tuple[Task, ...]
    features: int
    forests: tuple[Trees, ...]

    @classmethod
    def fit(
        cls,
        features: csr_matrix,
        labels: Float[np.ndarray, "examples tasks"],
        tasks: Sequence[Task],
        trees: int = 500,
        seed: int = 0,
    ) -> "ForestModel":
        """Grow a forest for each task, on one core.

        Trees are grown until the leaves are pure. Each split chooses from the square root of the number of features, a
        regression's from a tenth of them, since few bits of a fingerprint say anything. Classes count alike, however
        rare (``balanced_subsample``; for molecules of Tox21 it makes hardly a difference).

        Args:
            features: shape (examples, features).
            labels: class indices or values, NaN where missing.
            tasks: one per label column.
            trees: how many trees for each task.
            seed: the same seed grows the same trees.

        Returns:
            The forests. Where all labels of a task are the same, its forest is one leaf: this class, the others having
            the log-odds of half an example, or this value.

        Raises:
            ConfigError: a task that is neither classification nor regression, or no trees.
            DataError: a task without any label.
        """
        if trees < 1:
            raise ConfigError(f"a forest needs at least one tree, found {trees}")
        forests = []
        for k, task in enumerate(tasks):
            if task.kind == "tagging":
                raise ConfigError(f"a forest does no tagging, and task {task.name!r} is of that kind")
            rows = np.flatnonzero(~np.isnan(labels[:, k]))
            if not len(rows):
                raise DataError(f"expected training labels of {task.name!r}, found none")
            forests.append(_grow(features[rows], labels[rows, k], task, trees, seed))
        return cls(tuple(tasks), features.shape[1], tuple(forests))

    def probabilities(self, features: csr_matrix, task: int) -> Float[np.ndarray, "examples outputs"]:
        """Probabilities of the classes of one task; of a regression its values, in the unit of its labels.

        Raises:
            ConfigError: features of another width.
        """
        if features.shape[1] != self.features:
            raise ConfigError(f"expected {self.features} features, found {features.shape[1]}")
        answers, asked = self.forests[task].mean(features), self.tasks[task]
        return answers * asked.std + asked.mean if asked.kind == "regression" else answers

    def save(self, path: Path) -> None:
        """Write one safetensors file; the tasks stand in its header as JSON.

        Raises:
            RunFolderError: the file cannot be written.
        """
        arrays = {f"{k}.{name}": array for k, trees in enumerate(self.forests) for name, array in _arrays(trees)}
        header = {
            "features": self.features,
            "tasks": [asdict(task) for task in self.tasks],
            "trees": [trees.trees for trees in self.forests],
        }
        content = save(arrays, {"forest": json.dumps(header)})  # one key: several come in another order each time
        with whole_file(path) as part:
            part.write_bytes(content)

    @classmethod
    def load(cls, path: Path) -> "ForestModel":
        """Read a file that ``save`` wrote.

        Raises:
            RunFolderError: the file is missing or damaged.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                header = json.loads(file.metadata()["forest"])
                arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
            tasks = tuple(Task(**{**task, "classes": tuple(task["classes"])}) for task in header["tasks"])
            forests = tuple(
                Trees(trees, *(arrays[f"{k}.{name}"] for name in _ARRAYS)) for k, trees in enumerate(header["trees"])
            )
            return cls(tasks, header["features"], forests)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be read ({error.strerror or error})") from error
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise RunFolderError(f"{path}: expected a forest in safetensors, found: {error}") from error


_ARRAYS = ("inner", "feature", "threshold", "leaf", "values")


def _arrays(trees: Trees) -> Iterator[tuple[str, np.ndarray]]:
    return ((name, getattr(trees, name)) for name in _ARRAYS)


def _grow(features: csr_matrix, labels: Float[np.ndarray, " rows"], task: Task, trees: int, seed: int) -> Trees:
    """The forest of one task, from the examples that have a label of it."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    if len(np.unique(labels)) == 1:
        return _constant(labels, task)
    if task.kind == "regression":
        model = RandomForestRegressor(trees, max_features=0.1, random_state=seed)
        model.fit(features, (labels - task.mean) / task.std)
        return _pack([tree.tree_ for tree in model.estimators_], np.arange(1), 1)
    model = RandomForestClassifier(trees, class_weight="balanced_subsample", random_state=seed)
    model.fit(features, labels.astype(np.int64))
    return _pack([tree.tree_ for tree in model.estimators_], model.classes_, task.outputs)


def _constant(labels: Float[np.ndarray, " rows"], task: Task) -> Trees:
    """One leaf, for labels that are all the same."""
    if task.kind == "regression":
        values = (labels[:1] - task.mean) / task.std
    else:
        values = np.full(task.outputs, 0.5)
        values[int(labels[0])] = len(labels)
        values /= values.sum()
    nothing = np.zeros(0, dtype=np.int32)
    leaf = np.zeros(1, dtype=np.int32)
    return Trees(1, np.zeros(1, dtype=bool), nothing, nothing.astype(np.float32), leaf, values[None].astype(np.float32))


def _pack(trees: Sequence[Any], classes: Int[np.ndarray, " seen"], outputs: int) -> Trees:
    """Trees of scikit-learn as arrays, their nodes level by level."""
    roots = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
    shift = np.repeat(roots, [tree.node_count for tree in trees])
    # Their integers are of C's long long, which NumPy and jaxtyping keep apart from int64.
    children = (_joined(trees, side).astype(np.int64) for side in ("children_left", "children_right"))
    left, right = (np.where(child < 0, -1, child + shift) for child in children)
    order = _level_by_level(roots, left, right)
    inner = left[order] >= 0
    feature, threshold = (_joined(trees, name)[order[inner]] for name in ("feature", "threshold"))
    found = np.concatenate([tree.value[:, 0] for tree in trees])[order[~inner]]
    different, leaf = np.unique(found, axis=0, return_inverse=True)
    values = np.zeros((len(different), outputs), dtype=np.float32)
    values[:, classes] = different
    return Trees(len(trees), inner, feature.astype(np.int32), _rounded_down(threshold), leaf.astype(np.int32), values)


def _joined(trees: Sequence[Any], name: str) -> np.ndarray:
    return np.concatenate([getattr(tree, name) for tree in trees])


def _level_by_level(
    roots: Int[np.ndarray, " trees"], left: Int[np.ndarray, " nodes"], right: Int[np.ndarray, " nodes"]
) -> Int[np.ndarray, " nodes"]:
    levels = [roots]
    while len(parents := levels[-1][left[levels[-1]] >= 0]):
        levels.append(np.stack([left[parents], right[parents]], axis=1).ravel())
    return np.concatenate(levels)


def _rounded_down(threshold: Float[np.ndarray, " inner"]) -> Float[np.ndarray, " inner"]:
    """As float32, such that no float32 feature changes sides."""
    single = threshold.astype(np.float32)
    return np.where(single > threshold, np.nextafter(single, np.float32(-np.inf)), single)
