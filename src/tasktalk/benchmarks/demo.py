"""The demo: tasks alone and together on molecules as strings (IC-MTL) and as graphs (L2T-MITTEN); no download."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tasktalk.analysis.figures import reading_figure, save_figure
from tasktalk.analysis.listening import mailbox_reading
from tasktalk.core.errors import RunFolderError
from tasktalk.data.dataset import Dataset
from tasktalk.data.molecules import demo_molecule_graphs, demo_molecules
from tasktalk.training.config import Config, make_config
from tasktalk.training.progress import Bars, Silent
from tasktalk.training.run import Run
from tasktalk.training.train import train

PICTURE = "who-listened.png"
MOLECULE = "CC(=O)Nc1ccc(O)cc1"
"""Paracetamol: aromatic, a hydrogen-bond donor twice, and small enough for a picture."""

_COMMON = (
    "training.batch_size=32",
    "training.learning_rate=0.003",
    "training.evaluation_batch_size=256",
    "training.tracker=none",
)
_STRINGS = (
    "data.max_words=100",
    "model.hidden=48",
    "model.embedding_features=32",
    "model.pooling=max",
    "model.dropout=0.2",
    "training.sampling_power=0.5",
    "training.epochs=15",
    "training.patience=6",
)
_GRAPHS = (
    "model.hidden=32",
    "model.molecules=atoms",  # the labels are computed from descriptors
    "training.criterion=error",
    "training.epochs=15",
    "training.patience=6",
)
MODELS = {"lstm": "molecules", "ic": "molecules", "single": "molecule-graphs", "mitten": "molecule-graphs"}
"""The models, and the data set each reads: strings alone and together, graphs alone and together."""


@dataclass(frozen=True)
class TaskResult:
    """One line of the demo's table.

    Args:
        task: name of the task.
        labels: how many training labels it has.
        errors: test error in percent, by model.
    """

    task: str
    labels: int
    errors: dict[str, float]


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

    def scarce(self, model: str) -> float:
        """Mean test error of a model over the tasks with few labels."""
        few = min(row.labels for row in self.rows)
        errors = [row.errors[model] for row in self.rows if row.labels == few]
        return sum(errors) / len(errors)


def run_demo(
    out: Path, seed: int = 0, overwrite: bool = False, progress: bool = True, settings: Sequence[str] = ()
) -> DemoResult:
    """Train tasks alone and together on the same molecules with the same settings, and draw a picture.

    Args:
        out: folder to make; a run folder for each of ``MODELS`` and the picture are put into it.
        seed: of the data's split and of the training.
        overwrite: replace the demo's earlier run folders.
        progress: show progress on standard error.
        settings: changes of the demo's settings, each ``section.key=value``.

    Raises:
        TasktalkError: RDKit is not installed, or the folder exists or cannot be written.
    """
    if out.exists() and not overwrite:
        raise RunFolderError(f"{out}: exists already; choose another --out, or give --overwrite")
    strings = demo_molecules(seed)
    datasets = {"molecules": strings, "molecule-graphs": demo_molecule_graphs(seed)}
    with Bars() if progress else nullcontext(Silent()) as reporter:
        runs = {
            name: train(datasets[source], demo_config(name, seed, settings), out / name, overwrite, reporter)
            for name, source in MODELS.items()
        }
    labels = _label_counts(strings)
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
        TaskResult(task.name, n, {name: found[task.name] for name, found in errors.items()})
        for task, n in zip(strings.tasks, labels, strict=True)
    )
    seconds = {name: run.metrics["seconds"] for name, run in runs.items()}
    return DemoResult(rows, {name: run.folder for name, run in runs.items()}, out / PICTURE, seconds)


def demo_config(model: str, seed: int, settings: Sequence[str] = ()) -> Config:
    """The demo's settings, the same for the two models that read the same, with some changes."""
    source = MODELS[model]
    values = {"data": {"source": [f"{source}:{seed}"]}, "model": {"name": model}, "training": {"seed": seed}}
    own = _STRINGS if source == "molecules" else _GRAPHS
    return make_config(values, (*_COMMON, *own, *settings))


def _label_counts(dataset: Dataset) -> Sequence[int]:
    owner = dataset.splits["train"].owner
    return [] if owner is None else [int((owner == k).sum()) for k in range(len(dataset.tasks))]


def _test_errors(run: Run) -> dict[str, float]:
    return {name: scores["error"] for name, scores in run.metrics["splits"]["test"]["tasks"].items()}
