"""A matrix of weights as colours, with a tree on each side: by matplotlib, and by plotly, which can put it in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from plotly.graph_objects import Figure as Interactive

from tasktalk.analysis.fragments import plotly_text
from tasktalk.analysis.tree import Tree

INK = "#757575"
"""Grey that can be read on white and on black."""
_LONGEST = 26

PLAIN = {"template": "none", "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
"""Layout of a figure of plotly without colours of its own: the page sets them."""
NO_PREFIX = {"exponentformat": "none"}
"""Of an axis or a scale of plotly: 0.0001, not 100μ."""
PLAIN_AXIS = {
    "showgrid": False,
    "zeroline": False,
    "showline": False,
    "ticks": "",
    "automargin": True,
    "fixedrange": True,
}
"""Axis of a matrix."""


@dataclass(frozen=True)
class Heat:
    """What is drawn.

    Args:
        values: rows by columns; NaN stays blank.
        rows: names of the rows, which listen.
        columns: names of the columns, which are listened to.
        row_tree: the tree at the side.
        column_tree: the tree above.
        unit: what a colour means, beside its scale.
        hover: what is said of every cell, in lines; they are escaped here.
        orders: further orders of rows and columns, by what a person calls them.
        titles: what rows are, and what columns are.
    """

    values: Float[np.ndarray, "rows columns"]
    rows: Sequence[str]
    columns: Sequence[str]
    row_tree: Tree
    column_tree: Tree
    unit: str
    hover: Sequence[Sequence[Sequence[str]]]
    orders: dict[str, tuple[Int[np.ndarray, " rows"], Int[np.ndarray, " columns"]]]
    titles: tuple[str, str] = ("listens", "is listened to")


def short(name: str, longest: int = _LONGEST) -> str:
    """A name or a text, cut where it is too long to be shown."""
    return name if len(name) <= longest else name[: longest - 1] + "…"


def limits(values: Float[np.ndarray, "*_"]) -> tuple[float, float]:
    """From where to where a scale of colours goes: over the data, and to both sides of 0 if some are negative."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    if low < 0:
        return -max(-low, high), max(-low, high)
    return (low, high) if high - low > 1e-9 else (low - 0.5, high + 0.5)


def digits(values: Float[np.ndarray, "*_"]) -> int:
    """How many decimals tell these numbers apart."""
    low, high = limits(values)
    return int(np.clip(np.ceil(-np.log10(high - low)) + 2, 2, 5))


def heat_figure(heat: Heat) -> Figure:
    """The matrix in the order of its trees."""
    rows, columns = heat.values.shape
    width, height = 3.2 + 0.34 * columns, 2.4 + 0.3 * rows
    figure = Figure(figsize=(max(5.0, width), height), dpi=110)
    FigureCanvasAgg(figure)
    ratios = {"width_ratios": (columns + 1.0, 2.2, 0.5), "height_ratios": (2.2, rows + 1.0)}
    grid = figure.add_gridspec(2, 3, **ratios, wspace=0.06, hspace=0.05)
    axes = figure.add_subplot(grid[1, 0])
    low, high = limits(heat.values)
    ordered = heat.values[heat.row_tree.order][:, heat.column_tree.order]
    image = axes.imshow(ordered, cmap=_colours(low)[0], vmin=low, vmax=high, aspect="auto")
    _label(axes, [heat.rows[i] for i in heat.row_tree.order], [heat.columns[i] for i in heat.column_tree.order])
    axes.set_ylabel(heat.titles[0], fontsize=9, color=INK)
    axes.set_xlabel(heat.titles[1], fontsize=9, color=INK)
    if ordered.size <= 100:
        _write(axes, ordered, low, high)
    _branches(figure.add_subplot(grid[0, 0]), heat.column_tree, upwards=True)
    _branches(figure.add_subplot(grid[1, 1]), heat.row_tree, upwards=False)
    scale = figure.colorbar(image, cax=figure.add_subplot(grid[1, 2]))
    scale.set_label(heat.unit, color=INK, fontsize=8)
    scale.ax.tick_params(colors=INK, labelsize=8)
    scale.outline.set_visible(False)
    return figure


def heat_plot(heat: Heat) -> Interactive:
    """The same to be hovered over, with a button for each order."""
    orders = {"by likeness": (heat.row_tree.order, heat.column_tree.order), **heat.orders}
    cells = {name: _cells(heat, *order) for name, order in orders.items()}
    first = next(iter(cells.values()))
    figure = Interactive()
    low, high = limits(heat.values)
    figure.add_heatmap(
        z=first["z"],
        hovertext=first["hovertext"],
        hovertemplate="%{hovertext}<extra></extra>",
        colorscale=_colours(low)[1],
        zmin=low,
        zmax=high,
        xgap=1,
        ygap=1,
        colorbar={
            "title": {"text": _wrapped(heat.unit), "side": "right"},
            "thickness": 14,
            "len": 0.8,
            "y": 0.4,
            **NO_PREFIX,
        },
    )
    for tree, upwards in ((heat.column_tree, True), (heat.row_tree, False)):
        x, y = _lines(tree, upwards)
        axes = {"xaxis": "x", "yaxis": "y2"} if upwards else {"xaxis": "x2", "yaxis": "y"}
        line = {"color": "#888888", "width": 1.2}
        figure.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False, **axes)
    _arrange(figure, heat, first)
    buttons = [_button(name, cells[name], trees=number == 0) for number, name in enumerate(orders)]
    figure.update_layout(updatemenus=[menu("buttons", buttons, space=8)])
    return figure


