"""Look-ahead affinity: against the definition, written as a loop; what is averaged; the prior that it makes."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tasktalk.core.batch import GraphBatch, TextBatch
from tasktalk.core.seeding import seed_everything
from tasktalk.core.task import Task
from tasktalk.data.batches import Plan, plan_epoch
from tasktalk.data.dataset import Dataset
from tasktalk.data.planted import planted
from tasktalk.heads.classifier import task_loss
from tasktalk.models.build import Network, build_network
from tasktalk.models.network import TextNetwork
from tasktalk.models.options import NetworkOptions
from tasktalk.models.transfer_options import MittenOptions, SharedOptions
from tasktalk.training.affinity import (
    Affinity,
    _answer_constantly,
    affinity_prior,
    look_ahead,
    measure_affinity,
    prior_of,
)
from tasktalk.training.checkpoint import load_tensors
from tasktalk.training.config import Config, make_config
from tasktalk.training.encode import fit_encoder
from tasktalk.training.fit_network import fit_network
from tasktalk.training.progress import Silent
from tasktalk.training.run_folder import MODEL
from tests.training.toy import Recorder, config, toy

NAN = float("nan")


def of_nodes(model: str, batch_size: int = 8, epochs: int = 2, seed: int = 0, **settings: float) -> Config:
    """Small and quick settings for planted tasks."""
    training = {"batch_size": batch_size, "epochs": epochs, "learning_rate": 0.02, "seed": seed}
    return make_config({"model": {"name": model, "layers": 1, **settings}, "training": training})


def a_network(dataset: Dataset) -> tuple[Network, TextBatch | GraphBatch]:
    """A Shared-Bottom network in float64, and the first joint batch of an epoch."""
    small: dict[str, Any] = {"dropout": 0.5, "hidden": 16}
    chosen = config("shared", **small) if dataset.tokenizer else of_nodes("shared", **small)
    encoder = fit_encoder(dataset, chosen)
    examples = encoder(dataset.splits["train"])
    seed_everything(1)
    options: NetworkOptions = chosen.model  # type: ignore[assignment]
    network = build_network(options, dataset.tasks, encoder.inputs, sparse=False).double()
    batch = examples.collate(plan_epoch(examples, 20, seed=0, epoch=0, schedule="joint")[0])
    if isinstance(batch, GraphBatch):
        return network, replace(batch, features=batch.features.double())
    assert isinstance(batch, TextBatch)
    return network, batch


def small() -> Dataset:
    return planted(groups=2, per_group=2, labels=6, features=6, dev=2, test=2)


def by_definition(network: Network, batch: TextBatch | GraphBatch, dataset: Dataset, step: float) -> np.ndarray:
    """Z_{i->j} = 1 - L_j(theta_i) / L_j(theta), with a copy of the network for every step."""
    tasks = dataset.tasks
    network = copy.deepcopy(network).eval()
    found = np.full((len(tasks), len(tasks)), NAN)
    for i in range(len(tasks)):
        ahead = copy.deepcopy(network)
        ahead.zero_grad()
        task_loss(tasks[i], ahead(batch).logits[i], batch.labels[i]).backward()
        for name, parameter in ahead.named_parameters():
            if "head" not in name and parameter.grad is not None:
                parameter.data = parameter.data - step * parameter.grad
        for j in range(len(tasks)):
            before = task_loss(tasks[j], network(batch).logits[j], batch.labels[j])
            after = task_loss(tasks[j], ahead(batch).logits[j], batch.labels[j])
            found[j, i] = 1 - after.item() / before.item()
    return found


@pytest.mark.parametrize("dataset", [small(), toy(), toy(shared=True)], ids=["nodes", "separate texts", "shared texts"])
def test_affinity_is_what_fifty_et_al_define(dataset: Dataset) -> None:
    network, batch = a_network(dataset)
    found = look_ahead(network, batch, dataset.tasks, step=0.02)
    expected = by_definition(network, batch, dataset, step=0.02)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert (np.abs(expected) > 1e-5).all(), "none of them is zero"
    assert (np.diag(found) > 0).all(), "a step along its own gradient helps a task"


def test_the_network_is_left_as_it_was() -> None:
    dataset = small()
    network, batch = a_network(dataset)
    before = copy.deepcopy(network.state_dict())
    look_ahead(network.train(), batch, dataset.tasks)
    assert network.training
    assert all(torch.equal(before[name], x) for name, x in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_task_without_labels_is_not_measured() -> None:
    dataset = small()
    network, batch = a_network(dataset)
    batch.labels[1] = NAN
    found = look_ahead(network, batch, dataset.tasks)
    missing = np.zeros((4, 4), dtype=bool)
    missing[1], missing[:, 1] = True, True
    np.testing.assert_array_equal(np.isnan(found), missing)


def test_means_are_over_what_was_measured() -> None:
    affinity = Affinity.nothing(3)
    affinity = affinity.with_one_more(np.array([[1.0, 2.0], [NAN, 4.0]]), (2, 0))
    affinity = affinity.with_one_more(np.array([[3.0, 6.0], [8.0, 0.0]]), (2, 0))
    np.testing.assert_array_equal(affinity.counts, [[2, 0, 1], [0, 0, 0], [2, 0, 2]])
    np.testing.assert_array_equal(affinity.values, [[2, NAN, 8], [NAN, NAN, NAN], [4, NAN, 2]])


def measured(dataset: Dataset, seed: int = 0, epochs: int = 4, **settings: float) -> Affinity:
    chosen = of_nodes("shared", epochs=2 * epochs, seed=seed)
    encoder = fit_encoder(dataset, chosen)
    assert isinstance(chosen.model, SharedOptions)
    examples = encoder(dataset.splits["train"])
    given: dict[str, Any] = {"until": 0.0, **settings}
    return measure_affinity(dataset.tasks, examples, encoder.inputs, chosen.model, chosen.training, Silent(), **given)


def test_steps_runs_and_seeds() -> None:
    dataset = small()
    once = measured(dataset)
    assert (once.counts == 4).all()
    np.testing.assert_array_equal(once.values, measured(dataset).values)
    assert not np.allclose(once.values, measured(dataset, seed=1).values)
    twice = measured(dataset, runs=2)
    assert (twice.counts == 8).all()
    np.testing.assert_allclose(twice.sums, once.sums + measured(dataset, seed=1).sums)
    assert (measured(dataset, epochs=5, every=2).counts == 3).all()


def test_it_ends_before_the_examples_are_known_by_heart() -> None:
    dataset = small()
    longer = measured(dataset, epochs=200, until=0.6).counts
    shorter = measured(dataset, epochs=200, until=0.9).counts
    assert 1 < shorter[0, 0] < longer[0, 0] < 200
    assert (measured(dataset, epochs=40, until=0.0).counts == 40).all()


def test_heads_start_at_the_best_constant_answer() -> None:
    """Then the loss is the entropy of the labels, and no other constant answer has a lower one."""
    tasks = (Task("three", "multiclass", ("a", "b", "c")), Task("value", "regression", mean=5.0, std=2.0))
    dataset = Dataset("mixed", tasks, toy(shared=True).splits, "whitespace")
    chosen = config("shared")
    encoder = fit_encoder(dataset, chosen)
    network = build_network(SharedOptions(hidden=6), tasks, encoder.inputs, sparse=False)
    labels = torch.tensor([[0.0, 7.0], [0.0, 3.0], [2.0, NAN], [1.0, NAN]])
    assert isinstance(network, TextNetwork)
    constant = _answer_constantly(network, tasks, labels)
    entropy = -(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25))
    assert constant == pytest.approx((entropy + 0.5) / 2, rel=1e-6)
    answers = network(encoder(dataset.splits["train"]).collate(Plan((0, 1), (np.arange(2),)))).logits
    np.testing.assert_allclose(answers[0].softmax(dim=-1).detach().numpy(), [[0.5, 0.25, 0.25]] * 2, rtol=1e-6)
    assert not answers[1].any()


def test_members_of_a_group_are_found() -> None:
    """Of three runs' mean affinity; chance is a share of 0.25."""
    dataset = planted(labels=150, agreement=0.9, seed=100, dev=2, test=2)
    values = measured(dataset, epochs=10, runs=3).values
    group = np.repeat(range(3), 3)
    other = group[:, None] != group
    same = ~other & ~np.eye(9, dtype=bool)
    inside, outside = values.mean(axis=1, where=same), values.mean(axis=1, where=other)
    assert (inside > outside).all()
    assert values[same].mean() > 0 > values[other].mean()
    prior = prior_of(values)
    assert prior[same].sum() / prior[~np.eye(9, dtype=bool)].sum() > 0.5


def test_progress_is_told() -> None:
    dataset, recorder = small(), Recorder()
    chosen = of_nodes("mitten", epochs=10, batch_size=1000)
    encoder = fit_encoder(dataset, chosen)
    assert isinstance(chosen.model, MittenOptions)
    examples = encoder(dataset.splits["train"])
    prior = affinity_prior(dataset.tasks, examples, encoder.inputs, chosen.model, chosen.training, recorder)
    assert recorder.begun == [("affinity", 5, 0)]
    assert [row["epoch"] for row in recorder.rows] == [1, 2, 3, 4, 5][: len(recorder.rows)] != []
    np.testing.assert_allclose(prior.sum(axis=1), 1)


def test_prior_by_hand() -> None:
    values = np.array([[NAN, 3.0, 1.0, 2.0], [5.0, 0.0, 5.0, 5.0], [NAN, 1.0, 0.0, 0.0], [NAN, NAN, NAN, 7.0]])
    z = 1.5**0.5
    scores = np.array([[z, z, -z, 0.0], [0.0] * 4, [0.0, 1.0, 1.0, -1.0], [0.0] * 4])
    expected = np.exp(scores / 0.7)
    np.testing.assert_allclose(prior_of(values, 0.7), expected / expected.sum(axis=1, keepdims=True))
    np.testing.assert_array_equal(prior_of(np.array([[2.0]])), [[1.0]])


def test_l2t_mitten_starts_from_it(tmp_path: Path) -> None:
    dataset = toy(shared=True)
    chosen = config("mitten", prior="affinity", dependency_rate=1e-9, training__epochs=6)
    encoder = fit_encoder(dataset, chosen)
    splits = {name: encoder(examples) for name, examples in dataset.splits.items()}
    fit_network(dataset, splits, chosen, encoder, tmp_path, Silent())
    assert isinstance(chosen.model, MittenOptions)
    prior = affinity_prior(dataset.tasks, splits["train"], encoder.inputs, chosen.model, chosen.training, Silent())
    tensors = load_tensors(tmp_path / MODEL)[0]
    (general,) = [x for name, x in tensors.items() if name.endswith(".general")]
    np.testing.assert_allclose(general.softmax(dim=-1).numpy(), prior, rtol=1e-5)
    assert prior.std() > 0.01
