"""Errors that a user can cause, each one sentence: where, what was expected, what was found."""

import difflib
from collections.abc import Iterable
from pathlib import Path


class TasktalkError(Exception):
    """Base of every error a user can cause; the command line prints it without a traceback (exit code 2)."""


class ConfigError(TasktalkError):
    """A setting, name or option that does not exist or has a value that is not allowed."""


class DataError(TasktalkError):
    """Something wrong in a data file.

    Args:
        message: what was expected and what was found.
        path: the file.
        line: line number in the file, counted from 1.
    """

    def __init__(self, message: str, path: Path | str | None = None, line: int | None = None) -> None:
        where = "" if path is None else f"{path}: " if line is None else f"{path}, line {line}: "
        super().__init__(where + message)
        self.path = path
        self.line = line


class RunFolderError(TasktalkError):
    """A run folder that cannot be written or read, or that already exists."""


class TrainingError(TasktalkError):
    """Training cannot go on, for example because a loss is not a number."""


def is_interrupt(error: BaseException | None) -> bool:
    """Whether an error is Ctrl-C, or what Python or a library made of it, as they do while modules are imported."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def nearest(name: str, choices: Iterable[str], count: int = 3) -> str:
    """The choices nearest to a mistyped name, as the end of an error message.

    Returns:
        ``"did you mean 'books'?"`` where something is near, else ``"choose from a, b, c"``.
    """
    names = sorted(choices)
    close = difflib.get_close_matches(name, names, n=count, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(c) for c in close) + "?"
    return "choose from " + ", ".join(names)
