"""The command ``tasktalk``, with all that it can do.

Nothing here or in its siblings imports a heavy library before a command runs, so that ``--help`` answers at once.
"""

import sys
import threading
from typing import Annotated

import typer

from tasktalk import __version__
from tasktalk.cli import affinity, bench, compare, data, demo, evaluate, explain, models, predict, train, transfer, tune
from tasktalk.cli.options import example
from tasktalk.cli.processes import is_to_speak
from tasktalk.core import launch
from tasktalk.core.errors import TasktalkError
from tasktalk.core.memory import keep_freed_memory
from tasktalk.core.threads import wait_briefly

_NO_HELP = {"help": False}
"""Tells typer that ``--help`` was not given; left to find that out, it imports pydantic before any help is shown."""

app = typer.Typer(
    help="Multi-task learning in which the tasks talk to each other, and show what they said.",
    epilog=example("tasktalk demo", "tasktalk train fdu-mtl --model ic", "tasktalk models"),
    context_settings={
        "help_option_names": ["-h", "--help"],
        "default_map": {**_NO_HELP, "data": {**_NO_HELP, "build": _NO_HELP}},
    },
    rich_markup_mode="rich",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module, panel in (
    (demo, "Try it"),
    (train, "Work"),
    (transfer, "Work"),
    (compare, "Work"),
    (tune, "Work"),
    (affinity, "Work"),
    (evaluate, "Work"),
    (predict, "Work"),
    (explain, "Work"),
    (models, "Look up"),
    (bench, "Look up"),
):
    app.command(module.__name__.rpartition(".")[2], epilog=module.EPILOG, rich_help_panel=panel)(module.command)
app.add_typer(data.app, name="data", rich_help_panel="Look up")


def _show_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"tasktalk {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""


def _leave_to_main_thread(failure: threading.ExceptHookArgs) -> None:
    """A full disk stops TensorBoard's thread, too; its next call tells the main thread, which has a sentence for it."""
    if not issubclass(failure.exc_type, OSError):
        threading.__excepthook__(failure)


def run() -> None:
    """Run the command line: a wrong input is one sentence and exit code 2, a bug keeps its traceback.

    What the system refuses a file is no bug, also where nobody foresaw it.
    """
    threading.excepthook = _leave_to_main_thread
    keep_freed_memory()
    wait_briefly()
    launch.keep_torch_quiet()
    try:
        command = next((word for word in sys.argv[1:] if not word.startswith("-")), "train")
        if command != "train":
            launch.refuse_several(f"tasktalk {command}")
        app(prog_name="tasktalk")
    except TasktalkError as error:
        _fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}")


def _fail(sentence: str) -> None:
    if is_to_speak():
        typer.echo(f"{typer.style('error:', fg='red', bold=True)} {' '.join(sentence.splitlines())}", err=True)
    sys.exit(2)
