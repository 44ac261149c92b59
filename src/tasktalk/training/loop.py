"""Algorithm 1 of the message-passing paper, and what surrounds it: scores, choice of weights, checkpoints."""

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from torch import Tensor

from tasktalk.core.batch import Batch, Output
from tasktalk.core.errors import RunFolderError, TrainingError
from tasktalk.core.task import Task
from tasktalk.data.batches import Batchable, Plan, label_matrix, plan_epoch
from tasktalk.heads.classifier import task_loss
from tasktalk.models.build import Network
from tasktalk.training.checkpoint import load_state, save_state, save_tensors
from tasktalk.training.config import TrainingConfig
from tasktalk.training.dependency import hold_out, set_dependency_gradient
from tasktalk.training.frozen import Frozen
from tasktalk.training.history import write_history
from tasktalk.training.metrics import TaskScores, summarise
from tasktalk.training.optimizers import decay, make_optimizers
from tasktalk.training.predictor import network_predictor, score
from tasktalk.training.processes import check_weights, draw_apart, on_main, random_states, rank, share_weights
from tasktalk.training.progress import Reporter
from tasktalk.training.run_folder import CHECKPOINT, HISTORY, attempt
from tasktalk.training.selection import Selection, choose_criterion, judged
from tasktalk.training.share import add_gradients, add_losses, own_share

_LOOK_EVERY = 20
"""Losses are looked at every so many steps: reading one waits for the device."""


class Step(NamedTuple):
    """What is remembered of a step until its losses are looked at.

    Attributes:
        plan: the batch.
        losses: L_k of every receiver, or what this process adds to it.
    """

    plan: Plan
    losses: Tensor


