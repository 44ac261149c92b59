"""Algorithm 1 and what surrounds it."""

import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tasktalk.core.batch import Output, TextBatch
from tasktalk.core.errors import TrainingError
from tasktalk.data.batches import Plan, plan_epoch
from tasktalk.data.dataset import Dataset
from tasktalk.training.checkpoint import load_tensors
from tasktalk.training.loop import Fit, forget_snapshots, snapshot, task_losses, total_loss
from tasktalk.training.run_folder import CHECKPOINT, HISTORY
from tests.training.toy import NAMES, Recorder, config, make_fit, mixed, toy, weighted

NAN = float("nan")


def plans_of(fit: Fit, epoch: int = 0) -> list[Plan]:
    c = fit.config
    return plan_epoch(fit.splits["train"], c.batch_size, c.seed, epoch, c.sampling_power, c.schedule)


def tasks_that_change(fit: Fit) -> list[set[int]]:
    """Train a single-task model; after each step, the tasks of which some parameter, and all of which all, changed."""
    changes = []
    update = fit._update

    def spy() -> None:
        before = {name: p.detach().clone() for name, p in fit.network.named_parameters()}
        update()
        after = dict(fit.network.named_parameters())
        changed = {name for name, p in before.items() if not torch.equal(p, after[name])}
        owners = {int(name.split(".")[-2]) if name[0] == "h" else int(re.findall(r"\d+", name)[0]) for name in changed}
        assert changed == {name for name in before if re.search(r"\.(\d+)\.", name)[1] in map(str, owners)}  # type: ignore[index]
        changes.append(owners)

    fit._update = spy  # type: ignore[method-assign]
    fit.run()
    return changes


def test_a_step_trains_the_drawn_task_and_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    fit = make_fit(tmp_path, toy(), config("lstm", training__epochs=2))
    expected = [set(plan.receivers) for epoch in range(2) for plan in plans_of(fit, epoch)]
    assert {len(tasks) for tasks in expected} == {1}
    assert tasks_that_change(fit) == expected


def test_jointly_every_step_trains_all_tasks(tmp_path: Path) -> None:
    fit = make_fit(tmp_path, toy(), config("lstm", training__epochs=1, training__schedule="joint"))
    assert tasks_that_change(fit) == [{0, 1, 2}] * 5


def test_the_loss_is_the_weighted_sum_and_the_penalty(tmp_path: Path) -> None:
    weights = (0.5, 2.0, 0.0)
    fit = make_fit(tmp_path, weighted(toy(), weights), config("sp", training__schedule="joint"))
    batch = fit.splits["train"].collate(plans_of(fit)[0])
    output = fit.network.train()(batch)
    losses = task_losses(output, batch, fit.tasks)
    expected = [functional.cross_entropy(x, y.long()) for x, y in zip(output.logits, batch.labels, strict=True)]
    torch.testing.assert_close(losses, torch.stack(expected))
    assert output.penalty is not None and output.penalty > 0
    by_hand = sum(w * loss for w, loss in zip(weights, expected, strict=True)) + output.penalty
    torch.testing.assert_close(total_loss(losses, output, batch, fit.tasks), by_hand)


def test_the_weights_are_those_of_the_receivers_in_their_order() -> None:
    tasks = weighted(toy(), (1.0, 10.0, 100.0)).tasks
    batch = TextBatch((2, 0), torch.ones(2, 1, 1).long(), torch.ones(2, 1, 1).bool(), torch.zeros(2, 1))
    total = total_loss(torch.tensor([1.0, 2.0]), Output((), {}), batch, tasks)
    assert total == 102


def test_a_task_without_labels_has_a_loss_of_zero_that_is_attached(tmp_path: Path) -> None:
    fit = make_fit(tmp_path, toy(shared=True), config("ic"))
    examples = fit.splits["train"]
    rows = np.flatnonzero(np.isnan(examples.labels[:, 1]))[:6]
    batch = examples.collate(Plan((0, 1, 2), (rows,)))
    losses = task_losses(fit.network(batch), batch, fit.tasks)
    assert losses[1] == 0 and losses[0] + losses[2] > 0
    losses[1].backward()
    gradient = fit.network.get_parameter("head.layers.1.weight").grad
    assert gradient is not None and not gradient.any()


