"""Which way of learning who should listen to whom finds the groups that were planted, and what it is worth.

``python -m tasktalk.benchmarks.planted --out docs/results/planted`` writes ``planted.md`` and ``planted.json``.
"""

import argparse
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from tasktalk.core.files import write_text
from tasktalk.core.seeding import generator
from tasktalk.data.batches import Plan
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.planted import planted
from tasktalk.data.take import take
from tasktalk.models.transfer_options import SharedOptions
from tasktalk.training.affinity import measure_affinity, prior_of
from tasktalk.training.config import Config, make_config
from tasktalk.training.encode import fit_encoder
from tasktalk.training.predictor import NetworkPredictor
from tasktalk.training.progress import Silent
from tasktalk.training.run_folder import write_json
from tasktalk.training.train import train

GROUPS = np.repeat(np.arange(3), 3)
"""Group of each of the 9 tasks."""

SETTINGS = (
    "model.hidden=24",
    "model.layers=1",
    "model.dropout=0.2",
    "training.epochs=60",
    "training.patience=15",
    "training.batch_size=900",
    "training.evaluation_batch_size=1000",
    "training.learning_rate=0.01",
    "training.weight_decay=0.05",
    "training.tracker=none",
    "training.device=cpu",
    "training.checkpoint_seconds=3600",
)

ROWS: Mapping[str, tuple[str, ...]] = {
    "Single-Task": ("model.name=single",),
    "Shared-Bottom": ("model.name=shared",),
    "Shared-Bottom within the right groups": ("model.name=shared",),
    "L2T-MITTEN, as published": ("model.name=mitten",),
    "... log-prior": ("model.name=mitten", "model.dependency=log-prior"),
    "... log-prior, D's rate x 10": ("model.name=mitten", "model.dependency=log-prior", "model.dependency_rate=10"),
    "... log-prior, rate x 10, D held-out": (
        "model.name=mitten",
        "model.dependency=log-prior",
        "model.dependency_rate=10",
        "model.dependency_data=held-out",
    ),
    "... affinity": ("model.name=mitten", "model.prior=affinity"),
    "... log-prior, affinity": ("model.name=mitten", "model.dependency=log-prior", "model.prior=affinity"),
    "... log-prior, eta 0.03": ("model.name=mitten", "model.dependency=log-prior", "model.eta=0.03"),
    "... log-prior, affinity, eta 0.03": (
        "model.name=mitten",
        "model.dependency=log-prior",
        "model.prior=affinity",
        "model.eta=0.03",
    ),
    "affinity alone": ("model.name=shared",),
}
"""What is compared, and the settings of each."""

ORACLE, ALONE = "Shared-Bottom within the right groups", "affinity alone"

_DRAWS = 10_000


@dataclass(frozen=True)
class Result:
    """One row of the table at one number of labels.

    Args:
        row: its title.
        labels: training labels of each task.
        auroc: mean test AUROC of each seed; empty where nothing is predicted.
        weights: share of the off-diagonal effective weight inside the right groups, of each seed; empty without any.
        dependency: the same of D~.
        p_weights: chance of such a share for groups drawn at random.
        p_dependency: the same of D~.
    """

    row: str
    labels: int
    auroc: list[float]
    weights: list[float]
    dependency: list[float]
    p_weights: float | None
    p_dependency: float | None


@dataclass(frozen=True)
class Found:
    """What one training found.

    Args:
        auroc: mean test AUROC, not a number where nothing is predicted.
        weights: effective weights.
        dependency: D~.
    """

    auroc: float
    weights: Float[np.ndarray, "targets sources"] | None = None
    dependency: Float[np.ndarray, "targets sources"] | None = None


def off_diagonal(weights: Float[np.ndarray, "targets sources"]) -> Float[np.ndarray, "targets sources"]:
    """Without what a task gives itself; each row then sums to 1 (equal parts where nothing is left)."""
    rest = np.where(np.eye(len(weights), dtype=bool), 0.0, weights)
    total = rest.sum(axis=1, keepdims=True)
    equal = (1 - np.eye(len(weights))) / (len(weights) - 1)
    return np.where(total > 0, rest / np.where(total > 0, total, 1), equal)


def share_inside(weights: Float[np.ndarray, "targets sources"], groups: Int[np.ndarray, " tasks"]) -> float:
    """Mean over targets of the off-diagonal weight that goes to members of the target's group."""
    return float((off_diagonal(weights) * (groups[:, None] == groups)).sum(axis=1).mean())


def permutation_test(
    matrices: Sequence[Float[np.ndarray, "targets sources"]], groups: Int[np.ndarray, " tasks"], seed: int = 0
) -> float:
    """Chance that groups drawn at random, anew for each matrix, have as large a mean share as the right ones."""
    draw = generator(seed)
    weights = np.stack([off_diagonal(matrix) for matrix in matrices])
    reached = 0
    right = np.mean([share_inside(matrix, groups) for matrix in matrices])
    for _ in range(_DRAWS):
        drawn = np.stack([draw.permutation(groups) for _ in matrices])
        same = drawn[:, :, None] == drawn[:, None, :]
        reached += bool((weights * same).sum(axis=2).mean() >= right - 1e-12)
    return (1 + reached) / (1 + _DRAWS)


