"""A table of several runs on the same data, as Markdown and JSON, with the command of each.

``python -m tasktalk.benchmarks.table runs/ic runs/dc --paper --out docs/results/fdu-mtl`` writes ``fdu-mtl.md`` and
``fdu-mtl.json``; a run can be given a title, as in ``"IC-MTL, wide=runs/ic-wide"``. A folder whose runs are ``seed-0``,
``seed-1``, ..., as ``tasktalk compare`` makes them, is a column of means.
"""

import argparse
import shlex
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasktalk.benchmarks.papers import FDU_MTL_ERROR, FDU_MTL_TASKS, fdu_mtl_error
from tasktalk.core.errors import TasktalkError
from tasktalk.core.files import write_text
from tasktalk.training.config import Config, make_config, read_config
from tasktalk.training.run import UNSEEN
from tasktalk.training.run_folder import CONFIG, ENVIRONMENT, METRICS, read_json, write_json


@dataclass(frozen=True)
class Column:
    """One run, the mean of several that differ in their seed, or one column of a paper.

    Args:
        title: heading.
        error: test error in percent, by task.
        seeds: how many runs.
        std: of the mean test error, over the runs.
        dev_error: mean development error in percent.
        unseen_error: mean error over the test texts that do not stand in train.
        seconds: wall-clock time of the run.
        peak_memory_mb: peak memory of the run.
        threads: threads that torch used.
        command: what made it, or the first of them.
    """

    title: str
    error: dict[str, float]
    seeds: int | None = None
    std: float | None = None
    dev_error: float | None = None
    unseen_error: float | None = None
    seconds: float | None = None
    peak_memory_mb: float | None = None
    threads: int | None = None
    command: str = ""

    @property
    def mean(self) -> float:
        """Mean test error over the tasks."""
        return sum(self.error.values()) / len(self.error)


def read_column(title: str, folder: Path) -> Column:
    """The column of a run, or of runs in a folder.

    Raises:
        RunFolderError: not the folder of a finished run, or not finished ones only.
    """
    runs = [_of_run(title, path) for path in sorted(folder.glob("seed-*")) or [folder]]

    def mean(value: Callable[[Column], float | None]) -> float | None:
        values = [found for run in runs if (found := value(run)) is not None]
        return statistics.mean(values) if values else None

    first = runs[0]
    return Column(
        title,
        {task: statistics.mean(run.error[task] for run in runs) for task in first.error},
        seeds=len(runs),
        std=statistics.stdev(run.mean for run in runs) if len(runs) > 1 else None,
        dev_error=mean(lambda run: run.dev_error),
        unseen_error=mean(lambda run: run.unseen_error),
        seconds=mean(lambda run: run.seconds),
        peak_memory_mb=mean(lambda run: run.peak_memory_mb),
        threads=first.threads,
        command=first.command,
    )


def _of_run(title: str, folder: Path) -> Column:
    metrics, around = read_json(folder / METRICS), read_json(folder / ENVIRONMENT)
    splits: dict[str, Any] = metrics["splits"]
    return Column(
        title,
        {task: scores["error"] for task, scores in splits["test"]["tasks"].items()},
        dev_error=splits["dev"]["mean"]["error"] if "dev" in splits else None,
        unseen_error=splits[UNSEEN]["mean"]["error"],
        seconds=metrics["seconds"],
        peak_memory_mb=metrics["peak_memory_mb"],
        threads=around["machine"]["threads"],
        command=command_of(make_config(read_config(folder / CONFIG))),
    )


def command_of(config: Config) -> str:
    """The command that makes a run: what differs from the defaults, files of word vectors by their names alone."""
    model, defaults = config.model, Config(model=type(config.model)())
    words = ["tasktalk", "train", *config.data.source, "--model", model.name]
    for path in config.data.vectors:
        words += ["--vectors", Path(path).name]
    ours, theirs = config.model_dump(mode="json"), defaults.model_dump(mode="json")
    told = {("data", "source"), ("data", "vectors"), ("model", "name"), ("training", "beside")}
    told |= {("model", "embedding_features")} if config.data.vectors else set()
    for section, part in ours.items():
        for key, value in part.items():
            if (section, key) not in told and value != theirs[section][key]:
                words += ["--set", f"{section}.{key}={value}"]
    return " ".join(shlex.quote(word) for word in words)


def paper_columns() -> list[Column]:
    """Table 1 of the message-passing paper."""
    return [Column(f"{model}, paper", fdu_mtl_error(model)) for model in FDU_MTL_ERROR]


def markdown(columns: Sequence[Column]) -> str:
    """Rows are tasks, the best of each row is bold."""
    tasks = [task for task in FDU_MTL_TASKS if task in columns[0].error] or list(columns[0].error)
    lines = [_row(["task", *(column.title for column in columns)]), _row(["---", *("--:" for _ in columns)])]
    lines += [_row([task, *_best([column.error[task] for column in columns])]) for task in tasks]
    lines.append(_row(["**mean**", *_best([column.mean for column in columns])]))
    extra = (
        ("standard deviation over the seeds", "std", 2),
        ("seeds", "seeds", 0),
        ("mean without test texts that stand in train", "unseen_error", 1),
        ("mean on development data", "dev_error", 1),
        ("seconds", "seconds", 0),
        ("peak memory, MB", "peak_memory_mb", 0),
        ("threads", "threads", 0),
    )
    for title, name, digits in extra:
        values = [getattr(column, name) for column in columns]
        if any(v is not None for v in values):
            lines.append(_row([title, *("" if v is None else f"{v:.{digits}f}" for v in values)]))
    commands = [f"- {c.title}: `{c.command}`" for c in columns if c.command]
    return "\n".join([*lines, "", "Commands:", "", *commands, ""])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _best(values: Sequence[float]) -> list[str]:
    lowest = min(round(v, 1) for v in values)
    return [f"**{v:.1f}**" if round(v, 1) == lowest else f"{v:.1f}" for v in values]


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m tasktalk.benchmarks.table", description=__doc__)
    parser.add_argument("runs", nargs="+", help="run folders, each a path or TITLE=PATH")
    parser.add_argument("--paper", action="store_true", help="put Table 1 of the message-passing paper beside them")
    parser.add_argument("--out", type=Path, required=True, help="file to write, without .md or .json")
    given = parser.parse_args(arguments)
    columns = []
    for run in given.runs:
        title, _, path = run.rpartition("=")
        try:
            columns.append(read_column(title or Path(path).name, Path(path)))
        except TasktalkError as error:
            parser.error(f"{error} (expected a folder with {CONFIG} and {METRICS})")
    columns += paper_columns() if given.paper else []
    write_text(given.out.with_suffix(".md"), markdown(columns))
    write_json(given.out.with_suffix(".json"), [asdict(column) | {"mean": column.mean} for column in columns])


if __name__ == "__main__":
    main()
