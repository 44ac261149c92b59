"""Matrices of weights side by side, on one scale, for comparison."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from plotly.graph_objects import Figure as Interactive

from tasktalk.analysis.fragments import plotly_text
from tasktalk.analysis.heatmap import NO_PREFIX, PLAIN, PLAIN_AXIS, short

Matrix = Float[np.ndarray, "tasks sources"]
_COLOURS = "viridis"


def grid_figure(
    matrices: Sequence[Matrix], titles: Sequence[str], rows: Sequence[str], columns: Sequence[str]
) -> Figure:
    """Matrices as heat maps beside each other; cells that are not a number stay empty."""
    size = 1.6 + 0.24 * len(rows)
    figure = Figure(
        figsize=(1.4 + len(matrices) * (0.6 + 0.24 * max(4, len(columns))), size + 0.6), layout="constrained"
    )
    low, high = _range(matrices)
    all_axes = figure.subplots(1, len(matrices), squeeze=False)[0]
    for place, (axes, matrix, title) in enumerate(zip(all_axes, matrices, titles, strict=True)):
        image = axes.imshow(matrix, cmap=_COLOURS, vmin=low, vmax=high, aspect="auto")
        axes.set_title(title, fontsize=9)
        look: dict[str, Any] = {"fontsize": 7, "parse_math": False}
        axes.set_xticks(range(len(columns)), [short(name) for name in columns], rotation=90, **look)
        axes.set_yticks(range(len(rows)), [short(name) if place == 0 else "" for name in rows], **look)
        axes.tick_params(length=0)
    figure.colorbar(image, ax=list(all_axes), fraction=0.03)
    return figure


def grid_interactive(
    matrices: Sequence[Matrix], titles: Sequence[str], rows: Sequence[str], columns: Sequence[str]
) -> Interactive:
    """The same for the page."""
    from plotly.subplots import make_subplots

    low, high = _range(matrices)
    figure: Interactive = make_subplots(
        rows=1, cols=len(matrices), subplot_titles=[plotly_text(title) for title in titles], shared_yaxes=True
    )
    said = [[[plotly_text(row), plotly_text(column)] for column in columns] for row in rows]
    for place, matrix in enumerate(matrices, start=1):
        figure.add_heatmap(
            z=_without_nan(matrix),
            customdata=said,
            colorscale=_COLOURS,
            zmin=low,
            zmax=high,
            showscale=place == len(matrices),
            colorbar=NO_PREFIX,
            hovertemplate="%{customdata[0]}, %{customdata[1]}: %{z:.3f}<extra></extra>",
            row=1,
            col=place,
        )
    # Places with names beside them: names that look like numbers would be placed as such.
    across, down = ([plotly_text(short(name)) for name in names] for names in (columns, rows))
    figure.update_xaxes(**PLAIN_AXIS, tickvals=list(range(len(columns))), ticktext=across, tickangle=-90)
    figure.update_yaxes(**PLAIN_AXIS, tickvals=list(range(len(rows))), ticktext=down, autorange="reversed")
    figure.update_layout(**PLAIN, height=260 + 22 * len(rows), margin={"t": 40, "l": 10, "r": 10, "b": 10})
    return figure


def _range(matrices: Sequence[Matrix]) -> tuple[float, float]:
    values = np.concatenate([matrix.ravel() for matrix in matrices])
    known = values[~np.isnan(values)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def _without_nan(matrix: Matrix) -> list[list[Any]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in matrix]
