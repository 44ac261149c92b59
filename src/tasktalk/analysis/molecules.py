"""Molecules whose atoms are coloured by whom they listened to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from tasktalk.analysis.chance import too_few
from tasktalk.analysis.fragments import choices, chooser, counted, drawable, switch
from tasktalk.analysis.hearing import Heard, hear_each, kind_heard
from tasktalk.analysis.overview import choose, source_names
from tasktalk.analysis.picture import Check, Part, Picture
from tasktalk.data.atoms import parse, require_rdkit
from tasktalk.data.dataset import Examples, Molecules
from tasktalk.data.take import take
from tasktalk.training.run import Run

_MOST_CIRCLES = 12_000
"""Atoms of all panels together: each is an element of the page."""
_WIDTH, _HEIGHT, _RADIUS = 360, 270, 11
_COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999")  # Okabe and Ito
_HABIT, _EVEN = 0.9, 1.2


@dataclass(frozen=True)
class Drawn:
    """One molecule as one task read it.

    Args:
        sample: number of the molecule, from 1.
        smiles: the molecule.
        task: the task that reads.
        atoms: symbols of the atoms.
        strongest: the source that each atom listened to most; a task's own states are none.
        share: its weight.
        own: the weight of the task's own states; None where the sources are experts.
    """

    sample: int
    smiles: str
    task: str
    atoms: list[str]
    strongest: Int[np.ndarray, " atoms"]
    share: Float[np.ndarray, " atoms"]
    own: Float[np.ndarray, " atoms"] | None


def molecules_part(run: Run, examples: Examples, most: int = 12) -> Part | None:
    """Some molecules: which source each atom listened to most, for every task.

    Args:
        run: a finished run.
        examples: a split of its data, or molecules of a person.
        most: how many molecules; fewer where they are large and there are many tasks.

    Returns:
        None for texts and nodes, and for models whose weights are the same for all atoms or that pass no messages.

    Raises:
        TasktalkError: RDKit is not installed.
    """
    if not isinstance(examples.content, Molecules):
        return None
    require_rdkit()
    kind = kind_heard(run, examples)
    if kind not in {"weights", "experts"}:
        return None
    chosen = take(examples, choose(examples, most, seed=0))
    heard = sorted(hear_each(run, chosen), key=lambda sample: sample.row)
    sources = source_names(run.hear(take(chosen, np.arange(1))))
    drawn = _drawn(heard, run.shown(chosen), [task.name for task in run.tasks], kind == "weights")
    lead = (
        f"The colour and the number of an atom say which {'expert' if kind == 'experts' else 'other task'} it listened "
        "to most, the strength of the colour how large that share was. A share says what an atom took, not that the "
        "answer would change without it, nor that the atom is the cause of an effect."
    )
    return Part("molecules", "Molecules", lead, [_picture(drawn, sources)], _checks(drawn, len(sources)))


def _drawn(heard: Sequence[Heard], smiles: Sequence[str], tasks: Sequence[str], between: bool) -> list[Drawn]:
    """The molecules and the tasks that read them, as many as the page can hold."""
    room = _MOST_CIRCLES
    drawn: list[Drawn] = []
    for sample in heard:
        fitting = range(min(len(tasks), room // len(sample.words)))
        if len(fitting) < len(tasks) and drawn:
            break
        room -= len(fitting) * len(sample.words)
        drawn += [_of_task(sample, smiles[sample.row], k, tasks[k], between) for k in fitting]
    return drawn


def _of_task(sample: Heard, smiles: str, k: int, task: str, between: bool) -> Drawn:
    assert sample.weights is not None  # noqa: S101  # so the caller has looked
    weights = sample.weights[k].copy()
    own = weights[:, k].copy() if between else None
    if between:
        weights[:, k] = -1
    strongest = weights.argmax(axis=-1)
    share = np.maximum(weights.max(axis=-1), 0)
    return Drawn(sample.row + 1, smiles, task, sample.words, strongest, share, own)


def _picture(drawn: Sequence[Drawn], sources: Sequence[str]) -> Picture:
    low, high = 1 / len(sources), max(float(one.share.max()) for one in drawn)
    first = drawn[0]
    atom = int(first.share.argmax())
    repeated = (
        f" Colours repeat after {len(_COLOURS)} sources; the number tells." if len(sources) > len(_COLOURS) else ""
    )
    text = (
        f"Colour and number: the source that weighed most at an atom; strength: its share, pale at {low:.2f} (all "
        f"sources alike) and strong at {high:.2f}. In the first molecule, as {first.task} reads it, atom {atom + 1} "
        f"({first.atoms[atom]}) took most from one source: {first.share[atom]:.2f} from "
        f"{sources[first.strongest[atom]]}.{repeated}"
    )
    header = ["molecule", "smiles", "task", "atom", "symbol", "strongest source", "share", "own share"]
    rows = [
        (
            *(one.sample, one.smiles, one.task, atom + 1, symbol, sources[one.strongest[atom]]),
            *(float(one.share[atom]), "" if one.own is None else float(one.own[atom])),
        )
        for one in drawn
        for atom, symbol in enumerate(one.atoms)
    ]
    by_sample: dict[int, list[Drawn]] = {}
    for one in drawn:
        by_sample.setdefault(one.sample, []).append(one)
    figure = _figure(list(by_sample.values()), sources, low, high)
    page = _html(list(by_sample.values()), sources, low, high)
    return Picture("molecules", "Whom each atom listened to", text, figure, header, rows, page)


def _opacity(share: float, low: float, high: float) -> float:
    return 0.12 + 0.83 * float(np.clip((share - low) / max(high - low, 1e-9), 0, 1))


def _sketch(smiles: str, drawer: Any) -> list[tuple[float, float]]:
    """Draw a molecule in black on nothing, and say where its atoms are."""
    from rdkit.Chem.Draw.rdMolDraw2D import PrepareMolForDrawing

    options = drawer.drawOptions()
    options.clearBackground = False
    options.useBWAtomPalette()
    options.padding = 0.09
    molecule = PrepareMolForDrawing(parse(smiles), addChiralHs=False)
    drawer.DrawMolecule(molecule)
    points = [drawer.GetDrawCoords(atom) for atom in range(molecule.GetNumAtoms())]
    drawer.FinishDrawing()
    return [(point.x, point.y) for point in points]


def _html(molecules: Sequence[Sequence[Drawn]], sources: Sequence[str], low: float, high: float) -> str:
    """A choice of molecules and, in each, of tasks; the circles of a task lie under the drawing."""
    from rdkit.Chem.Draw.rdMolDraw2D import MolDraw2DSVG

    panels = []
    for number, tasks in enumerate(molecules, start=1):
        drawer = MolDraw2DSVG(_WIDTH, _HEIGHT)
        points = _sketch(tasks[0].smiles, drawer)
        svg = drawer.GetDrawingText()
        inside = svg[svg.index("<!-- END OF HEADER -->") :]
        sketch = re.sub(r" class='[^']*'", "", inside).replace("</svg>", "")
        smiles = tasks[0].smiles if len(tasks[0].smiles) <= 60 else tasks[0].smiles[:59] + "…"
        cards = [(f"read by {one.task}", _card(one, points, sources, low, high)) for one in tasks]
        base = (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" style="display:block;position:absolute;left:0;top:0;width:100%;'
            f'pointer-events:none" aria-hidden="true">{sketch}</svg>'
        )
        panels.append((f"{number}. {smiles}", _stacked(f"molecules-{number}", cards, base)))
    return f'<div class="tt-molecules">{_legend(sources)}{switch("molecules", "Molecule:", panels)}</div>'


def _stacked(group: str, cards: Sequence[tuple[str, str]], above: str) -> str:
    """As ``fragments.switch``, with one drawing above all panels: it is in the page only once."""
    names, contents = zip(*cards, strict=True)
    return (
        f"{chooser(group, 'Task that reads:', names)}"
        f'<div style="position:relative;background:#fff;color:#000;border:1px solid #999;border-radius:6px;'
        f'max-width:{_WIDTH * 1.5:.0f}px;margin:.5rem 0">{choices(group, contents, "div")}{above}</div>'
    )


def _card(one: Drawn, points: Sequence[tuple[float, float]], sources: Sequence[str], low: float, high: float) -> str:
    circles = []
    for atom, (x, y) in enumerate(points):
        source, share = int(one.strongest[atom]), float(one.share[atom])
        said = escape(f"{one.atoms[atom]} {atom + 1}: {sources[source]} {share:.2f}")
        circles.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{_RADIUS}" fill="{_COLOURS[source % len(_COLOURS)]}" '
            f'fill-opacity="{_opacity(share, low, high):.2f}"><title>{said}</title></circle>'
            f'<text x="{x + 7:.0f}" y="{y + 16:.0f}">{source + 1}</text>'
        )
    label = f"{one.smiles}, read by {one.task}; its atoms listened most to {_most_heard(one, sources)}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" style="display:block;width:100%" role="img" '
        f'aria-label="{escape(label)}" font-size="10" fill="#222">{"".join(circles)}</svg>'
    )


def _most_heard(one: Drawn, sources: Sequence[str]) -> str:
    counts = np.bincount(one.strongest, minlength=len(sources))
    most = (k for k in np.argsort(-counts, kind="stable")[:3] if counts[k])
    return ", ".join(f"{sources[k]} ({counted(int(counts[k]), 'atom')})" for k in most)


def _legend(sources: Sequence[str]) -> str:
    entries = "".join(
        f'<span style="white-space:nowrap"><svg width="14" height="14" aria-hidden="true"><circle cx="7" cy="7" r="6" '
        f'fill="{_COLOURS[k % len(_COLOURS)]}"/></svg> {k + 1} {escape(name)}</span> '
        for k, name in enumerate(sources)
    )
    return f'<p style="display:flex;flex-wrap:wrap;gap:.2rem 1rem">{entries}</p>'


def _figure(molecules: Sequence[Sequence[Drawn]], sources: Sequence[str], low: float, high: float) -> Figure:
    """The first three molecules, each as the first three tasks read it."""
    rows, columns = molecules[:3], min(3, len(molecules[0]))
    figure = Figure(figsize=(3.2 * columns, 2.7 * len(rows) + 0.5), dpi=130, facecolor="white")
    FigureCanvasAgg(figure)
    figure.subplots_adjust(0.01, 0.01, 0.99, 1 - 0.65 / (2.7 * len(rows) + 0.5), 0.05, 0.12)
    for row, tasks in enumerate(rows):
        for column, one in enumerate(tasks[:columns]):
            _draw(figure.add_subplot(len(rows), columns, row * columns + column + 1), one, low, high)
    used = sorted({int(k) for tasks in rows for one in tasks[:columns] for k in one.strongest})
    handles = [Circle((0, 0), color=_COLOURS[k % len(_COLOURS)], label=drawable(f"{k + 1} {sources[k]}")) for k in used]
    figure.legend(handles=handles, loc="upper left", ncols=2 * columns, fontsize=7, frameon=False)
    return figure


def _draw(axes: Axes, one: Drawn, low: float, high: float) -> None:
    from matplotlib.image import imread
    from rdkit.Chem.Draw.rdMolDraw2D import MolDraw2DCairo

    drawer = MolDraw2DCairo(2 * _WIDTH, 2 * _HEIGHT)
    points = _sketch(one.smiles, drawer)
    axes.imshow(imread(BytesIO(drawer.GetDrawingText())), extent=(0, 2 * _WIDTH, 2 * _HEIGHT, 0), zorder=2)
    for (x, y), source, share in zip(points, one.strongest.tolist(), one.share.tolist(), strict=True):
        colour = _COLOURS[source % len(_COLOURS)]
        alpha = _opacity(share, low, high)
        axes.add_patch(Circle((x, y), 2 * _RADIUS, color=colour, alpha=alpha, linewidth=0, zorder=1))
        axes.text(x + 14, y + 30, str(source + 1), fontsize=6, color="#222", zorder=3)
    axes.set_title(drawable(f"{one.sample}, read by {one.task}"), fontsize=7.5)
    axes.set_axis_off()


def _checks(drawn: Sequence[Drawn], sources: int) -> list[Check]:
    if problem := too_few(sum({one.sample: len(one.atoms) for one in drawn}.values()), what="atom"):
        return [Check("atoms differ from each other", None, problem)]
    free = sources - (drawn[0].own is not None)
    if free < 2:
        return [Check("atoms differ from each other", None, "There is one source only, so no atom can choose.")]
    return [_habit_check(drawn, sources), _even_check(drawn, sources)]


def _habit_check(drawn: Sequence[Drawn], sources: int) -> Check:
    by_task: dict[str, list[np.ndarray]] = {}
    for one in drawn:
        by_task.setdefault(one.task, []).append(one.strongest)
    counts = [np.bincount(np.concatenate(parts), minlength=sources) for parts in by_task.values()]
    share = sum(int(count.max()) for count in counts) / sum(int(count.sum()) for count in counts)
    sentence = f"{share:.0%} of the atoms listen most to the source that most atoms of the task listen to. "
    if share < _HABIT:
        return Check("atoms differ from each other", True, sentence + "The rest depends on the atom.")
    said = "The picture tells about the tasks, and next to nothing about single atoms."
    return Check("atoms differ from each other", False, sentence + said)


def _even_check(drawn: Sequence[Drawn], sources: int) -> Check:
    share = float(np.concatenate([one.share for one in drawn]).mean())
    sentence = f"The strongest source has a share of {share:.3f} on average; all alike would have {1 / sources:.3f}. "
    if share * sources >= _EVEN:
        return Check("sources differ from each other", True, sentence + "Atoms prefer a source.")
    return Check(
        "sources differ from each other", False, sentence + "The preference is so weak that it may mean nothing."
    )
