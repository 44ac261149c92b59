"""The linear model: against a naive dense reference, mode by mode; files; wrong input; real data."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import logsumexp

from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.core.task import Task
from tasktalk.data.fdu import load_fdu
from tasktalk.data.tfidf import TfidfFeatures
from tasktalk.models.linear import INVERSE_PENALTY, LinearModel

BINARY = tuple(Task(name, "binary", ("no", "yes"), weight) for name, weight in (("a", 1.0), ("b", 0.5), ("c", 1.0)))
THREE = tuple(
    Task(name, "multiclass", ("x", "y", "z"), weight) for name, weight in (("a", 1.0), ("b", 2.0), ("c", 1.0))
)
AGE = Task("age", "regression", weight=2.0, mean=1e5, std=30.0)
MODES = sorted(INVERSE_PENALTY)
EXAMPLES, FEATURES, PENALTY, SCALE = 40, 6, 3.0, 1.7


def examples(tasks: tuple[Task, ...], seed: int = 0) -> tuple[csr_matrix, np.ndarray]:
    """Sparse features and labels of every task; a third of the labels is missing."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(EXAMPLES, FEATURES)) * (rng.random((EXAMPLES, FEATURES)) < 0.6)
    classes = len(tasks[0].classes)
    scores = features @ rng.normal(size=(FEATURES, classes)) + rng.gumbel(size=(EXAMPLES, classes))
    labels = np.stack([scores.argmax(axis=1) if i else scores.argmin(axis=1) for i in range(len(tasks))], axis=1)
    missing = rng.random(labels.shape) < 1 / 3
    return csr_matrix(features.astype(np.float32)), np.where(missing, np.nan, labels)


def naive_logits(features: csr_matrix, labels: np.ndarray, tasks: tuple[Task, ...], mode: str) -> np.ndarray:
    """Minimise the penalised softmax loss over dense copies of the features, written out row by row.

    Returns:
        Logits less their mean over the classes, shape (tasks, examples, classes).
    """
    dense = np.column_stack([features.toarray().astype(np.float64), np.ones(features.shape[0])])
    width, classes = dense.shape[1], len(tasks[0].classes)

    def copies(row: np.ndarray, task: int) -> np.ndarray:
        blocks = [row if mode == "pooled" else np.zeros(width)] + [np.zeros(width)] * len(tasks)
        if mode == "easy-adapt":
            blocks[0] = SCALE * row
        if mode != "pooled":
            blocks[1 + task] = row
        return np.concatenate(blocks)

    known = [(i, t) for i in range(len(dense)) for t in range(len(tasks)) if not np.isnan(labels[i, t])]
    design = np.stack([copies(dense[i], t) for i, t in known])
    targets = np.array([int(labels[i, t]) for i, t in known])
    importance = np.array([tasks[t].weight for _, t in known])
    # For two classes scikit-learn penalises the weights of the log-odds, w1 - w0 = 2 w1 at the optimum.
    strength = 2.0 if classes == 2 else 1.0

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(-1, classes)
        logits = design @ weights
        normaliser = logsumexp(logits, axis=1)
        value = PENALTY * np.sum(importance * (normaliser - logits[np.arange(len(targets)), targets]))
        error = np.exp(logits - normaliser[:, None])
        error[np.arange(len(targets)), targets] -= 1
        gradient = PENALTY * design.T @ (importance[:, None] * error) + strength * weights
        return value + strength * np.sum(weights**2) / 2, gradient.ravel()

    start = np.zeros(design.shape[1] * classes)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9})
    weights = found.x.reshape(-1, classes)
    logits = np.array([[copies(row, t) @ weights for row in dense] for t in range(len(tasks))])
    return logits - logits.mean(axis=2, keepdims=True)


def fit(features: csr_matrix, labels: np.ndarray, tasks: tuple[Task, ...], mode: str) -> LinearModel:
    return LinearModel.fit(features, labels, tasks, mode, inverse_penalty=PENALTY, shared_scale=SCALE)


