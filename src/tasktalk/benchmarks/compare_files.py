"""The files of a comparison: the table with its command as Markdown, every score as JSON and CSV."""

import csv
import io
import re
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tasktalk.benchmarks.compare import Failure, Results, Row
from tasktalk.benchmarks.compare_table import HIGHER_IS_BETTER, Difference, Line, best_of
from tasktalk.core.files import write_text
from tasktalk.training.run_folder import write_json

_FOLDERS = re.compile(r"(?<![^=:,\[])/(?:[^/=:,]+/)+")
"""The folders of an absolute path, in a word of a command or a setting."""
_IN_PERCENT = frozenset({"accuracy", "f1", "precision", "recall"})
"""The metrics from 0 to 1 that tables show in percent, as papers do."""


@dataclass(frozen=True)
class Comparison:
    """Everything that the files hold.

    Args:
        command: the words of what made it.
        dataset: name of the data set.
        sources: checksums of its files.
        metric: what is compared; where tasks have different metrics, that of ``lines``.
        against: title of the row from which differences are taken, or ``best``.
        rows: what was compared, with settings.
        seeds: the seeds that were asked for.
        results: of every run.
        failures: the runs that failed.
        lines: the table.
        others: the tables of the other metrics, each over the tasks that have it.
        metric_of: metric of every task that has another than ``metric``.
    """

    command: Sequence[str]
    dataset: str
    sources: Mapping[str, str]
    metric: str
    against: str
    rows: Sequence[Row]
    seeds: Sequence[int]
    results: Results
    failures: Sequence[Failure]
    lines: Sequence[Line]
    others: Mapping[str, Sequence[Line]] = field(default_factory=dict)
    metric_of: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, Sequence[Line]]:
        """Every table by its metric."""
        return {self.metric: self.lines, **self.others}


def write_comparison(comparison: Comparison, out: Path, results: Path | None = None) -> None:
    """Write ``comparison.json``, ``comparison.csv`` and ``comparison.md`` into a folder, each whole or not at all.

    Args:
        comparison: what to write.
        out: the folder of the comparison.
        results: a pair of files beside, this name with ``.md`` and ``.json``, without folders of this machine.

    Raises:
        RunFolderError: a file cannot be written.
    """
    values, text = to_json(comparison), to_markdown(comparison)
    write_text(out / "comparison.csv", to_csv(comparison.results))
    write_text(out / "comparison.md", text)
    write_json(out / "comparison.json", values)
    if results is not None:
        write_text(results.with_name(results.name + ".md"), to_markdown(comparison, portable=True))
        write_json(results.with_name(results.name + ".json"), to_json(comparison, portable=True))


def digits(metric: str) -> int:
    """How many digits a table shows after the point."""
    return 2 if metric == "error" or metric in _IN_PERCENT else 4


def title_of(metric: str) -> str:
    """What a table calls a metric."""
    return f"{metric} %" if metric in _IN_PERCENT else metric


def best_titles(lines: Sequence[Line], metric: str) -> set[str]:
    """The titles of the rows whose mean is best as the table shows it; none where there is nothing to compare."""
    sign = 1 if metric in HIGHER_IS_BETTER else -1
    means = {line.title: sign * float(number(line.mean, metric)) for line in lines if line.mean is not None}
    return {title for title, mean in means.items() if mean == max(means.values())} if len(means) > 1 else set()


def to_json(comparison: Comparison, portable: bool = False) -> dict[str, Any]:
    """Everything, as JSON-able values; ``portable`` without folders of this machine and scores by other metrics."""
    clean: Callable[[Any], Any] = without_folders if portable else lambda value: value
    rows = {row.title: row for row in comparison.rows}
    lines = {line.title: asdict(line) for line in comparison.lines}
    return {
        "command": shlex.join(clean(comparison.command)),
        "dataset": comparison.dataset,
        "sources": clean(dict(comparison.sources)),
        "metric": comparison.metric,
        "higher_is_better": comparison.metric in HIGHER_IS_BETTER,
        "others": {metric: {line.title: asdict(line) for line in table} for metric, table in comparison.others.items()},
        "against": comparison.against,
        "seeds": list(comparison.seeds),
        "models": {
            title: {
                "model": row.config.model.name,
                "settings": clean(_settings(row)),
                "summary": lines.get(title),
                "runs": {
                    str(seed): _compared(run, comparison) if portable else run
                    for seed, run in comparison.results[title].items()
                },
            }
            for title, row in rows.items()
        },
        "failures": [asdict(failure) | {"reason": _reason(failure, clean)} for failure in comparison.failures],
    }


def _compared(run: Mapping[str, Any], comparison: Comparison) -> dict[str, Any]:
    """Seconds, and by split the score by which models are compared: its mean, and that of every task."""
    metric, others = comparison.metric, comparison.metric_of
    splits = {
        split: {
            "mean": block["mean"].get(metric),
            "tasks": {task: scores.get(others.get(task, metric)) for task, scores in block["tasks"].items()},
        }
        for split, block in run["splits"].items()
    }
    return {"seconds": run.get("seconds"), "splits": splits}


def _reason(failure: Failure, clean: Callable[[Any], Any]) -> str:
    return " ".join(clean(failure.reason.split(" ")))


