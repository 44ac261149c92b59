"""Logistic regression on sparse features, per task, pooled, or by "easy adapt"; ridge regression per task.

Easy adapt gives every feature a shared copy and a copy for each task; the penalty decides what is shared (H. Daume III,
"Frustratingly Easy Domain Adaptation", ACL 2007). In our terms: the weights of task t are ``shared + own[t]``.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy.sparse import csr_matrix, hstack, vstack

from tasktalk.core.errors import ConfigError, DataError, RunFolderError, nearest
from tasktalk.core.files import whole_file
from tasktalk.core.task import Task

INVERSE_PENALTY = {"per-task": 30.0, "pooled": 30.0, "easy-adapt": 10.0}
"""For each mode scikit-learn's C with the lowest error on the development texts of FDU-MTL."""
INVERSE_RIDGE_PENALTY = 0.1
"""1 / alpha of ridge regression, in units of the labels' standard deviation: good for counts of fingerprints."""


@dataclass(frozen=True, eq=False)
class LinearTable:
    """The weights of tasks that were fitted together; they have the same classes.

    The logits of task ``tasks[i]`` are ``features @ (shared + own[i]) + intercepts[i]``. Two classes get two logits,
    -z/2 and z/2 for log-odds of z, which is the softmax solution of least squared norm. A regression has one, its value
    in the unit of its labels.

    Args:
        tasks: indices of the tasks.
        shared: weights that all of them use.
        own: weights of each task's own copy of the features; None where there are no copies.
        intercepts: one row per task.
    """

    tasks: tuple[int, ...]
    shared: Float[np.ndarray, "features classes"]
    own: Float[np.ndarray, "tasks features classes"] | None
    intercepts: Float[np.ndarray, "tasks classes"]


