"""Samples as points, and the mean weights of clusters side by side, by matplotlib and plotly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from plotly.graph_objects import Figure as Interactive

from tasktalk.analysis.clusters import Clusters
from tasktalk.analysis.fragments import plotly_text
from tasktalk.analysis.heatmap import INK, NO_PREFIX, PLAIN, PLAIN_AXIS, limits, menu, short

# Okabe and Ito's colours but black and yellow, which are lost on black and white; a form for each as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6BB1", "#7F7F7F")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
_SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")


def map_figure(found: Clusters) -> Figure:
    """Every sample as a point, its cluster as colour and form."""
    figure = Figure(figsize=(7, 5), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for cluster in range(found.count):
        its = found.points[found.of == cluster]
        look: dict[str, Any] = {
            "marker": _MARKS[cluster % 8],
            "color": COLOURS[cluster % 8],
            "alpha": 0.75,
            "linewidths": 0,
        }
        axes.scatter(its[:, 0], its[:, 1], s=28, label=f"cluster {cluster + 1} ({len(its)})", **look)
    first, second = axis_titles(found)
    axes.set_xlabel(first, color=INK, fontsize=9)
    axes.set_ylabel(second, color=INK, fontsize=9)
    axes.tick_params(colors=INK, labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.legend(frameon=False, labelcolor=INK, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def map_plot(found: Clusters, said: Sequence[str]) -> Interactive:
    """The same to be hovered over.

    Args:
        found: the clusters.
        said: what is said of every sample, in the HTML that plotly reads: what comes from data is escaped in it.
    """
    figure = Interactive()
    for cluster in range(found.count):
        its = np.flatnonzero(found.of == cluster).tolist()
        figure.add_scatter(
            x=found.points[its, 0].tolist(),
            y=found.points[its, 1].tolist(),
            mode="markers",
            name=f"cluster {cluster + 1} ({len(its)})",
            marker={"color": COLOURS[cluster % 8], "symbol": _SYMBOLS[cluster % 8], "size": 9, "opacity": 0.75},
            hovertext=[said[sample] for sample in its],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    first, second = axis_titles(found)
    figure.update_layout(
        height=520,
        **PLAIN,
        hovermode="closest",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"t": 60, "l": 70, "r": 10, "b": 50},
        xaxis={"title": {"text": first}, "zeroline": False, **NO_PREFIX},
        yaxis={"title": {"text": second}, "zeroline": False, **NO_PREFIX},
    )
    return figure


def axis_titles(found: Clusters) -> tuple[str, str]:
    """What the two directions are."""
    first, second = found.explained
    return f"first direction ({first:.0%} of the variance)", f"second direction ({second:.0%})"


def matrices_figure(
    means: Float[np.ndarray, "clusters tasks sources"],
    differences: Float[np.ndarray, "clusters tasks sources"],
    tasks: Sequence[str],
    sources: Sequence[str],
    titles: Sequence[str],
) -> Figure:
    """For each cluster a column: above its mean weights, below what they differ by from the mean of all samples."""
    side = max(1.5, 0.14 * len(sources))
    figure = Figure(figsize=(2 + side * len(means), 1.6 + 2 * max(1.5, 0.14 * len(tasks))), dpi=110)
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, len(means), squeeze=False)
    for row, values in enumerate((means, differences)):
        low, high = limits(values)
        signed = row == 1 or low < 0
        if signed:
            low, high = -max(-low, high), max(-low, high)
        colours = "PuOr" if signed else "viridis"
        for column, axes in enumerate(grid[row]):
            image = axes.imshow(values[column], cmap=colours, vmin=low, vmax=high, aspect="auto")
            _ticks(axes, tasks if not column else (), sources if row else ())
            if not row:
                axes.set_title(titles[column], fontsize=8, color=INK)
        scale = figure.colorbar(image, ax=grid[row].tolist(), pad=0.02, fraction=0.05)
        scale.set_label("difference" if row else "mean weight", color=INK, fontsize=8)
        scale.ax.tick_params(colors=INK, labelsize=7)
        scale.outline.set_visible(False)
    return figure


def _ticks(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    look: dict[str, Any] = {"fontsize": 6, "color": INK, "parse_math": False}
    axes.set_yticks(range(len(rows)), [short(name, 20) for name in rows], **look)
    axes.set_xticks(range(len(columns)), [short(name, 20) for name in columns], rotation=90, **look)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def matrices_plot(
    means: Float[np.ndarray, "clusters tasks sources"],
    differences: Float[np.ndarray, "clusters tasks sources"],
    tasks: Sequence[str],
    sources: Sequence[str],
    titles: Sequence[str],
    decimals: int,
) -> Interactive:
    """One cluster at a time, chosen by a button: its mean weights, and what they differ by."""
    figure = Interactive()
    low, high = limits(means)
    wide = max(float(np.nanmax(np.abs(differences), initial=0)), 1e-9)
    signed = "PuOr" if low < 0 else "Viridis"
    said = [[[plotly_text(task), plotly_text(source)] for source in sources] for task in tasks]
    for values, look in (
        (means, {"colorscale": signed, "zmin": low, "zmax": high, "xaxis": "x", "colorbar": _scale("mean", 0.43)}),
        (
            differences,
            {"colorscale": "PuOr", "zmin": -wide, "zmax": wide, "xaxis": "x2", "colorbar": _scale("difference", 1.0)},
        ),
    ):
        hover = f"%{{customdata[0]}}, %{{customdata[1]}}<br>%{{z:.{decimals + 1}f}}<extra></extra>"
        figure.add_heatmap(z=_listed(values[0]), customdata=said, hovertemplate=hover, xgap=1, ygap=1, **look)
    buttons: list[dict[str, object]] = [
        {
            "label": plotly_text(title),
            "method": "restyle",
            "args": [{"z": [_listed(means[k]), _listed(differences[k])]}],
        }
        for k, title in enumerate(titles)
    ]
    _arrange(figure, tasks, sources)
    figure.update_layout(updatemenus=[menu("dropdown", buttons, space=64)])
    return figure


def _scale(title: str, right: float) -> dict[str, object]:
    """A scale of colours above a matrix whose right side is given."""
    place = {"orientation": "h", "x": right, "xanchor": "right", "y": 1, "yanchor": "bottom", **NO_PREFIX}
    return {**place, "len": 0.43, "thickness": 10, "title": {"text": title, "side": "top"}}


def _arrange(figure: Interactive, tasks: Sequence[str], sources: Sequence[str]) -> None:
    """Two matrices side by side, with the names of their rows once."""
    names = {"tickvals": list(range(len(sources))), "ticktext": [plotly_text(short(name, 20)) for name in sources]}
    rows = {"tickvals": list(range(len(tasks))), "ticktext": [plotly_text(short(name)) for name in tasks]}
    figure.update_layout(
        **PLAIN,
        height=330 + 22 * len(tasks),
        margin={"t": 120, "l": 10, "r": 10, "b": 10},
        xaxis={**PLAIN_AXIS, **names, "domain": [0, 0.48], "tickangle": -90},
        xaxis2={**PLAIN_AXIS, **names, "domain": [0.52, 1], "tickangle": -90},
        yaxis={**PLAIN_AXIS, **rows, "range": [len(tasks) - 0.5, -0.5]},
    )


def _listed(values: Float[np.ndarray, "tasks sources"]) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in values]


def members_figure(names: Sequence[str], shares: Float[np.ndarray, "names clusters"]) -> Figure:
    """For each name the share of its samples in each cluster, as bars."""
    figure = Figure(figsize=(7, 1.2 + 0.24 * len(names)), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    left = np.zeros(len(names))
    for cluster in range(shares.shape[1]):
        look: dict[str, Any] = {
            "color": COLOURS[cluster % 8],
            "label": f"cluster {cluster + 1}",
            "edgecolor": "white",
            "linewidth": 0.5,
        }
        axes.barh(np.arange(len(names)), shares[:, cluster], left=left, height=0.75, **look)
        for place, share in enumerate(shares[:, cluster]):
            if share >= 0.08:
                axes.text(left[place] + share / 2, place, f"{cluster + 1}", ha="center", va="center", fontsize=7)
        left += shares[:, cluster]
    axes.set_yticks(range(len(names)), [short(name, 34) for name in names], fontsize=8, color=INK, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel("share of the samples", fontsize=9, color=INK)
    axes.tick_params(length=0, colors=INK, labelsize=8)
    axes.spines[:].set_visible(False)
    axes.legend(frameon=False, labelcolor=INK, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure
