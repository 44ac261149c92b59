"""What D learns from, and where it starts."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tasktalk.communication.mitten import MutualAttention
from tasktalk.training.dependency import general_dependencies, hold_out, set_dependency_gradient, set_priors
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.loop import Fit
from tests.training.toy import config, make_fit, toy


def a_network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(MutualAttention(2, 3), nn.Linear(2, 2), MutualAttention(2, 3, dependency="log-prior"))


def test_every_mutual_attention_has_its_dependency() -> None:
    network = a_network()
    found = general_dependencies(network)
    assert [id(p) for p in found] == [id(network[0].general), id(network[2].general)]
    assert general_dependencies(nn.Linear(2, 2)) == []


def test_priors_are_where_the_shares_start() -> None:
    network = a_network()
    prior = np.array([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]])
    set_priors(network, prior)
    for general in general_dependencies(network):
        np.testing.assert_allclose(general.softmax(dim=-1).detach().numpy(), prior, atol=1e-6)


@pytest.mark.parametrize("shared", [True, False])
def test_a_fifth_of_the_labels_of_every_task_is_held_out(shared: bool) -> None:
    dataset = toy(shared, sizes=(40, 4, 2))
    encoder = TextEncoder.fit(dataset, config().data, with_features=False)
    examples = encoder(dataset.splits["train"])
    before = examples.labels.copy()
    rest, held = hold_out(examples, seed=0)
    np.testing.assert_array_equal(examples.labels, before)
    assert (~np.isnan(held.labels)).sum(axis=0).tolist() == [8, 1, 0]
    assert (np.isnan(rest.labels) | np.isnan(held.labels)).all()
    np.testing.assert_array_equal(np.where(np.isnan(rest.labels), held.labels, rest.labels), before)
    assert len(rest) == len(held) == 46
    again, other = hold_out(examples, seed=0)[1], hold_out(examples, seed=1)[1]
    np.testing.assert_array_equal(held.labels, again.labels)
    assert not np.array_equal(held.labels, other.labels, equal_nan=True)


def test_only_the_dependency_follows_the_other_loss() -> None:
    network = a_network()
    states, inputs = torch.randn(3, 1, 4, 2), torch.randn(1, 4, 2)
    mixed = network[0](states, inputs, (0, 1, 2)).states
    answer = network[2](network[1](mixed).unsqueeze(1), inputs, (0, 1, 2)).states
    answer.square().sum().backward(retain_graph=True)
    before = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    other = answer[:, :2].sum()
    expected = torch.autograd.grad(other, general_dependencies(network), retain_graph=True)
    set_dependency_gradient(network, other)
    for general, gradient in zip(general_dependencies(network), expected, strict=True):
        assert general.grad is not None and torch.equal(general.grad, gradient)
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        assert torch.equal(parameter.grad, before[name]) != name.endswith("general")


def one_step(folder: Path, flip: bool) -> dict[str, Tensor]:
    """Parameters after a step on all examples; the tasks differ from the start, so that they have whom to choose."""
    fit = make_fit(folder, toy(shared=True), config("mitten", training__batch_size=1000))
    for number, parameter in enumerate(fit.network.parameters()):
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number))
    parts = (fit.network, fit.tasks, fit.splits, fit.config, fit.folder, fit.reporter, fit.accelerator)
    held_out = Fit(*parts, held_out=True)
    assert held_out.held is not None
    if flip:
        held_out.held.labels[:] = 1 - held_out.held.labels
    torch.manual_seed(0)
    held_out._train_epoch()
    return {name: parameter.detach() for name, parameter in fit.network.named_parameters()}


def test_nothing_else_learns_from_the_labels_that_are_held_out(tmp_path: Path) -> None:
    as_they_are, flipped = one_step(tmp_path, flip=False), one_step(tmp_path, flip=True)
    for name, parameter in as_they_are.items():
        assert torch.equal(parameter, flipped[name]) != name.endswith("general"), name