@dataclass(frozen=True, eq=False)
class LinearModel:
    """A fitted linear model for every task.

    Args:
        mode: ``per-task`` (one table per task), ``pooled`` (one table, nothing of its own for any task) or
            ``easy-adapt`` (one table for each list of classes). A regression always has a table of its own.
        tasks: the tasks in the order of the label columns.
        tables: together they hold each task once. A torch module can start from them.
    """

    mode: str
    tasks: tuple[Task, ...]
    tables: tuple[LinearTable, ...]

    @classmethod
    def fit(
        cls,
        features: csr_matrix,
        labels: Float[np.ndarray, "examples tasks"],
        tasks: Sequence[Task],
        mode: str = "easy-adapt",
        inverse_penalty: float | None = None,
        shared_scale: float = 1.5,
        seed: int = 0,
    ) -> "LinearModel":
        """Fit logistic regressions with an L2 penalty (intercepts included: they belong to a constant feature).

        A regression is fitted by ridge regression, its labels in units of ``Task.std`` and the intercept free. A class
        that no label has gets the log-odds of half an example, also where there is only one other.

        Args:
            features: shape (examples, features).
            labels: class indices or values, NaN where missing. An example with the labels of several tasks counts once
                for each.
            tasks: one per label column; an example counts by the weight of its task.
            mode: see the class.
            inverse_penalty: scikit-learn's C, and for a regression 1 / alpha; None for ``INVERSE_PENALTY[mode]``, and
                ``INVERSE_RIDGE_PENALTY``.
            shared_scale: easy adapt multiplies the shared copy of the features by it: above 1, sharing is cheaper.
            seed: of the solver.

        Raises:
            ConfigError: an unknown mode, a task that is a tagging, a setting that is not positive, or ``pooled`` for
                classifications with different classes.
            DataError: tasks fitted together have no label.
        """
        penalty = _check(tasks, mode, inverse_penalty, shared_scale)
        tables = []
        for group in _groups(tasks, mode):
            if tasks[group[0]].kind == "regression":
                ridge = inverse_penalty or INVERSE_RIDGE_PENALTY
                tables.append(_fit_regression(features, labels[:, group[0]], tasks[group[0]], group[0], ridge))
                continue
            copies = mode == "easy-adapt" and len(group) > 1
            table = _fit_group(features, labels, tasks, group, shared_scale if copies else None, penalty, seed)
            tables.append(table)
        return cls(mode, tuple(tasks), tuple(tables))

    def logits(self, features: csr_matrix, task: int) -> Float[np.ndarray, "examples classes"]:
        """Unnormalised log-probabilities of the classes of one task; of a regression its values, in their own unit.

        Raises:
            ConfigError: features of another width.
        """
        table = next(table for table in self.tables if task in table.tasks)
        if features.shape[1] != table.shared.shape[0]:
            raise ConfigError(f"expected {table.shared.shape[0]} features, found {features.shape[1]}")
        row = table.tasks.index(task)
        logits = features @ table.shared + table.intercepts[row]
        return logits if table.own is None else logits + features @ table.own[row]

    def save(self, path: Path) -> None:
        """Write one safetensors file; mode and tasks stand in its header as JSON.

        Raises:
            RunFolderError: the file cannot be written.
        """
        arrays: dict[str, np.ndarray] = {}
        for i, table in enumerate(self.tables):
            parts = {"shared": table.shared, "own": table.own, "intercepts": table.intercepts}
            arrays |= {f"{i}.{name}": part for name, part in parts.items() if part is not None}
        header = {
            "mode": self.mode,
            "tasks": [asdict(task) for task in self.tasks],
            "groups": [table.tasks for table in self.tables],
        }
        content = save(arrays, {"linear": json.dumps(header)})  # one key: several come in another order each time
        with whole_file(path) as part:
            part.write_bytes(content)

    @classmethod
    def load(cls, path: Path) -> "LinearModel":
        """Read a file that ``save`` wrote.

        Raises:
            RunFolderError: the file is missing or damaged.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                header = json.loads(file.metadata()["linear"])
                arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
            tasks = tuple(Task(**{**task, "classes": tuple(task["classes"])}) for task in header["tasks"])
            tables = tuple(
                LinearTable(tuple(group), arrays[f"{i}.shared"], arrays.get(f"{i}.own"), arrays[f"{i}.intercepts"])
                for i, group in enumerate(header["groups"])
            )
            return cls(header["mode"], tasks, tables)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot be read ({error.strerror or error})") from error
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise RunFolderError(f"{path}: expected a linear model in safetensors, found: {error}") from error


def _check(tasks: Sequence[Task], mode: str, inverse_penalty: float | None, shared_scale: float) -> float:
    if mode not in INVERSE_PENALTY:
        raise ConfigError(f"unknown mode {mode!r} of the linear model; {nearest(mode, INVERSE_PENALTY)}")
    penalty = INVERSE_PENALTY[mode] if inverse_penalty is None else inverse_penalty
    for name, value in (("inverse_penalty", penalty), ("shared_scale", shared_scale)):
        if not value > 0:
            raise ConfigError(f"{name} must be above 0, found {value}")
    for task in tasks:
        if task.kind == "tagging":
            raise ConfigError(f"a linear model does no tagging, and task {task.name!r} is of that kind")
    classifications = [task for task in tasks if task.kind != "regression"]
    for task in classifications if mode == "pooled" else ():
        first = classifications[0]
        if task.classes != first.classes:
            raise ConfigError(
                f"mode 'pooled' needs the same classes in every task; {first.name!r} has "
                f"{', '.join(first.classes)}, but {task.name!r} has {', '.join(task.classes)}"
            )
    return penalty


def _groups(tasks: Sequence[Task], mode: str) -> list[list[int]]:
    """Which tasks are fitted together: a shared copy means nothing to tasks with other classes, nor to regressions."""
    if mode == "per-task":
        return [[i] for i in range(len(tasks))]
    groups: dict[tuple[str, ...] | int, list[int]] = {}
    for i, task in enumerate(tasks):
        groups.setdefault(task.classes or i, []).append(i)
    return list(groups.values())


def _fit_group(
    features: csr_matrix,
    labels: Float[np.ndarray, "examples tasks"],
    tasks: Sequence[Task],
    group: list[int],
    shared_scale: float | None,
    inverse_penalty: float,
    seed: int,
) -> LinearTable:
    """Fit the tasks of a group together, with a copy of the features for each task if there is a ``shared_scale``."""
    rows = [np.flatnonzero(~np.isnan(labels[:, task])) for task in group]
    targets = np.concatenate([labels[r, task] for r, task in zip(rows, group, strict=True)]).astype(np.int64)
    if not len(targets):
        raise _no_label(tasks[task] for task in group)
    seen = np.unique(targets)
    counts = [len(r) for r in rows]
    design = vstack([_with_constant(features[r]) for r in rows], format="csr")
    width = design.shape[1]
    if shared_scale is not None:
        own = _own_copies(design, np.repeat(np.arange(len(group)), counts), len(group))
        design = hstack([shared_scale * design, own], format="csr")
    sample_weights = np.repeat([tasks[task].weight for task in group], counts)
    outputs = tasks[group[0]].outputs
    weights = np.zeros((design.shape[1], outputs), dtype=np.float32)
    if len(seen) > 1:
        weights[:, seen] = _logistic_regression(design, targets, sample_weights, inverse_penalty, seed)
    table = _table(group, weights.reshape(-1, width, outputs), shared_scale)
    # A class that the labels lack has no finite solution: it gets the log-odds of half an example.
    table.intercepts[:, np.setdiff1d(np.arange(outputs), seen)] = np.log(0.5 / len(targets))
    table.intercepts[:] -= table.intercepts.mean(axis=1, keepdims=True)
    return table


def _fit_regression(
    features: csr_matrix, labels: Float[np.ndarray, " examples"], task: Task, index: int, inverse_penalty: float
) -> LinearTable:
    """Ridge regression of one task, brought back to the unit of its labels."""
    from sklearn.linear_model import Ridge

    rows = np.flatnonzero(~np.isnan(labels))
    if not len(rows):
        raise _no_label([task])
    model = Ridge(alpha=1 / (inverse_penalty * task.weight), tol=1e-6)
    model.fit(features[rows], (labels[rows] - task.mean) / task.std)
    weights = (task.std * model.coef_[:, None]).astype(np.float32)
    # The mean may be many times the deviation, and float32 would lose the latter.
    intercepts = np.array([[task.std * float(model.intercept_) + task.mean]])
    return LinearTable((index,), weights, None, intercepts)


def _no_label(tasks: Iterable[Task]) -> DataError:
    return DataError(f"expected training labels of {', '.join(repr(task.name) for task in tasks)}, found none")


def _with_constant(features: csr_matrix) -> csr_matrix:
    ones = np.ones((features.shape[0], 1), dtype=features.dtype)
    return hstack([features, csr_matrix(ones)], format="csr")


def _own_copies(stacked: csr_matrix, owner: Int[np.ndarray, " rows"], tasks: int) -> csr_matrix:
    """Move the entries of each row to the columns of its task's copy."""
    rows, width = stacked.shape
    columns = stacked.indices.astype(np.int64) + width * np.repeat(owner, np.diff(stacked.indptr))
    return csr_matrix((stacked.data, columns, stacked.indptr), shape=(rows, width * tasks))


