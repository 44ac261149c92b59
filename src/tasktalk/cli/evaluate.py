"""``tasktalk evaluate``: scores of a finished run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasktalk.cli.options import Json, example

if TYPE_CHECKING:
    from tasktalk.data.dataset import Dataset
    from tasktalk.training.run import Run

EPILOG = example(
    "tasktalk evaluate runs/fdu-mtl-ic",
    "tasktalk evaluate runs/fdu-mtl-ic --split dev --json -",
    "tasktalk evaluate runs/shop-ic --data new/books.csv --data new/dvd.csv",
)


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    data: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|PATH", help="Other labelled data (repeat for more).", show_default="the run's"),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="train, dev or test (repeat for more).", show_default="test"),
    ] = None,
    json: Json = "",
) -> None:
    """Score a run, task by task.

    Of other data, the test examples count; where it has none, as in a single table, all of its examples do.
    """
    from tasktalk.cli.scores import evaluation
    from tasktalk.cli.show import emit_json
    from tasktalk.data.dataset import noun
    from tasktalk.training.align import align
    from tasktalk.training.run import Run

    loaded = Run.load(run)
    dataset = _other_data(loaded, data) if data else own_data(loaded)
    dataset = align(dataset, loaded.tasks)
    blocks = loaded.evaluate(dataset, _splits(dataset, split))
    if json:
        emit_json({"splits": blocks}, json)
    else:
        what = noun(next(iter(dataset.splits.values())).content)
        evaluation(blocks, dataset, f"all {what}" if data else "train")


def own_data(run: "Run", in_python: str = "tasktalk.evaluate(run, data)") -> "Dataset":
    """The data that a run was trained on, with the labels that it was allowed to use; warns if it has changed."""
    from tasktalk.cli.options import load_own_data
    from tasktalk.cli.show import warn
    from tasktalk.data.masks import mask_labels, parse_mask
    from tasktalk.training.run_folder import ENVIRONMENT, read_json

    dataset = load_own_data(run.config.data, run.folder, in_python)
    if dict(dataset.sources) != read_json(run.folder / ENVIRONMENT)["data"]:
        warn("the data has changed since the run was trained: it may be tested on examples that it was trained on")
    masked, _ = mask_labels(dataset, parse_mask(run.config.data.mask), run.config.training.seed)
    return masked


def _other_data(run: "Run", sources: list[str]) -> "Dataset":
    """Data that nothing is held back from: the test texts that it brings along, or all of it."""
    from tasktalk.cli.options import load_data
    from tasktalk.cli.show import warn
    from tasktalk.training.inputs import field_name
    from tasktalk.training.run_folder import ENVIRONMENT, read_json

    given: dict[str, object] = {"source": sources, "dev": 0.0, "test": 0.0, "tokenizer": run.tokenizer}
    if field_name(run.encoder) == "smiles":  # a run of a public data set has no name of the column
        given["smiles"] = run.config.data.smiles or "smiles"
    classes = {task.name: task.classes for task in run.tasks}
    dataset = load_data(run.config.data.model_copy(update=given), known=classes)
    known = set(read_json(run.folder / ENVIRONMENT)["data"].values())
    again = sorted(name for name, sha256 in dataset.sources.items() if sha256 in known)
    if again:
        warn(f"the run was trained on data from {', '.join(again)}: scores of what it knows say little")
    return dataset


def _splits(dataset: "Dataset", wanted: list[str] | None) -> list[str]:
    from tasktalk.core.errors import ConfigError, nearest

    for name in wanted or ():
        if name not in dataset.splits:
            raise ConfigError(f"the data has no split {name!r}: {nearest(name, dataset.splits)}")
    return wanted or [next(name for name in ("test", "dev", "train") if name in dataset.splits)]
