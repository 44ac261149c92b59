import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tasktalk.core.inputs import TextInputs
from tasktalk.core.task import Task
from tasktalk.data.batches import Encoded
from tasktalk.models.build import build_network
from tasktalk.models.network import TextNetwork
from tasktalk.models.options import LSTMOptions
from tasktalk.training.predictor import NetworkPredictor
from tasktalk.training.stacking import best_mix, stack_on_dev


def log_softmax(z: np.ndarray) -> np.ndarray:
    return np.asarray(z - np.logaddexp.reduce(z, axis=1)[:, None])


def two_classes(log_odds: np.ndarray) -> np.ndarray:
    return log_softmax(np.stack((np.zeros_like(log_odds), log_odds), axis=1))


def test_two_classes_are_a_logistic_regression_of_both_log_odds() -> None:
    rng = np.random.default_rng(0)
    odds = rng.normal(size=(400, 2)) * [3.0, 1.0]
    truth = (rng.random(400) < 1 / (1 + np.exp(-odds @ [0.5, 1.5]))).astype(np.float64)
    halves = (slice(0, 150), slice(150, 400))
    mix = best_mix(
        [two_classes(odds[part, 0]) for part in halves],
        [two_classes(odds[part, 1]) for part in halves],
        [truth[part] for part in halves],
    )
    model = LogisticRegression(C=1e8, fit_intercept=False, tol=1e-8).fit(odds, truth)
    assert mix == pytest.approx(model.coef_[0], abs=1e-3)


def test_a_model_that_knows_nothing_does_not_count_and_none_counts_against() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, size=300).astype(np.float64)
    good = log_softmax(np.eye(3)[truth.astype(int)] * 2 + rng.normal(size=(300, 3)))
    wrong = log_softmax(-np.eye(3)[truth.astype(int)] * 2 + rng.normal(size=(300, 3)))
    first, second = best_mix([good], [wrong], [truth])
    assert first > 0.5
    assert second == pytest.approx(0, abs=1e-6)


def test_missing_labels_do_not_count_and_without_any_both_are_added() -> None:
    rng = np.random.default_rng(2)
    a, b = two_classes(rng.normal(size=50)), two_classes(rng.normal(size=50))
    truth = (rng.random(50) < 0.5).astype(np.float64)
    some = np.where(np.arange(50) < 30, truth, np.nan)
    assert best_mix([a], [b], [some]) == pytest.approx(best_mix([a[:30]], [b[:30]], [truth[:30]]))
    assert best_mix([a], [b], [np.full(50, np.nan)]) == (1.0, 1.0)


def test_the_factors_are_set_and_used() -> None:
    torch.manual_seed(0)
    from scipy.sparse import csr_matrix

    tasks = [Task("a", "binary", ("no", "yes"))]
    options = LSTMOptions(hidden=3, embedding_features=4, wide="fitted")
    network = build_network(options, tasks, TextInputs(9, 2)).eval()
    assert isinstance(network, TextNetwork) and network.wide is not None
    labels = np.arange(40) % 2.0
    features = csr_matrix(np.stack((labels, 1 - labels), axis=1).astype(np.float32))
    network.wide.own[0].copy_(torch.tensor([[-2.0, 2.0], [2.0, -2.0]]))  # knows the answer
    words = [np.array([2 + i % 7]) for i in range(40)]  # the network does not
    dev = Encoded(words, labels[:, None], np.zeros(40, dtype=np.int64), features)
    predictor = NetworkPredictor(network, tasks, torch.device("cpu"), 16)
    plain = predictor.answers(dev, (0,))[0]
    stack_on_dev(predictor, network.wide, dev)
    deep, wide = network.wide.mix.tolist()
    assert wide > 1
    stacked = predictor.answers(dev, (0,))[0]
    truth = labels.astype(int)
    assert stacked[np.arange(40), truth].min() > plain[np.arange(40), truth].min()
    assert deep >= 0
