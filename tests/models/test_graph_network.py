"""Networks of graphs: molecules and nodes to logits."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tasktalk.communication.experts import MixtureOfExperts
from tasktalk.core.batch import GraphBatch, SparseRows
from tasktalk.core.graphs import join, normalised
from tasktalk.core.inputs import GraphInputs
from tasktalk.core.task import Task
from tasktalk.models.build import build_network
from tasktalk.models.graph_network import GraphNetwork
from tasktalk.models.transfer_options import TransferNetworkOptions, TransferOptions

MODELS = {model.model_fields["name"].default: model for model in get_args(TransferNetworkOptions)}
TASKS = (Task("a", "binary", ("no", "yes")), Task("b", "multiclass", ("x", "y", "z")), Task("c", "regression"))
FEATURES, HIDDEN, SUMMARY, KINDS = 3, 4, 5, 2
EVERY = (0, 1, 2)
# Bonds and number of atoms of each molecule; the second is one atom.
MOLECULES = [(np.array([[0, 1, 2], [1, 2, 3]]), 4), (np.zeros((2, 0), int), 1), (np.array([[0, 0], [1, 2]]), 3)]
ATOMS = torch.randn(8, FEATURES, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
SUMMARIES = torch.randn(3, SUMMARY, generator=torch.Generator().manual_seed(2))
SUMMARIES[1] = 0  # nothing is known of the second


def network(model: str, summary: bool = False, inputs: GraphInputs | None = None) -> GraphNetwork:
    """In float64, every parameter drawn, so that nothing is alike or zero."""
    torch.manual_seed(0)
    options: TransferOptions = MODELS[model](hidden=HIDDEN, layers=2)
    built = build_network(
        options,  # type: ignore[arg-type]
        TASKS,
        inputs or GraphInputs("molecules", FEATURES, KINDS, summary=SUMMARY * summary),
    )
    for parameter in built.parameters():
        nn.init.normal_(parameter)
    assert isinstance(built, GraphNetwork)
    return built.double().eval()


def rows(values: Tensor) -> SparseRows:
    """Those that are not zero, as they come from the data."""
    filled = [row.nonzero().squeeze(1) for row in values]
    sizes = torch.tensor([0, *map(len, filled)])
    nonzero = torch.cat([row[i] for row, i in zip(values, filled, strict=True)])
    return SparseRows(torch.cat(filled), sizes.cumsum(0)[:-1], nonzero)


def molecules(
    which: tuple[int, ...] = (0, 1, 2), receivers: tuple[int, ...] = EVERY, order: Tensor | None = None
) -> GraphBatch:
    """Some of the molecules; ``order`` gives the atoms of all of them other places within their molecule."""
    starts = np.cumsum([0, *(size for _, size in MOLECULES)])
    place = np.arange(8) if order is None else torch.argsort(order).numpy()
    atoms = ATOMS if order is None else ATOMS[order]
    edges = [place[MOLECULES[m][0] + starts[m]] - starts[m] for m in which]
    sizes = [MOLECULES[m][1] for m in which]
    joined = join(edges, [np.zeros(e.shape[1], int) for e in edges], sizes)
    adjacency = normalised(joined.edges, joined.kinds_of_edges, 1, sum(sizes), precision=torch.float64)
    return GraphBatch(
        receivers,
        torch.cat([atoms[starts[m] : starts[m + 1]] for m in which]),
        adjacency,
        torch.zeros(len(receivers), len(which)),
        graph_of=torch.from_numpy(joined.graph_of),
        wide=rows(SUMMARIES[list(which)]),
    )


def nodes(which: list[int], receivers: tuple[int, ...] = EVERY) -> GraphBatch:
    """Some nodes of the first molecule."""
    edges, size = MOLECULES[0]
    adjacency = normalised(edges, np.zeros(3, int), 1, size, loops_apart=False, precision=torch.float64)
    labels = torch.zeros(len(receivers), len(which))
    return GraphBatch(receivers, ATOMS[:size], adjacency, labels, nodes=torch.tensor(which))


NODE_INPUTS = {
    "features": GraphInputs("nodes", FEATURES, 1),
    "both": GraphInputs("nodes", FEATURES, 1, learned=4),
}


@pytest.mark.parametrize("summary", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_molecules_of_every_model(model: str, summary: bool) -> None:
    built = network(model, summary)
    found = built(molecules())
    assert [tuple(logits.shape) for logits in found.logits] == [(3, 2), (3, 3), (3, 1)]
    assert {logits.dtype for logits in found.logits} == {torch.float64}
    assert found.penalty is None
    assert (built.summaries is not None) == summary
    assert [tuple(logits.shape) for logits in built(molecules(receivers=(1,))).logits] == [(3, 3)]
    for one, k in zip(found.logits, EVERY, strict=True):  # whoever else receives
        torch.testing.assert_close(built(molecules(receivers=(k,))).logits[0], one, rtol=0, atol=1e-9)


@pytest.mark.parametrize("inputs", NODE_INPUTS)
@pytest.mark.parametrize("model", MODELS)
def test_nodes_of_every_model(model: str, inputs: str) -> None:
    built = network(model, inputs=NODE_INPUTS[inputs])
    assert built.readout is None
    every = built(nodes([0, 1, 2, 3]))
    some = built(nodes([3, 1], (2, 0)))
    assert [tuple(logits.shape) for logits in some.logits] == [(2, 1), (2, 2)]
    for k, logits in zip((2, 0), some.logits, strict=True):
        torch.testing.assert_close(logits, every.logits[k][[3, 1]], rtol=0, atol=1e-9)


def test_only_the_chosen_nodes_go_through_the_transfer() -> None:
    built = network("mitten", inputs=NODE_INPUTS["both"])
    seen = []
    built.transfer.register_forward_pre_hook(lambda _, given: seen.append((given[0].shape[2], given[1].shape[1])))  # type: ignore[attr-defined]
    record = built(nodes([3, 1], (2, 0))).record
    assert seen == [(2, 2)]
    assert record["weights"].shape == (2, 2, 3)
    torch.testing.assert_close(record["weights"], built(nodes([0, 1, 2, 3])).record["weights"][[2, 0]][:, [3, 1]])


@pytest.mark.parametrize("summary", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_a_batch_equals_molecules_one_by_one(model: str, summary: bool) -> None:
    built = network(model, summary)
    together = built(molecules((2, 0, 1)))
    for place, m in enumerate((2, 0, 1)):
        for one, logits in zip(built(molecules((m,))).logits, together.logits, strict=True):
            torch.testing.assert_close(one[0], logits[place], rtol=0, atol=1e-9)


@pytest.mark.parametrize("summary", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_the_order_of_atoms_changes_nothing(model: str, summary: bool) -> None:
    built = network(model, summary)
    order = torch.tensor([2, 0, 3, 1, 4, 7, 5, 6])  # new place n has the old atom order[n]
    batch, moved = molecules(), molecules(order=order)
    assert not torch.equal(moved.adjacency.gather.to_dense(), batch.adjacency.gather.to_dense())
    expected, found = built(batch), built(moved)
    for one, other in zip(found.logits, expected.logits, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-9)
    for name, weights in found.record.items():
        before = expected.record[name]
        torch.testing.assert_close(weights, before[:, order] if before.ndim == 3 else before, rtol=0, atol=1e-9)


LISTENS = {"single": {1}, "shared": {0}, "cross-stitch": {0, 1, 2}, "mmoe": {0, 1, 2, 3}, "mitten": {0, 1, 2}}


@pytest.mark.parametrize("model", MODELS)
def test_the_loss_of_a_task_reaches_the_encoders_that_it_reads(model: str) -> None:
    built = network(model, summary=True)
    built(molecules(receivers=(1,))).logits[0].square().sum().backward()
    reached = [all(p.grad is not None and p.grad.any() for p in e.parameters()) for e in built.encoders.encoders]
    untouched = [all(p.grad is None for p in e.parameters()) for e in built.encoders.encoders]
    assert {number for number, found in enumerate(reached) if found} == LISTENS[model]
    assert {number for number, found in enumerate(untouched) if not found} == LISTENS[model]
    assert built.summaries is not None
    blocks = built.summaries.weight.grad
    assert blocks is not None
    parts = blocks.unflatten(1, (-1, HIDDEN)).transpose(0, 1)
    assert {number for number, part in enumerate(parts) if part.any()} == LISTENS[model]
    for parts_of_tasks in (built.head.layers, built.readout.lstms):
        assert [layer.weight.grad is not None for layer in parts_of_tasks] == [False, True, False]


def test_a_summary_is_one_more_position_beside_the_readout() -> None:
    built = network("mitten", summary=True)
    batch = molecules()
    output = built(batch)
    assert output.record["weights"].shape == (3, 8, 3), "the record is about atoms"
    assert output.record["dependency"].shape == (3, 3)
    assert batch.wide is not None and built.summaries is not None and built.readout is not None
    states, inputs = built.encoders(batch.features, batch.adjacency, EVERY)
    of_atoms = built.transfer(states.unsqueeze(1), inputs.unsqueeze(0), EVERY)
    whole = built.summaries(batch.wide, EVERY)
    of_molecules = built.transfer(whole.unsqueeze(1), inputs[:3].unsqueeze(0), EVERY)  # it reads no inputs
    read = built.readout(of_atoms.states, batch.graph_of, 3, EVERY)  # type: ignore[arg-type]
    expected = built.head(torch.cat((read, of_molecules.states), dim=-1), EVERY)
    for found, logits in zip(output.logits, expected, strict=True):
        torch.testing.assert_close(found, logits, rtol=0, atol=1e-9)
    torch.testing.assert_close(output.record["weights"], of_atoms.record["weights"], rtol=0, atol=1e-9)


def test_the_gates_of_a_summary_read_the_mean_of_the_atoms() -> None:
    built = network("mmoe", summary=True)
    batch, gates = molecules(), built.transfer
    assert isinstance(gates, MixtureOfExperts) and batch.wide is not None and built.summaries is not None
    assert built.readout is not None
    states, _ = built.encoders(batch.features, batch.adjacency, (0, 1, 2, 3))
    whole = built.summaries(batch.wide, (0, 1, 2, 3))
    for k, logits in enumerate(built(batch).logits):
        mixed = []
        for m, (start, stop) in enumerate(((0, 4), (4, 5), (5, 8))):
            mean = torch.stack([ATOMS[i] for i in range(start, stop)]).mean(dim=0)
            weights = torch.softmax(mean @ gates.weight[k] + gates.bias[k], dim=0)
            mixed.append(sum(w * whole[e, m] for e, w in enumerate(weights)))
        of_atoms = gates(states.unsqueeze(1), batch.features.unsqueeze(0), (k,)).states
        read = built.readout(of_atoms, batch.graph_of, 3, (k,))[0]  # type: ignore[arg-type]
        layer = built.head.layers[k]
        expected = functional.linear(torch.cat((read, torch.stack(mixed)), dim=-1), layer.weight, layer.bias)  # type: ignore[arg-type]
        torch.testing.assert_close(logits, expected, rtol=0, atol=1e-9)


def test_dropout_is_for_training_only() -> None:
    built = network("shared", summary=True)
    assert torch.equal(built(molecules()).logits[0], built(molecules()).logits[0])
    built.train()
    assert not torch.equal(built(molecules()).logits[0], built(molecules()).logits[0])


@pytest.mark.parametrize("model", sorted(set(MODELS) - {"shared"}))
def test_encoders_are_drawn_apart(model: str) -> None:
    torch.manual_seed(0)
    inputs = GraphInputs("molecules", FEATURES, KINDS, summary=SUMMARY)
    built = build_network(MODELS[model](hidden=HIDDEN), TASKS, inputs)
    assert isinstance(built, GraphNetwork) and built.summaries is not None
    first, second, *_ = (torch.cat([p.flatten() for p in e.parameters()]) for e in built.encoders.encoders)
    parts = built.summaries.weight.unflatten(1, (-1, HIDDEN))
    assert not torch.equal(first, second)
    assert not torch.equal(parts[:, 0], parts[:, 1])
