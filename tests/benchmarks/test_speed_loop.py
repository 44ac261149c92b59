"""The loops are the same networks: outputs, losses and gradients."""

import pytest
import torch

from tasktalk.benchmarks.speed_loop import LoopNetwork, edges_of, loop_losses
from tasktalk.benchmarks.speed_step import MODELS, StepSizes, make_batch, make_network, make_tasks
from tasktalk.training.loop import task_losses

SIZES = StepSizes(tasks=3, molecules=4, atoms=7, hidden=5, layers=2, experts=2)
APART = pytest.mark.parametrize("apart", [True, False])


@APART
def test_there_is_a_matrix_for_every_kind_of_edges(apart: bool) -> None:
    batch = make_batch(SIZES, apart)
    positions = len(batch.features)
    found = torch.stack([matrix.to_dense() for matrix in edges_of(batch.adjacency)])
    assert torch.equal(found, batch.adjacency.gather.to_dense().view(-1, positions, positions))


@APART
@pytest.mark.parametrize("model", MODELS)
def test_outputs_losses_and_gradients_are_the_same(model: str, apart: bool) -> None:
    batch, tasks = make_batch(SIZES, apart), make_tasks(SIZES)
    ours = make_network(model, batch, tasks, SIZES)
    loop = LoopNetwork(ours)
    output, logits = ours(batch), loop(batch, edges_of(batch.adjacency))
    for found, expected in zip(output.logits, logits, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    losses = task_losses(output, batch, tasks), loop_losses(logits, batch.labels)
    torch.testing.assert_close(*losses, rtol=0, atol=1e-5)
    for loss in losses:
        loss.sum().backward()
    for k in range(SIZES.tasks):
        found = ours.get_parameter(f"head.layers.{k}.weight").grad
        torch.testing.assert_close(found, loop.get_parameter(f"heads.{k}.weight").grad, rtol=0, atol=1e-5)
        found = ours.get_parameter(f"readout.lstms.{k}.weight").grad
        torch.testing.assert_close(found, loop.get_parameter(f"readouts.{k}.linear.weight").grad.t(), rtol=0, atol=1e-5)
    for e in range(len(loop.encoders)):
        found = ours.get_parameter(f"encoders.encoders.{e}.layers.0.weight").grad
        theirs = [
            linear.get_parameter("weight").grad.t() for linear in loop.get_submodule(f"encoders.{e}.kinds.0").children()
        ]
        torch.testing.assert_close(found, torch.stack(theirs), rtol=0, atol=1e-5)


def test_the_loops_have_weights_of_their_own() -> None:
    batch = make_batch(SIZES, False)
    ours = make_network("mitten", batch, make_tasks(SIZES), SIZES)
    before = {name: parameter.clone() for name, parameter in ours.named_parameters()}
    with torch.no_grad():
        for parameter in LoopNetwork(ours).parameters():
            parameter.zero_()
    assert all(torch.equal(parameter, before[name]) for name, parameter in ours.named_parameters())