def _settings(row: Row) -> dict[str, Any]:
    settings: dict[str, Any] = row.config.model_dump(mode="json")
    for key in ("seed", "beside"):
        settings["training"].pop(key)
    return settings


def to_csv(results: Results) -> str:
    """Every score of every run: model, seed, task, split, metric, value (empty where it is not defined)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", "seed", "task", "split", "metric", "value"])
    writer.writerows(
        [title, seed, task, split, metric, "" if value is None else value]
        for title, runs in results.items()
        for seed, run in runs.items()
        for split, block in run["splits"].items()
        for task, scores in block["tasks"].items()
        for metric, value in scores.items()
        if metric != "types"
    )
    return text.getvalue()


def to_markdown(comparison: Comparison, portable: bool = False) -> str:
    """The table, the mean over the seeds of every task's test score, and the command; ``portable`` as ``to_json``."""
    clean: Callable[[Any], Any] = without_folders if portable else lambda value: value
    seeds, metrics = comparison.seeds, " and ".join(comparison.tables)
    legend = (
        f"Mean over the tasks, and over the seeds {', '.join(map(str, seeds))}, with the standard deviation over the "
        f"seeds; {_better(comparison.tables)} is better, the best is bold. Differences are paired by seed; their 95 % "
        "confidence interval is that of the t distribution over the seeds."
    )
    parts = [
        f"# {comparison.dataset}: test {metrics}",
        legend,
        *("\n".join(_summary(lines, metric)) for metric, lines in comparison.tables.items()),
        f"Test {metrics} of every task, mean over the seeds:",
        "\n".join(_tasks(comparison)),
    ]
    if comparison.failures:
        parts.append("\n".join(f"- {f.title}, seed {f.seed}, failed: {_reason(f, clean)}" for f in comparison.failures))
    return "\n\n".join([*parts, f"Command: `{shlex.join(clean(comparison.command))}`"]) + "\n"


def _better(metrics: Collection[str]) -> str:
    """Of metrics that stand side by side, either all are better the higher they are, or none is."""
    return "higher" if set(metrics) <= HIGHER_IS_BETTER else "lower"


def _summary(lines: Sequence[Line], metric: str) -> list[str]:
    best, name = best_titles(lines, metric), title_of(metric)
    header = [
        "model",
        f"test {name}",
        "std",
        "tasks",
        f"dev {name}",
        "seconds",
        "difference",
        "95 % interval",
        "to",
    ]
    paper = any(line.paper is not None for line in lines)
    rows = []
    for line in lines:
        mean = number(line.mean, metric)
        gap = line.difference
        cells = [line.title, f"**{mean}**" if line.title in best else mean, number(line.std, metric)]
        cells += [f"{line.defined}/{line.tasks}", number(line.dev, metric), f"{line.seconds:.0f}"]
        cells += [number(gap.mean, metric, "+"), interval(gap, metric), gap.against] if gap else ["", "", ""]
        rows.append([*cells, *([number(line.paper, metric) if line.paper is not None else ""] if paper else [])])
    return _table([*header, *(["paper"] if paper else [])], rows)


def _tasks(comparison: Comparison) -> list[str]:
    results = comparison.results
    titles = [title for title, runs in results.items() if runs]
    if not titles:
        return []
    first = next(iter(results[titles[0]].values()))
    rows = []
    for task in first["splits"]["test"]["tasks"]:
        metric = comparison.metric_of.get(task, comparison.metric)
        scores = {title: _task_scores(results[title], task, metric) for title in titles}
        best = best_of(scores, metric) if len(titles) > 1 else None
        means = {title: sum(s.values()) / len(s) if s else None for title, s in scores.items()}
        shown = {title: number(mean, metric) for title, mean in means.items()}
        rows.append([task, *(f"**{cell}**" if best and cell == shown[best] else cell for cell in shown.values())])
    return _table(["task", *titles], rows)


def _task_scores(runs: Mapping[int, Mapping[str, Any]], task: str, metric: str) -> dict[int, float]:
    found = {seed: run["splits"]["test"]["tasks"][task].get(metric) for seed, run in runs.items()}
    return {seed: score for seed, score in found.items() if score is not None}


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *("--:" for _ in header[1:])]
    return ["| " + " | ".join(cells) + " |" for cells in (header, rule, *rows)]


def number(value: float | None, metric: str, sign: str = "") -> str:
    """A score for a table, ``sign`` before it if it is ``+`` and the score not negative; ``n/a`` for none."""
    factor = 100 if metric in _IN_PERCENT else 1
    return "n/a" if value is None else f"{factor * value:{sign}.{digits(metric)}f}"


def interval(difference: Difference, metric: str) -> str:
    """A confidence interval for a table."""
    half, mean = difference.half_width, difference.mean
    return "n/a" if half is None else f"[{number(mean - half, metric, '+')}, {number(mean + half, metric, '+')}]"


def without_folders(value: Any) -> Any:
    """The same without the folders of absolute paths, in every word or path in it."""
    if isinstance(value, str):
        return _FOLDERS.sub("", value)
    if isinstance(value, Mapping):
        return {without_folders(key): without_folders(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_folders(part) for part in value]
    return value
