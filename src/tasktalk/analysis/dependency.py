"""Who listens to whom in general: a heat map with trees, a graph, and a table (dependency paper, Fig. 1 and 4a)."""

import numpy as np
from jaxtyping import Float, Int

from tasktalk.analysis.circle import Edge, circle_figure, circle_plot, strongest_edges
from tasktalk.analysis.dependency_checks import dependency_checks
from tasktalk.analysis.dependency_table import table_picture
from tasktalk.analysis.dependency_view import View, finding, listened_to, look, others, silent, without_diagonal
from tasktalk.analysis.fragments import counted
from tasktalk.analysis.heatmap import Heat, heat_figure, heat_plot, short
from tasktalk.analysis.overview import Overview
from tasktalk.analysis.picture import Part, Picture
from tasktalk.analysis.spread import counts, fixed_diagonal, strongest, unsure
from tasktalk.analysis.tree import Tree

_TITLE = "Who listens to whom in general"
_FAINT = 0.1
"""Edges below this share of a listener's strongest are not drawn."""
_NOT_SHOWN = "A weight is what the model computed; what it was worth to a task, the deletion test says."


def dependency_part(overview: Overview) -> Part:
    """Mean weights of an overview as a heat map, beside them what the model learned in general, a graph and a table.

    Args:
        overview: weights of every sample.
    """
    if overview.between_tasks and len(overview.tasks) < 2:
        return Part("dependency", _TITLE, "This run has one task: there is nobody that it could listen to.", ())
    view = look(overview)
    pictures = [_weights(view)]
    if overview.general is not None and not np.allclose(overview.general, overview.mean(), atol=1e-6, equal_nan=True):
        pictures.append(_general(view, overview.general))
    if overview.between_tasks:
        pictures.append(_graph(view))
    pictures.append(table_picture(view))
    return Part("dependency", _TITLE, _lead(view), pictures, dependency_checks(view))


def _lead(view: View) -> str:
    overview = view.overview
    over = "each task's own samples" if overview.owner is not None else "all samples, which every task reads"
    missing = silent(overview)
    without = f" No samples of {', '.join(missing)}: their rows stay empty." if missing else ""
    experts = "" if overview.between_tasks else " Experts are no tasks, so there is no graph between tasks."
    number = counted(len(overview.samples), "sample")
    return f"The mean over {over} ({number}): {overview.meaning}. {finding(view)}{experts}{without}"


def _weights(view: View) -> Picture:
    overview = view.overview
    heat = _heat(view, view.weights, _unit(overview), view.rows, view.columns)
    title = "Mean effective weights" if overview.directed else "How alike every two tasks read"
    blank = " The diagonal is blank: it is the same in every model." if fixed_diagonal(overview) else ""
    text = f"{finding(view)} The trees put side by side what is alike.{blank} {_NOT_SHOWN}"
    own, error, errors = counts(overview), overview.general, view.spread.error
    header = ["task", "source", "weight", "standard error", "samples", "learned in general"]
    rows = [
        (
            task,
            source,
            _number(view.weights[i, j]),
            _number(errors[i, j]),
            int(own[i, j]),
            None if error is None else _number(error[i, j]),
        )
        for i, task in enumerate(overview.tasks)
        for j, source in enumerate(overview.sources)
    ]
    return Picture("dependency-weights", title, text, heat_figure(heat), header, rows, heat_plot(heat))


def _general(view: View, general: Float[np.ndarray, "tasks sources"]) -> Picture:
    """D~, in the order of the effective weights, so that both can be compared."""
    overview = view.overview
    shown = without_diagonal(general) if fixed_diagonal(overview) else general
    tree = Tree(view.rows.order, np.zeros((0, 4)))
    heat = _heat(view, shown.astype(np.float64), "D~, share of a source", tree, tree)
    text = (
        "D~ is what the model learned about pairs of tasks for all samples alike; the effective weights above are what "
        f"D~ and the attention gave together on these samples. {_agreement(view, general)} Same order as above."
    )
    rows = [
        (task, source, float(general[i, j]), _number(view.weights[i, j]))
        for i, task in enumerate(overview.tasks)
        for j, source in enumerate(overview.sources)
    ]
    header = ["task", "source", "D~", "mean effective weight"]
    title = "The general dependency D~ that was learned"
    return Picture("dependency-general", title, text, heat_figure(heat), header, rows, heat_plot(heat))


def _agreement(view: View, general: Float[np.ndarray, "tasks sources"]) -> str:
    known = np.isfinite(without_diagonal(view.weights))
    learned, effective = general[known].astype(np.float64), view.weights[known]
    low, high = learned.min(initial=1), learned.max(initial=0)
    if len(learned) < 3 or np.ptp(effective) < 1e-9 or high - low < 1e-4:
        return f"Between tasks D~ hardly differs (from {low:.4f} to {high:.4f}): it learned next to nothing."
    from scipy.stats import spearmanr

    rank = float(spearmanr(learned, effective).statistic)
    return f"Between tasks D~ runs from {low:.3f} to {high:.3f}; rank correlation with the weights {rank:.2f}."


