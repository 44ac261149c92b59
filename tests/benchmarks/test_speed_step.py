import pytest
import torch

from tasktalk.benchmarks.speed_loop import LoopNetwork
from tasktalk.benchmarks.speed_step import (
    MODELS,
    StepSizes,
    compare_steps,
    largest_difference,
    loop_step,
    make_batch,
    make_network,
    make_tasks,
    our_step,
)

SIZES = StepSizes(tasks=3, molecules=4, atoms=6, hidden=4, layers=2, experts=2, rounds=1)


def test_the_batch_is_that_of_tox21() -> None:
    batch = make_batch(StepSizes(), True)
    assert batch.labels.shape == (12, 64)
    assert 0.1 < batch.labels.isnan().double().mean() < 0.25
    assert batch.adjacency.kinds == 5 and make_batch(StepSizes(), False).adjacency.kinds == 1
    assert batch.graph_of is not None
    assert 15 < batch.graph_of.bincount().double().mean() < 21
    assert torch.equal(make_batch(StepSizes(), True).features, batch.features)


def test_there_is_a_row_for_every_model_kind_of_edges_and_dropout() -> None:
    before = torch.get_num_threads()
    rows = compare_steps(SIZES, 1)
    assert torch.get_num_threads() == before
    told = [(row["model"], row["bonds"], row["dropout"]) for row in rows]
    assert told == [(m, b, d) for b in ("kinds", "one") for m in MODELS for d in (0.2, 0.0)]
    assert all(row["difference"] <= 1e-4 and row["threads"] == 1 for row in rows)
    assert all(set(row["milliseconds"]) == {"ours", "loop"} for row in rows)


def test_other_outputs_are_noticed() -> None:
    batch = make_batch(SIZES, False)
    ours = make_network("cross-stitch", batch, make_tasks(SIZES), SIZES)
    loop = LoopNetwork(ours)
    assert largest_difference(ours, loop, batch) <= 1e-5
    with torch.no_grad():
        loop.get_parameter("transfer.alpha")[0, 1] += 0.1
    with pytest.raises(AssertionError, match="differ by"):
        largest_difference(ours, loop, batch)


def test_a_step_trains_both_alike() -> None:
    batch, tasks = make_batch(SIZES, False), make_tasks(SIZES)
    ours = make_network("mmoe", batch, tasks, SIZES)
    loop = LoopNetwork(ours)
    before = ours.get_parameter("head.layers.0.weight").detach().clone()
    for step in (our_step(ours, batch, tasks), loop_step(loop, batch)):
        step()
    assert not torch.equal(ours.get_parameter("head.layers.0.weight"), before)
    found = ours.get_parameter("head.layers.0.weight")
    torch.testing.assert_close(found, loop.get_parameter("heads.0.weight"), rtol=0, atol=1e-4)