@dataclass
class State:
    """Where a run is; everything but the tensors, in JSON-able values.

    Attributes:
        epoch: the epoch that is running, counted from 0.
        step: steps done in it.
        loss: sum over this epoch's steps of the mean loss of the tasks that had labels.
        seconds: training time before the last resume.
        history: one row per finished epoch.
        selection: which epochs' weights are kept.
    """

    selection: Selection
    epoch: int = 0
    step: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)

    def to_facts(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {**vars(self), "selection": self.selection.to_facts()}

    def restore(self, facts: Mapping[str, Any]) -> None:
        """Take over what ``to_facts`` gave."""
        vars(self).update({**facts, "selection": Selection.from_facts(facts["selection"])})


@dataclass
class Fit:
    """A network in training.

    Args:
        network: the network.
        tasks: its tasks.
        splits: encoded examples; ``train``, and ``dev`` if there is any.
        config: settings of the training.
        folder: the run folder.
        reporter: shows progress.
        accelerator: device, precision and trackers.
        dependency_rate: factor of the step size of D (``MittenOptions``).
        held_out: whether D learns from labels of its own, and nothing else does from these (``MittenOptions``).
        frozen: what stays as it is, and until when; None for nothing.
    """

    network: Network
    tasks: Sequence[Task]
    splits: Mapping[str, Batchable]
    config: TrainingConfig
    folder: Path
    reporter: Reporter
    accelerator: Accelerator
    dependency_rate: float = 1.0
    held_out: bool = False
    frozen: Frozen | None = None

    def __post_init__(self) -> None:
        self.held: Batchable | None = None
        if self.held_out:
            train, self.held = hold_out(self.splits["train"], self.config.seed)
            self.splits = {**self.splits, "train": train}
        self.optimizers = make_optimizers(self.network, self.config, self.dependency_rate)
        # In evaluation mode a model is not wrapped: ``add_gradients`` knows of tasks that have no labels.
        self.model = self.accelerator.prepare_model(self.network, evaluation_mode=True)
        self.prepared = [self.accelerator.prepare_optimizer(optimizer) for optimizer in self.optimizers]
        self.tables = {id(p) for optimizer in self.optimizers[1:] for p in _parameters(optimizer)}
        self.parameters = list(self.network.parameters())
        self.dense = [p for p in self.parameters if p.requires_grad and id(p) not in self.tables]
        separate = self.splits["train"].owner is not None
        criterion = choose_criterion(self.config.criterion, self.tasks, separate)
        self.state = State(Selection(self.config.selection, criterion))
        self.checksums = {name: examples.checksum() for name, examples in self.splits.items()}
        self.started = time.monotonic()
        self.saved = time.monotonic()
        draw_apart(self.config.seed)

    def resume(self) -> None:
        """Go back to the last checkpoint.

        Raises:
            RunFolderError: it is damaged, of another network, or of a run on other examples.
        """
        facts = load_state(self.folder / CHECKPOINT, self.network, self.optimizers, rank())
        if facts.pop("examples", None) != self.checksums:
            raise RunFolderError(f"{self.folder}: cannot be resumed, the data is not what the run began with")
        if rank() >= facts.pop("processes", 1):
            draw_apart(self.config.seed, facts["epoch"], facts["step"])
        scaler = facts.pop("scaler", None)
        if self.scaler is not None:
            self.scaler.load_state_dict(scaler)
        self.state.restore(facts)

    def run(self) -> Selection:
        """Train until the last epoch, or until the development error has stopped falling.

        Raises:
            TrainingError: a loss or a weight is not a number.
        """
        state = self.state
        share_weights(self.network)
        while state.epoch < self.config.epochs and not self._out_of_patience():
            self._train_epoch()
            self._finish_epoch()
            state.epoch, state.step, state.loss = state.epoch + 1, 0, 0.0
            self._save()
            on_main(self._forget_snapshots)  # only now: a resume needs those it knew
        return state.selection

    def _train_epoch(self) -> None:
        """Algorithm 1, lines 3 to 19."""
        config, state, train = self.config, self.state, self.splits["train"]
        if self.frozen is not None:
            self.frozen.begin(state.epoch)
        plans = plan_epoch(train, config.batch_size, config.seed, state.epoch, config.sampling_power, config.schedule)
        recent: list[Step] = []
        for plan in plans[state.step :]:  # T_k ~ p(T)
            share = own_share(plan)  # all of it, where there is one process
            batch = share.collate(train).to(self.accelerator.device)  # B ~ D_k
            output = self.model(batch)  # message passing, node updating, task-dependent output
            losses = share.weigh(task_losses(output, batch, self.tasks), train)
            loss = total_loss(losses, output, batch, self.tasks, share.part)
            self.accelerator.backward(loss, retain_graph=self.held is not None)
            if self.held is not None:
                labels = share.labels(self.held).to(self.accelerator.device)
                held = task_losses(output, replace(batch, labels=labels), self.tasks)
                set_dependency_gradient(self.network, self._scaled(share.weigh(held, self.held).sum()))
            due = add_gradients(self.parameters, self._checkpoint_is_due())
            if config.decay == "cosine":
                decay(self.optimizers, (state.epoch + state.step / len(plans)) / config.epochs)
            self._update()
            state.step += 1
            recent.append(Step(plan, losses.detach()))
            last = state.step == len(plans)
            if due or last or len(recent) == _LOOK_EVERY:
                self._look(recent, len(plans))
                recent = []
            if due or last:
                self._check_weights(plan)
            if due:
                self._save()

    def _update(self) -> None:
        if self.frozen is not None:
            self.frozen.before_step()
        if self.config.clip:
            self.accelerator.clip_grad_norm_(self.dense, self.config.clip)
        if self.scaler is None:
            for optimizer in self.prepared:
                optimizer.step()
        else:  # accelerate would update it after each optimiser, and the second would divide its gradients again
            for optimizer in self.optimizers:
                if any(p.grad is not None for p in _parameters(optimizer)):
                    self.scaler.step(optimizer)
            self.scaler.update()
        for optimizer in self.prepared:
            optimizer.zero_grad()
        if self.frozen is not None:
            self.frozen.after_step()

    @property
    def scaler(self) -> torch.amp.GradScaler | None:
        """Keeps gradients of fp16 within its range; None for other precisions."""
        found: torch.amp.GradScaler | None = self.accelerator.scaler
        return found

    def _scaled(self, loss: Tensor) -> Tensor:
        return loss if self.scaler is None else self.scaler.scale(loss)

    def _look(self, recent: Sequence[Step], steps: int) -> None:
        """Read the latest losses: stop if one is not a number, else show them."""
        lengths = [len(step.losses) for step in recent]
        # Every transfer waits for the device: one for all steps.
        seen = add_losses(torch.cat([step.losses for step in recent])).cpu().split(lengths)
        parts = zip(recent, seen, strict=True)
        for number, (step, values) in enumerate(parts, self.state.step - len(recent) + 1):
            losses = values.tolist()
            labelled = ~label_matrix(self.splits["train"], step.plan).isnan().all(dim=1)
            for task, loss in zip(step.plan.receivers, losses, strict=True):
                if not math.isfinite(loss):
                    raise self._diverged(f"the loss of task {self.tasks[task].name!r} is {loss}", number)
            self.state.loss += sum(losses) / max(1, int(labelled.sum()))
        latest = recent[-1].plan.receivers
        shown = self.tasks[latest[0]].name if len(latest) == 1 else f"{len(latest)} tasks"
        examples = sum(len(rows) for step in recent for rows in step.plan.rows)
        self.reporter.steps(self.state.step, steps, shown, self.state.loss / self.state.step, examples)

    def _check_weights(self, plan: Plan) -> None:
        """Before they are kept: a loss that is a number can have a gradient that is none."""
        for name, parameter in self.network.named_parameters():
            if not parameter.isfinite().all():
                tasks = ", ".join(repr(self.tasks[k].name) for k in plan.receivers)
                raise self._diverged(f"{name} is no longer a number after a batch of {tasks}", self.state.step)

    def _diverged(self, what: str, step: int) -> TrainingError:
        kept = f"the last good checkpoint is kept in {self.folder}"
        return TrainingError(
            f"{what} at epoch {self.state.epoch + 1}, step {step}; "
            f"{kept if (self.folder / CHECKPOINT).exists() else 'no checkpoint was written before'}; "
            f"a lower training.learning_rate (now {self.config.learning_rate:g}) usually helps"
        )

    def _finish_epoch(self) -> None:
        """Score the development data, decide which weights to keep, write the history."""
        state = self.state
        check_weights(self.network)
        scores = on_main(self._dev_scores)
        mean: dict[str, Any] = summarise(self.tasks, scores)["mean"] if scores else {}  # type: ignore[assignment]
        criterion = state.selection.criterion
        by_task = {name: judged(criterion, s) for name, s in scores.items()}
        known = [value for value in by_task.values() if value is not None]
        row = {
            "epoch": state.epoch + 1,
            "seconds": round(self.seconds(), 3),
            "train_loss": state.loss / state.step,
            **{f"dev_{name}": mean.get(name) for name in ("error", "loss")},
            f"dev_{criterion}": sum(known) / len(known) if known else None,
            **{f"dev_{criterion}_{name}": value for name, value in by_task.items()},
        }
        state.history.append(row)
        best = state.selection.update(state.epoch, scores)
        on_main(lambda: self._write_epoch(row, best))
        self.reporter.epoch({**row, "criterion": criterion})

    def _write_epoch(self, row: Mapping[str, Any], best: bool) -> None:
        epoch = self.state.epoch
        if best:
            save_tensors(snapshot(self.folder, epoch), self.network.state_dict())
        write_history(self.folder / HISTORY, self.state.history)
        numbers = {key: value for key, value in row.items() if value is not None and key != "epoch"}
        attempt(self.folder, lambda: self.accelerator.log(numbers, step=epoch + 1))

    def _dev_scores(self) -> dict[str, TaskScores]:
        if "dev" not in self.splits:
            return {}
        device, size = self.accelerator.device, self.config.evaluation_batch_size
        predictor = network_predictor(self.network, self.tasks, device, size)
        answers = predictor.answers(self.splits["dev"], range(len(self.tasks)))
        return score(answers, self.splits["dev"], self.tasks)

    def _out_of_patience(self) -> bool:
        best = self.state.selection.best
        until = self.frozen.until if self.frozen is not None else None
        frozen = (until or 0) - 1  # what is still to be unfrozen is worth waiting for
        return bool(self.config.patience and best and "dev" in self.splits) and (
            self.state.epoch - 1 - max(frozen, self.state.selection.epoch_of("")) >= self.config.patience
        )

    def seconds(self) -> float:
        """Training time so far, earlier parts of a resumed run included."""
        return self.state.seconds + time.monotonic() - self.started

    def _forget_snapshots(self) -> None:
        forget_snapshots(self.folder, self.state.selection.epochs())

    def _checkpoint_is_due(self) -> bool:
        return time.monotonic() - self.saved >= self.config.checkpoint_seconds

    def _save(self) -> None:
        draws = random_states(self.accelerator.device)
        facts = {**self.state.to_facts(), "seconds": self.seconds(), "examples": self.checksums}
        facts["processes"] = len(draws)
        if self.scaler is not None:
            facts["scaler"] = self.scaler.state_dict()
        on_main(lambda: save_state(self.folder / CHECKPOINT, self.network, self.optimizers, facts, draws))
        self.saved = time.monotonic()


def task_losses(output: Output, batch: Batch, tasks: Sequence[Task]) -> Tensor:
    """L_k of every receiver (Eq. 13) in float32, zero where a batch has no label of it."""
    if output.losses is not None:
        return output.losses
    parts = zip(batch.receivers, output.logits, batch.labels, strict=True)
    return torch.stack([task_loss(tasks[k], logits.float(), labels) for k, logits, labels in parts])


def total_loss(losses: Tensor, output: Output, batch: Batch, tasks: Sequence[Task], part: float = 1.0) -> Tensor:
    """sum_k lambda_k L_k (Eq. 14), and the block's penalty; of a part of the joint batch, that part of the penalty."""
    weights = losses.new_tensor([tasks[k].weight for k in batch.receivers])
    total = (weights * losses).sum()
    return total if output.penalty is None else total + part * output.penalty


def forget_snapshots(folder: Path, keep: Collection[int] = ()) -> None:
    """Delete the weights of other epochs than these."""
    for old in set(folder.glob("snapshot-*.safetensors")) - {snapshot(folder, epoch) for epoch in keep}:
        old.unlink()


def snapshot(folder: Path, epoch: int) -> Path:
    """Where the weights of an epoch (counted from 0) are kept while training."""
    return folder / f"snapshot-{epoch + 1}.safetensors"


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]
