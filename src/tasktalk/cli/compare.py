"""``tasktalk compare``: several models on the same data with the same seeds, and how much they differ."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasktalk.cli.options import (
    Edges,
    Features,
    Kinds,
    Label,
    Labels,
    Mask,
    MoreSources,
    Node,
    OnlyTasks,
    Smiles,
    Sources,
    SplitKind,
    Text,
    Tokenizer,
    Vectors,
    data_section,
    example,
)
from tasktalk.cli.show import told_that_nothing_was_written

if TYPE_CHECKING:
    from tasktalk.benchmarks.compare import Failure, Row
    from tasktalk.benchmarks.compare_files import Comparison
    from tasktalk.benchmarks.compare_table import Line

EPILOG = example(
    "tasktalk compare tox21 --models single,shared,mitten --mask all:10 --seeds 3",
    "tasktalk compare tox21 --models mitten --variant prior=mitten:model.dependency=log-prior",
    "tasktalk compare fdu-mtl --models lstm,ic --set training.epochs=5 --set ic:model.pooling=max",
)
_COMPARISON, _FILES = "Comparison", "Files"

_Models = Annotated[
    list[str] | None,
    typer.Option(metavar="A,B,C", help="What to compare, see [cyan]tasktalk models[/].", rich_help_panel=_COMPARISON),
]
_Variant = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TITLE=MODEL:SETTINGS",
        help="A further row with settings of its own, commas between them (repeat for more).",
        rich_help_panel=_COMPARISON,
    ),
]
_Seeds = Annotated[int, typer.Option(metavar="N", min=1, help="Runs of each model.", rich_help_panel=_COMPARISON)]
_FirstSeed = Annotated[
    int, typer.Option(metavar="N", min=0, max=2**31, help="The first seed.", rich_help_panel=_COMPARISON)
]
_Metric = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What to compare them by: error, auroc, f1, loss, ...",
        show_default="what suits the tasks",
        rich_help_panel=_COMPARISON,
    ),
]
_Against = Annotated[
    str,
    typer.Option(
        metavar="TITLE",
        help="The row from which differences are taken; best is the best other one.",
        show_default="the first",
        rich_help_panel=_COMPARISON,
    ),
]
_Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="A setting of all models; TITLE:SECTION.KEY=VALUE is of one (repeat for more).",
        rich_help_panel=_COMPARISON,
    ),
]
_ConfigFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Settings of all models in YAML.", rich_help_panel=_COMPARISON)
]
_Paper = Annotated[
    bool,
    typer.Option("--paper", help="Put the dependency paper's AUROC beside ours.", rich_help_panel=_COMPARISON),
]
_Out = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where the runs and the table are; runs that are there are used.",
        show_default="runs/DATA-compare",
        rich_help_panel=_FILES,
    ),
]
_ResultsFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write FILE.md and FILE.json, too, without folders of this machine.",
        show_default=False,
        rich_help_panel=_FILES,
    ),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show the table only, no progress.")]


@told_that_nothing_was_written()
def command(
    sources: Sources = None,
    data: MoreSources = None,
    text: Text = "",
    label: Label = "",
    labels: Labels = None,
    task: OnlyTasks = None,
    kind: Kinds = None,
    mask: Mask = "",
    tokenizer: Tokenizer = "",
    vectors: Vectors = None,
    smiles: Smiles = "",
    split: SplitKind = "",
    edges: Edges = "",
    features: Features = "",
    node: Node = "",
    models: _Models = None,
    variant: _Variant = None,
    seeds: _Seeds = 3,
    first_seed: _FirstSeed = 0,
    metric: _Metric = "",
    against: _Against = "",
    paper: _Paper = False,
    config: _ConfigFile = None,
    settings: _Set = None,
    out: _Out = None,
    results: _ResultsFile = None,
    quiet: _Quiet = False,
) -> None:
    """Train several models on the same data with the same seeds, and print how much they differ.

    Stopped, it goes on with the same command; more models, or more seeds, use the runs that are there.
    """
    from tasktalk.benchmarks.compare import plan_rows

    section = data_section(
        [*(sources or ()), *(data or ())],
        text=text, label=label, labels=labels, tasks=task, kinds=kind, mask=mask, tokenizer=tokenizer, vectors=vectors,
        smiles=smiles, split=split, edges=edges, features=features, node=node,
    )  # fmt: skip
    names = [name.strip() for part in models or () for name in part.split(",") if name.strip()]
    rows, remarks = plan_rows(names, variant or (), _values(config, section), settings or ())
    folder, target = out or _default_folder(rows[0]), _target(results)
    numbers = range(first_seed, first_seed + seeds)
    try:
        comparison = _compare(rows, numbers, folder, metric, against, paper, remarks, quiet)
        _finish(comparison, folder, target, quiet)
    except KeyboardInterrupt:
        typer.echo(f"\nstopped; the same command goes on in {shlex.quote(str(folder))}", err=True)
        raise typer.Exit(130) from None


def _values(file: Path | None, section: dict[str, object]) -> dict[str, dict[str, Any]]:
    from tasktalk.training.config import read_config

    values: dict[str, dict[str, Any]] = read_config(file) if file else {}
    values["data"] = {**values.get("data", {}), **section}
    return values


def _default_folder(row: "Row") -> Path:
    from tasktalk.cli.jobs import default_folder
    from tasktalk.models.options import title

    folder = default_folder(row.config)
    return folder.with_name(folder.name.removesuffix(title(row.config.model)) + "compare")


def _target(results: Path | None) -> Path | None:
    """The name of the pair of files, without its end; its folder must be there before hours of training."""
    from tasktalk.core.errors import RunFolderError

    if results is None:
        return None
    if not results.parent.is_dir():
        raise RunFolderError(f"--results: the folder {results.parent} does not exist")
    return results.with_suffix("") if results.suffix in (".md", ".json") else results


def _compare(
    rows: Sequence["Row"],
    seeds: range,
    folder: Path,
    metric: str,
    against: str,
    paper: bool,
    remarks: Sequence[str],
    quiet: bool,
) -> "Comparison":
    """Check everything, train what is not trained yet, and compare."""
    from tasktalk.benchmarks.compare import check_rows, run_rows
    from tasktalk.benchmarks.compare_files import Comparison
    from tasktalk.benchmarks.compare_table import choose_against, metric_by_task, paper_scores, summarise_rows
    from tasktalk.cli.options import load_data
    from tasktalk.cli.show import warn

    against = choose_against(against, rows)
    dataset = load_data(rows[0].config.data, progress=not quiet)
    for sentence in remarks:
        warn(sentence)
    metric_of = metric_by_task(metric, dataset.tasks, dataset.splits["train"].owner is not None)
    metric, *others = dict.fromkeys(metric_of.values())
    theirs = paper_scores(dataset, rows, metric) if paper else {}
    check_rows(dataset, rows, seeds, folder)

    def tell(line: str) -> None:
        if not quiet:
            typer.echo(line, err=True)

    results, failures = run_rows(dataset, rows, seeds, folder, not quiet, tell)
    its = {name: [task for task, its in metric_of.items() if its == name] for name in (metric, *others)}
    lines = summarise_rows(results, metric, against, theirs, its[metric] if others else None)
    tables = {name: summarise_rows(results, name, against, tasks=its[name]) for name in others}
    return Comparison(
        typed(), dataset.name, dataset.sources, metric, against, rows, seeds, results, failures, lines, tables,
        {task: name for task, name in metric_of.items() if name != metric},
    )  # fmt: skip


def typed() -> list[str]:
    """The command as it was typed, without what says where to write and what to show."""
    words = iter(sys.argv[1:])
    kept = ["tasktalk"]
    for word in words:
        if word in ("--out", "--results"):
            next(words, None)
        elif word not in ("--quiet", "-q") and not word.startswith(("--out=", "--results=")):
            kept.append(word)
    return kept


def _finish(comparison: "Comparison", folder: Path, target: Path | None, quiet: bool) -> None:
    from tasktalk.benchmarks.compare_files import write_comparison
    from tasktalk.cli.show import say
    from tasktalk.core.errors import TrainingError

    if comparison.lines:
        write_comparison(comparison, folder, target)
        _show(comparison)
        if not quiet:
            say(f"Every score: {shlex.quote(str(folder / 'comparison.json'))}, .csv and .md")
    if comparison.failures:
        raise TrainingError(_failed(comparison.failures))


def _failed(failures: Sequence["Failure"]) -> str:
    titles = dict.fromkeys(failure.title for failure in failures)
    sentences = []
    for title in titles:
        its = [failure for failure in failures if failure.title == title]
        seeds = ", ".join(str(failure.seed) for failure in its)
        sentences.append(f"{title} was not trained with seed {seeds}: {its[0].reason}")
    return "; ".join(sentences)


def _show(comparison: "Comparison") -> None:
    from tasktalk.benchmarks.compare_files import best_titles
    from tasktalk.cli.show import BEST, say, table

    for number, (metric, lines) in enumerate(comparison.tables.items()):
        best = best_titles(lines, metric)
        cells = [_cells(line, metric, line.title in best) for line in lines]
        shown = [name for name in cells[0] if any(row[name].strip() for row in cells)]
        say("\n" * (number > 0) + _caption(comparison, metric)) if comparison.others else None
        table(
            [name + " " * len(BEST) * (name == "test") for name in shown],
            [[row[name] for name in shown] for row in cells],
        )
    for sentence in _legend(comparison):
        say(sentence)


def _cells(line: "Line", metric: str, is_best: bool) -> dict[str, str]:
    """A row by the names of its columns; a column that is empty everywhere is not shown."""
    from tasktalk.benchmarks.compare_files import number
    from tasktalk.cli.show import BEST

    gap = line.difference
    return {
        "model": line.title,
        "test": f"{number(line.mean, metric)} ± {number(line.std, metric)}" + (BEST if is_best else " " * len(BEST)),
        "tasks": "" if line.defined == line.tasks else f"{line.defined}/{line.tasks}",
        "dev": number(line.dev, metric),
        "s/run": f"{line.seconds:.0f}",
        "paper": "" if line.paper is None else number(line.paper, metric),
        "difference": "" if gap is None else f"{number(gap.mean, metric, '+')} ± {number(gap.half_width, metric)}",
    }


def _caption(comparison: "Comparison", metric: str) -> str:
    """Which tasks a table is about, where there are several."""
    from tasktalk.benchmarks.compare_files import title_of

    others = comparison.metric_of
    tasks = next(iter(next(iter(comparison.results.values())).values()))["splits"]["test"]["tasks"]
    return f"{title_of(metric)} of {', '.join(t for t in tasks if others.get(t, comparison.metric) == metric)}:"


def _legend(comparison: "Comparison") -> list[str]:
    from tasktalk.benchmarks.compare import BEST as BEST_OTHER
    from tasktalk.benchmarks.compare_files import title_of
    from tasktalk.benchmarks.compare_table import HIGHER_IS_BETTER
    from tasktalk.cli.show import BEST

    lines, metric, seeds = comparison.lines, comparison.metric, len(comparison.seeds)
    titles = " and ".join(map(title_of, comparison.tables))
    order = "highest" if metric in HIGHER_IS_BETTER else "lowest"
    marked = f";{BEST} marks the {order}" if len(lines) > 1 else ""
    sentences = [f"Test {titles}: mean over tasks, ± std over {seeds} seed{'s' * (seeds > 1)}{marked}."]
    if any(line.difference for line in lines):
        other = "the best other" if comparison.against == BEST_OTHER else comparison.against
        sentences.append(f"Difference from {other}: paired by seed, ± half its 95 % confidence interval.")
    if any(line.defined != line.tasks for table in comparison.tables.values() for line in table):
        sentences.append(f"Tasks: for how many of those with labels the {titles} is defined.")
    sentences += [f"{line.title}: {line.seeds} of {seeds} seeds." for line in lines if line.seeds != seeds]
    return sentences
