"""What cutting an edge does to the scores: does it hurt where the picture shows a large weight?"""

from collections.abc import Callable, Sequence
from math import factorial, prod

import numpy as np
from jaxtyping import Float, Int

from tasktalk.analysis.chance import chance_of, interval, permuted_within, rank_correlation, resampled, too_few
from tasktalk.analysis.cutting import MAILBOX, Edges, Harm, cut_edges, edges_of
from tasktalk.analysis.deletion_figure import deletion_figure, deletion_plot
from tasktalk.analysis.fragments import counted
from tasktalk.analysis.overview import Overview, choose
from tasktalk.analysis.picture import Check, Part, Picture
from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Examples
from tasktalk.data.take import take
from tasktalk.training.run import Run

MOST_EDGES = 64
"""So many edges are cut unless told otherwise: of 16 tasks two of each, the strongest and the weakest, and others."""
TITLE = "Does cutting an edge hurt?"
ENDS, AGREEMENT = "cutting the strongest and the weakest edges", "weight against harm"
_SIGNIFICANT = 0.05
_FEWEST_TASKS = 6  # with fewer, no order of the tasks is rarer than one in twenty
_HEADER = (
    "receiver",
    "source",
    "edge",
    "weight",
    "samples",
    "loss with it",
    "loss without it",
    "change of loss",
    "lower end (95 %)",
    "upper end (95 %)",
    "change of error (points)",
    "change of AUROC",
)
_Harms = Sequence[Harm]
_Counts = Float[np.ndarray, "draws samples"]


