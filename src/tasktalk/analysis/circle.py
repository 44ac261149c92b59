"""Who listens to whom as a graph: tasks on a circle, and an arrow from each task to who listens to it most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from plotly.graph_objects import Figure as Interactive

from tasktalk.analysis.fragments import plotly_text
from tasktalk.analysis.heatmap import INK, PLAIN, short

_COLOUR = "#3b7fb8"
_WIDEST = 5.0
_BEND = 0.25
"""How far an edge leans towards the centre of the circle."""


@dataclass(frozen=True)
class Edge:
    """One arrow.

    Args:
        source: index of the task that is listened to.
        listener: index of the task that listens.
        weight: its weight.
        width: from 0 to 1.
        style: ``solid``, ``dash`` where samples do not agree on it, ``dot`` where the weight is negative.
        said: what is shown when the arrow is hovered over; escaped here.
    """

    source: int
    listener: int
    weight: float
    width: float
    style: str
    said: str


def strongest_edges(
    weights: Float[np.ndarray, "tasks tasks"], per_task: int, directed: bool
) -> list[tuple[int, int, float]]:
    """For each listener its strongest sources: (source, listener, weight); without a direction each pair once.

    A task itself is no source, and a weight of 0 is no edge.
    """
    found: dict[tuple[int, int], float] = {}
    for listener, row in enumerate(weights):
        known = [i for i in range(len(row)) if i != listener and np.isfinite(row[i]) and row[i] != 0]
        for source in sorted(known, key=lambda i: -abs(row[i]))[:per_task]:
            pair = (source, listener) if directed else (min(source, listener), max(source, listener))
            found[pair] = float(row[source])
    return [(source, listener, weight) for (source, listener), weight in found.items()]


def circle_figure(
    names: Sequence[str], order: Int[np.ndarray, " tasks"], edges: Sequence[Edge], directed: bool
) -> Figure:
    """The graph for a file."""
    places = _places(order)
    figure = Figure(figsize=(7.5, 5.6), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    for edge in sorted(edges, key=lambda edge: edge.width):
        curve = _curve(places[edge.source], places[edge.listener])
        style = {"solid": "-", "dash": "--", "dot": ":"}[edge.style]
        axes.plot(*curve.T, style, color=_COLOUR, linewidth=_points(edge), alpha=0.8, solid_capstyle="butt", zorder=1)
        if directed:
            turn = float(np.degrees(np.arctan2(*(curve[-1] - curve[-2])[::-1]))) - 90
            size = 8 + 6 * edge.width
            axes.plot(*curve[-1], marker=(3, 0, turn), markersize=size, color=_COLOUR, markeredgewidth=0, zorder=2)
    axes.plot(*places.T, "o", color=INK, markersize=9, zorder=3)
    for name, (x, y) in zip(names, places, strict=True):
        side = "left" if x >= -1e-9 else "right"
        axes.text(1.09 * x, 1.09 * y, short(name), ha=side, va="center", color=INK, fontsize=9, parse_math=False)
    axes.set_xlim(-2, 2)
    axes.set_ylim(-1.2, 1.2)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure


def circle_plot(
    names: Sequence[str],
    order: Int[np.ndarray, " tasks"],
    edges: Sequence[Edge],
    said: Sequence[str],
    directed: bool,
) -> Interactive:
    """The same to be hovered over; ``said`` is what is said of every task."""
    places = _places(order)
    figure = Interactive()
    for edge in sorted(edges, key=lambda edge: edge.width):
        curve = _curve(places[edge.source], places[edge.listener])
        points = len(curve)
        figure.add_scatter(
            x=curve[:, 0].tolist(),
            y=curve[:, 1].tolist(),
            mode="lines+markers" if directed else "lines",
            line={"color": _COLOUR, "width": _points(edge), "dash": edge.style},
            marker={
                "symbol": "arrow",
                "angleref": "previous",
                "size": [0] * (points - 1) + [10 + 8 * edge.width],
                "color": _COLOUR,
                "line": {"width": 0},
            },
            opacity=0.8,
            hoverinfo="skip",
            showlegend=False,
        )
    middle = np.array([_curve(places[e.source], places[e.listener])[_POINTS // 2] for e in edges]).reshape(-1, 2)
    hidden = {"size": 16, "opacity": 0}
    _points_of(figure, middle, [edge.said for edge in edges], mode="markers", marker=hidden)
    positions = ["middle right" if x >= -1e-9 else "middle left" for x in places[:, 0]]
    texts = [f"  {plotly_text(short(name))}  " for name in names]
    marker = {"size": 13, "color": INK}
    _points_of(figure, places, said, mode="markers+text", marker=marker, text=texts, textposition=positions)
    axis = {"visible": False, "fixedrange": True}
    figure.update_layout(
        height=520,
        margin={"t": 10, "b": 10, "l": 10, "r": 10},
        **PLAIN,
        hovermode="closest",
        xaxis={**axis, "range": [-2, 2]},
        yaxis={**axis, "range": [-1.15, 1.15], "scaleanchor": "x"},
    )
    return figure


_POINTS = 24


def _points_of(figure: Interactive, places: Float[np.ndarray, "points 2"], said: Sequence[str], **form: object) -> None:
    hover = {"hovertext": [plotly_text(line) for line in said], "hovertemplate": "%{hovertext}<extra></extra>"}
    figure.add_scatter(x=places[:, 0].tolist(), y=places[:, 1].tolist(), showlegend=False, **hover, **form)


def _points(edge: Edge) -> float:
    return 0.8 + _WIDEST * edge.width


def _places(order: Int[np.ndarray, " tasks"]) -> Float[np.ndarray, "tasks 2"]:
    """Where every task stands: round the circle in the order, none quite at the top."""
    angles = np.empty(len(order))
    angles[order] = np.pi / 2 - 2 * np.pi * (np.arange(len(order)) + 0.5) / len(order)
    return np.stack((np.cos(angles), np.sin(angles)), axis=1)


def _curve(start: Float[np.ndarray, "2"], end: Float[np.ndarray, "2"]) -> Float[np.ndarray, "points 2"]:
    """A line from one place to another that leans towards the centre, and to its left, so that both ways differ."""
    along = end - start
    left = np.array([-along[1], along[0]])
    through = (start + end) / 2 * (1 - 2 * _BEND) + 0.12 * left
    t = np.linspace(0.05, 0.94, _POINTS)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * through + t**2 * end
