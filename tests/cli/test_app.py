"""The command itself: help without heavy libraries, errors in one sentence, bugs with their traceback."""

import re
import resource
import shlex
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest
from typer.main import get_command

from tasktalk import __version__
from tasktalk.cli import data, demo, evaluate, models, predict, train, tune
from tasktalk.cli.app import app
from tasktalk.core.errors import DataError
from tests.cli.conftest import PROGRAM, Cli, program

HEAVY = (
    "torch", "numpy", "scipy", "sklearn", "pydantic", "yaml", "jaxtyping", "accelerate", "pooch", "requests",
    "matplotlib", "rdkit",
)  # fmt: skip
COMMANDS = [
    "",
    "train",
    "tune",
    "evaluate",
    "predict",
    "models",
    "demo",
    "data",
    "data list",
    "data fetch",
    "data check",
    "data build",
    "data build dblp",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_imports_no_heavy_library(command: str) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['tasktalk', *{command.split()!r}, '--help']\n"
        "from tasktalk.cli.main import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        f"    print('found:', *sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "found:\n")
    assert "Usage: tasktalk" in done.stdout and "Examples" in done.stdout


def test_help_is_quick() -> None:
    # Processor time, the best of three, so that a busy machine does not matter; 0.1 to 0.2 s where it was written.
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert program("train", "--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.6


@pytest.mark.parametrize("module", [demo, train, evaluate, predict, models, tune])
def test_examples_of_the_help_can_be_typed(module: object) -> None:
    _check_examples(module.EPILOG)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "epilog", [app.info.epilog, data.app.info.epilog, *(c.epilog for c in data.app.registered_commands)]
)
def test_examples_of_the_groups_can_be_typed(epilog: str) -> None:
    _check_examples(epilog)


def _check_examples(epilog: str) -> None:
    examples = [line.partition("tasktalk ")[2] for line in epilog.split("\n\n")[1:]]
    assert examples
    for line in examples:
        command, arguments = get_command(app), shlex.split(line)
        while hasattr(command, "commands"):
            command = command.commands[arguments.pop(0)]
        with command.make_context("tasktalk", arguments):
            """Parsing was all."""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_in_80_columns_and_shows_no_markup(command: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = cli(*command.split(), "--help")
    assert done.code == 0
    assert max(len(line) for line in done.out.splitlines()) <= 80
    assert not re.search(r"\[/?(bold|dim|cyan)?\]", done.out)


def test_version(cli: Cli) -> None:
    done = cli("--version")
    assert (done.code, done.out) == (0, f"tasktalk {__version__}\n")


@pytest.mark.skipif(not PROGRAM.exists(), reason="the package is not installed, so there is no program tasktalk")
def test_module_and_program_are_the_same() -> None:
    for arguments in (["--version"], ["models", "--nonsense"]):
        one, other = (
            subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
            for command in ([str(PROGRAM)], [sys.executable, "-m", "tasktalk"])
        )
        assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [(["trian"], "Did you mean 'train'"), (["train", "--modle", "ic"], "--model"), (["data", "chekc"], "'check'")],
)
def test_mistyped_command_or_option_names_the_nearest(arguments: Sequence[str], hint: str, cli: Cli) -> None:
    done = cli(*arguments)
    assert done.code == 2
    assert hint in done.err
    assert "Traceback" not in done.err


def test_error_is_one_line_even_if_a_library_says_more(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    _replace_demo(monkeypatch, DataError("first\nsecond", "a.csv", 3))
    assert cli("demo") == cli("demo")
    done = cli("demo", "--quiet")
    assert (done.code, done.out, done.err) == (2, "", "error: a.csv, line 3: first second\n")


def test_what_the_system_refuses_a_file_is_one_line(cli: Cli) -> None:
    name = 300 * "a"
    done = cli("predict", name, "words")
    assert done.code == 2 and done.err.startswith(f"error: {name}/") and done.err.endswith(": File name too long\n")


def test_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    _replace_demo(monkeypatch, ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        cli("demo")


def test_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    _replace_demo(monkeypatch, KeyboardInterrupt())
    done = cli("demo", "--quiet")
    assert (done.code, done.out, done.err) == (130, "", "")


@pytest.mark.parametrize(("error", "shown"), [(OSError(28, "No space left"), ""), (ValueError("a bug"), "a bug")])
def test_thread_that_cannot_write_leaves_the_sentence_to_its_caller(
    error: Exception, shown: str, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    def run_demo(*_: object, **__: object) -> None:
        def work() -> None:
            raise error

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        raise DataError("the caller's")

    monkeypatch.setattr("tasktalk.benchmarks.demo.run_demo", run_demo)
    done = cli("demo", "-q")
    assert done.err.endswith("error: the caller's\n")
    assert ("Traceback" in done.err) == bool(shown) and shown in done.err


def _replace_demo(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run_demo(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("tasktalk.benchmarks.demo.run_demo", run_demo)
