"""One way to load any data set: by name, by folder, or by files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.data.cache import fetch
from tasktalk.data.catalogue import CATALOGUE
from tasktalk.data.corpora import is_corpus
from tasktalk.data.dataset import Dataset
from tasktalk.data.fdu import load_fdu, task_names
from tasktalk.data.mat_graphs import load_mat
from tasktalk.data.molecules import MOLECULE_GRAPHS, MOLECULES, demo_molecule_graphs, demo_molecules
from tasktalk.data.node_tables import load_nodes
from tasktalk.data.records import SUFFIXES
from tasktalk.data.request import Request
from tasktalk.data.smiles import load_smiles
from tasktalk.data.tables import load_tables
from tasktalk.data.tagging import load_tagging


def load(source: str | Path | Sequence[str | Path], *, progress: bool = True, **choices: Any) -> Dataset:
    """Load a data set.

    Args:
        source: a name in the catalogue (fetched if it is not in the cache); ``molecules``, the demo's (``molecules:3``
            draws them with seed 3), or ``molecule-graphs``, the same as graphs; a folder in FDU format; a folder of
            tables; a table; several tables of texts, each a path or ``NAME=PATH``; a table of molecules, of which
            ``NAME=PATH`` takes one task, the column ``label``, by this name; a graph in a ``.mat`` file; or corpora of
            tagged sentences, each a name in the catalogue or a file, with keys (``data.corpora``).
        progress: show a progress bar while fetching.
        choices: what to load from it, the fields of ``data.request.Request``: ``tasks``, ``text``, ``label``,
            ``labels``, ``smiles``, ``edges``, ``dev``, ``test``, ``seed`` and others.

    Raises:
        ConfigError: an unknown data set, task or tokeniser.
        DataError: something wrong in a file, or a data set that cannot be fetched.
        TypeError: a choice that ``Request`` does not have.
    """
    lists = {key: tuple(value) for key, value in choices.items() if key in ("tasks", "labels") and value is not None}
    return load_request(source, Request(**{**choices, **lists}), progress)


def load_request(source: str | Path | Sequence[str | Path], request: Request, progress: bool = True) -> Dataset:
    """Load a data set; arguments and errors as for ``load``."""
    paths = [source] if isinstance(source, str | Path) else list(source)
    if corpora := [str(path) for path in paths if is_corpus(str(path))]:
        _refuse_others(paths, corpora)
        return load_tagging(corpora, request, lambda name: fetch(CATALOGUE[name], progress=progress))
    if len(paths) == 1:
        if (named := _named(str(paths[0]), request, progress)) is not None:
            return named
        folder = Path(paths[0])
        if folder.is_dir():
            if task_names(folder):
                return load_fdu(folder, request.tasks, request.tokenizer or "whitespace")
            paths = [*_tables_in(folder)]
    for path in paths:
        _refuse_unknown(path)
    return _files(paths, request)


def _files(paths: Sequence[str | Path], request: Request) -> Dataset:
    first = Path(paths[0])
    if request.split == "scaffold" and not request.smiles:
        raise ConfigError("a split by scaffold is for molecules: name the column of SMILES")
    if request.smiles:
        return _molecules(str(_only(paths, "a table of molecules")), request)
    if request.edges:
        return load_nodes(_only(paths, "the labels of a graph"), request)
    if first.suffix.lower() == ".mat":
        return load_mat(_only(paths, "a graph"), request, first.stem)
    return load_tables(
        paths,
        text=request.text,
        label=request.label,
        labels=request.labels,
        tasks=request.tasks,
        tokenizer=request.tokenizer or "words",
        kinds=request.kinds,
        dev=request.dev,
        test=request.test,
        seed=request.seed,
        known=request.known,
    )


def _molecules(source: str, request: Request) -> Dataset:
    name, equals, path = source.partition("=")
    if not equals or Path(source).exists():
        return load_smiles(Path(source), request)
    column = request.label or "label"
    kinds = {column: request.kinds[name]} if name in request.kinds else {}
    dataset = load_smiles(Path(path), replace(request, labels=(column,), tasks=None, kinds=kinds))
    return replace(dataset, tasks=(replace(dataset.tasks[0], name=name),))


def _only(paths: Sequence[str | Path], what: str) -> Path:
    if len(paths) > 1:
        raise ConfigError(f"expected {what} in one file, found {len(paths)} files")
    return Path(paths[0])


def _named(source: str, request: Request, progress: bool) -> Dataset | None:
    if source in CATALOGUE:
        entry = CATALOGUE[source]
        return entry.loader(fetch(entry, progress=progress), request)
    if found := MOLECULES.fullmatch(source):
        return demo_molecules(int(found["seed"] or 0))
    found = MOLECULE_GRAPHS.fullmatch(source)
    return None if found is None else demo_molecule_graphs(int(found["seed"] or 0))


def _tables_in(folder: Path) -> list[Path]:
    tables = sorted((path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES), key=_ignoring_case)
    if not tables:
        raise DataError(f"expected files <task>.task.train or tables ({', '.join(SUFFIXES)}), found none", folder)
    return tables


def _refuse_others(paths: Sequence[str | Path], corpora: Sequence[str]) -> None:
    """Tagged sentences go with nothing else; a name alone that is near a corpus is a mistyped one."""
    others = [str(path) for path in paths if str(path) not in corpora]
    if not others:
        return
    if others[0] not in CATALOGUE:
        _refuse_unknown(others[0])
    raise ConfigError(f"{corpora[0]!r} is a corpus of tagged sentences, and {others[0]!r} is none: load them apart")


def _ignoring_case(path: Path) -> str:
    return path.name.casefold()


def _refuse_unknown(source: str | Path) -> None:
    """Tell a mistyped name from a file that is not there, which has an ending or a folder."""
    path = Path(source)
    if not path.exists() and not path.suffix and len(path.parts) == 1:
        raise ConfigError(f"no data set, folder or table {str(source)!r}: {nearest(str(source), CATALOGUE)}")