def _arrange(figure: Interactive, heat: Heat, cells: dict[str, Any]) -> None:
    """The matrix at the lower left, a tree above and one at its right."""
    rows, columns = heat.values.shape
    hidden = {**PLAIN_AXIS, "showticklabels": False}
    axes = {"x": {**PLAIN_AXIS, **cells["x"]}, "y": {**PLAIN_AXIS, **cells["y"]}}
    figure.update_layout(
        **PLAIN,
        height=290 + 24 * rows,
        margin={"t": 60, "l": 10, "r": 10, "b": 10},
        xaxis={**axes["x"], "range": [-0.5, columns - 0.5], "domain": [0, 0.87], "tickangle": -90},
        yaxis={**axes["y"], "range": [rows - 0.5, -0.5], "domain": [0, 0.85]},
        xaxis2={**hidden, "domain": [0.88, 1]},
        yaxis2={**hidden, "domain": [0.86, 1]},
        xaxis_title={"text": heat.titles[1], "standoff": 6},
        yaxis_title={"text": heat.titles[0], "standoff": 6},
    )


def menu(kind: str, buttons: Sequence[dict[str, object]], space: int) -> dict[str, object]:
    """Buttons or a list above a figure of plotly, ``space`` pixels above it."""
    place = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"b": space}}
    # The button that was pressed last would be white on dark pages as well: plotly knows one colour for it.
    return {
        "type": kind,
        "direction": "right" if kind == "buttons" else "down",
        "buttons": list(buttons),
        "showactive": False,
        **place,
    }


def _colours(low: float) -> tuple[str, str]:
    """Of matplotlib and of plotly."""
    return ("PuOr", "PuOr") if low < 0 else ("viridis", "Viridis")


def _cells(heat: Heat, rows: Int[np.ndarray, " rows"], columns: Int[np.ndarray, " columns"]) -> dict[str, Any]:
    known = [[None if np.isnan(heat.values[i, j]) else float(heat.values[i, j]) for j in columns] for i in rows]
    said = [["<br>".join(plotly_text(line) for line in heat.hover[i][j]) for j in columns] for i in rows]
    return {
        "z": known,
        "hovertext": said,
        "x": {"tickvals": list(range(len(columns))), "ticktext": [_tick(heat.columns[j]) for j in columns]},
        "y": {"tickvals": list(range(len(rows))), "ticktext": [_tick(heat.rows[i]) for i in rows]},
    }


def _tick(name: str) -> str:
    return plotly_text(short(name))


def _button(name: str, cells: dict[str, Any], trees: bool) -> dict[str, object]:
    """Trees fit one order only."""
    texts = {f"{axis}axis.ticktext": cells[axis]["ticktext"] for axis in "xy"}
    data = {"z": [cells["z"], None, None], "hovertext": [cells["hovertext"], None, None]}
    return {"label": name, "method": "update", "args": [{**data, "visible": [True, trees, trees]}, texts]}


def _lines(tree: Tree, upwards: bool) -> tuple[list[float | None], list[float | None]]:
    """Branches as one line with gaps; leaf i of the order stands at i, and 0 is where leaves are."""
    places: list[float | None] = []
    heights: list[float | None] = []
    for place, height in branches(tree):
        places += [*place, None]
        heights += [*height, None]
    return (places, heights) if upwards else (heights, places)


def branches(tree: Tree) -> list[tuple[list[float], list[float]]]:
    """The brackets of a tree: four places along the leaves each, and four heights."""
    if not len(tree.merges):
        return []
    from scipy.cluster.hierarchy import dendrogram

    drawn = dendrogram(tree.merges, no_plot=True)
    return [
        ([(place - 5) / 10 for place in places], list(heights))
        for places, heights in zip(drawn["icoord"], drawn["dcoord"], strict=True)
    ]


def _branches(axes: Axes, tree: Tree, upwards: bool) -> None:
    size = len(tree.order)
    for places, heights in branches(tree):
        axes.plot(*((places, heights) if upwards else (heights, places)), color=INK, linewidth=1)
    if upwards:
        axes.set_xlim(-0.5, size - 0.5)
        axes.set_ylim(bottom=0)
    else:
        axes.set_ylim(size - 0.5, -0.5)
        axes.set_xlim(left=0)
    axes.set_axis_off()


def _label(axes: Axes, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_yticks(range(len(rows)), [short(name) for name in rows], fontsize=8, color=INK, parse_math=False)
    axes.set_xticks(
        range(len(columns)), [short(name) for name in columns], fontsize=8, rotation=90, color=INK, parse_math=False
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _write(axes: Axes, values: Float[np.ndarray, "rows columns"], low: float, high: float) -> None:
    """The numbers in the cells, in black or white."""
    decimals = digits(values)
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            share = (value - low) / (high - low)
            dark = abs(share - 0.5) > 0.3 if low < 0 else share < 0.6
            colour = "white" if dark else "black"
            axes.text(column, row, f"{value:.{decimals}f}", ha="center", va="center", fontsize=7, color=colour)


def _wrapped(text: str, width: int = 44) -> str:
    from textwrap import wrap

    return "<br>".join(plotly_text(line) for line in wrap(text, width))
