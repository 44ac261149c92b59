"""The learning curve of a task that comes later: error over training labels, by transfer and alone."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tasktalk.benchmarks.leave_one_out import ALL
from tasktalk.benchmarks.leave_one_out_table import MEAN, Cell, Table, command_of, shown
from tasktalk.core.files import whole_file, write_text
from tasktalk.training.run_folder import write_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind people tell apart; markers and lines differ as well. The last number
# moves a curve to the side, so that error bars do not hide each other.
_STYLES = (("#0072B2", "o", "-", 1.0), ("#D55E00", "s", "--", 0.95), ("#009E73", "^", ":", 1.05))
_ACROSS = 3
"""Panels beside each other."""


@dataclass(frozen=True)
class Point:
    """A point of a curve.

    Args:
        target: the task, or ``mean``.
        method: how it was trained.
        labels: training labels; of ``mean`` the mean number where tasks have different ones.
        all_labels: whether these are all that the task has.
        cell: its scores.
    """

    target: str
    method: str
    labels: float
    all_labels: bool
    cell: Cell


def methods_of(table: Table) -> list[str]:
    """What has a curve: all but the training on all tasks."""
    return [method for method in table.experiment.methods if method != ALL]


def curve(table: Table) -> list[Point]:
    """The points of every target that are there so far, in the order of the labels; the last is with all labels."""
    counts = table.experiment.counts
    sizes = {**counts, MEAN: float(np.mean(list(counts.values())))}
    found = []
    for target in table.targets:
        for method in methods_of(table):
            for labels in (*table.experiment.labels, None):
                cell = table.cell(target, method, labels)
                if cell is not None and labels != counts.get(target, -1):
                    at = float(sizes[target] if labels is None else labels)
                    found.append(Point(target, method, at, labels is None, cell))
    return found


def write_curve(table: Table, out: Path) -> None:
    """Write ``learning-curve.json``, ``.csv``, ``.png`` and ``.svg``, each whole or not at all.

    Raises:
        RunFolderError: a file cannot be written.
    """
    points = curve(table)
    rows = [_flat(point) for point in points]
    facts = {"command": command_of(table), "dataset": table.dataset, "metric": table.metric}
    write_json(out / "learning-curve.json", {**facts, "seeds": list(table.experiment.seeds), "points": rows})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names := ["target", "method", "labels", "all_labels", "seeds", "mean", "std"])
    writer.writerows(["" if row[name] is None else row[name] for name in names] for row in rows)
    write_text(out / "learning-curve.csv", text.getvalue())
    if points:
        _save(draw(points, methods_of(table), _axis(table.metric)), out)


def _save(figure: "Figure", out: Path) -> None:
    from matplotlib import rc_context

    # Without a date and with fixed ids the same scores give the same file.
    for kind, facts in (("png", {}), ("svg", {"Date": None})):
        with whole_file(out / f"learning-curve.{kind}") as part, rc_context({"svg.hashsalt": "tasktalk"}):
            figure.savefig(part, format=kind, metadata=facts)


def _flat(point: Point) -> dict[str, Any]:
    row = asdict(point)
    cell = row.pop("cell")
    return {**row, **cell}


def _axis(metric: str) -> str:
    return f"test {metric}" + (" in %" if metric == "error" else "")


def draw(points: Sequence[Point], methods: Sequence[str], axis: str) -> "Figure":
    """A panel for each target, and one for their mean.

    Args:
        points: of the curves.
        methods: the curves, in the order of the legend.
        axis: what the upright axis is called.
    """
    from matplotlib.figure import Figure

    targets = list(dict.fromkeys(point.target for point in points))
    targets.sort(key=lambda target: target != MEAN)  # stable: the mean first
    across = min(_ACROSS, len(targets))
    down = -(-len(targets) // across)
    figure = Figure(figsize=(3.1 * across + 0.5, 2.6 * down + 0.6), dpi=150, layout="constrained")
    panels = list(figure.subplots(down, across, sharey=True, squeeze=False).flat)
    for target, panel in zip(targets, panels, strict=False):
        _panel(panel, [point for point in points if point.target == target], methods)
        panel.set_title("mean of the tasks" if target == MEAN else target, fontsize=9)
    for panel in panels[len(targets) :]:
        panel.set_visible(False)
    lines, labels = max((panel.get_legend_handles_labels() for panel in figure.axes), key=lambda found: len(found[0]))
    figure.legend(lines, labels, loc="outside upper center", ncols=len(methods), frameon=False, fontsize=9)
    figure.supxlabel("training labels of the task", fontsize=9)
    figure.supylabel(axis, fontsize=9)
    return figure


def _panel(panel: "Axes", points: Sequence[Point], methods: Sequence[str]) -> None:
    for method, (colour, marker, line, shift) in zip(methods, _STYLES, strict=False):
        its = [point for point in points if point.method == method]
        if its:
            panel.errorbar(
                [point.labels * shift for point in its],
                [point.cell.mean for point in its],
                [point.cell.std or 0.0 for point in its],
                color=colour,
                marker=marker,
                linestyle=line,
                markersize=4,
                capsize=2,
                label=method,
            )
    ticks = sorted({point.labels for point in points})
    panel.set_xscale("log")
    panel.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks], fontsize=8)
    panel.set_xticks([], minor=True)
    panel.tick_params(axis="y", labelsize=8)
    panel.grid(alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)


def curve_cells(table: Table) -> tuple[list[str], list[list[str]]]:
    """Header and rows of the curve of the mean, or of the only target, for people."""
    target = table.targets[-1]
    rows = [
        ["all" if labels is None else str(labels)]
        + [shown(table.cell(target, method, labels), table.metric) for method in methods_of(table)]
        for labels in (*table.experiment.labels, None)
    ]
    return ["labels", *methods_of(table)], rows
