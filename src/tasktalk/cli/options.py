"""Options that several commands take, and how they become settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tasktalk.data.dataset import Dataset
    from tasktalk.training.config import DataConfig

DATA_PANEL = "Data"
MOLECULE_PANEL = "Data: molecules"
GRAPH_PANEL = "Data: nodes of a graph"
MODEL_PANEL = "Model and training"
Flags = dict[str, dict[str, Any]]
"""Settings by section and key; None where nothing was given."""

_SOURCE_HELP = (
    "A data set by name (see [cyan]tasktalk data list[/]), a folder, tables (each a path or NAME=PATH), a graph in "
    "a .mat file, or files of tagged words (NAME=PATH:column=N)."
)

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
        show_default="all others",
        rich_help_panel=DATA_PANEL,
    ),
]
OnlyTasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        metavar="NAME|NAME=PATH",
        help="Only this task (repeat for more); with an equals sign a source, such as pos=train.conll:column=1.",
        rich_help_panel=DATA_PANEL,
    ),
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
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        metavar="TASK=KIND",
        help="What a task is, where its labels do not tell: binary, multiclass or regression (repeat for more).",
        rich_help_panel=DATA_PANEL,
    ),
]
Mask = Annotated[
    str,
    typer.Option(
        metavar="MASK",
        help="Training labels that may be used: sufficient, all:10 (10 % of each task's), partial:10 (of half of the "
        "tasks') or few:10 (ten of each task's).",
        show_default="sufficient",
        rich_help_panel=DATA_PANEL,
    ),
]
Smiles = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        help="The table is of molecules, and this is its column of SMILES.",
        rich_help_panel=MOLECULE_PANEL,
    ),
]
SplitKind = Annotated[
    str,
    typer.Option(
        metavar="KIND",
        help="random, or scaffold: test molecules have skeletons that training has not.",
        show_default="random",
        rich_help_panel=MOLECULE_PANEL,
    ),
]
Edges = Annotated[
    str,
    typer.Option(
        metavar="FILE",
        help="The table labels nodes, and this one names two nodes in each row.",
        rich_help_panel=GRAPH_PANEL,
    ),
]
Features = Annotated[
    str, typer.Option(metavar="FILE", help="A table of numbers for each node.", rich_help_panel=GRAPH_PANEL)
]
Node = Annotated[
    str,
    typer.Option(
        metavar="COLUMN",
        help="The column that names the node, in the tables of labels and features.",
        show_default="node",
        rich_help_panel=GRAPH_PANEL,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="See [cyan]tasktalk models[/]; or the import path of a block of your own, my_module:MyBlock.",
        show_default="ic for texts and sentences, mitten for molecules and nodes",
        rich_help_panel=MODEL_PANEL,
    ),
]
Epochs = Annotated[
    int | None, typer.Option(metavar="N", help="training.epochs.", show_default="10", rich_help_panel=MODEL_PANEL)
]
Seed = Annotated[
    int | None, typer.Option(metavar="N", help="training.seed.", show_default="0", rich_help_panel=MODEL_PANEL)
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Settings in YAML, as in every run folder.", rich_help_panel=MODEL_PANEL),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="Any setting (repeat for more); stronger than the other options, which are stronger than --config. "
        "[cyan]tasktalk models NAME --all[/] lists them.",
        rich_help_panel=MODEL_PANEL,
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
    labels: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    **others: str | Sequence[str] | None,
) -> dict[str, object]:
    """The section ``data`` of a configuration, with what was given only.

    Args:
        sources: what to load.
        labels: names of columns, which may be joined by commas.
        kinds: each ``TASK=KIND``.
        tasks: names of tasks to choose, or further sources, each ``NAME=PATH``.
        others: values of other settings by their keys.

    Raises:
        ConfigError: a kind without its task.
    """
    columns = [name.strip() for names in labels or () for name in names.split(",") if name.strip()]
    if others.get("smiles") or others.get("edges"):  # there a label column is a task like any other
        columns += [str(label)] if (label := others.pop("label", "")) else []
    named = [task for task in tasks or () if "=" not in task]
    defined = [task for task in tasks or () if "=" in task]
    given = {
        "source": [*(sources or ()), *defined],
        "labels": columns,
        "tasks": named,
        "kinds": dict(map(_kind, kinds or ())),
    }
    rest = {key: value if isinstance(value, str) else list(value or ()) for key, value in others.items()}
    return {key: value for key, value in (given | rest).items() if value}


def layers(file: Path | None, flags: Flags) -> Flags:
    """Options over the settings of a file.

    Args:
        file: of YAML; None for none.
        flags: what options say.

    Raises:
        ConfigError: the file cannot be read.
    """
    from tasktalk.training.config import read_config

    values: Flags = {}
    for layer in (read_config(file) if file else {}, flags):
        for section, part in layer.items():
            given = {key: value for key, value in part.items() if value is not None}
            values[section] = {**values.get(section, {}), **given}
    return values


def _kind(given: str) -> tuple[str, str]:
    from tasktalk.core.errors import ConfigError

    task, equals, kind = given.rpartition("=")
    if not equals:
        raise ConfigError(f"expected --kind TASK=KIND, for example --kind solubility=regression, found {given!r}")
    return task, kind


def load_data(
    config: "DataConfig", progress: bool = True, known: Mapping[str, Sequence[str]] | None = None
) -> "Dataset":
    """Load what a configuration names, and print what the loader noticed.

    Args:
        config: the settings of the data.
        progress: show a progress bar while fetching.
        known: classes by task, where the data is only to be scored; its labels may then be all the same.

    Raises:
        ConfigError: no source, or an unknown data set, task or tokeniser.
        DataError: something wrong in a file, or a data set that cannot be fetched.
    """
    from dataclasses import replace

    from tasktalk.cli.show import warn
    from tasktalk.core.errors import ConfigError
    from tasktalk.data.load import load_request

    if not config.source:
        raise ConfigError("no data: name a data set, a folder or tables, for example tasktalk train fdu-mtl")
    dataset = load_request(config.source, replace(config.request(), known=known), progress)
    for sentence in dataset.warnings:
        warn(sentence)
    return dataset


def load_own_data(config: "DataConfig", run: Path, in_python: str, progress: bool = True) -> "Dataset":
    """Load what a run was trained on.

    Args:
        config: the run's settings of the data.
        run: its folder.
        in_python: what does the same with a data set that was given in Python, which has no path.
        progress: show a progress bar while fetching.

    Raises:
        ConfigError: it cannot be loaded (any more, or from here).
    """
    from tasktalk.core.errors import ConfigError, DataError

    try:
        return load_data(config, progress)
    except (ConfigError, DataError) as error:
        named = ", ".join(map(repr, config.source))
        raise ConfigError(
            f"{run}: cannot load its own data: {error}; start in the folder from which {named} was named, or, if it "
            f"was a data set in Python, use {in_python} there"
        ) from error
