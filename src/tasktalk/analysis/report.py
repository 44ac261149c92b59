"""The report: one HTML file that needs nothing else, and every picture as PNG, SVG and CSV."""

import base64
import csv
import gzip
import hashlib
import io
import json
import re
import warnings
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tasktalk.analysis.folder import replace_files
from tasktalk.analysis.fragments import sortable
from tasktalk.analysis.picture import Check, Part, Picture
from tasktalk.core.files import write_text

MOST_ROWS = 300
"""So many rows of a picture's numbers stand in the page; all of them in its CSV."""
_LARGEST_SVG = 120_000
_VERDICTS = {
    True: ("passes", "✓", "passes"),
    False: ("fails", "✗", "does not pass"),
    None: ("missing", "–", "not made"),
}
_FOOTER = (
    "Weights are what the model computed. They are no proof that one task helped another: that is what the checks are "
    "for. This page opens without a network and sends nothing anywhere."
)


def write_report(
    parts: Sequence[Part], facts: Sequence[tuple[str, str]], path: Path, title: str = "What the tasks said"
) -> None:
    """Write the page, whole or not at all.

    Args:
        parts: its sections; their names differ, and so do those of all pictures.
        facts: what it is about: names and values, above everything else.
        path: the HTML file.
        title: its heading.

    Raises:
        RunFolderError: it cannot be written.
    """
    write_text(path, page(parts, facts, title))


def save_pictures(parts: Sequence[Part], folder: Path) -> list[Path]:
    """Write every picture as PNG, SVG and CSV, and remove those that only an earlier report wrote there.

    Returns:
        The files.

    Raises:
        RunFolderError: the folder cannot be made or written.
    """
    files: dict[str, bytes] = {}
    for picture in (picture for part in parts for picture in part.pictures):
        for form in ("png", "svg"):
            files[f"{picture.name}.{form}"] = drawn(picture.figure, form)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([picture.header, *picture.rows])
        files[f"{picture.name}.csv"] = text.getvalue().encode()
    return replace_files(folder, files)


def drawn(figure: Figure, form: str) -> bytes:
    """A figure as PNG or SVG with a transparent background; the same figure always gives the same bytes."""
    FigureCanvasAgg(figure)
    file = io.BytesIO()
    metadata = {"Date": None} if form == "svg" else {}
    with warnings.catch_warnings(), rc_context({"svg.hashsalt": "tasktalk"}):
        warnings.filterwarnings("ignore", message="Glyph")  # a script that the font lacks is drawn as boxes
        figure.savefig(file, format=form, bbox_inches="tight", transparent=True, metadata=metadata, dpi=110)
    return file.getvalue()


def page(parts: Sequence[Part], facts: Sequence[tuple[str, str]], title: str) -> str:
    """The page as text. Names, values and sentences are escaped here; HTML of pictures is as they made it."""
    style, script = (_package(name) for name in ("page.css", "page.js"))
    sources, data = [script], ""
    if any(_is_plot(picture) for part in parts for picture in part.pictures):
        from plotly.offline import get_plotlyjs

        plotly = get_plotlyjs()
        sources.append(plotly)
        packed = base64.b64encode(gzip.compress(plotly.encode(), mtime=0)).decode()
        data = f'<script type="text/plain" id="plotly">{packed}</script>'
    return Template(_package("page.html")).substitute(
        policy=_policy(sources),
        title=escape(title),
        style=style,
        script=script,
        data=data,
        facts="\n".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts),
        summary=_summary(parts),
        contents="\n".join(f'<li><a href="#{_anchor(p.name)}">{escape(p.title)}</a></li>' for p in parts),
        parts="\n".join(map(_part, parts)),
        footer=_FOOTER,
    )


def told(parts: Sequence[Part]) -> str:
    """How many checks pass, in a sentence."""
    made = [check.passed for part in parts for check in part.checks]
    if not made:
        return "No check was made."
    counts = (made.count(True), made.count(False), made.count(None))
    words = ("passed", "did not pass", "could not be made")
    told = [f"{count} {word}" for count, word in zip(counts, words, strict=True) if count]
    return f"Of {len(made)} checks {', '.join(told)}."


