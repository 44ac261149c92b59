"""Options that several commands take, and how they become settings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tasktalk.data.dataset import Dataset
    from tasktalk.training.config import DataConfig

DATA_PANEL = "Data"

_SOURCE_HELP = "A data set by name (see [cyan]tasktalk data list[/]), a folder, or tables: each a path or NAME=PATH."

Sources = Annotated[list[str] | None, typer.Argument(metavar="SOURCES", help=_SOURCE_HELP, show_default=False)]
MoreSources = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="NAME|PATH", help="The same as an argument.", rich_help_panel=DATA_PANEL),
]
Text = Annotated[
    str,
    typer.Option(metavar="COLUMN", help="Tables: the text column.", show_default="text", rich_help_panel=DATA_PANEL),
]
Label = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        help="Tables, one per task: the label column.",
        show_default="label",
        rich_help_panel=DATA_PANEL,
    ),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A,B,C",
        help="One table for all tasks: the label columns.",
        show_default="all but the text",
        rich_help_panel=DATA_PANEL,
    ),
]
OnlyTasks = Annotated[
    list[str] | None,
    typer.Option("--task", metavar="NAME", help="Only this task (repeat for more).", rich_help_panel=DATA_PANEL),
]
Tokenizer = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="words, whitespace, characters or smiles.",
        show_default="what suits the data",
        rich_help_panel=DATA_PANEL,
    ),
]
Vectors = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH",
        help="Pretrained word vectors: GloVe text, .gz, .zip or .npz (repeat to put them side by side).",
        rich_help_panel=DATA_PANEL,
    ),
]
Json = Annotated[
    str, typer.Option("--json", metavar="FILE", help="Write JSON instead of a table; - is standard output.")
]


def example(*commands: str) -> str:
    """Commands as the last lines of a help text."""
    return "[bold]Examples[/]" + "".join(f"\n\n  [dim]$[/] {command}" for command in commands)


def data_section(
    sources: Sequence[str] | None,
    *,
    text: str = "",
    label: str = "",
    labels: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    tokenizer: str = "",
    vectors: Sequence[str] | None = None,
) -> dict[str, object]:
    """The section ``data`` of a configuration, with what was given only."""
    columns = [name.strip() for names in labels or () for name in names.split(",") if name.strip()]
    given = {
        "source": list(sources or ()),
        "tasks": list(tasks or ()),
        "tokenizer": tokenizer,
        "text": text,
        "label": label,
        "labels": columns,
        "vectors": list(vectors or ()),
    }
    return {key: value for key, value in given.items() if value}


def load_data(config: "DataConfig", progress: bool = True) -> "Dataset":
    """Load what a configuration names, and print what the loader noticed.

    Raises:
        ConfigError: no source, or an unknown data set, task or tokeniser.
        DataError: something wrong in a file, or a data set that cannot be fetched.
    """
    from tasktalk.cli.show import warn
    from tasktalk.core.errors import ConfigError
    from tasktalk.data.load import load_request

    if not config.source:
        raise ConfigError("no data: name a data set, a folder or tables, for example tasktalk train fdu-mtl")
    dataset = load_request(config.source, config.request(), progress)
    for sentence in dataset.warnings:
        warn(sentence)
    return dataset
