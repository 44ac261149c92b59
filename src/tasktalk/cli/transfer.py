"""``tasktalk transfer``: a further task for a finished run."""

import shlex
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasktalk.cli.options import example

if TYPE_CHECKING:
    from tasktalk.data.dataset import Dataset
    from tasktalk.training.run import Run

EPILOG = example(
    "tasktalk transfer runs/shop-ic --data garden.csv --name garden",
    "tasktalk transfer runs/shop-ic --data garden.csv --name garden --epochs 20 --unfreeze-after 10",
    "tasktalk predict runs/shop-ic-garden new.txt --task garden",
)
_DATA, _TRAINING, _FOLDER = "Data", "Training", "Run folder"

_Run = Annotated[
    Path | None,
    typer.Argument(
        metavar="RUN",
        help="A finished run of ic, sp, fs or mitten on texts, or of mitten on molecules.",
        show_default=False,
    ),
]
_Data = Annotated[
    str,
    typer.Option(
        metavar="FILE|NAME",
        help="A table of texts or SMILES, and labels (.csv, .tsv, .jsonl); or a data set or folder that has a task "
        "NAME.",
        rich_help_panel=_DATA,
    ),
]
_Name = Annotated[str, typer.Option(metavar="NAME", help="What the new task is called.", rich_help_panel=_DATA)]
_Text = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="The column of texts or SMILES.", show_default="the run's", rich_help_panel=_DATA
    ),
]
_Label = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The label column.", show_default="label", rich_help_panel=_DATA),
]
_Epochs = Annotated[
    int | None,
    typer.Option(metavar="N", help="training.epochs.", show_default="the run's", rich_help_panel=_TRAINING),
]
_Unfreeze = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="After N epochs train what the tasks share as well, for the new task only.",
        show_default="never",
        rich_help_panel=_TRAINING,
    ),
]
_Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="SECTION.KEY=VALUE",
        help="A setting of the training, or data.dev, data.kinds, data.mask, data.test (repeat for more).",
        show_default="the run's",
        rich_help_panel=_TRAINING,
    ),
]
_Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where to write.", show_default="RUN-NAME", rich_help_panel=_FOLDER)
]
_Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing run folder.", rich_help_panel=_FOLDER)
]
_Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on with what was stopped in --out, without RUN.", rich_help_panel=_FOLDER),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show the result only, no progress.")]


def command(
    run: _Run = None,
    data: _Data = "",
    name: _Name = "",
    text: _Text = None,
    label: _Label = None,
    epochs: _Epochs = None,
    unfreeze_after: _Unfreeze = None,
    settings: _Set = None,
    out: _Out = None,
    overwrite: _Overwrite = False,
    resume: _Resume = False,
    quiet: _Quiet = False,
) -> None:
    """Add a task to a finished run: it learns to read from what the others share, which stays as it is.

    The new run folder answers for all tasks, for the old ones as before to the last bit. Words that the run does not
    know stay unknown.
    """
    from tasktalk.core.errors import ConfigError

    options: dict[str, object] = {"RUN": run, "--data": data, "--name": name}
    if resume:
        others: dict[str, object] = {"--text": text, "--label": label, "--epochs": epochs, "--set": settings}
        others |= {**options, "--unfreeze-after": unfreeze_after, "--overwrite": overwrite or None}
        found = [option for option, value in others.items() if value not in (None, "")]
        if out is None or found:
            told = f"; found {', '.join(found)}" if found else ""
            raise ConfigError(f"--resume goes with --out and --quiet only: tasktalk transfer --resume --out DIR{told}")
        _resume(out, quiet)
        return
    missing = [option for option, value in options.items() if not value]
    if run is None or missing:
        example = "tasktalk transfer runs/shop-ic --data garden.csv --name garden"
        raise ConfigError(f"expected {', '.join(missing)}, for example {example}")
    values: dict[str, dict[str, Any]] = {"data": {"text": text, "label": label}, "training": {"epochs": epochs}}
    _start(_Wanted(run, data, name, values, settings or [], unfreeze_after), out, overwrite, quiet)


@dataclass(frozen=True)
class _Wanted:
    """What was asked for: the arguments of the same names, and other options as settings."""

    run: Path
    data: str
    name: str
    values: dict[str, dict[str, Any]]
    settings: list[str]
    unfreeze_after: int | None


def _start(wanted: _Wanted, out: Path | None, overwrite: bool, quiet: bool) -> None:
    from tasktalk.cli.options import load_data
    from tasktalk.training.progress import Bars, Silent
    from tasktalk.training.run import Run
    from tasktalk.training.run_folder import refuse_existing
    from tasktalk.training.transfer import check_run, transfer, transfer_config

    run = Run.load(wanted.run)
    check_run(run, wanted.name)
    config = transfer_config(run, wanted.data, wanted.name, wanted.values, wanted.settings)
    folder = out or Path(f"{wanted.run}-{wanted.name}")
    if not overwrite:
        refuse_existing(folder)
    dataset = load_data(config.data, progress=not quiet)
    with _told_how_to_go_on(folder), nullcontext(Silent()) if quiet else Bars() as reporter:
        done = transfer(run, dataset, config, folder, wanted.unfreeze_after, overwrite, reporter)
    _show(done, dataset)


def _resume(out: Path, quiet: bool) -> None:
    from tasktalk.cli.options import load_data
    from tasktalk.training.config import make_config, read_config
    from tasktalk.training.progress import Bars, Silent
    from tasktalk.training.run_folder import CONFIG
    from tasktalk.training.transfer import refuse_resume, resume_transfer

    refuse_resume(out)
    dataset = load_data(make_config(read_config(out / CONFIG)).data, progress=not quiet)
    with _told_how_to_go_on(out), nullcontext(Silent()) if quiet else Bars() as reporter:
        done = resume_transfer(dataset, out, reporter)
    _show(done, dataset)


def _told_how_to_go_on(folder: Path) -> AbstractContextManager[None]:
    """End an interrupted command with what to type to go on."""
    from tasktalk.cli.show import told_how_to_go_on
    from tasktalk.training.encode import is_encoded

    again = f"tasktalk transfer --resume --out {shlex.quote(str(folder))}"
    return told_how_to_go_on(again, lambda: is_encoded(folder), "the training had not begun")


def _show(run: "Run", dataset: "Dataset") -> None:
    """The scores of the new task, what it could not read, and whether the others' weights are its own."""
    from tasktalk.cli.scores import comparison
    from tasktalk.cli.show import say
    from tasktalk.training.run_folder import TRANSFER, read_json

    facts = read_json(run.folder / TRANSFER)
    task, unfrozen = facts["task"], facts["unfreeze_after"]
    folder = shlex.quote(str(run.folder))
    comparison({run.config.model.name: run.metrics}, dataset)
    unknown = facts["unknown_words"]
    if unknown is not None:
        say(f"{100 * unknown:.1f} % of the words of {task} are unknown to the run and stay so.")
    if unfrozen is not None:
        say(
            f"From epoch {unfrozen + 1} on what the tasks share was trained too, for {task} only: the other tasks keep "
            "what they had, and answer as before."
        )
    given = "'some text'" if unknown is not None else "CCO"
    say(f"Run folder: {folder}\nTry next:   echo {given} | tasktalk predict {folder} --task {shlex.quote(task)}")