def _package(name: str) -> str:
    return files("tasktalk.analysis").joinpath(name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """Nothing is fetched, and of scripts only ours run, known by their hashes."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _anchor(name: str) -> str:
    return "part-" + re.sub(r"[^\w-]", "-", name)


def _is_plot(picture: Picture) -> bool:
    return picture.interactive is not None and not isinstance(picture.interactive, str)


def _summary(parts: Sequence[Part]) -> str:
    rows = "\n".join(
        f'<tr><td><a href="#{_anchor(part.name)}">{escape(part.title)}</a></td><td>{escape(check.name)}</td>'
        f"<td>{_verdict(check)}</td></tr>"
        for part in parts
        for check in part.checks
    )
    if not rows:
        return f"<p>{told(parts)}</p>"
    head = "".join(f"<th><button type='button'>{name}</button></th>" for name in ("Part", "Check", "Result"))
    table = f'<table class="sortable"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f"<p>{told(parts)}</p>{_scroll(table, 'All checks')}"


def _verdict(check: Check) -> str:
    style, sign, word = _VERDICTS[check.passed]
    return f'<span class="verdict {style}"><span aria-hidden="true">{sign}</span> {word}</span>'


def _part(part: Part) -> str:
    name = _anchor(part.name)
    checks = "".join(
        f"<li>{_verdict(check)} <strong>{escape(check.name)}</strong>: {escape(check.sentence)}</li>"
        for check in part.checks
    )
    trust = f'<h3>How far to trust it</h3><ul class="checks">{checks}</ul>' if checks else ""
    pictures = "\n".join(map(_picture, part.pictures))
    heading = f'<h2 id="{name}">{escape(part.title)}</h2><p>{escape(part.lead)}</p>'
    return f'<section aria-labelledby="{name}">{heading}\n{pictures}\n{trust}</section>'


def _picture(picture: Picture) -> str:
    name = "picture-" + re.sub(r"[^\w-]", "-", picture.name)
    title, text = escape(picture.title), escape(picture.text)
    shown = picture.interactive
    if shown is None:
        visual = f'<img class="picture" src="{_data_uri(picture.figure)}" alt="{title}. {text}">'
        data = ""
    elif isinstance(shown, str):
        visual, data = shown, ""
    else:
        visual = f'<div class="plot" role="img" aria-label="{title}" data-figure="{name}-data"></div>'
        content = json.dumps(json.loads(shown.to_json()), separators=(",", ":")).replace("<", "\\u003c")
        data = f'<script type="application/json" id="{name}-data">{content}</script>'
    numbers = "" if isinstance(shown, str) and "<table" in shown else _numbers(picture)  # they are the picture
    return (
        f'<figure aria-labelledby="{name}" aria-describedby="{name}-text"><h3 id="{name}">{title}</h3>'
        f'{_scroll(visual, picture.title)}<figcaption id="{name}-text">{text}</figcaption>{numbers}{data}'
        "</figure>"
    )


def _scroll(content: str, label: str) -> str:
    """A box that scrolls instead of the page, also by keyboard."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">{content}</div>'


def _data_uri(figure: Figure) -> str:
    """As an image nothing in an SVG is run, and its names cannot clash with those of another."""
    vector = drawn(figure, "svg")
    kind, content = ("svg+xml", vector) if len(vector) <= _LARGEST_SVG else ("png", drawn(figure, "png"))
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _numbers(picture: Picture) -> str:
    more = f", the first {MOST_ROWS} of {len(picture.rows)} rows" if len(picture.rows) > MOST_ROWS else ""
    table = sortable(picture.header, picture.rows[:MOST_ROWS], ".3g")
    return (
        f"<details><summary>Numbers{more} (all in {escape(picture.name)}.csv)</summary>"
        f"{_scroll(table, f'Numbers of: {picture.title}')}</details>"
    )
