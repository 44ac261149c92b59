"""The demo: single-task models and IC-MTL on molecules, side by side, with a picture; no download."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tasktalk.analysis.figures import reading_figure, save_figure
from tasktalk.analysis.listening import mailbox_reading
from tasktalk.core.errors import RunFolderError
from tasktalk.data.dataset import Dataset
from tasktalk.data.molecules import demo_molecules
from tasktalk.training.config import Config, make_config
from tasktalk.training.progress import Bars, Silent
from tasktalk.training.run import Run
from tasktalk.training.train import train

PICTURE = "who-listened.png"
MOLECULE = "CC(=O)Nc1ccc(O)cc1"
"""Paracetamol: aromatic, a hydrogen-bond donor twice, and small enough for a picture."""

_SETTINGS = (
    "data.max_words=100",
    "model.hidden=48",
    "model.embedding_features=32",
    "model.pooling=max",
    "model.dropout=0.2",
    "training.batch_size=32",
    "training.learning_rate=0.003",
    "training.sampling_power=0.5",
    "training.epochs=15",
    "training.evaluation_batch_size=256",
    "training.patience=6",
    "training.tracker=none",
)


@dataclass(frozen=True)
class TaskResult:
    """One line of the demo's table.

    Args:
        task: name of the task.
        labels: how many training labels it has.
        single: test error of the single-task model, in percent.
        shared: test error of IC-MTL, in percent.
    """

    task: str
    labels: int
    single: float
    shared: float


@dataclass(frozen=True)
class DemoResult:
    """What the demo found.

    Args:
        rows: one per task.
        runs: the run folders by model name.
        picture: who listened to whom.
        seconds: time of each training, by model name.
    """

    rows: tuple[TaskResult, ...]
    runs: dict[str, Path]
    picture: Path
    seconds: dict[str, float]

    def scarce(self) -> tuple[float, float]:
        """Mean test error of single-task and IC-MTL over the tasks with few labels."""
        few = min(row.labels for row in self.rows)
        rows = [row for row in self.rows if row.labels == few]
        return sum(r.single for r in rows) / len(rows), sum(r.shared for r in rows) / len(rows)


def run_demo(
    out: Path, seed: int = 0, overwrite: bool = False, progress: bool = True, settings: Sequence[str] = ()
) -> DemoResult:
    """Train single-task LSTMs and IC-MTL on the same molecules with the same settings, and draw a picture.

    Args:
        out: folder to make; the run folders ``lstm`` and ``ic`` and the picture are put into it.
        seed: of the data's split and of the training.
        overwrite: replace the demo's earlier run folders.
        progress: show progress on standard error.
        settings: changes of the demo's settings, each ``section.key=value``.

    Raises:
        TasktalkError: RDKit is not installed, or the folder exists or cannot be written.
    """
    if out.exists() and not overwrite:
        raise RunFolderError(f"{out}: exists already; choose another --out, or give --overwrite")
    dataset = demo_molecules(seed)
    with Bars() if progress else nullcontext(Silent()) as reporter:
        runs = {
            name: train(dataset, demo_config(name, seed, settings), out / name, overwrite, reporter)
            for name in ("lstm", "ic")
        }
    labels = _label_counts(dataset)
    save_figure(
        reading_figure(
            mailbox_reading(runs["ic"].listen([MOLECULE])),
            f"Who listened where: paracetamol, {MOLECULE}, as each task reads it (IC-MTL)",
            [f"{n} labels" for n in labels],
        ),
        out / PICTURE,
    )
    errors = {name: _test_errors(run) for name, run in runs.items()}
    rows = tuple(
        TaskResult(task.name, n, errors["lstm"][task.name], errors["ic"][task.name])
        for task, n in zip(dataset.tasks, labels, strict=True)
    )
    seconds = {name: run.metrics["seconds"] for name, run in runs.items()}
    return DemoResult(rows, {name: run.folder for name, run in runs.items()}, out / PICTURE, seconds)


def demo_config(model: str, seed: int, settings: Sequence[str] = ()) -> Config:
    """The demo's settings, the same for both models, with some changes."""
    values = {"data": {"source": [f"molecules:{seed}"]}, "model": {"name": model}, "training": {"seed": seed}}
    return make_config(values, (*_SETTINGS, *settings))


def _label_counts(dataset: Dataset) -> Sequence[int]:
    owner = dataset.splits["train"].owner
    return [] if owner is None else [int((owner == k).sum()) for k in range(len(dataset.tasks))]


def _test_errors(run: Run) -> dict[str, float]:
    return {name: scores["error"] for name, scores in run.metrics["splits"]["test"]["tasks"].items()}
