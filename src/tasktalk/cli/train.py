"""``tasktalk train``: a model, the models beside it, and the table that compares them."""

import shlex
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasktalk.cli.options import (
    MODEL_PANEL,
    ConfigFile,
    Edges,
    Epochs,
    Features,
    Flags,
    Kinds,
    Label,
    Labels,
    Mask,
    Model,
    MoreSources,
    Node,
    OnlyTasks,
    Seed,
    Set,
    Smiles,
    Sources,
    SplitKind,
    Text,
    Tokenizer,
    Vectors,
    data_section,
    example,
    layers,
    load_data,
    load_own_data,
)
from tasktalk.cli.processes import together

if TYPE_CHECKING:
    from tasktalk.cli.jobs import Job
    from tasktalk.data.dataset import Dataset

EPILOG = example(
    "tasktalk train fdu-mtl --model ic --vectors glove.6B.zip:glove.6B.200d.txt",
    "tasktalk train books.csv dvd.csv --set model.hidden=50 --epochs 5",
    "tasktalk train assays.csv --smiles smiles --beside single --split scaffold",
    "tasktalk train people.csv --edges friends.csv --node name",
    "tasktalk train --task pos=train.conll:column=1 --task chunk=train.conll:column=2",
    "tasktalk train --resume --out runs/fdu-mtl-ic",
)
_FOLDER = "Run folder"
_Beside = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Train this model too, to compare (repeat for more; none for nothing).",
        show_default="linear; for molecules forest, for sentences lstm",
        rich_help_panel=MODEL_PANEL,
    ),
]
_Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where to write.", show_default="runs/DATA-MODEL", rich_help_panel=_FOLDER),
]
_Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing run folder.", rich_help_panel=_FOLDER)
]
_Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with the killed run in --out; it knows its settings.", rich_help_panel=_FOLDER
    ),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show the final table only, no progress.")]


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
    model: Model = "",
    epochs: Epochs = None,
    seed: Seed = None,
    beside: _Beside = None,
    config: ConfigFile = None,
    settings: Set = None,
    out: _Out = None,
    overwrite: _Overwrite = False,
    resume: _Resume = False,
    quiet: _Quiet = False,
) -> None:
    """Train a model on related tasks, models to compare with beside it, and print every task's score.

    Everything needed to evaluate, to predict and to do it again is written into the run folder.
    """
    section = data_section(
        [*(sources or ()), *(data or ())],
        text=text, label=label, labels=labels, tasks=task, kinds=kind, mask=mask, tokenizer=tokenizer, vectors=vectors,
        smiles=smiles, split=split, edges=edges, features=features, node=node,
    )  # fmt: skip
    training = {"epochs": epochs, "seed": seed, "beside": _without_none(beside)}
    flags: Flags = {"data": section, "model": {"name": model or None}, "training": training}
    with together(), _told_how_to_go_on(out if resume else None):
        if resume:
            options = {"--config": config, "--set": settings, "--overwrite": overwrite}
            _refuse_settings([*_given(flags), *(name for name, value in options.items() if value)])
            _resume(out, quiet)
        else:
            _start(layers(config, flags), settings or [], out, overwrite, quiet)


def _without_none(beside: list[str] | None) -> list[str] | None:
    return [name for name in beside if name != "none"] if beside else None


def _start(values: Flags, settings: list[str], out: Path | None, overwrite: bool, quiet: bool) -> None:
    from tasktalk.cli.jobs import complete, default_folder, outline, plan
    from tasktalk.training.processes import main_first, on_main
    from tasktalk.training.run_folder import refuse_existing

    first = outline(values, settings)
    if out and not overwrite:
        on_main(lambda: refuse_existing(out))
    dataset = main_first(lambda: load_data(first.data, progress=not quiet))
    config = complete(values, settings, dataset)
    folder = out or default_folder(config)
    jobs = plan(config, folder, dataset)
    if not overwrite:
        on_main(lambda: refuse_existing(folder))
    _work(jobs, dataset, overwrite, quiet)


def _resume(out: Path | None, quiet: bool) -> None:
    from tasktalk.cli.jobs import is_finished, plan
    from tasktalk.core.errors import ConfigError, RunFolderError
    from tasktalk.training.config import make_config, read_config
    from tasktalk.training.processes import main_first
    from tasktalk.training.run_folder import CONFIG, open_folder

    if out is None:
        raise ConfigError("--resume needs the run folder: tasktalk train --resume --out DIR")
    open_folder(out, resume=True)
    config = make_config(read_config(out / CONFIG))
    dataset = main_first(
        lambda: load_own_data(config.data, out, "tasktalk.training.train.resume(data, out)", not quiet)
    )
    jobs = plan(config, out, dataset)
    if all(is_finished(job) for job in jobs):
        raise RunFolderError(f"{out}: this run is finished, there is nothing to resume")
    _work(jobs, dataset, False, quiet)


def _refuse_settings(given: Sequence[str]) -> None:
    from tasktalk.core.errors import ConfigError

    if given:
        raise ConfigError(
            f"--resume goes with --out and --quiet only, the run folder has its settings; found {', '.join(given)}"
        )


def _given(flags: Flags) -> list[str]:
    return [f"{section}.{key}" for section, part in flags.items() for key, value in part.items() if value is not None]


def _told_how_to_go_on(folder: Path | None) -> AbstractContextManager[None]:
    """End an interrupted command with what to type to go on."""
    from tasktalk.cli.show import told_how_to_go_on

    def begun() -> bool:
        return folder is not None and (folder / "config.yaml").is_file()

    again = f"tasktalk train --resume --out {shlex.quote(str(folder))}"
    return told_how_to_go_on(again, begun, "nothing was written")


def _work(jobs: Sequence["Job"], dataset: "Dataset", overwrite: bool, quiet: bool) -> None:
    """Do what is not done yet, then compare; the first job is the one that was asked for."""
    from tasktalk.cli.jobs import run_all
    from tasktalk.cli.scores import comparison
    from tasktalk.cli.show import say

    folder = jobs[0].folder
    with _told_how_to_go_on(folder):
        runs = run_all(jobs, dataset, overwrite, quiet)
    comparison({label: run.metrics for label, run in runs.items()}, dataset)
    say(f"Run folder: {shlex.quote(str(folder))}\nTry next:   {_next(folder, dataset)}")


def _next(folder: Path, dataset: "Dataset") -> str:
    """A command that asks the run something."""
    from tasktalk.data.dataset import Molecules, Nodes

    content = next(iter(dataset.splits.values())).content
    match content:
        case Molecules():
            given, task = "CC(=O)Nc1ccc(O)cc1", ""
        case Nodes(graph=graph):
            given, task = graph.names[0], ""
        case _:
            given, task = "some text", f" --task {shlex.quote(dataset.tasks[0].name)}"
    quoted = "'" + given.replace("'", "'\\''") + "'"
    return f"echo {quoted} | tasktalk predict {shlex.quote(str(folder))}{task}"