def _table(
    group: list[int], weights: Float[np.ndarray, "copies columns classes"], shared_scale: float | None
) -> LinearTable:
    """Split off the constant feature, and fold the scale of the shared copy into its weights."""
    shared, own = weights[0], weights[1:]
    if shared_scale is None:
        return LinearTable(tuple(group), shared[:-1], None, np.repeat(shared[-1:], len(group), axis=0))
    shared = np.float32(shared_scale) * shared
    return LinearTable(tuple(group), shared[:-1], np.ascontiguousarray(own[:, :-1]), shared[-1] + own[:, -1])


def _logistic_regression(
    design: csr_matrix,
    targets: Int[np.ndarray, " rows"],
    sample_weights: Float[np.ndarray, " rows"],
    inverse_penalty: float,
    seed: int,
) -> Float[np.ndarray, "columns seen"]:
    """Weights for the softmax of the classes that stand in the targets."""
    from sklearn.linear_model import LogisticRegression

    used = np.flatnonzero(np.bincount(design.indices, minlength=design.shape[1]))  # most copies have no entry
    classes = len(np.unique(targets))
    # The dual solver is many times faster than the others on text, but knows two classes only.
    solver = {"solver": "liblinear", "dual": True} if classes == 2 else {"solver": "newton-cg"}
    model = LogisticRegression(C=inverse_penalty, fit_intercept=False, max_iter=1000, random_state=seed, **solver)
    coefficients = model.fit(design[:, used], targets, sample_weight=sample_weights).coef_.T
    if classes == 2:
        coefficients = np.concatenate([-coefficients / 2, coefficients / 2], axis=1)
    weights = np.zeros((design.shape[1], classes), dtype=np.float32)
    weights[used] = coefficients
    return weights
