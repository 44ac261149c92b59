"""``tasktalk explain``: what the tasks of a run said, as a page."""

import shlex
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasktalk.cli.options import Json, example

if TYPE_CHECKING:
    from tasktalk.analysis.explain import Advance, Report
    from tasktalk.data.dataset import Dataset, Examples
    from tasktalk.training.run import Run

EPILOG = example(
    "tasktalk explain runs/fdu-mtl-ic -o report.html",
    "tasktalk explain runs/fdu-mtl-ic --text 'a gripping story' --text 'it broke at once'",
    "tasktalk explain runs/seed-0 --also runs/seed-1 --also runs/seed-2 --null",
)
FOLDER = "explain"
"""Name of the folder for pictures, in the run folder."""
_OWN, _TRUST = "Own inputs", "How far to trust it"
_WIDTH = 80

_Text = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT", help="A text, SMILES or node (repeat for more).", rich_help_panel=_OWN),
]
_Input = Annotated[
    Path | None,
    typer.Option(
        "--input",
        metavar="FILE",
        help="Texts, SMILES or names of nodes: one a line, or a table (.csv, .tsv, .jsonl).",
        rich_help_panel=_OWN,
    ),
]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="The page.", show_default="RUN/explain/report.html"),
]
_Split = Annotated[str, typer.Option(metavar="NAME", help="train, dev or test.", show_default="test, or else dev")]
_Task = Annotated[str, typer.Option(metavar="NAME", help="Only this task's samples.", show_default="all tasks'")]
_Samples = Annotated[int, typer.Option(metavar="N", help="Look at so many at most, drawn at random.", min=1)]
_Clusters = Annotated[
    int | None, typer.Option(metavar="K", help="Clusters of samples.", show_default="by silhouette", min=2)
]
_Seed = Annotated[int, typer.Option(metavar="N", help="Seed of everything that is drawn.", min=0)]
_Also = Annotated[
    list[Path] | None,
    typer.Option(metavar="RUN", help="A run with other seeds, to compare (repeat for more).", rich_help_panel=_TRUST),
]
_Null = Annotated[
    bool,
    typer.Option(
        "--null",
        help="Train the same model on shuffled labels, into RUN/null; takes as long as RUN did, and goes on where it "
        "was stopped.",
        rich_help_panel=_TRUST,
    ),
]


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    text: _Text = None,
    file: _Input = None,
    split: _Split = "",
    task: _Task = "",
    samples: _Samples = 400,
    clusters: _Clusters = None,
    seed: _Seed = 0,
    also: _Also = None,
    null: _Null = False,
    output: _Output = None,
    json: Json = "",
) -> None:
    """Show which tasks listened to which, in a page that opens without a network.

    Every picture is also written as PNG, SVG and CSV into RUN/explain. Beside
    the pictures stands how far to trust them. For dc, ic, mitten, cross-stitch
    and mmoe; other models have no weights between tasks.
    """
    from tasktalk.analysis.explain import explain, refuse_silent
    from tasktalk.analysis.null import FOLDER as NULL
    from tasktalk.cli.show import emit_json, told_how_to_go_on
    from tasktalk.training.run import Run

    with told_how_to_go_on(_again(), (run / NULL).exists, "no report was written"):
        loaded = Run.load(run)
        page = output or run / FOLDER / "report.html"
        _refuse_unwritable(page, run / FOLDER)
        data = _data(loaded) if null or not (text or file) else None
        examples, facts = _samples(loaded, data, text or [], file, split, task)
        refuse_silent(loaded, examples)
        shuffled = _train_null(loaded, data) if null and data else None
        with _progress() as advance:
            report = explain(
                loaded, examples, samples=samples, clusters=clusters, seed=seed, also=also or [], null=shuffled,
                training=data.splits.get("train") if data else None,
                facts=[*facts, ("Command", _again())], advance=advance,
            )  # fmt: skip
        report.write(page)
        pictures = report.save_pictures(run / FOLDER)
    if json:
        emit_json({"report": str(page), "pictures": str(run / FOLDER), **report.summary()}, json)
    else:
        _show(report, page, run / FOLDER, len(pictures))