def test_losses_are_single_precision_whatever_the_logits() -> None:
    logits = torch.tensor([[1.0, 2.0]], dtype=torch.bfloat16, requires_grad=True)
    batch = TextBatch((0,), torch.ones(1, 1, 1).long(), torch.ones(1, 1, 1).bool(), torch.zeros(1, 1))
    loss = task_losses(Output((logits,), {}), batch, toy().tasks)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, functional.cross_entropy(logits.float(), torch.tensor([0]))[None])


@pytest.mark.parametrize("shared", [False, True])
def test_the_reported_loss_is_the_mean_of_the_losses_that_have_labels(shared: bool, tmp_path: Path) -> None:
    chosen = config("fs", dropout=0.0, training__epochs=1, training__learning_rate=1e-30, training__batch_size=2)
    reporter = Recorder()
    fit = make_fit(tmp_path, toy(shared), chosen, reporter)
    expected = []
    for plan in plans_of(fit):
        batch = fit.splits["train"].collate(plan)
        known = task_losses(fit.network(batch), batch, fit.tasks)[~batch.labels.isnan().all(dim=1)]
        expected.append(known.detach().mean().item())
    fit.run()
    assert reporter.rows[0]["train_loss"] == pytest.approx(np.mean(expected), rel=1e-5)
    assert reporter.reports[0]["loss"] == pytest.approx(np.mean(expected[:20]), rel=1e-5)


def test_progress_is_reported_often_enough_and_counts_every_example(tmp_path: Path) -> None:
    reporter = Recorder()
    fit = make_fit(tmp_path, toy(), config("fs", training__epochs=1, training__batch_size=2), reporter)
    plans = plans_of(fit)
    fit.run()
    assert [report["step"] for report in reporter.reports] == [20, 40, 60]
    assert {report["steps"] for report in reporter.reports} == {60}
    assert [report["task"] for report in reporter.reports] == [NAMES[plans[i].receivers[0]] for i in (19, 39, 59)]
    assert sum(report["examples"] for report in reporter.reports) == sum(len(plan.rows[0]) for plan in plans)


def gradients(tmp_path: Path, clip: float) -> tuple[list[float], list[Tensor]]:
    """Norms of the dense gradients as the optimiser sees them, and the word gradients of the first step."""
    fit = make_fit(tmp_path, toy(), config("fs", training__epochs=1, training__clip=clip))
    norms: list[float] = []
    words: list[Tensor] = []

    def look(optimizer: torch.optim.Optimizer, args: object, kwargs: object) -> None:
        found = [p.grad for p in fit.dense if p.grad is not None]
        norms.append(float(torch.stack([g.norm() for g in found]).norm()))
        (table,) = fit.network.embedding.parameters()
        assert table.grad is not None
        words.append(table.grad.to_dense().clone())

    fit.optimizers[0].register_step_pre_hook(look)
    fit.run()
    return norms, words


def test_clipping_limits_the_norm_of_the_gradient_but_not_of_word_vectors(tmp_path: Path) -> None:
    free, words = gradients(tmp_path, clip=0.0)
    assert max(free) > 0.05
    clipped, same_words = gradients(tmp_path, clip=0.05)
    assert max(clipped) == pytest.approx(0.05, rel=1e-3)
    assert torch.equal(words[0], same_words[0])


def test_patience_counts_epochs_without_a_better_development_error(tmp_path: Path) -> None:
    still = {"training__epochs": 6, "training__learning_rate": 1e-30}
    for patience, epochs in ((1, 2), (3, 4), (0, 6)):
        fit = make_fit(tmp_path, toy(), config("fs", training__patience=patience, **still))
        assert fit.run().epochs() == {0}
        assert len(fit.state.history) == epochs


