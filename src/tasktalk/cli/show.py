"""What the commands print: tables for people, JSON for programs, warnings."""

import errno
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import typer

from tasktalk.core.errors import RunFolderError, is_interrupt
from tasktalk.core.files import write_text

BEST = " *"
"""Ends the best cell of a row; the others end with as many spaces."""
_WIDTH, _SHORTEST = 80, 20


def warn(sentence: str) -> None:
    """Print a warning on standard error."""
    typer.echo(f"{typer.style('warning:', fg='yellow', bold=True)} {sentence}", err=True)


@contextmanager
def told_how_to_go_on(command: str, begun: Callable[[], bool], otherwise: str) -> Iterator[None]:
    """End an interrupted command with what to type to go on, or with ``otherwise`` if nothing has begun."""
    try:
        yield
    except BaseException as error:
        if not is_interrupt(error):
            raise
        typer.echo(f"\nstopped; {f'go on with: {command}' if begun() else otherwise}", err=True)
        raise typer.Exit(130) from None


@contextmanager
def told_that_nothing_was_written() -> Iterator[None]:
    """End a command that is interrupted before it has begun, for example while it imports what it needs."""
    with told_how_to_go_on("", lambda: False, "nothing was written"):
        yield


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 0) -> None:
    """Print a table on standard output: ruled on a terminal, aligned columns and nothing else in a file or a pipe.

    Args:
        header: names of the columns.
        rows: the cells.
        left: how many columns, from the first, stand at their left edge; the others at their right. 0 for all.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    left = left or len(header)
    if not sys.stdout.isatty():
        say(_plain(header, rows, left))
        return
    ruled = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    for number, name in enumerate(header):
        justify: Literal["left", "right"] = "left" if number < left else "right"
        ruled.add_column(Text(name), justify=justify, overflow="fold", no_wrap=number == 0)
    for row in rows:
        ruled.add_row(*(Text(cell, style="bold" if cell.endswith(BEST) else "") for cell in row))
    Console().print(ruled)


def _plain(header: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    from rich.cells import cell_len

    lines = [header, *rows]
    widths = [max(cell_len(line[number]) for line in lines) for number in range(len(header))]

    def aligned(cell: str, number: int) -> str:
        space = " " * (widths[number] - cell_len(cell))
        return cell + space if number < left else space + cell

    return "\n".join("  ".join(aligned(cell, n) for n, cell in enumerate(line)).rstrip() for line in lines)


def emit_json(value: object, target: str) -> None:
    """Write JSON into a file, whole or not at all, or on standard output if the target is ``-``.

    Raises:
        RunFolderError: the file or standard output cannot be written.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if target == "-":
        write_stdout(text)
    else:
        write_text(Path(target), text)


def say(text: str) -> None:
    """Print text and a line end on standard output; errors as ``write_stdout``."""
    write_stdout(text + "\n")


def write_stdout(text: str) -> None:
    """Write UTF-8 on standard output, whatever the locale, and hand it on at once.

    Raises:
        RunFolderError: it cannot be written, for example because a disk is full.
        BrokenPipeError: nobody reads it any more.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise RunFolderError(f"standard output: cannot be written ({error.strerror or error})") from error


def number(value: float | None, digits: int = 2) -> str:
    """A number for a table; a dash for one that is not defined."""
    return "-" if value is None else f"{value:.{digits}f}"


def shorten(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Cut the names in the first column so that a table fits into the terminal, or into 80 columns elsewhere.

    Names are cut to 20 characters at the least, and not at all if two would become the same.

    Args:
        header: names of the columns.
        rows: the cells.
    """
    from rich.cells import cell_len, set_cell_size

    others = sum(max(cell_len(line[number]) for line in [header, *rows]) + 2 for number in range(1, len(header)))
    width = max(_width() - others, _SHORTEST)
    long = [cell_len(row[0]) > width for row in rows]
    cut = [
        set_cell_size(row[0], width - 1).rstrip() + "…" if too else row[0] for row, too in zip(rows, long, strict=True)
    ]
    distinct = len(set(cut)) == len({row[0] for row in rows})
    return [[name if distinct else row[0], *row[1:]] for name, row in zip(cut, rows, strict=True)]


def _width() -> int:
    from rich.console import Console

    return Console().width if sys.stdout.isatty() else _WIDTH
