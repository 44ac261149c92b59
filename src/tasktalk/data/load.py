"""One way to load any data set: by name, by folder, or by files."""

from collections.abc import Sequence
from pathlib import Path

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.data.cache import fetch
from tasktalk.data.catalogue import CATALOGUE
from tasktalk.data.dataset import Dataset
from tasktalk.data.fdu import load_fdu, task_names
from tasktalk.data.molecules import MOLECULES, demo_molecules
from tasktalk.data.records import SUFFIXES
from tasktalk.data.tables import load_tables


def load(
    source: str | Path | Sequence[str | Path],
    *,
    tasks: Sequence[str] | None = None,
    tokenizer: str | None = None,
    text: str = "text",
    label: str | None = None,
    labels: Sequence[str] | None = None,
    dev: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
    progress: bool = True,
) -> Dataset:
    """Load a data set.

    Args:
        source: a name in the catalogue (fetched if it is not in the cache); ``molecules``, the demo's (``molecules:3``
            draws them with seed 3); a folder in FDU format; a folder of tables; a table; or several tables, each a
            path or ``NAME=PATH``.
        tasks: names of the tasks to load; None loads all.
        tokenizer: name of the tokeniser (``data.tokenize``); None takes ``words`` for tables and ``whitespace`` for
            texts in FDU format, which are tokenised already.
        text: tables only: see ``load_tables``, as for the arguments below.
        label: name of the label column.
        labels: names of the label columns.
        dev: share of the rows for development.
        test: share of the rows for testing.
        seed: seed of the split.
        progress: show a progress bar while fetching.

    Raises:
        ConfigError: an unknown data set, task or tokeniser.
        DataError: something wrong in a file, or a data set that cannot be fetched.
    """
    if isinstance(source, str) and (named := _named(source, tasks, tokenizer, progress)) is not None:
        return named
    paths = [source] if isinstance(source, (str, Path)) else list(source)
    if len(paths) == 1 and Path(paths[0]).is_dir():
        folder = Path(paths[0])
        if task_names(folder):
            return load_fdu(folder, tasks, tokenizer or "whitespace")
        paths = [*_tables_in(folder)]
    for path in paths:
        _refuse_unknown(path)
    return load_tables(
        paths, text=text, label=label, labels=labels, tasks=tasks, tokenizer=tokenizer or "words",
        dev=dev, test=test, seed=seed,
    )  # fmt: skip


def _named(source: str, tasks: Sequence[str] | None, tokenizer: str | None, progress: bool) -> Dataset | None:
    if source in CATALOGUE:
        entry = CATALOGUE[source]
        return entry.loader(fetch(entry, progress=progress), tasks, tokenizer or entry.tokenizer)
    found = MOLECULES.fullmatch(source)
    return None if found is None else demo_molecules(int(found["seed"] or 0))


def _tables_in(folder: Path) -> list[Path]:
    tables = sorted((path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES), key=_ignoring_case)
    if not tables:
        raise DataError(f"expected files <task>.task.train or tables ({', '.join(SUFFIXES)}), found none", folder)
    return tables


def _ignoring_case(path: Path) -> str:
    return path.name.casefold()


def _refuse_unknown(source: str | Path) -> None:
    """Tell a mistyped name from a file that is not there, which has an ending or a folder."""
    path = Path(source)
    if not path.exists() and not path.suffix and len(path.parts) == 1:
        raise ConfigError(f"no data set, folder or table {str(source)!r}: {nearest(str(source), CATALOGUE)}")
