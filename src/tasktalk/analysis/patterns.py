"""What the shared layer of IC-MTL links: arcs between words, and patterns over many texts (Fig. 4 and Table 2)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tasktalk.analysis.arcs import WORDS, Arcs, arcs_figure, arcs_svg, strongest_arcs
from tasktalk.analysis.chance import too_few
from tasktalk.analysis.fragments import drawable, sortable, switch
from tasktalk.analysis.hearing import hear_each, kind_heard, spoken
from tasktalk.analysis.mining import SHORT, Candidates, Mined, Miner, Pattern, texts_with
from tasktalk.analysis.overview import choose
from tasktalk.analysis.pattern_checks import pattern_checks
from tasktalk.analysis.picture import Part, Picture
from tasktalk.data.dataset import Examples, Molecules, Nodes
from tasktalk.data.take import take
from tasktalk.training.run import Run

_LISTED = {"word": 15, "pair": 12, "sequence": 8}  # how many of each range
_READABLE = 25  # texts of about so many words are drawn
_RARE = 1 / 3


def patterns_part(
    run: Run,
    examples: Examples,
    training: Examples | None = None,
    most: int = 400,
    drawn: int = 6,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Part | None:
    """What words take from the mailbox, in some texts and over many.

    With separate inputs each text is read by the task that it belongs to, with shared inputs by all.

    Args:
        run: a finished run.
        examples: a split of its data, or texts of a person.
        training: its training split; without it nothing can be said of what a task borrows.
        most: how many texts are counted.
        drawn: how many of them are drawn.
        advance: is told after each batch how many texts of how many are done.

    Returns:
        None for all models but IC-MTL, and where no text has a word.
    """
    kind = None if isinstance(examples.content, Molecules | Nodes) else kind_heard(run, examples)
    if kind != "beta":
        return None
    texts = spoken(take(examples, choose(examples, most, seed=0)))
    if not len(texts):
        return None
    words = run.positions(texts)
    least = max(4, round(len(texts) / 50))
    miner, shown = Miner(Candidates(words, least), len(run.tasks)), dict.fromkeys(_readable(words, texts.owner, drawn))
    halves = _halves(len(texts), texts.owner)
    for sample in hear_each(run, texts, advance):
        if sample.beta is None:
            continue
        readers = range(len(run.tasks)) if texts.owner is None else range(o := int(texts.owner[sample.row]), o + 1)
        miner.add(sample.words, sample.beta, readers, int(halves[sample.row]))
        if sample.row in shown:
            shown[sample.row] = [strongest_arcs(run.tasks[k].name, sample.words, sample.beta[k]) for k in readers]
    mined = miner.result()
    rows = _listed(mined, [task.name for task in run.tasks], training, texts.owner is None)
    drawings = [arcs for arcs in shown.values() if arcs]
    pictures = [_arcs_picture(drawings), *([_table_picture(rows, len(texts), least)] if rows else [])]
    return Part("patterns", "Patterns", _lead(mined, rows, least), pictures, pattern_checks(mined, _few(run, texts)))


def _few(run: Run, texts: Examples) -> str:
    """Why these are too few texts to compare halves of them; empty if they are not."""
    each = np.full(len(run.tasks), len(texts)) if texts.owner is None else np.bincount(texts.owner)
    return too_few(len(texts), each[each > 0].tolist(), "text")


def _readable(words: Sequence[Sequence[str]], owner: Int[np.ndarray, " texts"] | None, drawn: int) -> list[int]:
    """Texts that are short enough to be drawn whole, of as many tasks as there are."""
    order = sorted(range(len(words)), key=lambda row: (abs(len(words[row]) - _READABLE), row))
    times: dict[int, int] = {}
    rank = {}
    for row in order:
        task = -1 if owner is None else int(owner[row])
        rank[row] = times[task] = times.get(task, -1) + 1
    return sorted(order, key=lambda row: rank[row])[:drawn]


def _halves(count: int, owner: Int[np.ndarray, " texts"] | None) -> Int[np.ndarray, " texts"]:
    """Every second text of each task."""
    halves = np.zeros(count, dtype=np.int64)
    groups = np.zeros(count, dtype=np.int64) if owner is None else owner
    for task in np.unique(groups):
        its = np.flatnonzero(groups == task)
        halves[its] = np.arange(len(its)) % 2
    return halves


@dataclass(frozen=True)
class Listed:
    """A pattern in the table.

    Args:
        pattern: the pattern.
        texts: how many of the counted texts hold it.
        lift: how much stronger it is read than its words usually are.
        weaker: the same in that half of the texts where it is less.
        strongest: the task that reads it most, with its lift.
        frequent: tasks in whose training texts it is frequent, with the share of these texts.
        borrowed: tasks that read it more than its words usually are, in two texts or more, though it is rare in their
            training texts.
    """

    pattern: Pattern
    texts: int
    lift: float
    weaker: float
    strongest: str
    frequent: str
    borrowed: str


def _listed(mined: Mined, tasks: Sequence[str], training: Examples | None, shared: bool) -> list[Listed]:
    """The patterns with the highest lift in the weaker half, of each kind and range."""
    weaker = np.minimum(mined.lift(half=0), mined.lift(half=1))
    groups: dict[tuple[str, str], list[int]] = {}
    for number in np.argsort(-weaker, kind="stable")[: int(np.isfinite(weaker).sum())].tolist():
        pattern = mined.patterns[number]
        groups.setdefault((pattern.kind, pattern.range), []).append(number)
    order = [(kind, near) for kind in _LISTED for near in ("any", "short", "long") if (kind, near) in groups]
    chosen = [number for kind, near in order for number in groups[kind, near][: _LISTED[kind]]]
    by_task = mined.support.sum(axis=0)
    support = by_task.max(axis=0) if shared else by_task.sum(axis=0)
    lifts = np.stack([mined.lift(task=k)[chosen] for k in range(len(tasks))])
    shares = _training_shares([mined.patterns[number] for number in chosen], training, len(tasks))
    overall = mined.lift()
    return [
        Listed(
            mined.patterns[number],
            int(support[number]),
            float(overall[number]),
            float(weaker[number]),
            _strongest(tasks, lifts[:, place]),
            *("", "")
            if shares is None
            else _origin(tasks, np.where(by_task[:, number] > 1, lifts[:, place], 0), shares[:, place]),
        )
        for place, number in enumerate(chosen)
    ]


def _strongest(tasks: Sequence[str], lifts: Float[np.ndarray, " tasks"]) -> str:
    best = int(np.nanargmax(lifts))
    return f"{tasks[best]} {lifts[best]:.2f}"


def _training_shares(
    patterns: Sequence[Pattern], training: Examples | None, tasks: int
) -> Float[np.ndarray, "tasks patterns"] | None:
    """The share of each task's own training texts that hold each pattern; NaN of a task without training texts."""
    if training is None:
        return None
    texts, shares = training.tokens, np.full((tasks, len(patterns)), np.nan)
    for k in range(tasks):
        own = ~np.isnan(training.labels[:, k]) if training.owner is None else training.owner == k
        its = [texts[row] for row in np.flatnonzero(own)]
        if its:
            shares[k] = texts_with(patterns, its) / len(its)
    return shares