def _samples(
    run: "Run", data: "Dataset | None", texts: list[str], file: Path | None, split: str, task: str
) -> tuple["Examples", list[tuple[str, str]]]:
    """What the tasks are to read, and where it is from."""
    from tasktalk.analysis.explain import of_task
    from tasktalk.core.errors import ConfigError

    only = [("Only of task", task)] if task else []
    if texts or file or data is None:
        if split:
            raise ConfigError("--split is for samples of the run's data: leave it out with --text and --input")
        return _own(run, texts, file, task), [("Data", "own inputs, without labels"), *only]
    examples, name = _of_split(data, split)
    facts = [("Data", ", ".join(run.config.data.source)), ("Split", name), *only]
    return of_task(run, examples, task) if task else examples, facts


def _data(run: "Run") -> "Dataset":
    from tasktalk.cli.evaluate import own_data
    from tasktalk.training.align import align

    return align(own_data(run, "tasktalk.explain(run, data.splits['test'])"), run.tasks)


def _of_split(dataset: "Dataset", wanted: str) -> tuple["Examples", str]:
    from tasktalk.cli.show import warn
    from tasktalk.core.errors import ConfigError, nearest

    if wanted and wanted not in dataset.splits:
        raise ConfigError(f"the data has no split {wanted!r}: {nearest(wanted, dataset.splits)}")
    name = wanted or next(name for name in ("test", "dev", "train") if name in dataset.splits)
    if not wanted and name != "test":
        warn(f"the data has no test split: the report is about {name}")
    return dataset.splits[name], name


def _own(run: "Run", texts: list[str], file: Path | None, task: str) -> "Examples":
    from tasktalk.cli.rows import open_rows
    from tasktalk.core.errors import ConfigError
    from tasktalk.training.inputs import field_name

    name = field_name(run.encoder)
    given = list(texts)
    if file is not None:
        data = run.config.data
        usual = {"smiles": data.smiles, "node": data.node, "text": data.text}[name]
        with open_rows(file, [known for known in (usual, name) if known], name) as found:
            given += [row.content for row in found.rows]
    given = [one if name == "text" else one.strip() for one in given if one.strip()]
    if not given:
        raise ConfigError(f"expected a {name} at least, found only blanks")
    return run.examples(given, run.index(task) if task else None)


def _train_null(run: "Run", dataset: "Dataset") -> "Run":
    from tasktalk.analysis.null import train_null
    from tasktalk.training.progress import Bars

    with Bars() as reporter:
        return train_null(run, dataset, reporter=reporter)


@contextmanager
def _progress() -> Iterator["Advance"]:
    """A bar on standard error, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=16),
        TextColumn("{task.percentage:>3.0f}%"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task("")
        yield lambda what, done, total: bars.update(bar, description=what[:40], completed=done, total=total)


def _refuse_unwritable(page: Path, folder: Path) -> None:
    """Before the work, not after it."""
    from tasktalk.core.errors import RunFolderError
    from tasktalk.training.run_folder import attempt

    if page.is_dir():
        raise RunFolderError(f"{page}: is a folder; name a file, such as {page / 'report.html'}")
    attempt(folder, lambda: folder.mkdir(exist_ok=True))
    for path in (page, folder / "picture.png"):
        probe = path.with_name(f".{path.name}.write-test")
        attempt(path, probe.touch)
        probe.unlink()


def _again() -> str:
    """The command as it was typed."""
    return shlex.join(["tasktalk", *sys.argv[1:]])


def _show(report: "Report", page: Path, folder: Path, files: int) -> None:
    from tasktalk.cli.show import say

    checks = [check for part in report.parts for check in part.checks]
    for word, passed in (("passed", True), ("did not pass", False), ("not made", None)):
        names = [check.name for check in checks if check.passed is passed]
        told = f" ({', '.join(names)})" if names else ""
        head = f"{word + ':':<14}{len(names)}"
        say(head + (f" {textwrap.shorten(told, _WIDTH - len(head) - 1, placeholder=' …)')}" if told else ""))
    say(f"Pictures:     {shlex.quote(str(folder))} ({files} files)\nReport:       {shlex.quote(str(page))}")