def measure(row: str, labels: int, seed: int, more: Sequence[str] = (), score: str = "test") -> Found:
    """Train what a row says on tasks planted with a seed.

    Args:
        row: key of ``ROWS``.
        labels: training labels of each task.
        seed: of the data and the training.
        more: further settings.
        score: the split whose AUROC is taken; ``dev`` to choose settings.
    """
    dataset = planted(labels=labels, seed=seed)
    config = make_config({"training": {"seed": seed}}, [*SETTINGS, *ROWS[row], *more])
    if row == ALONE:
        return Found(math.nan, prior_of(_affinity(dataset, config)))
    if row == ORACLE:
        members = [np.flatnonzero(group == GROUPS) for group in np.unique(GROUPS)]
        return Found(float(np.mean([_train(_only(dataset, tasks), config, score)[0] for tasks in members])))
    auroc, record = _train(dataset, config, score)
    if "weights" not in record:
        return Found(auroc)
    return Found(auroc, record["weights"].mean(axis=1), record["dependency_share"])


def _train(dataset: Dataset, config: Config, split: str) -> tuple[float, dict[str, Any]]:
    """The mean AUROC, and who listened to whom on the test examples, all of which belong to every task."""
    with tempfile.TemporaryDirectory() as folder:
        run = train(dataset, config, Path(folder) / "run")
        predictor = run.predictor(0)
        assert isinstance(predictor, NetworkPredictor)  # noqa: S101
        test = dataset.splits["test"]
        plan = Plan(tuple(range(len(dataset.tasks))), (np.arange(len(test)),))
        record = predictor.record(run.encoder(test), plan)
        return run.metrics["splits"][split]["mean"]["auroc"], {name: x.numpy() for name, x in record.items()}


def _affinity(dataset: Dataset, config: Config) -> Float[np.ndarray, "targets sources"]:
    assert isinstance(config.model, SharedOptions)  # noqa: S101
    encoder = fit_encoder(dataset, config)
    examples = encoder(dataset.splits["train"])
    return measure_affinity(dataset.tasks, examples, encoder.inputs, config.model, config.training, Silent()).values


def _only(dataset: Dataset, tasks: Int[np.ndarray, " some"]) -> Dataset:
    """Some of the tasks, and the examples that have a label of one of them."""

    def part(examples: Examples) -> Examples:
        known = ~np.isnan(examples.labels[:, tasks]).all(axis=1)
        rest = take(examples, np.flatnonzero(known))
        return replace(rest, labels=rest.labels[:, tasks])

    splits = {name: part(examples) for name, examples in dataset.splits.items()}
    return replace(dataset, tasks=tuple(dataset.tasks[task] for task in tasks), splits=splits)


def summarise(row: str, labels: int, found: Sequence[Found]) -> Result:
    """One line of the table from the trainings of all seeds."""
    weights = [f.weights for f in found if f.weights is not None]
    dependency = [f.dependency for f in found if f.dependency is not None]
    return Result(
        row,
        labels,
        [f.auroc for f in found if not math.isnan(f.auroc)],
        [share_inside(matrix, GROUPS) for matrix in weights],
        [share_inside(matrix, GROUPS) for matrix in dependency],
        permutation_test(weights, GROUPS) if weights else None,
        permutation_test(dependency, GROUPS) if dependency else None,
    )


def markdown(results: Sequence[Result]) -> str:
    """The table: means over the seeds, and in brackets the chance of such a share for groups drawn at random."""
    lines = [
        "Nine tasks planted in three groups (`tasktalk.data.planted`), few labels each on samples of their own. Share",
        "of the off-diagonal weight inside the right groups, where chance is 0.25; in brackets the p-value of a",
        "permutation test over the groups. Mean over the seeds of data and training.",
        "",
        "| labels per task | model | test AUROC | effective weights | D~ |",
        "| --: | --- | --: | --: | --: |",
    ]
    for result in results:
        auroc = f"{np.mean(result.auroc):.3f}" if result.auroc else ""
        weights, dependency = _share(result.weights, result.p_weights), _share(result.dependency, result.p_dependency)
        lines.append(f"| {result.labels} | {result.row} | {auroc} | {weights} | {dependency} |")
    return "\n".join(lines) + "\n"


def _share(shares: Sequence[float], p: float | None) -> str:
    return "" if p is None else f"{np.mean(shares):.2f} ({p:.4f})"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m tasktalk.benchmarks.planted", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="file to write, without .md or .json")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds, from 0")
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 40], help="training labels of each task")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="a setting of all rows")
    given = parser.parse_args(arguments)
    results = [
        summarise(row, labels, [measure(row, labels, seed, given.settings) for seed in range(given.seeds)])
        for labels in given.labels
        for row in ROWS
    ]
    write_text(given.out.with_suffix(".md"), markdown(results))
    write_json(given.out.with_suffix(".json"), [asdict(result) for result in results])


if __name__ == "__main__":
    main()