def _origin(
    tasks: Sequence[str], lifts: Float[np.ndarray, " tasks"], shares: Float[np.ndarray, " tasks"]
) -> tuple[str, str]:
    """Where a pattern is frequent in training, and which tasks use it though it is rare in theirs."""
    if np.isnan(shares).all() or not np.nanmax(shares) > 0:
        return "", ""
    order = [k for k in np.argsort(-shares, kind="stable") if shares[k] > 0][:2]
    rare = [k for k in np.argsort(-lifts, kind="stable") if lifts[k] > 1 and shares[k] <= _RARE * np.nanmax(shares)][:2]
    return tuple(", ".join(f"{tasks[k]} {shares[k]:.1%}" for k in its) for its in (order, rare))  # type: ignore[return-value]


def _lead(mined: Mined, rows: Sequence[Listed], least: int) -> str:
    lead = (
        "In IC-MTL every word reads from all words of its text, which the shared layer has put into a mailbox (beta of "
        "Eq. 8). The arcs show single texts"
    )
    if not rows:
        return lead + f"; no two words stand together in {least} texts or more, so there are no patterns to count."
    return (
        f"{lead}; the table lists what is linked most over many. Lift compares with chance: for a word 1 is uniform "
        "reading, for a pair or a sequence what uniform reading gives its words, times how often each of them is read "
        "by any word. That words are linked does not say that the answer depends on them."
    )


