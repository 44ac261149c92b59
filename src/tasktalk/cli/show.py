"""What the commands print: tables for people, JSON for programs, warnings."""

import errno
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import typer

from tasktalk.core.errors import RunFolderError
from tasktalk.core.files import write_text

BEST = " *"
"""Ends the best cell of a row; the others end with as many spaces."""


def warn(sentence: str) -> None:
    """Print a warning on standard error."""
    typer.echo(f"{typer.style('warning:', fg='yellow', bold=True)} {sentence}", err=True)


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


def comparison(runs: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the error of every task under every model, means last, the best of each row marked.

    Args:
        runs: ``metrics.json`` of each model, by the name to show.
    """
    from tasktalk.training.run import UNSEEN

    splits = {name: metrics["splits"] for name, metrics in runs.items()}
    first = next(iter(splits.values()))
    split = next((name for name in ("test", "dev") if name in first), None)
    if split is None:
        say("No scores: the data has neither test nor development texts.")
        return
    scores = first[split]["tasks"]
    rows = [
        [task, str(scores[task]["n"]), *_marked([s[split]["tasks"][task]["error"] for s in splits.values()])]
        for task in scores
    ]
    rows.append(["mean", str(total(scores)), *_marked([s[split]["mean"]["error"] for s in splits.values()])])
    if split == "test" and total(first[UNSEEN]["tasks"]) != total(scores):
        unseen = [s[UNSEEN]["mean"]["error"] for s in splits.values()]
        rows.append(["mean of new texts", str(total(first[UNSEEN]["tasks"])), *_marked(unseen)])
    table(["task", "texts", *(name + " " * len(BEST) for name in runs)], rows, left=1)
    legend = {"test": "Test", "dev": "Development"}[split] + " error in %"
    say(legend + (f",{BEST} marks the lowest of a row." if len(runs) > 1 else "."))


def total(scores: Mapping[str, Mapping[str, Any]]) -> int:
    """How many texts count, over all tasks."""
    return sum(score["n"] for score in scores.values())


def _marked(errors: Sequence[float | None]) -> list[str]:
    known = [error for error in errors if error is not None]
    best = min(known) if len(known) > 1 else None
    return [number(error) + (BEST if error is not None and error == best else " " * len(BEST)) for error in errors]


def number(value: float | None, digits: int = 2) -> str:
    """A number for a table; a dash for one that is not defined."""
    return "-" if value is None else f"{value:.{digits}f}"
