"""A run folder is trained by one process at a time, or by one group of them."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from tasktalk.core.errors import RunFolderError
from tasktalk.training.processes import on_main

LOCK = "training.lock"

_log = logging.getLogger(__name__)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes from training in a run folder; of several that train together, the main one holds it.

    The lock is the operating system's: it ends with the process, however that ends, and a file that is left holds
    nothing. Where a file system has no locks, that is said once, and the training goes on.

    Args:
        folder: the run folder, made if there is none.

    Raises:
        RunFolderError: another process trains in it, or it cannot be written.
    """
    path, files = folder / LOCK, list[int]()
    on_main(lambda: files.append(_make(path)))
    try:
        yield
    finally:
        for file in files:
            with suppress(OSError):  # somebody may have deleted the folder
                path.unlink()  # before it is free: later it could be that of another process
            os.close(file)


def refuse_trained(folder: Path) -> None:
    """Refuse a run folder while a process trains in it, or in a run folder inside it.

    Raises:
        RunFolderError: another process does.
    """
    for path in sorted(folder.rglob(LOCK)):
        with suppress(OSError):  # it has just ended, or it is read-only, which will be said when it is written
            os.close(_lock(os.open(path, os.O_RDWR), path.parent))


def _make(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise RunFolderError(f"{path.parent}: cannot be written ({error.strerror or error})") from error
    return _lock(file, path.parent)


def _lock(file: int, folder: Path) -> int:
    """Lock an open file, until it is closed."""
    from filelock import lock_descriptor

    try:
        # One that has no name any more was that of a process which has ended in this moment.
        free = lock_descriptor(file, blocking=False) and os.fstat(file).st_nlink > 0
    except OSError as error:
        _warn(error.strerror or str(error))
        return file
    if not free:
        os.close(file)
        raise RunFolderError(
            f"{folder}: another process is training in it; wait until it ends or stop it, or choose another --out"
        )
    return file


@cache
def _warn(reason: str) -> None:
    """Once: a command may train in many folders."""
    _log.warning("warning: no locks here (%s): nothing keeps another process from training in the same folder", reason)