def _arcs_picture(drawings: Sequence[Sequence[Arcs]]) -> Picture:
    first = drawings[0][0]
    named = "; ".join(f"“{first.words[t]}” reads “{first.words[i]}” ({w:.2f})" for t, i, w in first.links[:3])
    text = (
        f"Thickness: how much of its reading the word at the dot took from the word at the other end; solid blue reads "
        f"back, dashed orange ahead. The {len(first.links)} strongest links among the first {WORDS} words are shown"
        + (f"; in the first text, as {first.task} reads it: {named}." if named else ".")
    )
    panels = []
    for number, tasks in enumerate(drawings, start=1):
        start = " ".join(tasks[0].words[:7]) + (" …" if len(tasks[0].words) > 7 else "")
        inner = switch(
            f"arcs-{number}", "Task that reads:", [(f"read by {arcs.task}", arcs_svg(arcs)) for arcs in tasks]
        )
        panels.append((f"{number}. {start}", inner))
    rows = [
        (number, arcs.task, t + 1, arcs.words[t], i + 1, arcs.words[i], weight)
        for number, tasks in enumerate(drawings, start=1)
        for arcs in tasks
        for t, i, weight in arcs.links
    ]
    header = ["text", "task", "position", "word", "position read", "word read", "beta"]
    figure = arcs_figure([tasks[0] for tasks in drawings])
    return Picture("arcs", "Who reads which word", text, figure, header, rows, switch("arcs", "Text:", panels))


def _table_picture(rows: Sequence[Listed], texts: int, least: int) -> Picture:
    header = ["reader", "reads", "kind", "range", "texts", "lift", "lift, weaker half", "strongest in"]
    header += ["frequent in the training texts of", "used, though rare in own training texts, by"]
    cells: list[list[object]] = [
        [
            row.pattern.reader or "any word",
            " ".join(row.pattern.read),
            row.pattern.kind,
            row.pattern.range,
            *(row.texts, row.lift, row.weaker, row.strongest, row.frequent, row.borrowed),
        ]
        for row in rows
    ]
    best = rows[0]
    reader = f"“{best.pattern.reader}”" if best.pattern.reader else "any word"
    borrowed = sum(bool(row.borrowed) for row in rows)
    text = (
        f"{len(rows)} patterns that stand in at least {least} of {texts} texts, of each kind and range those with the "
        f"highest lift in the half of the texts where it is lower. Short: at most {SHORT} words apart. The first is "
        f"{reader} reading “{' '.join(best.pattern.read)}”, lift {best.lift:.2f}. "
        f"{borrowed} are used by a task in whose own training texts they are at most a third as frequent as in "
        "another's; use is no proof that they were learned there."
    )
    page = sortable(header, cells, caption="Patterns that the shared layer links most")
    return Picture("patterns", "Patterns over many texts", text, _bars(rows), header, cells, page)


def _bars(rows: Sequence[Listed]) -> Figure:
    """The lifts, each with its weaker half as a dot."""
    figure = Figure(figsize=(7, 0.19 * len(rows) + 1), dpi=130, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.42, 0.5 / (0.19 * len(rows) + 1), 0.55, 1 - 0.6 / (0.19 * len(rows) + 1)))
    places = np.arange(len(rows))
    axes.barh(places, [row.lift for row in rows], color="#8fbfe0", height=0.7)
    axes.plot([row.weaker for row in rows], places, "o", color="black", markersize=3)
    axes.axvline(1, color="#666", linewidth=0.8)
    names = [
        f"{row.pattern.reader or 'any word'} ← {' '.join(row.pattern.read)}"
        + (f" ({row.pattern.range})" if row.pattern.range != "any" else "")
        for row in rows
    ]
    axes.set_yticks(places, [drawable(name) for name in names], fontsize=7)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("lift; dot: in the weaker half of the texts; line: chance", fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
