"""Figures of who listened to whom, by matplotlib, without a display."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tasktalk.analysis.listening import Reading, Senders
from tasktalk.core.files import whole_file

_COLOURS = "Blues"
_BAR = "#3b6ea5"


def reading_figure(reading: Reading, title: str, notes: Sequence[str] | None = None) -> Figure:
    """Where in the mailbox each task read, and how far it let messages in.

    Args:
        reading: one text as every task read it.
        title: above the figure.
        notes: something to say about each task, beside its name.
    """
    figure = Figure(figsize=(max(7.0, 3.4 + 0.26 * len(reading.words)), 1.6 + 0.3 * len(reading.tasks)), dpi=130)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(1, 2, width_ratios=(max(4.0, 0.26 * len(reading.words)), 1.3), wspace=0.06)
    shares, gates = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    _weights(shares, reading.taken, _labels(reading.tasks, notes), reading.words, rotation=0)
    shares.set_xlabel("word of the mailbox that was read (darker: more)", fontsize=9)
    _openness(gates, reading.openness)
    figure.suptitle(title, x=0.02, ha="left", fontsize=11)
    return figure


def senders_figure(senders: Senders, title: str) -> Figure:
    """Whom each task listened to, and how far it let messages in."""
    size = 2.6 + 0.34 * len(senders.tasks)
    figure = Figure(figsize=(size + 2.2, size), dpi=130)
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(1, 2, width_ratios=(size, 1.6), wspace=0.06)
    weights, gates = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    _weights(weights, senders.taken, list(senders.tasks), list(senders.tasks), rotation=90)
    weights.set_xlabel("task that was listened to (darker: more)", fontsize=9)
    _openness(gates, senders.openness)
    figure.suptitle(title, x=0.02, ha="left", fontsize=11)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG, whole or not at all.

    Raises:
        RunFolderError: it cannot be written.
    """
    with whole_file(path) as part:
        figure.savefig(part, format="png", bbox_inches="tight")


def _labels(tasks: Sequence[str], notes: Sequence[str] | None) -> list[str]:
    return list(tasks) if notes is None else [f"{task} ({note})" for task, note in zip(tasks, notes, strict=True)]


def _weights(
    axes: Axes, taken: Float[np.ndarray, "rows columns"], rows: Sequence[str], columns: Sequence[str], rotation: int
) -> None:
    axes.imshow(taken, cmap=_COLOURS, aspect="auto", vmin=0.0, vmax=float(taken.max()))
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_xticks(range(len(columns)), columns, fontsize=8, rotation=rotation)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axes.grid(which="minor", axis="y", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)


def _openness(axes: Axes, openness: Float[np.ndarray, " tasks"]) -> None:
    places = np.arange(len(openness))
    axes.barh(places, openness, color=_BAR, height=0.7)
    for place, value in zip(places, openness, strict=True):
        axes.text(float(value) + 0.02, float(place), f"{value:.2f}", va="center", fontsize=7)
    axes.set_xlim(0, 1.15)
    axes.set_ylim(len(openness) - 0.5, -0.5)
    axes.set_yticks([])
    axes.set_xticks([0, 1], ["0", "1"], fontsize=8)
    axes.set_xlabel("gate: how far\nmessages get in", fontsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
