"""Sentences whose words are coloured by how much they listened, by matplotlib."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tasktalk.analysis.fragments import drawable, levels, shade

_TEXTS, _WORDS, _NOTED, _COLUMNS = 3, 60, 6, 96
_LINE, _SMALL = 4.2, 0.85  # rows of letters from one line of words to the next, and from one note to the next


@dataclass(frozen=True)
class Shown:
    """One text as one task read it.

    Args:
        sample: number of the text, from 1.
        task: the task that reads.
        words: the words.
        listened: how much each word listened.
        named: for each word the most relevant tasks or experts with their weights; in IC-MTL the words of the mailbox
            that it read most, with their share.
        read: IC-MTL: how often each word was read, 1 where as often as the mean word; else None.
    """

    sample: int
    task: str
    words: list[str]
    listened: Float[np.ndarray, " words"]
    named: list[list[tuple[str, float]]]
    read: Float[np.ndarray, " words"] | None = None


def words_figure(shown: Sequence[Shown], low: float, high: float, meaning: str) -> Figure:
    """The beginnings of the first texts, with the three strongest sources under the words that listened most.

    Args:
        shown: texts.
        low: how much is listened at the palest colour.
        high: at the darkest.
        meaning: what listening is, in words.
    """
    first = shown[:_TEXTS]
    laid = [_layout([drawable(word) for word in one.words[:_WORDS]]) for one in first]
    rows = [_LINE * (lines[-1][1] + 1) + 1.6 for lines in laid]
    height = sum(rows) + 1.5
    figure = Figure(figsize=(7.8, 0.165 * height), dpi=130, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.0, 0.98, 1.0))
    axes.set_xlim(0, _COLUMNS + 2)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    axes.text(0, 0.9, f"darker: more of {meaning}", fontsize=7.5, va="center", color="#444")
    top = 2.0
    for one, places, space in zip(first, laid, rows, strict=True):
        rest = len(one.words) - len(places)
        said = f"{drawable(one.task)} reads" + (f" (the first {len(places)} of {len(one.words)} words)" if rest else "")
        axes.text(0, top + 0.4, said, fontsize=9, weight="bold", va="center")
        _draw(axes, one, places, top + 2.0, low, high)
        top += space
    return figure


def _layout(words: Sequence[str]) -> list[tuple[int, int]]:
    """Column and line of every word; a word wider than a line has one to itself."""
    places: list[tuple[int, int]] = []
    column = line = 0
    for word in words:
        if column and column + len(word) > _COLUMNS:
            column, line = 0, line + 1
        places.append((column, line))
        column += len(word) + 2
    return places


def _draw(axes: Axes, text: Shown, places: Sequence[tuple[int, int]], top: float, low: float, high: float) -> None:
    shown = text.listened[: len(places)]
    taken: dict[int, int] = {}  # where the notes under each line end
    noted = sorted(np.argsort(-shown, kind="stable")[:_NOTED].tolist())
    for number, (column, line) in enumerate(places):
        word = drawable(text.words[number])[:_COLUMNS]
        level = levels(shown[number : number + 1], low, high)[0]
        y = top + _LINE * line
        axes.add_patch(Rectangle((column - 0.3, y - 0.75), len(word) + 0.6, 1.5, color=shade(level), linewidth=0))
        axes.text(column, y, word, family="DejaVu Sans Mono", fontsize=9, va="center")
        notes = [f"{drawable(name)[:17]} {weight:.2f}" for name, weight in text.named[number]]
        if number in noted and column >= taken.get(line, 0):
            for row, note in enumerate(notes):
                axes.text(column, y + 1.25 + _SMALL * row, note, fontsize=5.5, va="center", color="#333")
            taken[line] = column + 14
