"""How far to trust a picture of the general dependency: other samples, and weights dealt out at random."""

import numpy as np
from jaxtyping import Float, Int

from tasktalk.analysis.chance import as_large, share_of
from tasktalk.analysis.dependency_view import View, distances_of, grouped, others, without_diagonal
from tasktalk.analysis.overview import Overview, too_few_samples
from tasktalk.analysis.picture import Check
from tasktalk.analysis.spread import DRAWS, KEEPS, strongest, too_few_that_vary, unsure, varies
from tasktalk.analysis.tree import groups, grow

_AGREE = 0.8
_GROUPED_DRAWS = 100
_NAMED = 4


def dependency_checks(view: View, seed: int = 0) -> list[Check]:
    """The checks that can be made of these weights; ``seed`` is that of weights dealt out at random."""
    checks = [strongest_check(view)]
    if view.overview.between_tasks and len(view.overview.tasks) > 3:
        checks += [groups_check(view), chance_check(view, seed)]
    return checks


def strongest_check(view: View) -> Check:
    """Whether each listener's strongest source stays its strongest when samples are drawn again."""
    name = "strongest sources over samples"
    if len(view.overview.samples) > 1 and not varies(view.overview):
        why = "The weights are the same for every sample, so samples cannot tell how certain they are"
        return Check(name, None, f"{why}: that takes runs with several seeds.")
    if len(view.overview.sources) - view.overview.between_tasks < 2:
        return Check(name, None, "Each task has one source only, so no other can be its strongest.")
    asked = np.flatnonzero(np.isfinite(view.spread.kept)).tolist()
    if not asked:
        return Check(name, None, "No task has two samples or more, so nothing is known of the spread.")
    if problem := too_few_samples(view.overview):
        return Check(name, None, problem)
    doubtful = [k for k in asked if unsure(view.spread)[k]]
    count = len(asked) - len(doubtful)
    told = f"The strongest source of {count} of {len(asked)} tasks is the same in at least {KEEPS:.0%} of {DRAWS} "
    told += f"bootstrap draws{_doubts(view, doubtful)}. Other seeds are not looked at."
    return Check(name, count >= 0.9 * len(asked), told)


def _doubts(view: View, doubtful: list[int]) -> str:
    if not doubtful:
        return ""
    overview, best = view.overview, strongest(view.weights, view.overview.between_tasks)
    worst = sorted(doubtful, key=lambda k: view.spread.kept[k])[:_NAMED]
    told = "; ".join(f"{overview.tasks[k]} ({overview.sources[best[k]]} in {view.spread.kept[k]:.0%})" for k in worst)
    return f"; not so for {told}" + (f" and {len(doubtful) - _NAMED} more" if len(doubtful) > _NAMED else "")


def groups_check(view: View) -> Check:
    """Whether the groups are the same when samples are drawn again."""
    name = "groups over samples"
    count = int(view.groups.max()) + 1
    if count < 2:
        return Check(name, None, "The tasks do not differ, so there are no groups.")
    if len(view.overview.samples) > 1 and not varies(view.overview):
        return Check(name, None, "The weights are the same for every sample: other samples cannot change the groups.")
    if problem := too_few_samples(view.overview):
        return Check(name, None, problem)
    from sklearn.metrics import adjusted_rand_score

    draws = view.spread.draws[:_GROUPED_DRAWS]
    found = [grow(distances_of(view.overview, draw)).cut(count) for draw in draws]
    mean = float(np.mean([adjusted_rand_score(view.groups, other) for other in found]))
    told = f"Cut into {count} groups, {grouped(view)}, the tree agrees with those of {len(draws)} bootstrap draws"
    return Check(name, mean >= _AGREE, f"{told} to {mean:.2f} (adjusted Rand index; {_AGREE} or more passes).")


def chance_check(view: View, seed: int = 0) -> Check:
    """Whether groups stand out more than those in the same weights, dealt out at random."""
    name = "groups against chance"
    if view.groups.max() < 1 or not np.ptp(others(view)):
        return Check(name, None, "The tasks do not differ, so there are no groups.")
    if problem := too_few_that_vary(view.overview):
        return Check(name, None, problem)
    overview, weights = view.overview, view.weights
    found = silhouette(overview, weights)
    reached = as_large(found, lambda draw: silhouette(overview, _dealt(overview, weights, draw)), _GROUPED_DRAWS, seed)
    p = share_of(reached, _GROUPED_DRAWS)
    told = (
        f"The silhouette of the groups is {found:.2f}; that of the best groups among the same weights, dealt out at "
        f"random, reaches it in {reached} of {_GROUPED_DRAWS} draws (p = {p:.2f}; up to 0.05 passes)"
    )
    more = "" if p <= 0.05 else ": such groups are to be expected without any structure"
    return Check(name, p <= 0.05, f"{told}{more}.")


def silhouette(overview: Overview, weights: Float[np.ndarray, "tasks tasks"]) -> float:
    """How far the groups of some weights stand apart, from -1 to 1."""
    from sklearn.metrics import silhouette_score

    distances = distances_of(overview, weights)
    found: Int[np.ndarray, " tasks"] = groups(distances)
    if not 2 <= len(set(found)) < len(found):
        return -1.0
    return float(silhouette_score(distances, found, metric="precomputed"))


def _dealt(
    overview: Overview, weights: Float[np.ndarray, "tasks tasks"], generator: np.random.Generator
) -> Float[np.ndarray, "tasks tasks"]:
    """The same weights at other places: of a likeness all pairs, else the sources of each task."""
    dealt = without_diagonal(weights)
    if overview.directed:
        for row in dealt:
            known = np.flatnonzero(np.isfinite(row))
            row[known] = generator.permutation(row[known])
        return dealt
    upper = np.triu_indices(len(dealt), 1)
    dealt[upper] = generator.permutation(dealt[upper])
    return np.where(np.tri(len(dealt), k=-1, dtype=bool), dealt.T, dealt)