def _heat(view: View, values: Float[np.ndarray, "tasks sources"], unit: str, rows: Tree, columns: Tree) -> Heat:
    overview = view.overview
    titles = ("listens", "is listened to") if overview.directed else ("", "")
    return Heat(
        values, overview.tasks, overview.sources, rows, columns, unit, _hover(view, values), _orders(view), titles
    )


def _orders(view: View) -> dict[str, tuple[Int[np.ndarray, " rows"], Int[np.ndarray, " columns"]]]:
    by_name = np.array(sorted(range(len(view.overview.tasks)), key=lambda k: view.overview.tasks[k].casefold()))
    columns = by_name if view.overview.between_tasks else np.arange(len(view.overview.sources))
    most = np.argsort(-listened_to(view), kind="stable")
    label = "most listened to first" if view.overview.directed else "most alike first"
    return {"by name": (by_name, columns), label: (most if view.overview.between_tasks else by_name, most)}


def _hover(view: View, values: Float[np.ndarray, "tasks sources"]) -> list[list[list[str]]]:
    return [[_said(view, values, i, j) for j in range(values.shape[1])] for i in range(values.shape[0])]


def _said(view: View, values: Float[np.ndarray, "tasks sources"], i: int, j: int) -> list[str]:
    """What is said of a cell."""
    overview = view.overview
    task, source, own = short(overview.tasks[i], 40), short(overview.sources[j], 40), int(counts(overview)[i, j])
    if not np.isfinite(values[i, j]):
        return [f"{task}: no samples" if not own else f"{task} and itself: the same in every model"]
    error = view.spread.error[i, j]
    spread = f"standard error {error:.{view.decimals + 1}f}" if np.isfinite(error) else "standard error unknown"
    verb = f"{task} listens to {source}" if overview.directed else f"{task} and {source}"
    lines = [f"{verb}: {values[i, j]:.{view.decimals}f}"]
    if values is not view.weights:
        return [*lines, f"mean effective weight {view.weights[i, j]:.{view.decimals}f}"]
    general = [] if overview.general is None else [f"learned in general: {overview.general[i, j]:.3f}"]
    return [*lines, spread, *general, counted(own, "sample")]


def _graph(view: View) -> Picture:
    overview = view.overview
    edges = _edges(view)
    said = [
        f"{short(name, 40)}: {'listened to' if overview.directed else 'mean likeness'} {share:.{view.decimals}f}"
        for name, share in zip(overview.tasks, listened_to(view), strict=True)
    ]
    arrows = "from who is heard to who listens" if overview.directed else "between tasks that read most alike"
    width = "the weight" if overview.directed else "the likeness, from the least to the largest"
    strongest = "strongest" if _per_task(view) == 1 else f"{_per_task(view)} strongest"
    styles = {edge.style for edge in edges}
    dashed = " Dashed: in more than 5% of the bootstrap draws another is the strongest." if "dash" in styles else ""
    dotted = " Dotted: a negative weight." if "dot" in styles else ""
    text = (
        f"{counted(len(edges), 'edge')} {arrows}: for each task its {strongest}, without those below a tenth of "
        f"the strongest. The thicker, the larger {width}.{dashed}{dotted} {finding(view)}"
    )
    rows = [(overview.tasks[e.source], overview.tasks[e.listener], e.weight, e.style) for e in edges]
    header = (
        ["source", "listener", "weight", "line"] if overview.directed else ["task", "other task", "likeness", "line"]
    )
    return Picture(
        "dependency-graph",
        "The strongest edges",
        text,
        circle_figure(overview.tasks, view.rows.order, edges, overview.directed),
        header,
        rows,
        circle_plot(overview.tasks, view.rows.order, edges, said, overview.directed),
    )


def _per_task(view: View) -> int:
    return 1 if len(view.overview.tasks) < 4 else 2


def _edges(view: View) -> list[Edge]:
    overview = view.overview
    best = strongest(view.weights)
    doubtful = unsure(view.spread)
    size = np.abs(others(view)) if len(others(view)) else np.ones(1)
    low = 0.0 if overview.directed else float(size.min())
    scale = float(size.max()) - low
    edges = []
    for source, listener, weight in strongest_edges(view.weights, _per_task(view), overview.directed):
        if abs(weight) < _FAINT * abs(view.weights[listener, best[listener]]):
            continue
        dashed = doubtful[listener] and (overview.directed or doubtful[source])
        style = "dot" if weight < 0 else "dash" if dashed else "solid"
        verb = "is heard by" if overview.directed else "and"
        said = f"{overview.tasks[source]} {verb} {overview.tasks[listener]}: {weight:.{view.decimals}f}"
        width = (abs(weight) - low) / scale if scale > 1e-9 else 0.5
        edges.append(Edge(source, listener, weight, width, style, said))
    return edges


def _number(value: float | np.floating) -> float | None:
    return float(value) if np.isfinite(value) else None


def _unit(overview: Overview) -> str:
    if not overview.directed:
        return "likeness of what two tasks read (1: the same)"
    return "weight of a source, any sign" if overview.meaning.startswith("weight") else "share of what a task takes"
