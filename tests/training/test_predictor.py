"""Probabilities of any model, and their scores."""

import numpy as np
import pytest
import torch

from tasktalk.core.task import Task
from tasktalk.data.batches import Encoded, Plan, collate, rows_of, sparse_features
from tasktalk.data.take import take
from tasktalk.models.build import build_network
from tasktalk.models.forest import ForestModel
from tasktalk.models.graph_network import GraphNetwork
from tasktalk.models.linear import LinearModel
from tasktalk.models.network import TextNetwork
from tasktalk.models.options import ForestOptions, IndirectOptions, LinearOptions
from tasktalk.training.encode import fit_encoder
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.predictor import ForestPredictor, LinearPredictor, NetworkPredictor, Predictor, score
from tests.training.toy import OF_MOLECULES, config, graph_config, nodes, toy

TASKS = toy().tasks


def encode(shared: bool = False) -> tuple[TextEncoder, Encoded]:
    dataset = toy(shared)
    encoder = TextEncoder.fit(dataset, config().data, with_features=True)
    return encoder, encoder(dataset.splits["test"])


def network_predictor(encoder: TextEncoder, batch_size: int = 5) -> NetworkPredictor:
    torch.manual_seed(0)
    options = IndirectOptions(hidden=4, embedding_features=4, wide="joint")
    assert encoder.features is not None
    network = build_network(options, TASKS, encoder.inputs)
    assert isinstance(network, TextNetwork)
    return NetworkPredictor(network, TASKS, torch.device("cpu"), batch_size)


@pytest.mark.parametrize("shared", [False, True])
def test_answers_come_in_the_order_of_the_examples_and_equal_one_by_one(shared: bool) -> None:
    encoder, examples = encode(shared)
    predictor = network_predictor(encoder)
    for task in range(3):
        rows = rows_of(examples, task)
        assert [len(examples.words[r]) for r in rows] != sorted(len(examples.words[r]) for r in rows)
        found = predictor.answers(examples, (task,))[0]
        predictor.network.eval()
        for r, answer in zip(rows, found, strict=True):
            alone = predictor.network(collate(examples, Plan((task,), (np.array([r]),)))).logits[0]
            np.testing.assert_allclose(answer, alone.double().softmax(dim=-1)[0].detach(), rtol=1e-5)


def test_batches_make_no_difference() -> None:
    encoder, examples = encode()
    one, other = (network_predictor(encoder, size).answers(examples, (1,))[0] for size in (1, 100))
    np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_network_in_training_goes_on_training_and_answers_without_dropout() -> None:
    encoder, examples = encode()
    predictor = network_predictor(encoder)
    predictor.network.train()
    first, second = (predictor.answers(examples, (0,))[0] for _ in range(2))
    assert predictor.network.training
    assert np.array_equal(first, second)


def test_the_record_is_that_of_the_batch() -> None:
    encoder, examples = encode(shared=True)
    predictor = network_predictor(encoder)
    record = predictor.record(examples, Plan((0, 1, 2), (np.array([4, 0]),)))
    length = max(len(examples.words[r]) for r in (4, 0))
    assert record["beta"].shape == (3, 2, length, length)
    assert not any(weights.requires_grad for weights in record.values())


def test_a_linear_model_gives_probabilities_too() -> None:
    encoder, examples = encode()
    train = encoder(toy().splits["train"])
    model = LinearModel.fit(sparse_features(train), train.labels, TASKS)
    found = LinearPredictor(model).answers(examples, (2,))[0]
    logits = model.logits(sparse_features(examples)[rows_of(examples, 2)], 2)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(np.log(found[:, 1] / found[:, 0]), logits[:, 1] - logits[:, 0], rtol=1e-4)


def test_a_forest_gives_probabilities_of_the_examples_that_a_task_reads() -> None:
    encoder, examples = encode()
    train = encoder(toy().splits["train"])
    model = ForestModel.fit(sparse_features(train), train.labels, TASKS, trees=5)
    predictor = ForestPredictor(model)
    assert isinstance(predictor, Predictor)
    for k, found in zip((2, 0), predictor.answers(examples, (2, 0)), strict=True):
        np.testing.assert_allclose(found.sum(axis=1), 1)
        np.testing.assert_array_equal(found, model.probabilities(sparse_features(examples)[rows_of(examples, k)], k))


