"""Dense parameters and word tables: who is updated, and where."""

import pytest
import torch
from torch import Tensor, nn

from tasktalk.core.batch import SparseRows, TextBatch
from tasktalk.core.inputs import TextInputs
from tasktalk.core.task import Task
from tasktalk.models.build import build_network
from tasktalk.models.network import TextNetwork
from tasktalk.models.options import ForestOptions, LinearOptions
from tasktalk.training.optimizers import decay, make_optimizers, takes_sparse_gradients
from tests.training.toy import config

TASKS = tuple(Task(name, "binary", ("no", "yes")) for name in ("a", "b"))
WORDS, FEATURES = 10, 6
SEEN = [2, 3, 5]
"""The words of every batch here; the features are as many, from 0."""


def make(model: str = "fs", **settings: object) -> tuple[TextNetwork, list[torch.optim.Optimizer]]:
    torch.manual_seed(0)
    chosen = config(model, **settings)
    assert not isinstance(chosen.model, LinearOptions | ForestOptions)
    sparse = takes_sparse_gradients(chosen.training)
    network = build_network(chosen.model, TASKS, TextInputs(WORDS, FEATURES), sparse)
    assert isinstance(network, TextNetwork)
    return network, make_optimizers(network, chosen.training)


def train(network: TextNetwork, optimizers: list[torch.optim.Optimizer], task: int = 0) -> None:
    """A step on one text, with padding."""
    tokens = torch.tensor([[[*SEEN, 0]]])
    rows = SparseRows(torch.tensor([0, 1, 2]), torch.tensor([0]), torch.ones(3))
    loss = network(TextBatch((task,), tokens, tokens != 0, torch.zeros(1, 1), rows)).logits[0].square().sum()
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()


def owned(optimizer: torch.optim.Optimizer) -> set[int]:
    return {id(p) for group in optimizer.param_groups for p in group["params"]}


def changed_rows(after: Tensor, before: Tensor) -> list[int]:
    return (after != before).any(dim=1).nonzero().flatten().tolist()


def copies(parameters: list[nn.Parameter]) -> list[Tensor]:
    return [p.detach().clone() for p in parameters]


@pytest.mark.parametrize("optimizer", ["adamw", "adadelta"])
@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("fs", {}),
        ("lstm", {}),
        ("mt-cnn", {}),
        ("fs", {"wide": "joint"}),
        ("fs", {"wide": "fitted"}),
        ("fs", {"embeddings": "frozen"}),
        ("mt-cnn", {"embeddings": "frozen", "wide": "joint"}),
    ],
)
def test_every_parameter_that_learns_is_in_exactly_one_optimiser(
    model: str, settings: dict[str, str], optimizer: str
) -> None:
    network, optimizers = make(model, training__optimizer=optimizer, **settings)
    groups = [owned(o) for o in optimizers]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert set().union(*groups) == {id(p) for p in network.parameters() if p.requires_grad}


def test_frozen_words_and_a_fitted_wide_part_stay() -> None:
    network, optimizers = make(embeddings="frozen", wide="fitted")
    assert len(optimizers) == 1
    assert network.wide is not None
    kept = [*network.embedding.parameters(), *network.wide.parameters()]  # type: ignore[attr-defined]
    before = copies(kept)
    train(network, optimizers)
    assert all(torch.equal(p, old) for p, old in zip(kept, before, strict=True))


def test_a_step_touches_only_the_rows_of_its_words() -> None:
    network, (dense, tables) = make(wide="joint")
    assert isinstance(dense, torch.optim.AdamW) and isinstance(tables, torch.optim.SparseAdam)
    assert network.wide is not None
    (words,) = network.embedding.parameters()  # type: ignore[attr-defined]
    used = [words, network.wide.shared[0], network.wide.own[0]]
    unused = [network.wide.own[1]]
    assert owned(tables) == {id(p) for p in (*used, *unused)}
    for _ in range(3):
        before, old = copies(used), copies(unused)
        train(network, [dense, tables])
        expected = [SEEN, [0, 1, 2], [0, 1, 2]]  # padding, row 0 of the words, stays too
        for parameter, was, rows in zip(used, before, expected, strict=True):
            assert changed_rows(parameter, was) == rows
            for name in ("exp_avg", "exp_avg_sq"):
                assert changed_rows(tables.state[parameter][name], torch.zeros_like(was)) == rows
        assert torch.equal(unused[0], old[0]) and unused[0] not in tables.state


