"""Downloads with a progress bar. Imports pooch and requests, so it is imported only when something is fetched."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pooch
import requests
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from tasktalk.core.errors import DataError
from tasktalk.data.catalogue import RemoteFile

_CHUNK = 1 << 16  # bytes


def download(files: Sequence[RemoteFile], folder: Path, progress: bool) -> None:
    """Fetch files one after the other; each gets its name when it is whole and its checksum is right.

    Args:
        files: what to fetch.
        folder: the cache folder; it is made if it is not there.
        progress: show a progress bar on standard error.

    Raises:
        DataError: no network, a checksum that differs, or a folder that cannot be written. Files that are whole stay.
    """
    pooch.get_logger().setLevel("WARNING")  # what it would say, the bar shows
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not progress) as bars:
        task = bars.add_task("", total=None)
        for number, file in enumerate(files, start=1):
            bars.reset(task, total=None, description=f"{number}/{len(files)} {file.path}")
            _download_file(file, folder, _Bar(lambda total, done: bars.update(task, total=total, completed=done)))


@dataclass
class _Bar:
    """A progress bar as pooch calls it.

    Args:
        show: called with the bytes to come (None: unknown) and the bytes so far.
        total: bytes to come, 0 if unknown; set by pooch.
        done: bytes so far.
    """

    show: Callable[[int | None, int], None]
    total: int = 0
    done: int = 0

    def update(self, count: int) -> None:
        """Some more bytes have arrived."""
        self.done += count
        self.show(self.total or None, self.done)

    def reset(self) -> None:
        """Begin again."""
        self.done = 0

    def close(self) -> None:
        """Nothing to close: the next file uses the same bar."""


def _download_file(file: RemoteFile, folder: Path, bar: _Bar) -> None:
    path = folder / file.path
    http = pooch.HTTPDownloader(progressbar=bar, chunk_size=_CHUNK)

    def checked(url: str, temporary: str, _: object) -> None:
        """Pooch compares the checksums too, but its message does not say which file of which data set."""
        http(url, temporary, None)
        if file.member:
            _keep_member(Path(temporary), file.member, path)
        found = pooch.file_hash(temporary)
        if found != file.sha256:
            raise DataError(f"expected SHA-256 {file.sha256} from {url}, found {found}; nothing was kept", path)

    try:
        pooch.retrieve(file.url, f"sha256:{file.sha256}", path.name, path.parent, downloader=checked)
    except requests.RequestException as error:
        hint = "run again to fetch what is missing"
        raise DataError(f"cannot be fetched from {file.url}: {_reason(error)}; {hint}", path) from error
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror or error})", path) from error


def _keep_member(archive: Path, member: str, path: Path) -> None:
    """Put one file of a zip archive, which is to become ``path``, in the archive's place."""
    try:
        with ZipFile(archive) as packed:
            content = packed.read(member)
    except (BadZipFile, KeyError, zlib.error) as error:
        raise DataError(f"expected a zip archive with {member!r}, found none; nothing was kept", path) from error
    archive.write_bytes(content)


def _reason(error: requests.RequestException) -> str:
    """A failure in a few words, because the library's own message shows its inner objects."""
    if error.response is not None:
        error.response.close()  # pooch leaves it open
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.Timeout):
        return "the server does not answer in time"
    return "no connection"
