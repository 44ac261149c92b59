"""``tasktalk data``: which data sets there are, fetch one, look into one."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tasktalk.cli import build
from tasktalk.cli.options import (
    Edges,
    Features,
    Json,
    Kinds,
    Label,
    Labels,
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

if TYPE_CHECKING:
    from tasktalk.data.catalogue import Entry
    from tasktalk.data.check import Report

app = typer.Typer(
    help="List, fetch, build and check data sets.",
    epilog=example("tasktalk data list", "tasktalk data fetch fdu-mtl", "tasktalk data check books.csv dvd.csv"),
    rich_markup_mode="rich",
    no_args_is_help=True,
)
app.add_typer(build.app, name="build")
_FEW_CLASSES = 4


@app.command("list", epilog=example("tasktalk data list"))
def list_() -> None:
    """List the public data sets that tasktalk knows by name."""
    from tasktalk.cli.show import say, table
    from tasktalk.data.cache_folder import cache_folder
    from tasktalk.data.catalogue import CATALOGUE

    rows = [(entry.name, _state(entry), entry.summary, entry.licence) for entry in CATALOGUE.values()]
    table(("name", "here", "what it is", "licence"), rows)
    say("Without a download: molecules and molecule-graphs, the demo's, from RDKit (molecules:1 draws others)")
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
    epilog=example(
        "tasktalk data check fdu-mtl --vectors glove.6B.50d.txt", "tasktalk data check assays.csv --smiles smiles"
    )
)
def check(
    sources: Sources = None,
    text: Text = "",
    label: Label = "",
    labels: Labels = None,
    task: OnlyTasks = None,
    kind: Kinds = None,
    tokenizer: Tokenizer = "",
    vectors: Vectors = None,
    smiles: Smiles = "",
    split: SplitKind = "",
    edges: Edges = "",
    features: Features = "",
    node: Node = "",
    json: Json = "",
) -> None:
    """Count what is in a data set: examples, classes, tags, duplicates; words, sizes of molecules and graphs."""
    from tasktalk.cli.options import load_data
    from tasktalk.cli.show import emit_json
    from tasktalk.data.check import check as check_dataset
    from tasktalk.data.sentence_batches import folded
    from tasktalk.encoders.vectors import vector_words
    from tasktalk.training.config import make_config

    section = data_section(
        sources, text=text, label=label, labels=labels, tasks=task, kinds=kind, tokenizer=tokenizer, vectors=vectors,
        smiles=smiles, split=split, edges=edges, features=features, node=node,
    )  # fmt: skip
    config = make_config({"data": section}).data
    dataset, known = load_data(config), None
    if config.vectors:
        words = {word for split in dataset.splits.values() for tokens in split.tokens for word in tokens}
        fold = config.case == "fold" and any(one.kind == "tagging" for one in dataset.tasks)  # as they are looked up
        found = vector_words(config.vectors, {folded(word, fold) for word in words})
        known = {word for word in words if folded(word, fold) in found}
    report = check_dataset(dataset, known)
    if json:
        emit_json(report.as_json(), json)
    elif report.inputs in ("texts", "sentences"):
        _show(report)
    else:
        _show_graphs(report)


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
    from tasktalk.cli.show import number, table

    with_vectors = any(part.unknown_to_vectors is not None for part in report.parts)
    tagged = report.inputs == "sentences"
    rows = []
    for part in report.parts:
        unknown = part.unknown_to_vectors if with_vectors else part.unknown_to_train
        rows.append(
            (
                part.task,
                part.split,
                str(part.examples),
                *([str(part.words)] if tagged else []),
                _balance(list(part.classes.values())),
                f"{part.median_words or 0:.0f}/{part.p95_words or 0:.0f}/{part.max_words}",
                *([] if tagged else [str(part.empty)]),
                number(None if unknown is None else 100 * unknown, 1),
                "-" if part.also_in_train is None else str(part.also_in_train),
            )
        )
    of_texts = ("task", "split", "texts", "classes", "words", "empty", "OOV %", "twice")
    of_sentences = ("task", "split", "sentences", "words", "tags", "length", "OOV %", "twice")
    table(of_sentences if tagged else of_texts, rows, left=2)
    _say_labels(report)
    _say_columns(tagged, with_vectors)


def _say_columns(tagged: bool, with_vectors: bool) -> None:
    from tasktalk.cli.show import say

    one = "sentence" if tagged else "text"
    if tagged:
        say("tags: how many words have each, or how many spans each type has")
    lengths = (
        "length: median, 95th percentile and greatest number of words"
        if tagged
        else ("words: median, 95th percentile and greatest number")
    )
    say(f"{lengths} per {one}")
    say(f"OOV: words {'without a vector' if with_vectors else f'that stand in no training {one}'}")
    say(f"twice: {one}s that also stand in train")


def _show_graphs(report: "Report") -> None:
    """Of inputs that tasks share: a row for each task, with its labels in every split."""
    from tasktalk.cli.show import number, say, shorten, table

    parts = {(part.task, part.split): part for part in report.parts}
    tasks = list(dict.fromkeys(part.task for part in report.parts))
    head = ["labels of", *(title for split in report.examples for title in (split, "+ %"))]
    rows = []
    for task in tasks:
        row = [task]
        for split in report.examples:
            part = parts.get((task, split))
            positive = None if part is None or part.positive is None else 100 * part.positive
            row += [str(part.examples) if part else "0", number(positive, 1)]
        rows.append(row)
    table(head, shorten(head, rows), left=1)
    _say_labels(report)
    say("+ %: share of the second of two classes")
    splits = ", ".join(f"{split} {count}" for split, count in report.examples.items())
    skipped = f"; {report.skipped} more cannot be read" if report.skipped else ""
    say(f"{sum(report.examples.values())} labelled {report.inputs}: {splits}{skipped}")
    for line in _sizes(report):
        say(line)


def _sizes(report: "Report") -> Iterator[str]:
    graphs, told = report.graphs, "median {0.median:.0f}, 95th percentile {0.p95:.0f}, greatest {0.greatest}"
    if graphs is None:
        return
    if graphs.atoms:
        yield "atoms: " + told.format(graphs.atoms)
    if graphs.neighbours:
        yield f"graph: {graphs.nodes} nodes, {graphs.edges} edges, {graphs.features} features of each node"
        yield f"neighbours: {told.format(graphs.neighbours)}; nodes without any: {graphs.alone}"


def _say_labels(report: "Report") -> None:
    from tasktalk.cli.show import say

    what = "tags" if report.inputs == "sentences" else "classes"
    for classes, tasks in _class_names(report).items():
        say(f"{what} of {tasks}: {classes}")
    for part in report.parts:
        if part.mean is not None and part.std is not None and part.split == "train":
            say(f"values of {part.task} in train: mean {part.mean:.4g}, standard deviation {part.std:.4g}")


def _balance(counts: Sequence[int]) -> str:
    if len(counts) <= _FEW_CLASSES:
        return "/".join(map(str, counts)) or "-"
    return f"{len(counts)} of {min(counts)} to {max(counts)}"


def _class_names(report: "Report") -> dict[str, str]:
    """The tasks that have the same classes, by these classes."""
    names: dict[str, list[str]] = {}
    for part in (part for part in report.parts if part.classes):
        tasks = names.setdefault(", ".join(part.classes), [])
        if part.task not in tasks:
            tasks.append(part.task)
    everything = len({part.task for part in report.parts})
    return {c: "all tasks" if len(tasks) == everything else ", ".join(tasks) for c, tasks in names.items()}
