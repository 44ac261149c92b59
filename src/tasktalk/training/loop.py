"""Algorithm 1 of the message-passing paper, and what surrounds it: scores, choice of weights, checkpoints."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from tasktalk.core.batch import Output, TextBatch
from tasktalk.core.errors import TrainingError
from tasktalk.core.task import Task
from tasktalk.data.batches import Encoded, Plan, collate, plan_epoch
from tasktalk.heads.classifier import classification_loss
from tasktalk.models.network import TextNetwork
from tasktalk.training.checkpoint import load_state, save_state, save_tensors
from tasktalk.training.config import TrainingConfig
from tasktalk.training.history import write_history
from tasktalk.training.metrics import TaskScores, summarise
from tasktalk.training.optimizers import make_optimizers
from tasktalk.training.predictor import NetworkPredictor, score
from tasktalk.training.progress import Reporter
from tasktalk.training.run_folder import CHECKPOINT, HISTORY
from tasktalk.training.selection import Selection

_LOOK_EVERY = 20
"""Losses are looked at every so many steps: reading one waits for the device."""


@dataclass
class State:
    """Where a run is; everything but the tensors, in JSON-able values.

    Attributes:
        epoch: the epoch that is running, counted from 0.
        step: steps done in it.
        loss: sum of this epoch's losses.
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
    """

    network: TextNetwork
    tasks: Sequence[Task]
    splits: Mapping[str, Encoded]
    config: TrainingConfig
    folder: Path
    reporter: Reporter
    accelerator: Accelerator

    def __post_init__(self) -> None:
        self.optimizers = make_optimizers(self.network, self.config)
        self.model, *self.prepared = self.accelerator.prepare(self.network, *self.optimizers)
        self.tables = {id(p) for optimizer in self.optimizers[1:] for p in _parameters(optimizer)}
        self.dense = [p for p in self.network.parameters() if p.requires_grad and id(p) not in self.tables]
        self.state = State(Selection(self.config.selection))
        self.started = time.monotonic()
        self.saved = time.monotonic()

    def resume(self) -> None:
        """Go back to the last checkpoint."""
        self.state.restore(load_state(self.folder / CHECKPOINT, self.network, self.optimizers))

    def run(self) -> Selection:
        """Train until the last epoch, or until the development error has stopped falling.

        Raises:
            TrainingError: a loss is not a number.
        """
        state = self.state
        while state.epoch < self.config.epochs and not self._out_of_patience():
            self._train_epoch()
            self._finish_epoch()
            state.epoch, state.step, state.loss = state.epoch + 1, 0, 0.0
            self._save()
        return state.selection

    def _train_epoch(self) -> None:
        """Algorithm 1, lines 3 to 19."""
        config, state, train = self.config, self.state, self.splits["train"]
        plans = plan_epoch(train, config.batch_size, config.seed, state.epoch, config.sampling_power, config.schedule)
        recent: list[tuple[Plan, Tensor]] = []
        for plan in plans[state.step :]:  # T_k ~ p(T)
            batch = collate(train, plan).to(self.accelerator.device)  # B ~ D_k
            output = self.model(batch)  # message passing, node updating, task-dependent output
            losses = task_losses(output, batch)
            loss = total_loss(losses, output, batch, self.tasks)
            self.accelerator.backward(loss)
            self._update()
            state.step += 1
            recent.append((plan, losses.detach()))
            due = self._checkpoint_is_due()
            if due or len(recent) == _LOOK_EVERY or state.step == len(plans):
                self._look(recent, len(plans))
                recent = []
            if due:
                self._save()

    def _update(self) -> None:
        if self.config.clip:
            self.accelerator.clip_grad_norm_(self.dense, self.config.clip)
        for optimizer in self.prepared:
            optimizer.step()
            optimizer.zero_grad()

    def _look(self, recent: Sequence[tuple[Plan, Tensor]], steps: int) -> None:
        """Read the latest losses: stop if one is not a number, else show them."""
        values = [losses.tolist() for _, losses in recent]
        first = self.state.step - len(recent) + 1
        for step, ((plan, _), losses) in enumerate(zip(recent, values, strict=True), first):
            for task, loss in zip(plan.receivers, losses, strict=True):
                if not math.isfinite(loss):
                    raise TrainingError(
                        f"the loss of task {self.tasks[task].name!r} is {loss} at epoch {self.state.epoch + 1}, "
                        f"step {step}; the last good checkpoint is kept in {self.folder}; a lower "
                        f"training.learning_rate (now {self.config.learning_rate:g}) usually helps"
                    )
            self.state.loss += sum(losses) / len(losses)
        latest = recent[-1][0].receivers
        shown = self.tasks[latest[0]].name if len(latest) == 1 else f"{len(latest)} tasks"
        examples = sum(len(rows) for plan, _ in recent for rows in plan.rows)
        self.reporter.steps(self.state.step, steps, shown, self.state.loss / self.state.step, examples)

    def _finish_epoch(self) -> None:
        """Score the development data, decide which weights to keep, write the history."""
        state = self.state
        scores = self._dev_scores()
        mean: dict[str, Any] = summarise(self.tasks, scores)["mean"] if scores else {}  # type: ignore[assignment]
        row = {
            "epoch": state.epoch + 1,
            "seconds": round(self.seconds(), 3),
            "train_loss": state.loss / state.step,
            "dev_error": mean.get("error"),
            "dev_loss": mean.get("loss"),
            **{f"dev_error_{name}": s["error"] for name, s in scores.items()},
        }
        state.history.append(row)
        if state.selection.update(state.epoch, mean, scores):
            save_tensors(snapshot(self.folder, state.epoch), self.network.state_dict())
            keep = {snapshot(self.folder, epoch) for epoch in state.selection.epochs()}
            for old in set(self.folder.glob("snapshot-*.safetensors")) - keep:
                old.unlink()
        write_history(self.folder / HISTORY, state.history)
        numbers = {key: value for key, value in row.items() if value is not None and key != "epoch"}
        self.accelerator.log(numbers, step=state.epoch + 1)
        self.reporter.epoch(row)

    def _dev_scores(self) -> dict[str, TaskScores]:
        if "dev" not in self.splits:
            return {}
        predictor = NetworkPredictor(self.network, self.accelerator.device, self.config.evaluation_batch_size)
        answers = [predictor.probabilities(self.splits["dev"], k) for k in range(len(self.tasks))]
        return score(answers, self.splits["dev"], self.tasks)

    def _out_of_patience(self) -> bool:
        best = self.state.selection.best
        return bool(self.config.patience and best and "dev" in self.splits) and (
            self.state.epoch - 1 - self.state.selection.epoch_of("") >= self.config.patience
        )

    def seconds(self) -> float:
        """Training time so far, earlier parts of a resumed run included."""
        return self.state.seconds + time.monotonic() - self.started

    def _checkpoint_is_due(self) -> bool:
        return time.monotonic() - self.saved >= self.config.checkpoint_seconds

    def _save(self) -> None:
        facts = {**self.state.to_facts(), "seconds": self.seconds()}
        save_state(self.folder / CHECKPOINT, self.network, self.optimizers, facts)
        self.saved = time.monotonic()


def task_losses(output: Output, batch: TextBatch) -> Tensor:
    """L_k of every receiver (Eq. 13), zero where a batch has no label of it."""
    return torch.stack(
        [classification_loss(logits, labels) for logits, labels in zip(output.logits, batch.labels, strict=True)]
    )


def total_loss(losses: Tensor, output: Output, batch: TextBatch, tasks: Sequence[Task]) -> Tensor:
    """sum_k lambda_k L_k (Eq. 14), and the block's penalty."""
    weights = losses.new_tensor([tasks[k].weight for k in batch.receivers])
    total = (weights * losses).sum()
    return total if output.penalty is None else total + output.penalty


def snapshot(folder: Path, epoch: int) -> Path:
    """Where the weights of an epoch (counted from 0) are kept while training."""
    return folder / f"snapshot-{epoch + 1}.safetensors"


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]
