"""What a report consists of: parts with pictures, each with its numbers, and with checks that could have failed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure
from plotly.graph_objects import Figure as Interactive


@dataclass(frozen=True)
class Picture:
    """One picture in all its forms.

    Args:
        name: stem of its files, unlike that of every other picture of the report.
        title: stands above it.
        text: what is to be seen, in words: it stands for the picture where that cannot be seen.
        figure: for PNG and SVG.
        header: names of the columns of its numbers.
        rows: its numbers.
        interactive: what the page shows in place of ``figure``: a figure of plotly, or HTML in which everything that
            comes from data is escaped. None shows ``figure``.
    """

    name: str
    title: str
    text: str
    figure: Figure
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    interactive: Interactive | str | None = None


@dataclass(frozen=True)
class Check:
    """One check of what pictures show.

    Args:
        name: what is checked, such as ``spread over samples``.
        passed: None if it could not be made.
        sentence: what was found, with its numbers.
    """

    name: str
    passed: bool | None
    sentence: str


@dataclass(frozen=True)
class Part:
    """A section of the report.

    Args:
        name: its anchor in the page.
        title: its heading.
        lead: what it shows and how to read it, in one to three sentences.
        pictures: what it shows, in order; none if ``lead`` says why.
        checks: how far to trust it.
    """

    name: str
    title: str
    lead: str
    pictures: Sequence[Picture]
    checks: Sequence[Check] = field(default=())