def test_a_network_gives_values_in_the_unit_of_the_labels() -> None:
    encoder, examples = encode(shared=True)
    tasks = (TASKS[0], Task("price", "regression", mean=500.0, std=20.0), TASKS[2])
    torch.manual_seed(0)
    network = build_network(IndirectOptions(hidden=4, embedding_features=4), tasks, encoder.inputs).eval()
    assert isinstance(network, TextNetwork)
    predictor = NetworkPredictor(network, tasks, torch.device("cpu"), 5)
    _, values, _ = predictor.answers(examples, (0, 1, 2))
    assert values.shape == (len(examples), 1) and values.dtype == np.float64
    rows = np.arange(len(examples))
    raw = network(collate(examples, Plan((1,), (rows,)))).logits[0].double().detach().numpy()
    assert np.ptp(raw) > 0
    np.testing.assert_allclose(values, 500 + 20 * raw, rtol=1e-6)


def test_a_linear_model_gives_values_as_they_are() -> None:
    _, examples = encode(shared=True)
    tasks = (Task("price", "regression", mean=500.0, std=20.0),)
    features = sparse_features(examples)
    model = LinearModel.fit(features, 500 + 20 * np.arange(len(examples))[:, None] % 7.0, tasks, mode="per-task")
    (found,) = LinearPredictor(model).answers(examples, (0,))
    np.testing.assert_array_equal(found, model.logits(features, 0))


def test_no_examples_no_answers() -> None:
    encoder, examples = encode()
    train = encoder(toy().splits["train"])
    linear = LinearPredictor(LinearModel.fit(sparse_features(train), train.labels, TASKS))
    none = Encoded(examples.words, examples.labels, np.zeros(len(examples), dtype=np.int64), examples.features)
    forest = ForestPredictor(ForestModel.fit(sparse_features(train), train.labels, TASKS, trees=2))
    predictors: list[Predictor] = [network_predictor(encoder), linear, forest]
    for predictor in predictors:
        assert predictor.answers(none, (1,))[0].shape == (0, 2)


def test_no_nodes_no_answers() -> None:
    data = nodes()
    chosen = graph_config(layers=1, **OF_MOLECULES)
    encoder = fit_encoder(data, chosen)
    assert not isinstance(chosen.model, LinearOptions | ForestOptions)
    network = build_network(chosen.model, data.tasks, encoder.inputs)
    assert isinstance(network, GraphNetwork)
    predictor = NetworkPredictor(network, data.tasks, torch.device("cpu"), 5)
    examples = encoder(data.splits["dev"])
    assert [len(found) for found in predictor.answers(examples, (0, 1, 2))] == [12, 12, 12]
    none = encoder(take(data.splits["dev"], np.zeros(0, dtype=int)))
    assert [found.shape for found in predictor.answers(none, (0, 1, 2))] == [(0, 2), (0, 3), (0, 1)]


def test_scores_of_every_task_and_of_some_examples() -> None:
    tasks = (Task("a", "binary", ("no", "yes")), Task("b", "binary", ("no", "yes")))
    labels = np.array([[0, np.nan], [np.nan, 1], [1, np.nan], [np.nan, np.nan]])
    examples = Encoded([np.array([2])] * 4, labels, np.array([0, 1, 0, 1]))
    answers = [np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([[0.3, 0.7], [0.5, 0.5]])]
    found = score(answers, examples, tasks)
    assert [(s["n"], s["error"]) for s in found.values()] == [(2, 50.0), (1, 0.0)]
    some = score(answers, examples, tasks, keep=np.array([True, False, False, True]))
    assert [(s["n"], s["error"]) for s in some.values()] == [(1, 0.0), (0, None)]


def test_the_scores_of_a_regression_are_in_the_unit_of_its_labels() -> None:
    tasks = (Task("a", "binary", ("no", "yes")), Task("price", "regression", mean=500.0, std=20.0))
    labels = np.array([[0, 510], [1, np.nan], [np.nan, 480]])
    examples = Encoded([np.array([2])] * 3, labels, None)
    answers = [np.full((3, 2), 0.5), np.array([[520.0], [0.0], [480.0]])]
    found = score(answers, examples, tasks)
    assert (found["price"]["n"], found["price"]["mae"]) == (2, 5.0)
    assert found["price"]["loss"] == pytest.approx((10 / 20) ** 2 / 2 / 2)
    assert found["a"]["n"] == 2
