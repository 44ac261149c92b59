"""The table of a comparison: means over seeds, and paired differences with their confidence."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from tasktalk.benchmarks.compare import BEST, Results, Row
from tasktalk.benchmarks.papers import DEPENDENCY_AUROC, dependency_auroc
from tasktalk.core.errors import ConfigError, nearest
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset
from tasktalk.data.masks import parse_mask
from tasktalk.training.metrics import TaskScores, mean_scores, scores_of
from tasktalk.training.selection import choose_criterion
from tasktalk.training.tag_scores import tag_scores

HIGHER_IS_BETTER = frozenset({"accuracy", "auroc", "average_precision", "f1", "precision", "r2", "recall"})
"""The metrics of which more is better."""

CONFIDENCE = 0.95
_SPLIT = "test"


@dataclass(frozen=True)
class Difference:
    """A model's mean minus another's, paired by seed.

    Args:
        against: title of the other.
        seeds: how many seeds both have.
        mean: mean of the differences.
        half_width: half of the 95 % confidence interval of the mean (t distribution); None with one seed.
    """

    against: str
    seeds: int
    mean: float
    half_width: float | None


@dataclass(frozen=True)
class Line:
    """A row of the table; a score is the mean over the tasks, None where it is not defined.

    Args:
        title: of the row.
        seeds: how many finished runs have a score.
        mean: test score, mean over the seeds.
        std: sample standard deviation over the seeds; None with one seed.
        dev: development score, mean over the seeds.
        defined: over how many tasks the test score was defined (in the run with the fewest).
        tasks: how many tasks have test labels.
        seconds: mean wall-clock time of a run.
        difference: to the row that it is compared with; None for that row itself.
        paper: the dependency paper's score of the model.
    """

    title: str
    seeds: int
    mean: float | None
    std: float | None
    dev: float | None
    defined: int
    tasks: int
    seconds: float
    difference: Difference | None
    paper: float | None


def choose_metric(metric: str, tasks: Sequence[Task], separate: bool) -> str:
    """The metric to compare; an empty one is what suits the tasks, as ``training.criterion=auto``.

    Raises:
        ConfigError: no task has such a metric.
    """
    if not metric:
        return choose_criterion("auto", tasks, separate)
    found = {name for task in tasks for name in _metrics(task)} - {"n", "types"}
    if metric not in found:
        raise ConfigError(f"--metric: these tasks have no {metric!r}: {nearest(metric, found)}")
    return metric


def _metrics(task: Task) -> TaskScores:
    if task.kind == "tagging":
        return tag_scores(task, [], [])
    return scores_of(task, np.zeros((0, task.outputs)), np.zeros(0))


def metric_by_task(metric: str, tasks: Sequence[Task], separate: bool) -> dict[str, str]:
    """The metric of every task: one for all, but that where none is named, tags that are no spans have their accuracy.

    Arguments and errors as for ``choose_metric``.
    """
    chosen = choose_metric(metric, tasks, separate)
    return {task.name: chosen if metric or chosen != "f1" or task.scheme else "accuracy" for task in tasks}


def choose_against(against: str, rows: Sequence[Row]) -> str:
    """The title of the row that the others are compared with: the first if none is named.

    Raises:
        ConfigError: there is no such row.
    """
    titles = [row.title for row in rows]
    if against and against not in (*titles, BEST):
        raise ConfigError(f"--against: {against!r} is not compared: {nearest(against, (*titles, BEST))}")
    return against or titles[0]


def paper_scores(dataset: Dataset, rows: Sequence[Row], metric: str) -> dict[str, float]:
    """The dependency paper's AUROC by title, of the models that it has.

    Raises:
        ConfigError: the paper has no such data set, mask or metric.
    """
    if metric != "auroc":
        raise ConfigError(f"--paper: the dependency paper has the AUROC only, this comparison the {metric}")
    mask = parse_mask(rows[0].config.data.mask)
    same = [m for name, m in DEPENDENCY_AUROC if name == dataset.name and _effect(m) == (mask.percent, mask.share)]
    if not same:
        masks = [m for name, m in DEPENDENCY_AUROC if name == dataset.name]
        known = masks or dict.fromkeys(name for name, _ in DEPENDENCY_AUROC)
        what = f" with the mask {mask.text!r}; it has the masks" if masks else "; it has"
        raise ConfigError(f"--paper: the dependency paper has no {dataset.name!r}{what} {', '.join(known)}")
    scores = dependency_auroc(dataset.name, same[0])
    names = {row.title: row.config.model.name for row in rows}
    return {title: scores[name] for title, name in names.items() if name in scores}


def _effect(mask: str) -> tuple[float, float]:
    parsed = parse_mask(mask)
    return parsed.percent, parsed.share


def summarise_rows(
    results: Results,
    metric: str,
    against: str,
    paper: Mapping[str, float] | None = None,
    tasks: Collection[str] | None = None,
) -> list[Line]:
    """The table of some results; rows without a finished run are left out.

    Args:
        results: by title and seed.
        metric: what is compared.
        against: title of the row that the others are compared with, or ``best``.
        paper: the paper's scores by title.
        tasks: names of the tasks over which means are taken; None takes all.
    """
    finished = {title: _only(runs, tasks) for title, runs in results.items() if runs}
    scores = {title: seed_scores(runs, metric) for title, runs in finished.items()}
    return [_line(title, runs, scores, metric, against, (paper or {}).get(title)) for title, runs in finished.items()]


def _only(runs: Mapping[int, Mapping[str, Any]], tasks: Collection[str] | None) -> Mapping[int, Mapping[str, Any]]:
    """The same runs with means over some tasks."""
    if tasks is None:
        return runs
    return {
        seed: {**run, "splits": {split: mean_scores(_some(block, tasks)) for split, block in run["splits"].items()}}
        for seed, run in runs.items()
    }


def _some(block: Mapping[str, Any], tasks: Collection[str]) -> dict[str, TaskScores]:
    return {name: scores for name, scores in block["tasks"].items() if name in tasks}


def seed_scores(runs: Mapping[int, Mapping[str, Any]], metric: str, split: str = _SPLIT) -> dict[int, float]:
    """The mean score over the tasks by seed, where it is defined."""
    means = {seed: run["splits"].get(split, {"mean": {}})["mean"].get(metric) for seed, run in runs.items()}
    return {seed: mean for seed, mean in means.items() if mean is not None}


def _line(
    title: str,
    runs: Mapping[int, Mapping[str, Any]],
    scores: Mapping[str, Mapping[int, float]],
    metric: str,
    against: str,
    paper: float | None,
) -> Line:
    ours = list(scores[title].values())
    tests = [run["splits"][_SPLIT] for run in runs.values()]
    other = against if against != BEST else best_of({t: s for t, s in scores.items() if t != title}, metric)
    return Line(
        title=title,
        seeds=len(ours),
        mean=_mean(ours),
        std=float(np.std(ours, ddof=1)) if len(ours) > 1 else None,
        dev=_mean(list(seed_scores(runs, metric, "dev").values())),
        defined=min(test["defined"].get(metric, test["mean"]["tasks"]) for test in tests),
        tasks=max(test["mean"]["tasks"] for test in tests),
        seconds=float(np.mean([run["seconds"] for run in runs.values()])),
        difference=None if other in (None, title) else paired(other, scores[title], scores.get(other, {})),
        paper=paper,
    )


def best_of(scores: Mapping[str, Mapping[int, float]], metric: str) -> str | None:
    """The title with the best mean; None where nothing has a score."""
    sign = 1 if metric in HIGHER_IS_BETTER else -1
    means = {title: sign * float(np.mean(list(s.values()))) for title, s in scores.items() if s}
    return max(means, key=lambda title: means[title], default=None)


def paired(against: str, ours: Mapping[int, float], theirs: Mapping[int, float]) -> Difference | None:
    """The mean difference over the seeds that both have, with its confidence; None if there is no such seed."""
    both = np.array([ours[seed] - theirs[seed] for seed in ours if seed in theirs], dtype=np.float64)
    if not len(both):
        return None
    return Difference(against, len(both), float(both.mean()), half_width(both))


def half_width(values: Float[np.ndarray, " seeds"]) -> float | None:
    """Half of the 95 % confidence interval of a mean, by the t distribution; None for a single value."""
    from scipy.stats import t

    n = len(values)
    return float(t.ppf((1 + CONFIDENCE) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
