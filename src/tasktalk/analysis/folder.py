"""A folder with the pictures of the last report, and with whatever else somebody put there."""

import hashlib
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path

from tasktalk.core.errors import RunFolderError
from tasktalk.core.files import whole_file, write_text

LIST = "pictures.sha256"
"""The files that reports wrote, as ``sha256sum`` lists them: what is not in it, or was changed, is somebody else's."""


def replace_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write the files of a report, and remove those that only an earlier one wrote.

    All are written before the first takes its place, and all have taken it before anything is removed. Files that the
    list does not name, or that were changed since, stay.

    Args:
        folder: is made if need be.
        files: names and contents.

    Returns:
        The files.

    Raises:
        RunFolderError: the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = _listed(folder / LIST)
        now = {(hashlib.sha256(content).hexdigest(), name) for name, content in files.items()}
        _list(folder / LIST, earlier | now)  # first: a report that is killed leaves nothing that nobody knows of
        with ExitStack() as stack:
            for name, content in files.items():
                stack.enter_context(whole_file(folder / name)).write_bytes(content)
        for digest, name in earlier:
            if name not in files and _unchanged(folder / name, digest):
                (folder / name).unlink()
        _list(folder / LIST, now)
    except OSError as error:
        raise RunFolderError(f"{folder}: cannot be written ({error.strerror or error})") from error
    return [folder / name for name in files]


def _listed(path: Path) -> set[tuple[str, str]]:
    """Digests and names; a line that is none, or names a file elsewhere, is passed over."""
    if not path.is_file():
        return set()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.partition("  ")[::2] for line in lines)
    return {(digest, name) for digest, name in pairs if name and Path(name).name == name}


def _list(path: Path, files: Collection[tuple[str, str]]) -> None:
    lines = (f"{digest}  {name}\n" for digest, name in sorted(files, key=lambda file: file[::-1]))
    write_text(path, "".join(lines))


def _unchanged(path: Path, digest: str) -> bool:
    return path.is_file() and not path.is_symlink() and hashlib.sha256(path.read_bytes()).hexdigest() == digest