def all_logits(model: LinearModel, features: csr_matrix) -> np.ndarray:
    logits = np.stack([model.logits(features, task) for task in range(len(model.tasks))])
    return logits - logits.mean(axis=2, keepdims=True)


@pytest.mark.parametrize("tasks", [BINARY, THREE], ids=["binary", "three classes"])
@pytest.mark.parametrize("mode", MODES)
def test_equals_the_naive_reference(mode: str, tasks: tuple[Task, ...]) -> None:
    features, labels = examples(tasks)
    expected = naive_logits(features, labels, tasks, mode)
    found = all_logits(fit(features, labels, tasks, mode), features)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(found, expected, atol=2e-2)


@pytest.mark.parametrize("mode", MODES)
def test_permuted_tasks_give_permuted_logits(mode: str) -> None:
    features, labels = examples(BINARY)
    order = [2, 0, 1]
    straight = all_logits(fit(features, labels, BINARY, mode), features)
    permuted = all_logits(fit(features, labels[:, order], tuple(BINARY[i] for i in order), mode), features)
    np.testing.assert_allclose(permuted, straight[order], atol=5e-3)


@pytest.mark.parametrize("mode", MODES)
def test_an_example_without_labels_changes_nothing(mode: str) -> None:
    features, labels = examples(BINARY)
    labels[7] = np.nan
    rest = np.arange(EXAMPLES) != 7
    np.testing.assert_array_equal(
        all_logits(fit(features, labels, BINARY, mode), features),
        all_logits(fit(features[rest], labels[rest], BINARY, mode), features),
    )


def test_the_tables_give_the_logits() -> None:
    features, labels = examples(THREE)
    model = fit(features, labels, THREE, "easy-adapt")
    (table,) = model.tables
    assert table.own is not None
    assert table.shared.shape == (FEATURES, 3) and table.own.shape == (3, FEATURES, 3)
    by_hand = features.toarray() @ (table.shared + table.own[1]) + table.intercepts[1]
    np.testing.assert_allclose(model.logits(features, 1), by_hand, atol=1e-5)


def test_two_classes_have_opposite_logits() -> None:
    features, labels = examples(BINARY)
    logits = fit(features, labels, BINARY, "easy-adapt").logits(features, 0)
    np.testing.assert_array_equal(logits[:, 0], -logits[:, 1])


def test_pooled_tasks_have_the_same_logits() -> None:
    features, labels = examples(BINARY)
    model = fit(features, labels, BINARY, "pooled")
    np.testing.assert_array_equal(model.logits(features, 0), model.logits(features, 2))


def test_easy_adapt_shares_among_tasks_with_the_same_classes_only() -> None:
    features, labels = examples(BINARY)
    other_features, other_labels = examples(THREE, seed=1)
    tasks = (THREE[0], BINARY[0], Task("lonely", "binary", ("down", "up")), BINARY[1])
    mixed = np.column_stack([other_labels[:, 0], labels[:, 0], labels[:, 2], labels[:, 1]])
    model = fit(features, mixed, tasks, "easy-adapt")
    assert [table.tasks for table in model.tables] == [(0,), (1, 3), (2,)]
    together = fit(features, labels[:, :2], BINARY[:2], "easy-adapt")
    alone = fit(features, labels[:, 2:], (tasks[2],), "per-task")
    np.testing.assert_array_equal(model.logits(features, 3), together.logits(features, 1))
    np.testing.assert_array_equal(model.logits(features, 2), alone.logits(features, 0))
    assert model.logits(other_features, 0).shape == (EXAMPLES, 3)


@pytest.mark.parametrize("kept", [(0, 1), (0, 2)])
def test_a_class_without_a_label_is_improbable(kept: tuple[int, int]) -> None:
    features, labels = examples(THREE)
    labels[~np.isin(labels, kept)] = np.nan
    logits = fit(features, labels, THREE, "easy-adapt").logits(features, 0)
    probabilities = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    assert set(probabilities.argmax(axis=1).tolist()) == set(kept)
    assert np.delete(probabilities, kept, axis=1).max() < 0.02


