"""``tasktalk data``: which data sets there are, fetch one, look into one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tasktalk.cli.options import (
    Json,
    Label,
    Labels,
    OnlyTasks,
    Sources,
    Text,
    Tokenizer,
    Vectors,
    data_section,
    example,
)

if TYPE_CHECKING:
    from tasktalk.data.catalogue import Entry
    from tasktalk.data.check import Report

app = typer.Typer(
    help="List, fetch and check data sets.",
    epilog=example("tasktalk data list", "tasktalk data fetch fdu-mtl", "tasktalk data check books.csv dvd.csv"),
    rich_markup_mode="rich",
    no_args_is_help=True,
)
_FEW_CLASSES = 4


@app.command("list", epilog=example("tasktalk data list"))
def list_() -> None:
    """List the public data sets that tasktalk knows by name."""
    from tasktalk.cli.show import say, table
    from tasktalk.data.cache import cache_folder
    from tasktalk.data.catalogue import CATALOGUE

    rows = [(entry.name, _state(entry), entry.summary, entry.licence) for entry in CATALOGUE.values()]
    table(("name", "here", "what it is", "licence"), rows)
    say(f"Cache folder: {cache_folder()} (the variable TASKTALK_DATA names another)")


@app.command(epilog=example("tasktalk data fetch fdu-mtl", "TASKTALK_DATA=/data tasktalk data fetch fdu-mtl --all"))
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="See [cyan]tasktalk data list[/].")],
    everything: Annotated[bool, typer.Option("--all", help="Also what training does not need.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Download a data set into the cache; run it again to go on where it stopped."""
    from tasktalk.cli.show import say
    from tasktalk.data.cache import fetch as fetch_entry
    from tasktalk.data.catalogue import find

    entry = find(name)
    say(str(fetch_entry(entry, everything, progress=not quiet)))
    typer.echo(f"Licence: {entry.licence}\nPlease cite: {entry.citation}", err=True)


@app.command(
    epilog=example("tasktalk data check fdu-mtl --vectors glove.6B.50d.txt", "tasktalk data check films.csv --json -")
)
def check(
    sources: Sources = None,
    text: Text = "",
    label: Label = "",
    labels: Labels = None,
    task: OnlyTasks = None,
    tokenizer: Tokenizer = "",
    vectors: Vectors = None,
    json: Json = "",
) -> None:
    """Count what is in a data set: texts, classes, lengths, empty texts, unknown words, duplicates."""
    from tasktalk.cli.options import load_data
    from tasktalk.cli.show import emit_json
    from tasktalk.data.check import check as check_dataset
    from tasktalk.encoders.vectors import vector_words
    from tasktalk.training.config import make_config

    section = data_section(
        sources, text=text, label=label, labels=labels, tasks=task, tokenizer=tokenizer, vectors=vectors
    )
    config = make_config({"data": section}).data
    dataset = load_data(config)
    words = {word for split in dataset.splits.values() for tokens in split.tokens for word in tokens}
    report = check_dataset(dataset, vector_words(config.vectors, words) if config.vectors else None)
    if json:
        emit_json(report.as_json(), json)
    else:
        _show(report)


def _state(entry: "Entry") -> str:
    from tasktalk.core.errors import DataError
    from tasktalk.data.cache import missing_files

    try:
        missing = len(missing_files(entry))
    except DataError:
        return "damaged"
    needed = sum(file.needed for file in entry.files)
    return "yes" if not missing else "no" if missing == needed else f"{needed - missing} of {needed} files"


def _show(report: "Report") -> None:
    """The report in 80 columns: unknown words are those without a vector, or without vectors those not in train."""
    from tasktalk.cli.show import number, say, table

    with_vectors = any(part.unknown_to_vectors is not None for part in report.parts)
    rows = []
    for part in report.parts:
        unknown = part.unknown_to_vectors if with_vectors else part.unknown_to_train
        rows.append(
            (
                part.task,
                part.split,
                str(part.examples),
                _balance(list(part.classes.values())),
                f"{part.median_words:.0f}/{part.p95_words:.0f}/{part.max_words}",
                str(part.empty),
                number(None if unknown is None else 100 * unknown, 1),
                "-" if part.also_in_train is None else str(part.also_in_train),
            )
        )
    table(("task", "split", "texts", "classes", "words", "empty", "OOV %", "twice"), rows, left=2)
    for classes, tasks in _class_names(report).items():
        say(f"classes of {tasks}: {classes}")
    say("words: median, 95th percentile and greatest number per text")
    say(f"OOV: words {'without a vector' if with_vectors else 'that stand in no training text'}")
    say("twice: texts that also stand in train")


def _balance(counts: Sequence[int]) -> str:
    if len(counts) <= _FEW_CLASSES:
        return "/".join(map(str, counts)) or "-"
    return f"{len(counts)} of {min(counts)} to {max(counts)}"


def _class_names(report: "Report") -> dict[str, str]:
    """The tasks that have the same classes, by these classes."""
    names: dict[str, list[str]] = {}
    for part in report.parts:
        tasks = names.setdefault(", ".join(part.classes), [])
        if part.task not in tasks:
            tasks.append(part.task)
    return {classes: "all tasks" if len(names) == 1 else ", ".join(tasks) for classes, tasks in names.items()}
