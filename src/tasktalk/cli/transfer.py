"""``tasktalk transfer``: a further task for a finished run."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasktalk.cli.leave_one_out import Wanted, curve_of_run, leave_each_out
from tasktalk.cli.options import Kinds, Vectors, data_section, example
from tasktalk.cli.show import told_how_to_go_on, told_that_nothing_was_written

if TYPE_CHECKING:
    from tasktalk.data.dataset import Dataset
    from tasktalk.training.run import Run

EPILOG = example(
    "tasktalk transfer runs/shop-ic --data garden.csv --name garden",
    "tasktalk transfer runs/shop-ic --data garden.csv --name garden --epochs 20 --unfreeze-after 10",
    "tasktalk predict runs/shop-ic-garden new.txt --task garden",
    "tasktalk transfer runs/shop-ic --data garden.csv --name garden --labels 10,50,100 --seeds 3",
    "tasktalk transfer --leave-one-out --data fdu-mtl --model ic --target books --target MR --labels 10,100",
)
_DATA, _TRAINING, _FOLDER = "Data", "Training", "Run folder"
_EXPERIMENT = "Experiment"
_OF_LEAVING = ("--model", "--target", "--target-epochs", "--vectors")
_OF_MANY = (*_OF_LEAVING, "--seeds", "--first-seed")
_Settings = dict[str, dict[str, Any]]

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
_LeaveOneOut = Annotated[
    bool,
    typer.Option(
        "--leave-one-out",
        help="Without RUN: for every task train on the others, transfer to it, and compare.",
        rich_help_panel=_EXPERIMENT,
    ),
]
_Model = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="ic, sp, fs or mitten.", show_default="ic", rich_help_panel=_EXPERIMENT),
]
_Target = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Leave out this task only (repeat for more).",
        show_default="all",
        rich_help_panel=_EXPERIMENT,
    ),
]
_TargetEpochs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="training.epochs of the transfer, and of the trainings on the task alone.",
        show_default="20",
        rich_help_panel=_EXPERIMENT,
    ),
]
_LabelCounts = Annotated[
    list[str] | None,
    typer.Option(
        "--labels",
        metavar="N,N,N",
        help="Also with so many training labels of the new task, beside training it alone: a learning curve.",
        show_default=False,
        rich_help_panel=_EXPERIMENT,
    ),
]
_Seeds = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Runs of each.", show_default="1", rich_help_panel=_EXPERIMENT)
]
_FirstSeed = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, max=2**31, help="The first seed.", show_default="0", rich_help_panel=_EXPERIMENT),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show the result only, no progress.")]


@told_that_nothing_was_written()
def command(
    run: _Run = None,
    data: _Data = "",
    name: _Name = "",
    text: _Text = None,
    label: _Label = None,
    kind: Kinds = None,
    vectors: Vectors = None,
    epochs: _Epochs = None,
    unfreeze_after: _Unfreeze = None,
    settings: _Set = None,
    leave_one_out: _LeaveOneOut = False,
    model: _Model = None,
    target: _Target = None,
    target_epochs: _TargetEpochs = None,
    labels: _LabelCounts = None,
    seeds: _Seeds = None,
    first_seed: _FirstSeed = None,
    out: _Out = None,
    overwrite: _Overwrite = False,
    resume: _Resume = False,
    quiet: _Quiet = False,
) -> None:
    """Add a task to a finished run: it learns to read from what the others share, which stays as it is.

    The new run folder answers for all tasks, for the old ones as before to the last bit. Words that the run does not
    know stay unknown. With --leave-one-out or --labels many runs show what the transfer is worth; stopped, they go on
    with the same command.
    """
    data_values = {"text": text, "label": label, **data_section((), kinds=kind)}
    values: _Settings = {"data": data_values, "training": {"epochs": epochs}}
    given: dict[str, object] = {
        "RUN": run, "--data": data, "--name": name, "--text": text, "--label": label, "--kind": kind,
        "--vectors": vectors, "--epochs": epochs, "--unfreeze-after": unfreeze_after, "--set": settings,
        "--model": model, "--target": target, "--target-epochs": target_epochs, "--labels": labels, "--seeds": seeds,
        "--first-seed": first_seed, "--out": out, "--overwrite": overwrite or None, "--resume": resume or None,
    }  # fmt: skip
    given = {option: value for option, value in given.items() if value not in (None, "", [])}
    if resume:
        _resume(_only_out(given, leave_one_out), quiet)
    elif leave_one_out or labels:
        first = first_seed or 0
        wanted = Wanted(data, target or (), range(first, first + (seeds or 1)), labels or (), target_epochs, out, quiet)
        _experiment(wanted, given, leave_one_out, values, settings or [])
    else:
        _refuse(given, _OF_MANY, "only with --leave-one-out or --labels")
        _require(given, ("RUN", "--data", "--name"), "tasktalk transfer runs/shop-ic --data garden.csv --name garden")
        _start(_Wanted(Path(str(run)), data, name, values, settings or [], unfreeze_after), out, overwrite, quiet)


def _only_out(given: Mapping[str, object], leave_one_out: bool) -> Path:
    from tasktalk.core.errors import ConfigError

    found = [option for option in given if option not in ("--out", "--resume")]
    if leave_one_out:
        raise ConfigError("--leave-one-out goes on with the same command, without --resume")
    if "--out" not in given or found:
        told = f"; found {', '.join(found)}" if found else ""
        raise ConfigError(f"--resume goes with --out and --quiet only: tasktalk transfer --resume --out DIR{told}")
    return Path(str(given["--out"]))


def _require(given: Mapping[str, object], options: Sequence[str], example: str) -> None:
    from tasktalk.core.errors import ConfigError

    missing = [option for option in options if option not in given]
    if missing:
        raise ConfigError(f"expected {', '.join(missing)}, for example {example}")


def _refuse(given: Mapping[str, object], options: Sequence[str], why: str) -> None:
    from tasktalk.core.errors import ConfigError

    found = [option for option in options if option in given]
    if found:
        raise ConfigError(f"{', '.join(found)}: {why}")


def _experiment(
    wanted: Wanted, given: Mapping[str, object], leave_one_out: bool, values: _Settings, settings: Sequence[str]
) -> None:
    """Many runs, from data with several tasks or from one finished run."""
    _refuse(given, ("--unfreeze-after", "--overwrite"), "not with --leave-one-out or --labels")
    if leave_one_out:
        _refuse(given, ("RUN", "--name"), "not with --leave-one-out, which trains its own runs")
        _require(given, ("--data",), "tasktalk transfer --leave-one-out --data fdu-mtl --model ic")
        values["data"] |= {"source": [wanted.data], "vectors": given.get("--vectors")}
        values["model"] = {"name": given.get("--model", "ic")}
        with told_how_to_go_on("the same command", lambda: True, ""):
            leave_each_out(wanted, values, settings)
        return
    _refuse(given, _OF_LEAVING, "only with --leave-one-out")
    required = ("RUN", "--data", "--name")
    _require(given, required, "tasktalk transfer runs/shop-ic --data garden.csv --name garden --labels 10,50")
    with told_how_to_go_on("the same command", lambda: True, ""):
        curve_of_run(wanted, Path(str(given["RUN"])), str(given["--name"]), values, settings)


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
    from tasktalk.cli.options import load_own_data
    from tasktalk.training.config import make_config, read_config
    from tasktalk.training.progress import Bars, Silent
    from tasktalk.training.run_folder import CONFIG
    from tasktalk.training.transfer import refuse_resume, resume_transfer

    refuse_resume(out)
    config = make_config(read_config(out / CONFIG))
    dataset = load_own_data(config.data, out, "tasktalk.training.transfer.resume_transfer(data, out)", not quiet)
    with _told_how_to_go_on(out), nullcontext(Silent()) if quiet else Bars() as reporter:
        done = resume_transfer(dataset, out, reporter)
    _show(done, dataset)


def _told_how_to_go_on(folder: Path) -> AbstractContextManager[None]:
    """End an interrupted command with what to type to go on."""
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
