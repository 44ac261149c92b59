"""What a word took from which word, as arcs whose thickness is the weight (message-passing paper, Fig. 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from tasktalk.analysis.fragments import drawable

WORDS = 40
"""Words of a text that are drawn."""
_ARCS = 15
_CUT, _ROW, _LEFT, _WIDTH = 16, 19, 130, 300
_BACK, _AHEAD = "#0a7fc2", "#d55e00"


@dataclass(frozen=True)
class Arcs:
    """The strongest links of one text as one task read it.

    Args:
        task: the task.
        words: the words that are drawn.
        links: the word that reads, the word that is read and the weight, the strongest first.
    """

    task: str
    words: list[str]
    links: list[tuple[int, int, float]]


def strongest_arcs(task: str, words: Sequence[str], beta: Float[np.ndarray, "words words"]) -> Arcs:
    """The strongest links between the first words of a text; what a word reads of itself is none."""
    shown = list(words[:WORDS])
    weights = beta[: len(shown), : len(shown)].copy()
    np.fill_diagonal(weights, 0)
    order = np.argsort(-weights, axis=None, kind="stable")[:_ARCS].tolist()
    found = [(cell // len(shown), cell % len(shown)) for cell in order]
    return Arcs(task, shown, [(t, i, float(weights[t, i])) for t, i in found if weights[t, i] > 0])


def arcs_svg(arcs: Arcs) -> str:
    """SVG in the colour of the page's text: the words below each other and the arcs at their right."""
    height = _ROW * len(arcs.words) + 8
    most = max((weight for _, _, weight in arcs.links), default=1.0)
    words = "".join(
        f'<text x="{_LEFT - 8}" y="{_y(place) + 5}" text-anchor="end">{escape(_short(word))}</text>'
        for place, word in enumerate(arcs.words)
    )
    paths = "".join(_path(arcs, link, most) for link in reversed(arcs.links))
    named = "; ".join(f"{arcs.words[t]} reads {arcs.words[i]} {weight:.2f}" for t, i, weight in arcs.links[:5])
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" style="max-width:100%" role="img" '
        f'aria-label="Strongest links: {escape(named)}" font-size="14" fill="currentColor">{words}'
        f'<g fill="none" stroke-linecap="round">{paths}</g></svg>'
    )


def _y(place: int) -> float:
    return _ROW * (place + 0.5) + 4


def _short(word: str) -> str:
    return word if len(word) <= _CUT else word[: _CUT - 1] + "…"


def _bulge(t: int, i: int) -> float:
    """How far an arc reaches to the right, in pixels."""
    return 24 + (_WIDTH - _LEFT - 40) * 1.2 * min(1.0, abs(t - i) / 25)


def _path(arcs: Arcs, link: tuple[int, int, float], most: float) -> str:
    t, i, weight = link
    x = _LEFT + _bulge(t, i)
    colour, dash = (_BACK, "") if i < t else (_AHEAD, ' stroke-dasharray="7 5"')
    said = f"“{arcs.words[t]}” reads “{arcs.words[i]}”: {weight:.3f}"
    return (
        f'<path d="M{_LEFT} {_y(i)}C{x:.0f} {_y(i)} {x:.0f} {_y(t)} {_LEFT} {_y(t)}" stroke="{colour}"{dash} '
        f'stroke-width="{1 + 5 * weight / most:.1f}" stroke-opacity=".8"><title>{escape(said)}</title></path>'
        f'<circle cx="{_LEFT}" cy="{_y(t)}" r="3.5" fill="{colour}"/>'
    )


def arcs_figure(shown: Sequence[Arcs]) -> Figure:
    """The first texts side by side."""
    first = list(shown[:3])
    rows = max(len(arcs.words) for arcs in first)
    figure = Figure(figsize=(3.4 * len(first), 0.19 * rows + 1.1), dpi=130, facecolor="white")
    FigureCanvasAgg(figure)
    for place, arcs in enumerate(first):
        axes = figure.add_axes((place / len(first), 0.01, 1 / len(first), 0.98))
        axes.set_xlim(0, _WIDTH)
        axes.set_ylim(_ROW * (rows + 0.5), -4 * _ROW)
        axes.set_axis_off()
        axes.text(8, -3.2 * _ROW, drawable(f"{arcs.task} reads"), fontsize=9, weight="bold", va="center")
        axes.text(8, -2.1 * _ROW, "thicker: more; the dot is the word that reads", fontsize=6.5, color="#444")
        axes.text(8, -1.1 * _ROW, "solid blue: reads back, dashed orange: ahead", fontsize=6.5, color="#444")
        _draw(axes, arcs)
    return figure


def _draw(axes: Axes, arcs: Arcs) -> None:
    most = max((weight for _, _, weight in arcs.links), default=1.0)
    for place, word in enumerate(arcs.words):
        axes.text(_LEFT - 8, _y(place), drawable(_short(word)), fontsize=8, ha="right", va="center")
    for t, i, weight in reversed(arcs.links):
        x = _LEFT + _bulge(t, i)
        curve = Path([(_LEFT, _y(i)), (x, _y(i)), (x, _y(t)), (_LEFT, _y(t))], [1, 4, 4, 4])
        colour, style = (_BACK, "solid") if i < t else (_AHEAD, "dashed")
        axes.add_patch(
            PathPatch(
                curve, fill=False, edgecolor=colour, linestyle=style, linewidth=0.7 + 3 * weight / most, alpha=0.8
            )
        )
        axes.plot([_LEFT], [_y(t)], "o", color=colour, markersize=3)