@pytest.mark.parametrize("mode", MODES)
def test_round_trip(tmp_path: Path, mode: str) -> None:
    features, labels = examples(THREE)
    model = fit(features, labels, THREE, mode)
    path = tmp_path / "model.safetensors"
    model.save(path)
    loaded = LinearModel.load(path)
    assert (loaded.mode, loaded.tasks) == (mode, THREE)
    np.testing.assert_array_equal(all_logits(loaded, features), all_logits(model, features))


@pytest.mark.parametrize("content", [b"", b"no model", b"\x02\0\0\0\0\0\0\0{}"], ids=["empty", "other", "no header"])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(RunFolderError, match=r"model\.safetensors: cannot be read .*No such file"):
        LinearModel.load(path)
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match=r"model\.safetensors: expected a linear model in safetensors, found"):
        LinearModel.load(path)


def test_an_unknown_mode_is_refused() -> None:
    features, labels = examples(BINARY)
    with pytest.raises(ConfigError, match="unknown mode 'easy' of the linear model; did you mean 'easy-adapt'"):
        LinearModel.fit(features, labels, BINARY, "easy")


def test_pooling_different_classes_is_refused() -> None:
    features, labels = examples(BINARY)
    tasks = (BINARY[0], Task("b", "binary", ("down", "up")))
    with pytest.raises(
        ConfigError, match="'pooled' needs the same classes in every task; 'a' has no, yes, but 'b' has"
    ):
        LinearModel.fit(features, labels[:, :2], tasks, "pooled")


def test_tagging_is_refused() -> None:
    features, labels = examples(BINARY)
    with pytest.raises(ConfigError, match="no tagging, and task 'pos' is of that kind"):
        LinearModel.fit(features, labels[:, :1], (Task("pos", "tagging", ("NN",)),))


def test_settings_that_are_not_positive_are_refused() -> None:
    features, labels = examples(BINARY)
    with pytest.raises(ConfigError, match="inverse_penalty must be above 0, found 0"):
        LinearModel.fit(features, labels, BINARY, inverse_penalty=0.0)
    with pytest.raises(ConfigError, match="shared_scale must be above 0, found nan"):
        LinearModel.fit(features, labels, BINARY, shared_scale=float("nan"))


def test_a_single_class_has_the_odds_of_all_its_examples_and_half_an_example() -> None:
    features, labels = examples(BINARY)
    labels[:, 1] = np.where(np.isnan(labels[:, 1]), np.nan, 1)
    logits = LinearModel.fit(features, labels, BINARY, "per-task").logits(features, 1)
    n = (~np.isnan(labels[:, 1])).sum()
    np.testing.assert_allclose(logits, np.tile([-np.log(2 * n) / 2, np.log(2 * n) / 2], (EXAMPLES, 1)), rtol=1e-6)
    three = (THREE[0],)
    logits = LinearModel.fit(features, np.where(labels[:, 1:2] == 1, 2, np.nan), three, "easy-adapt").logits(
        features, 0
    )
    odds = np.exp(logits)
    expected = np.tile([0.5, 0.5, n] / (n + 1), (EXAMPLES, 1))
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), expected, rtol=1e-6)


def test_no_label_is_refused() -> None:
    features, labels = examples(BINARY)
    labels[:, 1] = np.nan
    with pytest.raises(DataError, match="expected training labels of 'b', found none"):
        LinearModel.fit(features, labels, BINARY, "per-task")
    with pytest.raises(DataError, match="expected training labels of 'age', found none"):
        LinearModel.fit(features, labels[:, 1:2], (AGE,))


