"""Weights of edges and what cutting them did, as points, by matplotlib and plotly."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from plotly.graph_objects import Figure as Interactive

from tasktalk.analysis.fragments import plotly_text
from tasktalk.analysis.heatmap import NO_PREFIX, PLAIN

# Colours that can be told from white and from black.
_KINDS = {"strongest": ("^", "#b35806"), "weakest": ("v", "#8c6bb1"), "other": ("o", "#757575")}
_SYMBOLS = {"strongest": "triangle-up", "weakest": "triangle-down", "other": "circle"}
_RISE = "change of the loss when cut"


def deletion_figure(
    size: Float[np.ndarray, " edges"], rise: Float[np.ndarray, " edges"], kinds: Sequence[str], axis: str
) -> Figure:
    """A point for each edge that was cut.

    Args:
        size: size of its weight.
        rise: how much the loss rose.
        kinds: ``strongest``, ``weakest`` or ``other``.
        axis: what the size of a weight is.
    """
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.axhline(0, color="#888888", linewidth=0.8)
    for kind, (marker, colour) in _KINDS.items():
        at = _of_kind(kinds, kind)
        if at:
            axes.scatter(size[at], rise[at], marker=marker, color=colour, s=30, alpha=0.8, label=kind)
    axes.set_xlabel(axis)
    axes.set_ylabel(_RISE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def deletion_plot(
    size: Float[np.ndarray, " edges"],
    rise: Float[np.ndarray, " edges"],
    kinds: Sequence[str],
    names: Sequence[str],
    axis: str,
) -> Interactive:
    """The same to be hovered over; ``names`` is what is said of every edge, escaped here."""
    figure = Interactive()
    for kind, (_, colour) in _KINDS.items():
        at = _of_kind(kinds, kind)
        if at:
            figure.add_scatter(
                x=size[at].tolist(),
                y=rise[at].tolist(),
                mode="markers",
                name=kind,
                marker={"symbol": _SYMBOLS[kind], "color": colour, "size": 9},
                text=[plotly_text(names[n]) for n in at],
                hovertemplate="%{text}<br>weight %{x:.3f}<br>loss %{y:+.4f}<extra></extra>",
            )
    figure.update_layout(
        **PLAIN,
        margin={"t": 20},
        xaxis={"title": {"text": axis}, **NO_PREFIX},
        yaxis={"title": {"text": _RISE}, **NO_PREFIX},
    )
    return figure


def _of_kind(kinds: Sequence[str], kind: str) -> list[int]:
    return [n for n, its in enumerate(kinds) if its == kind]
