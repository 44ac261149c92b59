"""The table of tasks that were left out: means over seeds, paired differences, and the files that hold them."""

import csv
import io
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tasktalk.benchmarks.compare_files import interval, number, without_folders
from tasktalk.benchmarks.compare_table import Difference, paired
from tasktalk.benchmarks.leave_one_out import ALL, TRANSFERRED, Experiment, Piece
from tasktalk.benchmarks.papers import FDU_MTL_TASKS, FDU_MTL_TRANSFER, fdu_mtl_error
from tasktalk.core.files import write_text
from tasktalk.training.run_folder import METRICS, read_json, write_json

MEAN = "mean"
"""The row of the mean over all targets."""


@dataclass(frozen=True)
class Cell:
    """A method on a target.

    Args:
        seeds: how many seeds have a score.
        mean: over them.
        std: sample standard deviation over them; None with one.
    """

    seeds: int
    mean: float
    std: float | None


@dataclass(frozen=True)
class Table:
    """What has been measured so far.

    Args:
        command: the words of what made it.
        dataset: name of the data set.
        sources: checksums of its files.
        metric: what is compared; lower is better.
        experiment: what is trained.
        rows: the scores (``scores_of_pieces``).
        paper: the paper's by target and method; empty for other data or models.
    """

    command: Sequence[str]
    dataset: str
    sources: Mapping[str, str]
    metric: str
    experiment: Experiment
    rows: Sequence[Mapping[str, Any]]
    paper: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def targets(self) -> list[str]:
        """The rows of the table, with the mean if there are several."""
        names = list(self.experiment.counts)
        return [*names, MEAN] if len(names) > 1 else names

    def by_seed(self, target: str, method: str, labels: int | None = None) -> dict[int, float]:
        """The test scores of a target by seed; of ``mean`` the means, of the seeds that have all targets."""
        if target == MEAN:
            each = [self.by_seed(name, method, labels) for name in self.experiment.counts]
            seeds = [seed for seed in each[0] if all(seed in scores for scores in each)]
            return {seed: float(np.mean([scores[seed] for scores in each])) for seed in seeds}
        wanted = (target, method, None if labels == self.experiment.counts[target] else labels)
        found = [row for row in self.rows if (row["target"], row["method"], row["labels"]) == wanted]
        return {row["seed"]: row["test"] for row in found if row["test"] is not None}

    def cell(self, target: str, method: str, labels: int | None = None) -> Cell | None:
        """A method on a target; None where nothing is finished."""
        return summary(self.by_seed(target, method, labels).values())

    def difference(self, target: str, method: str) -> Difference | None:
        """The transfer minus another method, paired by seed; None where no seed has both."""
        return paired(method, self.by_seed(target, TRANSFERRED), self.by_seed(target, method))


def scores_of_pieces(found: Sequence[Piece], out: Path, metric: str) -> list[dict[str, Any]]:
    """The score of every finished piece that counts, one row for each of its targets.

    Returns:
        ``target``, ``method``, ``seed``, ``labels`` (None for all), ``test`` and ``dev`` (None if not known),
        ``seconds``, ``folder``.
    """
    rows = []
    for piece in found:
        if not piece.method or not (out / piece.folder / METRICS).is_file():
            continue
        metrics = read_json(out / piece.folder / METRICS)
        for target in piece.targets:
            scores = {
                split: metrics["splits"][split]["tasks"][target].get(metric) if split in metrics["splits"] else None
                for split in ("test", "dev")
            }
            where = {"target": target, "method": piece.method, "seed": piece.seed, "labels": piece.labels}
            rows.append(where | scores | {"seconds": metrics["seconds"], "folder": piece.folder.as_posix()})
    return rows


def summary(scores: Iterable[float]) -> Cell | None:
    """Mean and deviation of some scores; None if there are none."""
    values = list(scores)
    if not values:
        return None
    return Cell(len(values), float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None)


def paper_columns(dataset: str, model: str, targets: Sequence[str]) -> dict[str, dict[str, float]]:
    """Table 1 of the message-passing paper for some targets, with their mean; empty if it has no such transfer."""
    if dataset != "fdu-mtl" or model not in FDU_MTL_TRANSFER or not set(targets) <= set(FDU_MTL_TASKS):
        return {}
    transferred = dict(zip(FDU_MTL_TASKS, FDU_MTL_TRANSFER[model], strict=True))
    columns = {TRANSFERRED: transferred, "single": fdu_mtl_error("single"), ALL: fdu_mtl_error(model)}
    found = {target: {name: column[target] for name, column in columns.items()} for target in targets}
    if len(targets) > 1:
        found[MEAN] = {name: float(np.mean([column[target] for target in targets])) for name, column in columns.items()}
    return found


