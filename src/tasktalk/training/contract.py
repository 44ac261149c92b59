"""A block of one's own is held against the contract before anything is trained or written."""

from typing import Any

from tasktalk.core.errors import ConfigError
from tasktalk.models.own_block import describe, make_block
from tasktalk.testing import check_communication


def refuse_broken_block(path: str) -> None:
    """Run the checks of ``tasktalk.testing`` on a small block of an import path.

    Args:
        path: ``module:Name``.

    Raises:
        ConfigError: as for ``make_block``, or the block breaks the contract; the message names the check.
    """

    def make(word_features: int, hidden: int, tasks: int) -> Any:
        return make_block(path, word_features, hidden, tasks)

    try:
        check_communication(make)
    except AssertionError as error:
        raise ConfigError(f"model.path {path} breaks the contract of a block, {_told(error)}") from error


def _told(error: AssertionError) -> str:
    """The name of the check and what it found; where the block itself failed, in which line."""
    cause = error.__cause__
    if cause is None or isinstance(cause, AssertionError):
        return " ".join(str(error).split())
    return f"{str(error).partition(':')[0]}: {describe(cause)}"
