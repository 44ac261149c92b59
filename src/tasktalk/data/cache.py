"""The cache of downloaded data sets: ``<cache>/<data set>/<file>``.

A file is in the cache whole or not at all, so that a fetch that was stopped goes on when it is run again.
"""

import hashlib
from pathlib import Path

from tasktalk.core.errors import DataError
from tasktalk.data.cache_folder import cache_folder
from tasktalk.data.catalogue import Entry, RemoteFile


def missing_files(entry: Entry, everything: bool = False) -> list[RemoteFile]:
    """The files of a data set that are still to be fetched. Reads the cache, writes nothing.

    Args:
        entry: the data set.
        everything: also the files that training does not need.

    Raises:
        DataError: a file is there with another checksum. It is left alone.
    """
    folder = cache_folder()
    wanted = [file for file in entry.files if file.needed or everything]
    return [file for file in wanted if not _is_whole(folder / file.path, file.sha256)]


def fetch(entry: Entry, everything: bool = False, progress: bool = True) -> Path:
    """Fetch the files of a data set that are not in the cache.

    Args:
        entry: the data set.
        everything: also the files that training does not need, such as unlabelled texts.
        progress: show a progress bar on standard error.

    Returns:
        The folder of the data set.

    Raises:
        DataError: no network, a checksum that differs, or a cache that cannot be written.
    """
    folder = cache_folder()
    files = missing_files(entry, everything)
    if files:
        from tasktalk.data.download import download

        download(files, folder, progress)
    return folder / entry.folder


def _is_whole(path: Path, sha256: str) -> bool:
    if not path.exists():
        return False
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})", path) from error
    if found != sha256:
        raise DataError(f"expected SHA-256 {sha256}, found {found}; move the file away to fetch it again", path)
    return True