def test_without_development_data_all_epochs_are_trained_and_the_last_is_kept(tmp_path: Path) -> None:
    chosen = config("fs", training__epochs=3, training__patience=1)
    fit = make_fit(tmp_path, toy(splits=("train",)), chosen)
    assert fit.run().epochs() == {2}
    assert [row["dev_error"] for row in fit.state.history] == [None] * 3
    assert [path.name for path in tmp_path.glob("snapshot-*")] == ["snapshot-3.safetensors"]


def test_history_and_snapshots_are_those_of_the_scores(tmp_path: Path) -> None:
    reporter = Recorder()
    fit = make_fit(tmp_path, toy(), config("fs", training__epochs=4, training__learning_rate=0.1), reporter)
    selection = fit.run()
    rows = reporter.rows
    order = sorted(range(len(rows)), key=lambda i: (rows[i]["dev_error"], rows[i]["dev_loss"], i))
    assert selection.epochs() == {order[0]}
    assert sorted(tmp_path.glob("snapshot-*")) == [snapshot(tmp_path, order[0])]
    for row in rows:
        assert row["dev_error"] == pytest.approx(np.mean([row[f"dev_error_{name}"] for name in NAMES]))
    with (tmp_path / HISTORY).open(newline="") as file:
        read = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    assert read == [{key: value for key, value in row.items() if key != "criterion"} for row in rows]
    assert {row["criterion"] for row in rows} == {"error"}


@pytest.mark.parametrize(
    ("dataset", "criterion", "expected"),
    [
        (toy(), "auto", "error"),
        (toy(shared=True), "auto", "auroc"),
        (toy(shared=True), "loss", "loss"),
        (mixed(), "auto", "loss"),
    ],
)
def test_the_criterion_suits_the_tasks(dataset: Dataset, criterion: str, expected: str, tmp_path: Path) -> None:
    reporter = Recorder()
    chosen = config("fs", training__epochs=3, training__learning_rate=0.05, training__criterion=criterion)
    fit = make_fit(tmp_path, dataset, chosen, reporter)
    (best,) = fit.run().epochs()
    assert fit.state.selection.criterion == expected
    assert {row["criterion"] for row in reporter.rows} == {expected}
    scores = [row[f"dev_{expected}"] for row in reporter.rows]
    assert scores[best] == (max(scores) if expected == "auroc" else min(scores))
    tasks = [task.name for task in dataset.tasks]
    for row in reporter.rows:
        assert row[f"dev_{expected}"] == pytest.approx(np.mean([row[f"dev_{expected}_{name}"] for name in tasks]))


def test_step_sizes_fall_along_a_cosine(tmp_path: Path) -> None:
    fit = make_fit(tmp_path, toy(), config("fs", training__epochs=2, training__decay="cosine"))
    rates: list[float] = []
    fit.optimizers[0].register_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    fit.run()
    expected = [0.02 * (1 + math.cos(math.pi * step / 30)) / 2 for step in range(30)]
    assert rates == pytest.approx(expected)
    assert fit.optimizers[1].param_groups[0]["lr"] == pytest.approx(expected[-1])


def test_what_the_last_checkpoint_needs_is_deleted_only_after_the_next(tmp_path: Path) -> None:
    def stop(row: dict[str, object]) -> None:
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    chosen = config("fs", training__learning_rate=0.02, training__epochs=3)
    with pytest.raises(KeyboardInterrupt):
        make_fit(tmp_path, toy(splits=("train",)), chosen, Recorder(on_epoch=stop)).run()
    assert sorted(path.name for path in tmp_path.glob("snapshot-*")) == [
        "snapshot-1.safetensors",
        "snapshot-2.safetensors",
    ]
    forget_snapshots(tmp_path, keep=[1])
    assert [path.name for path in tmp_path.glob("snapshot-*")] == ["snapshot-2.safetensors"]


def scaled(folder: Path, scale: float | None) -> Fit:
    """A training whose gradients are scaled, as those of fp16 are on a GPU."""
    fit = make_fit(folder, toy(), config("lstm", training__learning_rate=1e-3, training__epochs=2))
    assert len(fit.optimizers) == 2
    if scale:
        fit.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=4)
    return fit


