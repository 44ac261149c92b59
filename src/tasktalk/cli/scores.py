"""Tables of scores: every task by the metric that suits it, means last, the best of a row marked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasktalk.cli.show import BEST, number, say, shorten, table

if TYPE_CHECKING:
    from tasktalk.data.dataset import Dataset

_Scores = Mapping[str, Mapping[str, Any]]
"""Scores by task, as ``metrics.json`` has them."""


@dataclass(frozen=True)
class Metric:
    """A metric as a table shows it.

    Args:
        key: its key in ``metrics.json``.
        title: heading of its column.
        legend: what the legend calls it.
        digits: digits after the point.
        best: picks the best of some values.
        factor: what it is multiplied by, 100 for percent.
    """

    key: str
    title: str
    legend: str
    digits: int
    best: Callable[[Sequence[float]], float]
    factor: float = 1.0

    @property
    def extreme(self) -> str:
        """How the best value of a row is called."""
        return "lowest" if self.best is min else "highest"


ERROR = Metric("error", "error %", "error in %", 2, min)
AUROC = Metric("auroc", "AUROC", "AUROC (area under the ROC curve; 0.5 is chance, 1 perfect)", 3, max)
RMSE = Metric("rmse", "RMSE", "RMSE (root mean squared error, in the unit of the labels)", 3, min)


F1 = Metric("f1", "F1", "F1 of spans in % (as conlleval)", 2, max, 100.0)
ACCURACY = Metric("accuracy", "accuracy", "accuracy of tags in %", 2, max, 100.0)


def main_metrics(dataset: "Dataset") -> dict[str, Metric]:
    """The metric by which each task is judged first.

    A regression has its RMSE, a tagging the F1 of its spans, or the accuracy where tags are no spans, a classification
    of inputs of its own the error. Of tasks that read the same inputs, as assays do, few examples are positive, so that
    an error says little: a binary one has its AUROC.
    """
    separate = next(iter(dataset.splits.values())).owner is not None
    of_binary = ERROR if separate else AUROC
    kinds = {"regression": RMSE, "binary": of_binary, "tagging": ACCURACY}
    return {task.name: F1 if task.scheme else kinds.get(task.kind, ERROR) for task in dataset.tasks}


def comparison(runs: Mapping[str, Mapping[str, Any]], dataset: "Dataset") -> None:
    """Print the score of every task under every model, means last, the best of each row marked.

    Args:
        runs: ``metrics.json`` of each model, by the name to show.
        dataset: the data of the runs.
    """
    from tasktalk.training.run import UNSEEN

    what, metrics = _noun(dataset), main_metrics(dataset)
    splits = [run["splits"] for run in runs.values()]
    split = next((name for name in ("test", "dev") if name in splits[0]), None)
    if split is None:
        say(f"No scores: the data has neither test nor development {what}.")
        return
    scores = [found[split]["tasks"] for found in splits]
    rows = _rows(metrics, scores)
    if split == "test" and total(splits[0][UNSEEN]["tasks"]) != total(scores[0]):
        rows += _means(metrics, [found[UNSEEN]["tasks"] for found in splits], f" of new {what}")
    used = list(dict.fromkeys(row.metric for row in rows))
    mixed = len(used) > 1
    head = ["task", what, *(["metric"] if mixed else []), *(name + " " * len(BEST) for name in runs)]
    cells = [[row.name, str(row.n), *([row.metric.title] if mixed else []), *_marked(row)] for row in rows]
    table(head, shorten(head, cells), left=1)
    _legend({"test": "Test", "dev": "Development"}[split], used, len(runs) > 1)


def evaluation(blocks: Mapping[str, Mapping[str, Any]], dataset: "Dataset", all_of_it: str) -> None:
    """Print the scores of one run, split by split.

    Args:
        blocks: as in ``metrics.json``.
        dataset: the data of the scores.
        all_of_it: what the split ``train`` is called.
    """
    from tasktalk.training.run import UNSEEN

    metrics = main_metrics(dataset)
    for split, block in blocks.items():
        say(f"{all_of_it if split == 'train' else split.replace('_', ' ')}:")
        if split == UNSEEN and total(block["tasks"]) == total(blocks["test"]["tasks"]):
            say(f"the same {_noun(dataset)}")
            continue
        scores = {name: found for name, found in block["tasks"].items() if found["n"]}
        rows = _rows({name: metrics[name] for name in scores}, [scores])
        used = list(dict.fromkeys(row.metric for row in rows))
        mixed = len(used) != 1
        head = ["task", _noun(dataset), *(["metric", "score"] if mixed else [used[0].title]), "loss"]
        cells = [
            [row.name, str(row.n), *([row.metric.title] if mixed else []), _shown(row.values[0], row.metric),
             "n/a" if row.losses[0] is None else number(row.losses[0], 4)]
            for row in rows
        ]  # fmt: skip
        table(head, shorten(head, cells), left=1)


def total(scores: _Scores) -> int:
    """How many labels count, over all tasks."""
    return sum(score["n"] for score in scores.values())


@dataclass(frozen=True)
class _Row:
    """One line: a task or a mean, with a value and a loss of every model."""

    name: str
    n: int
    metric: Metric
    values: list[float | None]
    losses: list[float | None]


def _noun(dataset: "Dataset") -> str:
    from tasktalk.data.dataset import noun

    return noun(next(iter(dataset.splits.values())).content)


def _rows(metrics: Mapping[str, Metric], scores: Sequence[_Scores]) -> list[_Row]:
    """A row for each task, then the means."""
    tasks = [
        _Row(
            task,
            scores[0][task]["n"],
            metric,
            [found[task][metric.key] for found in scores],
            [found[task]["loss"] for found in scores],
        )
        for task, metric in metrics.items()
    ]
    return tasks + _means(metrics, scores, "")


def _means(metrics: Mapping[str, Metric], scores: Sequence[_Scores], of: str) -> list[_Row]:
    """A row for each metric: its mean over the tasks for which it is defined, and over how many if not over all.

    A metric of one task among several metrics has no mean.
    """
    used = list(dict.fromkeys(metrics.values()))
    rows = []
    for metric in used:
        its = [task for task, other in metrics.items() if other is metric]
        if len(its) == 1 and len(used) > 1:
            continue
        tasks = [task for task in its if scores[0][task]["n"]]
        values = [list(_known(found, tasks, metric.key)) for found in scores]
        defined = min(map(len, values))
        name = "mean" if len(used) == 1 else f"mean {metric.title}"
        name += of + ("" if defined == len(tasks) else f" ({defined} of {len(tasks)} tasks)")
        losses = [_mean(list(_known(found, tasks, "loss"))) for found in scores]
        n = sum(scores[0][task]["n"] for task in tasks)
        rows.append(_Row(name, n, metric, [_mean(found) for found in values], losses))
    return rows


def _known(scores: _Scores, tasks: Sequence[str], key: str) -> Iterator[float]:
    return (value for task in tasks if (value := scores[task][key]) is not None)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _marked(row: _Row) -> list[str]:
    known = [value for value in row.values if value is not None]
    best = row.metric.best(known) if len(known) > 1 else None
    return [
        _shown(value, row.metric) + (BEST if value is not None and value == best else " " * len(BEST))
        for value in row.values
    ]


def _shown(value: float | None, metric: Metric) -> str:
    return "n/a" if value is None else number(metric.factor * value, metric.digits)


def _legend(split: str, used: Sequence[Metric], several: bool) -> None:
    if len(used) == 1:
        say(f"{split} {used[0].legend}" + (f",{BEST} marks the {used[0].extreme} of a row." if several else "."))
        return
    say(f"{split} scores:" + (f"{BEST} marks the best of a row." if several else ""))
    for metric in used:
        say(f"  {metric.legend}: the {metric.extreme} is best")