def deletion_part(
    run: Run,
    examples: Examples,
    overview: Overview,
    edges: int = MOST_EDGES,
    seed: int = 0,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Part:
    """Cut edges one by one and see what that does to the receivers' answers on the samples of an overview.

    Args:
        run: the run that the overview is of.
        examples: the split that ``observe`` drew the samples from, with the same seed.
        overview: the weights to be tested.
        edges: cut at most so many.
        seed: of the draws, that of ``observe``.
        advance: is told after each edge how many of how many are done.

    Raises:
        ConfigError: other samples than the overview's.
    """
    samples = examples_of(examples, overview, seed)
    all_edges = edges_of(overview)
    try:
        harms = cut_edges(run, samples, all_edges, edges, seed, advance)
    except ConfigError as error:  # a block of one's own, or a single expert
        return Part("deletion", TITLE, "No edge could be cut.", (), (Check(ENDS, None, f"{error}."),))
    counts = resampled(len(samples), samples.owner, seed=seed)
    there = int((~np.isnan(all_edges.weight)).sum())
    what = "the messages of a task were turned off" if all_edges.only_one_each else "one task's hearing of one source"
    lead = (
        f"{_how_many(len(harms), there)} ({what}), and the task asked again about its own samples: to the right stand "
        "edges with large weights, above those without which the loss is higher. A network trained without an edge "
        "could have made up for it: this shows what the trained one uses, not what a task needs."
    )
    if not harms:
        return Part("deletion", TITLE, "No task has labelled samples and an edge to cut.", ())
    checks = (ends_check(all_edges, harms, counts, seed), agreement_check(all_edges, harms, there, seed))
    return Part("deletion", TITLE, lead, (_picture(all_edges, harms, counts),), checks)


def _how_many(cut: int, there: int) -> str:
    if cut < there:
        return f"Of {there} edges {cut} {'was' if cut == 1 else 'were'} cut one by one"
    return "The only edge was cut" if there == 1 else f"All {there} edges were cut one by one"


def examples_of(examples: Examples, overview: Overview, seed: int = 0) -> Examples:
    """The samples of an overview, with their content.

    Raises:
        ConfigError: it was made of others.
    """
    samples = take(examples, choose(examples, len(overview.samples), seed))
    if not np.array_equal(samples.labels, overview.labels, equal_nan=True):
        raise ConfigError("these are not the samples of the overview: give the same split and the same seed")
    return samples


def strongest_and_weakest(edges: Edges, harms: _Harms) -> tuple[list[Harm], list[Harm]]:
    """Of every receiver the edge with the largest weight and that with the smallest.

    Where a receiver has one edge only, half of the receivers instead: those with the largest weights.
    """
    by_size = sorted(harms, key=lambda harm: float(edges.size[harm.receiver, harm.source]))
    if edges.only_one_each:
        half = len(by_size) // 2
        return by_size[len(by_size) - half :], by_size[:half]
    strong: list[Harm] = []
    weak: list[Harm] = []
    for receiver in dict.fromkeys(harm.receiver for harm in harms):
        its = [harm for harm in by_size if harm.receiver == receiver]
        if len(its) > 1:
            strong.append(its[-1])
            weak.append(its[0])
    return strong, weak


def mean_rise(harms: _Harms, counts: _Counts, of: str = "loss") -> tuple[float, Float[np.ndarray, " draws"]]:
    """Mean over edges of how much a loss or an error rose, and the same in every bootstrap sample."""
    found = [getattr(harm, of) for harm in harms]
    draws = []
    for harm, values in zip(harms, found, strict=True):
        drawn = counts[:, harm.rows]
        total = drawn.sum(axis=1)
        draws.append(np.where(total > 0, drawn @ values, np.nan) / np.maximum(total, 1))
    known = ~np.isnan(draws)
    sums, count = np.where(known, draws, 0).sum(axis=0), known.sum(axis=0)
    return float(np.mean([values.mean() for values in found])), np.where(count, sums / np.maximum(count, 1), np.nan)


def auroc_change(harm: Harm) -> float:
    """Of a task with two classes, AUROC without the edge less AUROC with it; NaN where it is not defined."""
    from sklearn.metrics import roc_auc_score

    if np.isnan(harm.before.positive).any() or len(np.unique(harm.labels)) < 2:
        return np.nan
    after, before = (roc_auc_score(harm.labels, scored.positive) for scored in (harm.after, harm.before))
    return float(after - before)


def ends_check(edges: Edges, harms: _Harms, counts: _Counts, seed: int = 0) -> Check:
    """Whether cutting edges with large weights raises the loss more than cutting those with small ones.

    It passes if the difference of the mean rises is above 0 beyond its 95 % bootstrap interval over the samples. Halves
    of the receivers differ whatever the weights are: there, weights that are dealt out anew must not reach it as well.

    Args:
        edges: all that there are.
        harms: of those that were cut.
        counts: bootstrap samples of the overview's samples.
        seed: of the weights that are dealt out anew.
    """
    strong, weak = strongest_and_weakest(edges, harms)
    if problem := _not_comparable(edges, strong, weak):
        return Check(ENDS, None, problem)
    means, draws = zip(*(mean_rise(part, counts) for part in (strong, weak)), strict=True)
    low, high = interval(draws[0] - draws[1])
    chance = _halves_by_chance(edges, harms, seed) if edges.only_one_each else 0
    passed = bool(low > 0 and chance < _SIGNIFICANT)
    dealt = f"; p = {chance:.3f} with the weights dealt out anew to the tasks" if edges.only_one_each else ""
    which = "the half of the edges with the larger weights" if edges.only_one_each else "every task's strongest edge"
    others = "the other half" if edges.only_one_each else "its weakest"
    verdict = (
        "large weights are where cutting hurts"
        if passed
        else "this picture does not pass: cutting what it calls strong does not hurt measurably more than cutting what "
        "it calls weak"
    )
    sentence = (
        f"Cutting {which} changed the loss by {_signed(means[0])} ({_more(strong, counts)}), {others} by "
        f"{_signed(means[1])} ({_more(weak, counts)}), means over {len(strong)} and {counted(len(weak), 'edge')}; the "
        f"difference is {_signed(means[0] - means[1])} (95 % interval over samples {_signed(low)} to {_signed(high)}"
        f"{dealt}): {verdict}. "
        f"{_extremes(edges, harms)}"
    )
    return Check(ENDS, passed, sentence)


def _halves_by_chance(edges: Edges, harms: _Harms, seed: int) -> float:
    """How often weights that are dealt out anew to the receivers tell their halves as far apart."""
    size, rise, _ = _columns(edges, harms)
    half = len(harms) // 2

    def apart(sizes: Float[np.ndarray, " edges"]) -> float:
        order = np.argsort(sizes, kind="stable")
        return float(rise[order[len(order) - half :]].mean() - rise[order[:half]].mean())

    return chance_of(apart(size), lambda draw: apart(draw.permutation(size)), seed=seed)


def _not_comparable(edges: Edges, strong: _Harms, weak: _Harms) -> str:
    sizes = [[float(edges.size[harm.receiver, harm.source]) for harm in part] for part in (strong, weak)]
    if not strong or np.allclose(sizes[0], sizes[1]):
        return "There are no two edges with different weights to compare."
    if edges.only_one_each and len(strong) + len(weak) < _FEWEST_TASKS:
        return "There is one edge for each task, and too few tasks: by chance alone one half may be hurt more."
    return _too_few((*strong, *weak))


def _too_few(harms: _Harms) -> str:
    each = {harm.receiver: harm.rows for harm in harms}
    different = len(np.unique(np.concatenate(list(each.values()))))
    return too_few(different, [len(rows) for rows in each.values()], "labelled sample")


def _more(harms: _Harms, counts: _Counts) -> str:
    """Change of the error and of AUROC, where there are any."""
    said = []
    with_error = [harm for harm in harms if not np.isnan(harm.wrong).any()]
    if with_error:
        mean, draws = mean_rise(with_error, counts, "wrong")
        low, high = interval(100 * draws)
        said.append(f"the error by {_signed(100 * mean, 2)} points, {_signed(low, 2)} to {_signed(high, 2)}")
    areas = np.array([auroc_change(harm) for harm in harms])
    if not np.isnan(areas).all():
        said.append(f"AUROC by {_signed(float(np.nanmean(areas)))}")
    return "; ".join(said) or "no error is defined"


def _extremes(edges: Edges, harms: _Harms) -> str:
    ordered = sorted(harms, key=lambda harm: float(edges.size[harm.receiver, harm.source]))
    last, first = ordered[-1], ordered[0]
    return (
        f"The largest weight of all that were cut is {_name(edges, last)} ({last.weight:.3f}; loss "
        f"{_signed(last.loss.mean())}), the smallest {_name(edges, first)} ({first.weight:.3f}; "
        f"{_signed(first.loss.mean())})."
    )


def _signed(value: float, decimals: int = 4) -> str:
    """With a sign, but none of a negative number that is rounded to 0."""
    return f"{round(float(value), decimals) + 0.0:+.{decimals}f}"


def agreement_check(edges: Edges, harms: _Harms, there: int, seed: int) -> Check:
    """Whether larger weights do more harm when cut: rank correlation, and its p-value by permutation.

    Args:
        edges: all that there are.
        harms: of those that were cut.
        there: how many edges there are.
        seed: of the permutations.
    """
    size, rise, receivers = _columns(edges, harms)
    groups = np.zeros_like(receivers) if edges.only_one_each else receivers
    found = agreement(size, rise, groups)
    if np.isnan(found):
        return Check(AGREEMENT, None, "Too few edges were cut, or all of them alike, for a correlation.")
    if problem := _too_few(harms):
        return Check(AGREEMENT, None, problem)
    if (orders := prod(factorial(its) for its in np.bincount(groups).tolist())) * _SIGNIFICANT <= 1:
        told = f"Too few edges: their weights have only {counted(orders, 'order')}, so none is rarer than 1 in 20."
        return Check(AGREEMENT, None, told)
    p = chance_of(found, lambda draw: agreement(permuted_within(size, groups, draw), rise, groups), seed=seed)
    passed = found > 0 and p < _SIGNIFICANT
    within = "" if edges.only_one_each else ", each counted from the mean of its receiver"
    sentence = (
        f"Rank correlation of weight and rise of the loss over {len(harms)} of {there} edges{within}: {found:+.2f} "
        f"(p = {p:.3f} by permutation): "
        + ("larger weights hurt more when cut." if passed else "this does not pass, a weight does not tell the harm.")
    )
    return Check(AGREEMENT, passed, sentence)


def agreement(
    size: Float[np.ndarray, " edges"], rise: Float[np.ndarray, " edges"], groups: Int[np.ndarray, " edges"]
) -> float:
    """Rank correlation of two columns, each counted from the mean of its group."""
    return rank_correlation(_centred(size, groups), _centred(rise, groups))


def _centred(values: Float[np.ndarray, " n"], groups: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    _, group = np.unique(groups, return_inverse=True)
    means = np.bincount(group, weights=values) / np.bincount(group)
    return values - means[group]


def _columns(
    edges: Edges, harms: _Harms
) -> tuple[Float[np.ndarray, " edges"], Float[np.ndarray, " edges"], Int[np.ndarray, " edges"]]:
    """Size of the weight, rise of the loss and receiver of every edge."""
    size = np.array([edges.size[harm.receiver, harm.source] for harm in harms])
    rise = np.array([harm.loss.mean() for harm in harms])
    return size, rise, np.array([harm.receiver for harm in harms])


def _name(edges: Edges, harm: Harm) -> str:
    return f"{edges.tasks[harm.receiver]} ← {edges.sources[harm.source]}"


def _kinds(edges: Edges, harms: _Harms) -> list[str]:
    strong, weak = ({id(harm) for harm in part} for part in strongest_and_weakest(edges, harms))
    return ["strongest" if id(h) in strong else "weakest" if id(h) in weak else "other" for h in harms]


def _picture(edges: Edges, harms: _Harms, counts: _Counts) -> Picture:
    size, rise, _ = _columns(edges, harms)
    kinds = _kinds(edges, harms)
    rows = [_row(edges, harm, kind, counts) for harm, kind in zip(harms, kinds, strict=True)]
    most = int(rise.argmax())
    worst = f"Most harm: {_name(edges, harms[most])} ({_signed(rise[most])})." if rise[most] > 0 else "No cut did harm."
    text = (
        f"{counted(len(harms), 'point')}, one for each edge that was cut: {_axis(edges)} {size.min():.3f} to "
        f"{size.max():.3f}, change of the loss {_signed(rise.min())} to {_signed(rise.max())}. {worst}"
    )
    return Picture(
        "deletion",
        "Weight of an edge, and what cutting it does to the loss",
        text,
        deletion_figure(size, rise, kinds, _axis(edges)),
        _HEADER,
        rows,
        deletion_plot(size, rise, kinds, [_name(edges, harm) for harm in harms], _axis(edges)),
    )


def _row(edges: Edges, harm: Harm, kind: str, counts: _Counts) -> list[object]:
    mean, draws = mean_rise([harm], counts)
    return [
        edges.tasks[harm.receiver],
        edges.sources[harm.source],
        kind,
        harm.weight,
        len(harm.rows),
        float(harm.before.loss.mean()),
        float(harm.after.loss.mean()),
        mean,
        *interval(draws),
        *("" if np.isnan(value) else float(value) for value in (100 * harm.wrong.mean(), auroc_change(harm))),
    ]


def _axis(edges: Edges) -> str:
    return "openness of the task to the mailbox" if edges.sources == (MAILBOX,) else "size of the weight"