def test_moments_of_rows_outside_the_batch_do_not_decay() -> None:
    network, (dense, tables) = make()
    (words,) = network.embedding.parameters()  # type: ignore[attr-defined]
    train(network, [dense, tables])
    moments = tables.state[words]["exp_avg"]
    moments[7], before = 1.0, words.detach().clone()
    train(network, [dense, tables])
    assert (moments[7] == 1).all() and torch.equal(words[7], before[7])


def test_the_first_row_wise_step_is_that_of_adam() -> None:
    """The learning rate in the direction of the gradient, but for epsilon; its bias correction is sqrt(1 - 0.999)."""
    network, (dense, tables) = make(training__learning_rate=0.25)
    (words,) = network.embedding.parameters()  # type: ignore[attr-defined]
    before = words.detach().clone()
    train(network, [dense, tables])
    assert words.grad is not None
    gradient = words.grad.to_dense()[SEEN]
    step = -0.25 * gradient / (gradient.abs() + 1e-8 / 0.001**0.5)
    torch.testing.assert_close(words[SEEN] - before[SEEN], step, rtol=1e-4, atol=1e-6)


def test_adadelta_is_dense_and_as_in_its_paper() -> None:
    network, optimizers = make(wide="joint", training__optimizer="adadelta", training__weight_decay=0.1)
    (optimizer,) = optimizers
    assert isinstance(optimizer, torch.optim.Adadelta)
    assert {key: optimizer.defaults[key] for key in ("lr", "rho", "eps", "weight_decay")} == {
        "lr": 0.02, "rho": 0.95, "eps": 1e-6, "weight_decay": 0.1,
    }  # fmt: skip
    train(network, optimizers)
    (words,) = network.embedding.parameters()  # type: ignore[attr-defined]
    assert words.grad is not None and not words.grad.is_sparse
    assert network.wide is not None and network.wide.shared[0].any()


def test_word_tables_have_no_weight_decay_with_adamw() -> None:
    _, (dense, tables) = make(training__weight_decay=0.1)
    assert dense.defaults["weight_decay"] == 0.1
    assert "weight_decay" not in tables.defaults
    assert dense.defaults["lr"] == tables.defaults["lr"] == 0.02


def test_other_tasks_stay_as_they_are() -> None:
    network, optimizers = make("lstm")
    private = {name: p for name, p in network.named_parameters() if ".1." in name}
    before = {name: p.detach().clone() for name, p in private.items()}
    assert {name.partition(".")[0] for name in private} == {"embedding", "block", "head"}
    for _ in range(2):
        train(network, optimizers, task=0)
    assert all(torch.equal(p, before[name]) for name, p in private.items())
    train(network, optimizers, task=1)
    assert not any(torch.equal(p, before[name]) for name, p in private.items() if p.shape != (1,))


def test_step_sizes_fall_along_half_a_cosine() -> None:
    one, other = (torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr) for lr in (0.5, 0.02))
    for progress, factor in ((0.0, 1.0), (0.5, 0.5), (1.0, 0.0), (1 / 3, 0.75)):
        decay([one, other], progress)
        assert [o.param_groups[0]["lr"] for o in (one, other)] == pytest.approx([0.5 * factor, 0.02 * factor])


@pytest.mark.parametrize("optimizer", ["adamw", "adadelta"])
def test_the_general_dependency_has_a_rate_of_its_own_and_no_weight_decay(optimizer: str) -> None:
    settings = {"training__optimizer": optimizer, "training__learning_rate": 0.1, "training__weight_decay": 0.3}
    network, _ = make("mitten", **settings)
    (dense, *_) = make_optimizers(network, config("mitten", **settings).training, dependency_rate=5.0)
    rest, general = dense.param_groups
    assert [name for name, p in network.named_parameters() if p is general["params"][0]] == ["block.transfer.general"]
    assert (general["lr"], general["weight_decay"]) == (pytest.approx(0.5), 0.0)
    assert (rest["lr"], rest["weight_decay"]) == (0.1, 0.3)
    assert id(general["params"][0]) not in {id(p) for p in rest["params"]}
