"""Forests: equal to scikit-learn's, also with features that lie beside a threshold; files; wrong input."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from tasktalk.core.errors import ConfigError, DataError, RunFolderError
from tasktalk.core.task import Task
from tasktalk.models.forest import ForestModel, Trees

TOXIC = Task("toxic", "binary", ("no", "yes"), weight=0.5)
GENRE = Task("genre", "multiclass", ("a", "b", "c", "d"))
AGE = Task("age", "regression", mean=200.0, std=30.0)
TASKS = (TOXIC, GENRE, AGE)
EXAMPLES, FEATURES, TREES = 150, 20, 7
NAN = float("nan")


def examples(counts: bool = True, seed: int = 0) -> tuple[csr_matrix, np.ndarray]:
    """Sparse counts, or numbers of any kind, and labels, some of which are missing; class c of the genres has none."""
    rng = np.random.default_rng(seed)
    values = (lambda size: rng.integers(1, 4, size)) if counts else (lambda size: rng.normal(size=size))
    features = csr_matrix(random_array((EXAMPLES, FEATURES), density=0.4, rng=rng, data_sampler=values))
    score = features.toarray() @ rng.normal(size=FEATURES) + rng.normal(size=EXAMPLES)
    genre = np.digitize(score, np.quantile(score, [0.5, 0.8]))
    labels = np.stack([score > np.quantile(score, 0.85), np.where(genre == 2, 3, genre), 200 + 10 * score], axis=1)
    labels[rng.random(labels.shape) < 0.2] = NAN
    return features, labels.astype(float)


def fit(features: csr_matrix, labels: np.ndarray, seed: int = 0) -> ForestModel:
    return ForestModel.fit(features, labels, TASKS, TREES, seed)


@pytest.mark.parametrize("counts", [True, False], ids=["counts", "any numbers"])
def test_answers_equal_those_of_scikit_learn(counts: bool) -> None:
    features, labels = examples(counts)
    model, new = fit(features, labels), examples(counts, seed=1)[0]
    rows = [np.flatnonzero(~np.isnan(column)) for column in labels.T]
    options = {"class_weight": "balanced_subsample", "random_state": 0}
    for k, classes in ((0, [0, 1]), (1, [0, 1, 3])):
        reference = RandomForestClassifier(TREES, **options).fit(features[rows[k]], labels[rows[k], k])
        expected = np.zeros((EXAMPLES, TASKS[k].outputs))
        expected[:, classes] = reference.predict_proba(new)
        assert expected[:, 1].std() > 0
        np.testing.assert_allclose(model.probabilities(new, k), expected, atol=1e-6)
    regression = RandomForestRegressor(TREES, max_features=0.1, random_state=0)
    targets = (labels[rows[2], 2] - AGE.mean) / AGE.std
    expected = AGE.mean + AGE.std * regression.fit(features[rows[2]], targets).predict(new)
    np.testing.assert_allclose(model.probabilities(new, 2)[:, 0], expected, rtol=1e-6)


def test_features_at_a_threshold_go_the_same_way() -> None:
    """Thresholds lie between neighbouring float32 numbers, of which the upper one is nearest by the rule for ties."""
    lower, upper = (np.float32(1 + k * np.finfo(np.float32).eps) for k in (1, 2))
    column = np.concatenate([lower * 2 ** np.arange(30), upper * 2 ** np.arange(30)]).astype(np.float32)
    features, labels = csr_matrix(column[:, None]), (np.arange(60) >= 30).astype(float)
    model = ForestModel.fit(features, labels[:, None], (TOXIC,), 3)
    options = {"class_weight": "balanced_subsample", "random_state": 0}
    expected = RandomForestClassifier(3, **options).fit(features, labels).predict_proba(features)
    np.testing.assert_allclose(model.probabilities(features, 0), expected, atol=1e-6)


def test_trees_by_hand() -> None:
    """Two trees: the first is x1 <= 0.5 ? (x0 <= 2 ? a : b) : c, the second only d."""
    trees = Trees(
        trees=2,
        inner=np.array([True, False, True, False, False, False]),
        feature=np.array([1, 0]),
        threshold=np.array([0.5, 2.0], dtype=np.float32),
        leaf=np.array([3, 2, 0, 1]),
        values=np.array([[1.0], [2.0], [4.0], [8.0]], dtype=np.float32),
    )
    answers = trees.mean(csr_matrix(np.array([[0.0, 0.0], [2.0, 0.5], [3.0, 0.0], [3.0, 0.75]])))
    assert answers[:, 0].tolist() == [(1 + 8) / 2, (1 + 8) / 2, (2 + 8) / 2, (4 + 8) / 2]


def test_rows_do_not_depend_on_each_other() -> None:
    features, labels = examples()
    model = fit(features, labels)
    many = csr_matrix(np.tile(features.toarray(), (12, 1)))  # more than are walked down together
    expected = np.tile(model.probabilities(features, 1), (12, 1))
    np.testing.assert_array_equal(model.probabilities(many, 1), expected)
    assert model.probabilities(features[:0], 1).shape == (0, 4)


def test_the_seed_decides_and_missing_labels_count_for_nothing() -> None:
    features, labels = examples()
    first, same, other = (fit(features, labels, seed).probabilities(features, 0) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()
    rest = ~np.isnan(labels[:, 0])
    alone = ForestModel.fit(features[rest], labels[rest, :1], (TOXIC,), TREES).probabilities(features, 0)
    np.testing.assert_array_equal(first, alone)


def test_labels_that_are_all_the_same_make_one_leaf() -> None:
    features, labels = examples()
    labels[~np.isnan(labels)] = 1
    labels[:, 2] = np.where(np.arange(EXAMPLES) < 3, 140.0, NAN)
    model = fit(features, labels)
    count = (~np.isnan(labels)).sum(axis=0)
    expected = np.array([0.5, count[1], 0.5, 0.5]) / (count[1] + 1.5)
    np.testing.assert_allclose(model.probabilities(features, 1), np.tile(expected, (EXAMPLES, 1)), atol=1e-6)
    np.testing.assert_allclose(model.probabilities(features, 0)[:, 0], 0.5 / (count[0] + 0.5), atol=1e-6)
    np.testing.assert_allclose(model.probabilities(features, 2), np.full((EXAMPLES, 1), 140.0), rtol=1e-6)


def test_round_trip(tmp_path: Path) -> None:
    features, labels = examples()
    model, path = fit(features, labels), tmp_path / "model.safetensors"
    model.save(path)
    loaded = ForestModel.load(path)
    assert (loaded.tasks, loaded.features) == (TASKS, FEATURES)
    for task in range(len(TASKS)):
        np.testing.assert_array_equal(loaded.probabilities(features, task), model.probabilities(features, task))
    content = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"no model", b"\x02\0\0\0\0\0\0\0{}"], ids=["empty", "other", "no header"])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(RunFolderError, match=r"model\.safetensors: cannot be read .*No such file"):
        ForestModel.load(path)
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match=r"model\.safetensors: expected a forest in safetensors, found"):
        ForestModel.load(path)


def test_wrong_input_is_one_sentence() -> None:
    features, labels = examples()
    with pytest.raises(ConfigError, match="expected 20 features, found 19"):
        fit(features, labels).probabilities(features[:, :19], 0)
    with pytest.raises(ConfigError, match="at least one tree, found 0"):
        ForestModel.fit(features, labels, TASKS, 0)
    with pytest.raises(ConfigError, match="no tagging, and task 'pos' is of that kind"):
        ForestModel.fit(features, labels[:, :1], (Task("pos", "tagging", ("NN",)),), 2)
    labels[:, 1] = NAN
    with pytest.raises(DataError, match="expected training labels of 'genre', found none"):
        fit(features, labels)