def test_scaled_gradients_train_to_the_same_weights_and_go_on(tmp_path: Path) -> None:
    fits = [scaled(tmp_path, scale) for scale in (None, 1024.0)]
    for fit in fits:
        torch.manual_seed(5)
        fit.accelerator.native_amp = fit.scaler is not None  # what unscales before the gradients are clipped
        fit.accelerator.state._mixed_precision = "fp16" if fit.scaler else "no"
        fit.run()
    one, other = (fit.network.state_dict() for fit in fits)
    for name, weight in one.items():
        torch.testing.assert_close(other[name], weight, atol=1e-5, rtol=0)
    grown = fits[1].scaler
    assert grown is not None and grown.get_scale() == 1024 * 2 ** (30 // 4)
    again = scaled(tmp_path, 8.0)
    again.resume()
    assert again.scaler is not None and again.scaler.state_dict() == grown.state_dict()


def checkpoint_is_finite(folder: Path) -> bool:
    tensors, facts = load_tensors(folder / CHECKPOINT)
    return facts["step"] >= 0 and all(x.isfinite().all() for x in tensors.values() if x.is_floating_point())


def test_a_loss_that_is_no_number_names_task_and_step_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    def poison(report: dict[str, int]) -> None:
        if len(reporter.reports) == 4:  # the first 20 steps of the second epoch
            with torch.no_grad():
                fit.network.get_parameter("head.layers.1.bias").fill_(NAN)

    reporter = Recorder(on_steps=poison)
    fit = make_fit(tmp_path, toy(), config("lstm", training__epochs=3, training__batch_size=2), reporter)
    plans = plans_of(fit, epoch=1)
    step = next(i for i, plan in enumerate(plans, 1) if i > 20 and plan.receivers == (1,))
    message = f"the loss of task 'dvd' is nan at epoch 2, step {step}; the last good checkpoint is kept in .*; a lower "
    with pytest.raises(TrainingError, match=message) as caught:
        fit.run()
    assert "\n" not in str(caught.value)
    assert checkpoint_is_finite(tmp_path)
    assert load_tensors(tmp_path / CHECKPOINT)[1]["epoch"] == 1


@pytest.mark.parametrize(("seconds", "step", "saved"), [(0.0, 8, 7), (1000.0, 15, 0)])
def test_weights_that_are_no_numbers_are_never_kept(seconds: float, step: int, saved: int, tmp_path: Path) -> None:
    """The loss of the last step before a checkpoint is fine, its gradient is not."""

    def poison(optimizer: torch.optim.Optimizer, args: object, kwargs: object) -> None:
        if fit.state.epoch == 1 and fit.state.step == step - 1:
            fit.dense[0].grad = torch.full_like(fit.dense[0], NAN)

    fit = make_fit(tmp_path, toy(), config("fs", training__epochs=3, training__checkpoint_seconds=seconds))
    fit.optimizers[0].register_step_pre_hook(poison)
    assert len(plans_of(fit, epoch=1)) == 15
    task = NAMES[plans_of(fit, epoch=1)[step - 1].receivers[0]]
    message = f"block.shared.* is no longer a number after a batch of '{task}' at epoch 2, step {step}; the last good"
    with pytest.raises(TrainingError, match=message):
        fit.run()
    assert checkpoint_is_finite(tmp_path)
    assert load_tensors(tmp_path / CHECKPOINT)[1]["step"] == saved
    kept = load_tensors(snapshot(tmp_path, 0))[0]
    assert all(x.isfinite().all() for x in kept.values())
    assert (tmp_path / HISTORY).read_text().count("\n") == 2


def test_without_a_checkpoint_none_is_promised(tmp_path: Path) -> None:
    fit = make_fit(tmp_path, toy(), config("fs"))
    with torch.no_grad():
        fit.dense[0].fill_(NAN)
    with pytest.raises(TrainingError, match="is nan at epoch 1, step 1; no checkpoint was written before; a lower"):
        fit.run()
    assert list(tmp_path.iterdir()) == []
