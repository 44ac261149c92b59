"""Task by task: whom it listens to most, how sure that is, and how much it is listened to."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tasktalk.analysis.dependency_view import View, listened_to
from tasktalk.analysis.fragments import sortable
from tasktalk.analysis.heatmap import INK, short
from tasktalk.analysis.picture import Picture
from tasktalk.analysis.spread import strongest

_BAR = "#3b7fb8"


def table_picture(view: View) -> Picture:
    """A table that the page sorts; in files, bars of how much each source is listened to."""
    overview = view.overview
    header = _header(view)
    best = strongest(view.weights, overview.between_tasks)
    rows = [_row(view, task, best) for task in range(len(overview.tasks))]
    text = (
        "One row per task; a click on a heading sorts. Error: standard error of the weight. Kept: share of the "
        "bootstrap draws in which the same source is the strongest. Groups: the tree, cut where the silhouette is best."
    )
    unit = "mean weight that tasks give it" if overview.directed else "mean likeness to the others"
    figure = bars(overview.sources, listened_to(view), unit)
    formats = [".2f" if name in {"kept", "openness"} else f".{view.decimals}f" for name in header]
    return Picture("dependency-tasks", "Task by task", text, figure, header, rows, sortable(header, rows, formats))


def _header(view: View) -> list[str]:
    overview = view.overview
    most, by_others = ("listens most to", "listened to") if overview.directed else ("reads most like", "mean likeness")
    header = ["task", "samples", most, "weight", "error", "kept", "group"]
    header += [by_others] if overview.between_tasks else []
    return header + (["openness"] if overview.openness is not None else [])


def _row(view: View, task: int, best: Int[np.ndarray, " tasks"]) -> list[object]:
    overview, own, source = view.overview, view.overview.own(task), int(best[task])
    row: list[object] = [overview.tasks[task], len(own)]
    if source < 0:
        row += ["", None, None, None]
    else:
        row += [overview.sources[source], float(view.weights[task, source])]
        row += [_known(view.spread.error[task, source]), _known(view.spread.kept[task])]
    row += [int(view.groups[task]) + 1]
    row += [float(listened_to(view)[task])] if overview.between_tasks else []
    if overview.openness is not None:
        row += [float(overview.openness[own, task].mean()) if len(own) else None]
    return row


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def bars(names: Sequence[str], values: Float[np.ndarray, " names"], unit: str) -> Figure:
    """Bars from the largest to the smallest."""
    order = np.argsort(-values, kind="stable")
    figure = Figure(figsize=(6.5, 1.0 + 0.26 * len(names)), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.barh(np.arange(len(names)), values[order], color=_BAR, height=0.7)
    labels = [short(names[k]) for k in order]
    axes.set_yticks(np.arange(len(names)), labels, fontsize=8, color=INK, parse_math=False)
    for place, value in enumerate(values[order]):
        axes.text(float(value), place, f" {value:.3g}", va="center", fontsize=8, color=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.margins(x=0.15)
    axes.set_xlabel(unit, fontsize=9, color=INK)
    axes.tick_params(length=0, colors=INK, labelsize=8)
    axes.spines[:].set_visible(False)
    return figure
