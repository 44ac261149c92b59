"""The public data sets that tasktalk knows by name. Nothing of them is shipped; ``data.cache`` fetches them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from tasktalk.core.errors import ConfigError, nearest
from tasktalk.data.dataset import Dataset
from tasktalk.data.fdu import load_fdu

Loader = Callable[[Path, Sequence[str] | None, str], Dataset]
"""Loads from the folder of an entry: which tasks (None: all), and by which tokeniser."""


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set.

    Args:
        path: where it lies in the cache, relative to the cache folder, with ``/``.
        url: where it is fetched from.
        sha256: checksum of its content.
        needed: whether training needs it; other files are fetched only on request.
    """

    path: str
    url: str
    sha256: str
    needed: bool = True


@dataclass(frozen=True)
class Entry:
    """One data set.

    Args:
        name: its name, and the name of its folder in the cache.
        summary: what it is, in one line.
        licence: the licence as the source states it.
        citation: the paper to cite.
        files: its files.
        loader: loads the data set from its folder.
        tokenizer: the tokeniser that suits its texts.
    """

    name: str
    summary: str
    licence: str
    citation: str
    files: tuple[RemoteFile, ...]
    loader: Loader
    tokenizer: str


def find(name: str) -> Entry:
    """The entry of that name.

    Raises:
        ConfigError: there is none; the message names the nearest.
    """
    if name not in CATALOGUE:
        raise ConfigError(f"unknown data set {name!r}: {nearest(name, CATALOGUE)}")
    return CATALOGUE[name]


def _remote_files(folder: str, base_url: str) -> tuple[RemoteFile, ...]:
    """The files that ``<folder>.sha256`` lists, beside this file, in the format of ``sha256sum``."""
    listed = (files("tasktalk.data") / f"{folder}.sha256").read_text(encoding="utf-8")
    pairs = (line.split() for line in listed.splitlines())
    return tuple(
        RemoteFile(f"{folder}/{name}", f"{base_url}/{name}", sha256, needed=not name.endswith(".unlabel"))
        for sha256, name in pairs
    )


_ENTRIES = (
    Entry(
        name="fdu-mtl",
        summary="sentiment of reviews of 16 kinds (14 product domains of Amazon, IMDb, MR), separate inputs",
        licence="not stated by the source: fetched for your own use, never shipped",
        citation="Liu, Qiu and Huang: Adversarial Multi-task Learning for Text Classification, ACL 2017, P17-1001",
        files=_remote_files(
            "fdu-mtl",
            "https://raw.githubusercontent.com/ccsasuke/man/b57b4c14340db1ca7bffb5d9737b7c2601dc8df2/data/fdu-mtl",
        ),
        loader=load_fdu,
        tokenizer="whitespace",
    ),
)

CATALOGUE: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""Entries by name."""