def values(features: csr_matrix, seed: int = 2) -> np.ndarray:
    """Values of a regression; a third is missing."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=EXAMPLES)
    found = 1e5 + 30 * (features.toarray() @ rng.normal(size=FEATURES) + noise)
    found[rng.random(EXAMPLES) < 1 / 3] = np.nan
    return found


def test_a_regression_equals_the_solution_of_its_normal_equations() -> None:
    features, _ = examples(BINARY)
    labels = values(features)
    known = ~np.isnan(labels)
    model = LinearModel.fit(features, labels[:, None], (AGE,), inverse_penalty=0.5)
    x = features.toarray()[known].astype(np.float64)
    y = (labels[known] - AGE.mean) / AGE.std
    centred = x - x.mean(axis=0)
    # lambda_k / 2 |y - X w|^2 + alpha / 2 |w|^2 is least where (X'X + alpha / lambda_k) w = X'y.
    weights = np.linalg.solve(centred.T @ centred + np.eye(FEATURES) / (0.5 * AGE.weight), centred.T @ (y - y.mean()))
    expected = (features.toarray() - x.mean(axis=0)) @ weights + y.mean()
    found = model.logits(features, 0)
    assert found.shape == (EXAMPLES, 1)
    np.testing.assert_allclose((found[:, 0] - AGE.mean) / AGE.std, expected, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_a_regression_is_fitted_by_itself_in_every_mode(tmp_path: Path, mode: str) -> None:
    features, labels = examples(BINARY)
    mixed = np.column_stack([values(features), labels, values(features, seed=3)])
    tasks = (AGE, *BINARY, Task("height", "regression", mean=1e5, std=30.0))
    model = LinearModel.fit(features, mixed, tasks, mode, inverse_penalty=PENALTY, shared_scale=SCALE)
    for k in (0, 4):
        alone = LinearModel.fit(features, mixed[:, [k]], (tasks[k],), inverse_penalty=PENALTY)
        np.testing.assert_array_equal(model.logits(features, k), alone.logits(features, 0))
    together = fit(features, labels, BINARY, mode)
    for k in range(3):
        np.testing.assert_array_equal(model.logits(features, 1 + k), together.logits(features, k))
    model.save(tmp_path / "model.safetensors")
    loaded = LinearModel.load(tmp_path / "model.safetensors")
    assert loaded.tasks == tasks
    for k in range(5):
        np.testing.assert_array_equal(loaded.logits(features, k), model.logits(features, k))


@pytest.mark.parametrize("count", [1, 5])
def test_values_that_do_not_differ_are_predicted(count: int) -> None:
    features, _ = examples(BINARY)
    labels = np.where(np.arange(EXAMPLES) < count, 123.0, np.nan)[:, None]
    found = LinearModel.fit(features, labels, (Task("age", "regression", mean=123.0),)).logits(features, 0)
    np.testing.assert_allclose(found, 123.0)


def test_features_of_another_width_are_refused() -> None:
    features, labels = examples(BINARY)
    with pytest.raises(ConfigError, match="expected 6 features, found 5"):
        fit(features, labels, BINARY, "pooled").logits(features[:, :5], 0)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "most"), [("per-task", 15.4), ("pooled", 11.9), ("easy-adapt", 11.6)])
def test_fdu_mtl(real_data: Path, mode: str, most: float) -> None:
    dataset = load_fdu(real_data / "fdu-mtl")
    train, test = dataset.splits["train"], dataset.splits["test"]
    terms = TfidfFeatures.fit(train.tokens)
    model = LinearModel.fit(terms.transform(train.tokens), train.labels, dataset.tasks, mode)
    features = terms.transform(test.tokens)
    errors = []
    for task in range(len(dataset.tasks)):
        rows = np.flatnonzero(~np.isnan(test.labels[:, task]))
        wrong = model.logits(features[rows], task).argmax(axis=1) != test.labels[rows, task]
        errors.append(100 * wrong.mean())
    assert len(errors) == 16
    assert 5 < np.mean(errors) < most
