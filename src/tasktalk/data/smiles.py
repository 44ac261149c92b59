"""Tables of molecules: a column of SMILES, and a label column per task (shared inputs)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.data.assemble import Row, Table, build
from tasktalk.data.atoms import molecule_graph, parse
from tasktalk.data.dataset import Dataset, MoleculeGraph, Molecules
from tasktalk.data.records import Records, read_records
from tasktalk.data.request import Request
from tasktalk.data.scaffold import split_by_scaffold
from tasktalk.data.split import split_rows, without_regressions

_FEW_NUMBERS = 10  # as in data.assemble
_FEW_CLASSES = 100
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class _Molecule:
    smiles: str
    canonical: str
    graph: MoleculeGraph


def load_smiles(path: Path, request: Request, name: str | None = None) -> Dataset:
    """Load a CSV, TSV or JSONL table of molecules, which may be packed (``.csv.gz``), as shared inputs.

    An empty cell is a missing label. A molecule that RDKit rejects is left out and listed in ``Dataset.skipped``. Rows
    of the same molecule (the same canonical SMILES) stay examples of their own, and go into the same split. Where
    label columns are not named, every column but the SMILES is one, except those that look like names of the
    molecules: all their values differ, and are words, or more than ten whole numbers. A sentence in
    ``Dataset.warnings`` names them.

    Args:
        path: the table.
        request: columns, tasks, kinds and split; of its fields ``smiles`` must be there.
        name: name of the data set; None takes the file's.

    Raises:
        ConfigError: an unknown task.
        DataError: something wrong in the file, or not one molecule that RDKit reads.
        TasktalkError: RDKit is not installed.
    """
    records = read_records(path)
    records.require(request.smiles)
    columns, names = _label_columns(records, request)
    tasks = _choose(columns, request.tasks)
    molecules, skipped = _molecules(records, request.smiles)
    rows = _rows(records, molecules, tasks)
    table = Table(name or path.name.partition(".")[0], tasks, _split(rows, request), True, {path.name: records.sha256})

    def content(part: Sequence[Row]) -> Molecules:
        found = [molecules[row.line] for row in part]
        return Molecules([m.smiles for m in found], [m.canonical for m in found], [m.graph for m in found])

    warnings = [*map(_name_warning, names), *_skip_warning(records, skipped), *_split_warnings(table, request)]
    dataset = build(table, content, kinds=request.kinds, known=request.known)
    return replace(dataset, warnings=(*warnings, *dataset.warnings), skipped=tuple(skipped))


def _label_columns(records: Records, request: Request) -> tuple[list[str], list[str]]:
    """The columns that are tasks, and those that were left out because they look like names."""
    if request.labels is not None:
        for column in request.labels:
            records.require(column)
        return list(dict.fromkeys(request.labels)), []
    beside = [column for column in records.columns if column != request.smiles]
    names = [column for column in beside if _looks_like_names(records, column)]
    columns = [column for column in beside if column not in names]
    if not columns:
        found = ", ".join(map(repr, beside)) or "none"
        raise DataError(f"expected label columns beside {request.smiles!r}, found {found}", records.path)
    return columns, names


def _looks_like_names(records: Records, column: str) -> bool:
    values = [value for record in records.rows if (value := records.label(record, column))]
    if len(set(values)) < len(values) or len(values) < 2:
        return False
    numbers = [_number(value) for value in values]
    words = None in numbers
    whole = all(number is not None and number.is_integer() for number in numbers)
    return words or (whole and len(values) > _FEW_NUMBERS)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _choose(found: list[str], wanted: Sequence[str] | None) -> list[str]:
    for name in wanted or ():
        if name not in found:
            raise ConfigError(f"no task {name!r}: {nearest(name, found)}")
    return [name for name in found if wanted is None or name in wanted]


def _molecules(records: Records, column: str) -> tuple[dict[int, _Molecule], list[str]]:
    """The molecules by line, and a sentence for each that RDKit rejects."""
    found: dict[int, _Molecule] = {}
    skipped = []
    for record in records.rows:
        smiles = (records.string(record, column) or "").strip()
        molecule = _read(smiles)
        if molecule is None:
            skipped.append(f"{records.path.name}, line {record.line}: RDKit cannot read {_shortened(smiles)!r}")
        else:
            found[record.line] = molecule
    if not found:
        first = records.rows[0]
        example = _shortened((records.string(first, column) or "").strip())
        raise DataError(
            f"expected molecules in column {column!r}, found {len(records.rows)} rows that RDKit cannot read, such as "
            f"{example!r}",
            records.path,
            first.line,
        )
    return found, skipped


def _read(smiles: str) -> _Molecule | None:
    molecule = parse(smiles)
    if molecule is None:
        return None
    from rdkit.Chem import MolToSmiles

    return _Molecule(smiles, MolToSmiles(molecule), molecule_graph(molecule))


def _shortened(smiles: str) -> str:
    return smiles if len(smiles) <= _SHOWN else smiles[: _SHOWN - 1] + "…"


def _rows(records: Records, molecules: Mapping[int, _Molecule], tasks: Sequence[str]) -> list[Row]:
    rows = []
    for record in records.rows:
        if record.line in molecules:
            labels = {task: value for task in tasks if (value := records.label(record, task))}
            rows.append(Row(molecules[record.line].canonical, labels, records.path, record.line))
    return rows


def _split(rows: Sequence[Row], request: Request) -> dict[str, list[Row]]:
    if request.split == "random":
        return split_rows(rows, request.dev, request.test, request.seed, request.kinds)
    by_line = {row.line: row for row in rows}
    splits = split_by_scaffold(without_regressions(rows, request.kinds), request.dev, request.test)
    return {split: [by_line[row.line] for row in part] for split, part in splits.items()}


def _name_warning(column: str) -> str:
    return (
        f"column {column!r} was taken for names of the molecules, since no value stands in it twice: name the label "
        "columns if it is one"
    )


def _skip_warning(records: Records, skipped: Sequence[str]) -> tuple[str, ...]:
    if not skipped:
        return ()
    count = f"{len(skipped)} of {len(records.rows)}"
    return (f"{count} molecules were left out, since RDKit cannot read them, the first in {skipped[0]}",)


def _split_warnings(table: Table, request: Request) -> list[str]:
    shares = {"dev": request.dev, "test": request.test}
    return [
        f"no molecules for {split}: expected {share:.0%} of them, but too few scaffolds or molecules can be dealt"
        for split, share in shares.items()
        if share and not table.splits[split]
    ]
