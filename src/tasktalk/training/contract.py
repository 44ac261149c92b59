"""A block of one's own is held against the contract before anything is trained or written."""

import logging
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tasktalk.core.errors import ConfigError
from tasktalk.models.options import Options, OwnOptions
from tasktalk.models.own_block import describe, make_block, refuse_options, source_checksum
from tasktalk.testing import check_communication
from tasktalk.training.run_folder import ENVIRONMENT, read_json

_log = logging.getLogger(__name__)


def block_checksum(options: Options) -> dict[str, str]:
    """SHA-256 of the source file of a block of one's own, by the file's name; empty for any other model."""
    return source_checksum(options.path) if isinstance(options, OwnOptions) else {}


def warn_if_changed(folder: Path, options: Options) -> None:
    """Say in one line of the log if the source of a block is not what a run was trained with.

    Args:
        folder: the run folder.
        options: of the run's model.

    Raises:
        ConfigError: the block cannot be imported.
    """
    found = block_checksum(options)
    trained = read_json(folder / ENVIRONMENT).get("block") if found else None  # older runs have none
    if trained and found != trained:
        name = next(iter(found))
        _log.warning("warning: %s: %s has changed since the run was trained, and so may its answers", folder, name)


def refuse_broken_block(path: str, options: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Run the checks of ``tasktalk.testing`` on a small block of an import path.

    Args:
        path: ``module:Name``.
        options: its settings of its own.

    Raises:
        ConfigError: as for ``make_block``, or the block breaks the contract; the message names the check.
    """

    def make(word_features: int, hidden: int, tasks: int) -> Any:
        return make_block(path, word_features, hidden, tasks, options)

    refuse_options(path, options)
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
