"""Pieces of the report's HTML in which everything that comes from data is escaped."""

from collections.abc import Sequence
from html import escape

import numpy as np
from jaxtyping import Float

LEVELS = 9
"""Shades from the least to the most."""
_LONGEST_LINE = 24  # of a cell, in characters


def switch(group: str, label: str, panels: Sequence[tuple[str, str]]) -> str:
    """One panel at a time, chosen from a list: the page's script shows the panel of the chosen option.

    Args:
        group: unlike that of every other switch of the page.
        label: what is chosen.
        panels: what the option says, and the HTML of its panel. The first is shown.
    """
    if len(panels) == 1:
        return f"<section><h4>{escape(panels[0][0])}</h4>{panels[0][1]}</section>"
    names, contents = zip(*panels, strict=True)
    return f'<div class="switch">{chooser(group, label, names)}{choices(group, contents)}</div>'


def chooser(group: str, label: str, names: Sequence[str]) -> str:
    """The list from which one of the ``choices`` of a group is chosen."""
    options = "".join(f'<option value="{number}">{escape(name)}</option>' for number, name in enumerate(names))
    select = f'<select data-switch="{group}" style="max-width:100%">{options}</select>'
    return f"<label>{escape(label)} {select}</label>"


def choices(group: str, contents: Sequence[str], element: str = "section") -> str:
    """HTML of which one piece is shown, at first the first."""
    return "".join(
        f'<{element} data-group="{group}" data-panel="{number}"{" hidden" if number else ""}>{content}</{element}>'
        for number, content in enumerate(contents)
    )


def sortable(
    header: Sequence[str], rows: Sequence[Sequence[object]], numbers: str | Sequence[str] = ".2f", caption: str = ""
) -> str:
    """A table that the page sorts by any column.

    Args:
        header: names of the columns.
        rows: numbers and words; None and what is no number are shown as a dash.
        numbers: format of numbers with a decimal point, or one for each column.
        caption: stands above it.
    """
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    formats = [numbers] * len(header) if isinstance(numbers, str) else numbers
    body = "\n".join("<tr>" + "".join(map(_cell, row, formats)) + "</tr>" for row in rows)
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<table class="sortable">{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _cell(value: object, numbers: str) -> str:
    if value is None or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return '<td data-value="">–</td>'
    if isinstance(value, float | np.floating):
        return f'<td data-value="{value:.6g}">{value:{numbers}}</td>'
    text = escape(str(value))
    wraps = ' class="long"' if len(str(value)) > _LONGEST_LINE else ""
    return f'<td data-value="{text}"{wraps}>{text}</td>'


def counted(number: int, noun: str) -> str:
    """A number and what it counts: 1 edge, 2 edges."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def plotly_text(text: str) -> str:
    """A text for plotly, which reads some HTML: of names of characters it knows ``&amp;``, not ``&quot;``."""
    return escape(text, quote=False)


def shade(level: int) -> tuple[float, float, float, float]:
    """Red, green, blue and opacity of a level: one blue on which black and white text can be read on any page."""
    return (0.0, 0.45, 0.70, 0.75 * level / (LEVELS - 1))


def shade_rules(selector: str) -> str:
    """CSS of the levels: ``selector`` and a number; also a line below the word that gets thicker, not colour alone."""
    rules = []
    for level in range(LEVELS):
        red, green, blue, opacity = shade(level)
        colour = f"rgba({red * 255:.0f},{green * 255:.0f},{blue * 255:.0f},{opacity:.2f})"
        rules.append(f"{selector}{level}{{background:{colour};border-bottom:{level / 2:g}px solid currentColor}}")
    return "".join(rules)


def levels(values: Float[np.ndarray, " n"], low: float, high: float) -> list[int]:
    """The shade of each value, from 0 at ``low`` to ``LEVELS`` - 1 at ``high``; the middle if these are equal."""
    if high <= low:
        return [LEVELS // 2] * len(values)
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.minimum((share * LEVELS).astype(int), LEVELS - 1).tolist()


def drawable(text: str) -> str:
    """A text for matplotlib: letters that its font lacks become a replacement character, ``$`` begins no formula."""
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont("DejaVu Sans Mono"))
    return "".join(c if c.isprintable() and font.get_char_index(ord(c)) else "\ufffd" for c in text).replace("$", r"\$")