def shown(cell: Cell | None, metric: str) -> str:
    """A cell of a table for people."""
    if cell is None:
        return "-"
    return number(cell.mean, metric) + ("" if cell.std is None else f" ± {number(cell.std, metric)}")


def write_table(table: Table, out: Path) -> None:
    """Write ``leave-one-out.json``, ``.csv`` and ``.md``, each whole or not at all, without folders of this machine.

    Raises:
        RunFolderError: a file cannot be written.
    """
    write_json(out / "leave-one-out.json", to_json(table))
    write_text(out / "leave-one-out.csv", to_csv(table.rows))
    write_text(out / "leave-one-out.md", to_markdown(table))


def to_json(table: Table) -> dict[str, Any]:
    """Everything, as JSON-able values."""
    its = table.experiment
    full = [(target, method) for target in table.targets for method in its.methods]
    return {
        "command": command_of(table),
        "dataset": table.dataset,
        "sources": without_folders(dict(table.sources)),
        "metric": table.metric,
        "higher_is_better": False,
        "model": its.config.model.name,
        "settings": without_folders(its.config.model_dump(mode="json")),
        "target_epochs": its.epochs,
        "seeds": list(its.seeds),
        "labels": dict(its.counts),
        "table": [
            {"target": target, "method": method, **asdict(cell)}
            for target, method in full
            if (cell := table.cell(target, method)) is not None
        ],
        "transfer_minus": [
            {"target": target, **asdict(gap)}
            for target, method in full
            if method != TRANSFERRED and (gap := table.difference(target, method)) is not None
        ],
        "paper": {target: dict(scores) for target, scores in table.paper.items()},
        "runs": [dict(row) for row in table.rows],
    }


def command_of(table: Table) -> str:
    """The command without folders of this machine."""
    return shlex.join(without_folders(table.command))


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Every score of every run; empty where one is not known, and in ``labels`` for all labels."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ["target", "method", "seed", "labels", "test", "dev", "seconds", "folder"]
    writer.writerow(names)
    writer.writerows(["" if row[name] is None else row[name] for name in names] for row in rows)
    return text.getvalue()


def to_markdown(table: Table) -> str:
    """The table, the differences and the command."""
    methods = table.experiment.methods
    columns = list(next(iter(table.paper.values()), {}))
    rows = [
        [target, *(shown(table.cell(target, method), table.metric) for method in methods)]
        + [number(table.paper[target][name], table.metric) for name in columns]
        for target in table.targets
    ]
    gaps = [
        [target, method, number(gap.mean, table.metric, "+"), interval(gap, table.metric), str(gap.seeds)]
        for target in table.targets
        for method in methods[1:]
        if (gap := table.difference(target, method)) is not None
    ]
    parts = [
        f"# {table.dataset}: test {table.metric} of a task that comes later",
        " ".join(legend(table)),
        markdown(["task", *methods, *(f"{name}, paper" for name in columns)], rows),
        "The transfer minus the others, paired by seed, with 95 % intervals of the t distribution over the seeds:",
        markdown(["task", "other", "difference", "95 % interval", "seeds"], gaps),
        f"Command: `{command_of(table)}`",
    ]
    return "\n\n".join(parts) + "\n"


def legend(table: Table) -> list[str]:
    """What the numbers are, in short sentences."""
    its = table.experiment
    many = len(its.seeds) > 1
    over = f"mean over {len(its.seeds)} seeds ± their standard deviation" if many else f"seed {its.seeds[0]}"
    source = "a finished run" if its.run else "a run on the other tasks"
    return [
        f"Test {table.metric}{' in %' if table.metric == 'error' else ''}, {over}.",
        f"transfer: added to {source}, whose shared layer is frozen.",
        f"alone: the task alone, for {its.epochs} epoch{'s' if its.epochs != 1 else ''} like the transfer.",
        *([] if its.run else [f"{ALL}: trained on all tasks from scratch."]),
    ]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    rule = ["---", *("--:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))
