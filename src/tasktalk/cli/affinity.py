"""``tasktalk affinity``: which task's steps help which, measured on the training labels."""

from math import isnan
from pathlib import Path
from typing import Annotated

import typer

from tasktalk.cli.options import (
    Edges,
    Json,
    Labels,
    Mask,
    MoreSources,
    Node,
    OnlyTasks,
    Smiles,
    Sources,
    Text,
    data_section,
    example,
)

EPILOG = example("tasktalk affinity tox21 --csv affinity.csv", "tasktalk affinity assays.csv --smiles smiles")

_Set = Annotated[list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Any setting of `shared`.")]
_Csv = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the matrix as CSV.")]


def command(
    sources: Sources = None,
    data: MoreSources = None,
    text: Text = "",
    labels: Labels = None,
    task: OnlyTasks = None,
    mask: Mask = "",
    smiles: Smiles = "",
    edges: Edges = "",
    node: Node = "",
    settings: _Set = None,
    csv: _Csv = None,
    json: Json = "",
) -> None:
    """Measure which tasks help which: by how much a step on one task's loss lowers another's (Fifty et al. 2021).

    A row is a task that is helped, a column the task that was learned; numbers are relative drops of the loss in
    percent, averaged over the first part of a training of `shared`.
    """
    from tasktalk.cli.options import load_data
    from tasktalk.cli.show import emit_json, say, table
    from tasktalk.training.affinity import measure_affinity
    from tasktalk.training.config import make_config
    from tasktalk.training.encode import fit_encoder
    from tasktalk.training.progress import Bars
    from tasktalk.training.train import prepare

    section = data_section(
        [*(sources or ()), *(data or ())],
        text=text, labels=labels, tasks=task, mask=mask, smiles=smiles, edges=edges, node=node,
    )  # fmt: skip
    config = make_config({"data": section, "model": {"name": "shared"}}, settings or [])
    dataset, _ = prepare(load_data(config.data), config)
    encoder = fit_encoder(dataset, config)
    examples = encoder(dataset.splits["train"])
    with Bars() as bars:
        found = measure_affinity(dataset.tasks, examples, encoder.inputs, config.model, config.training, bars)  # type: ignore[arg-type]
    names = [one.name for one in dataset.tasks]
    rows = [[name, *map(_number, row)] for name, row in zip(names, found.values.tolist(), strict=True)]
    if csv is not None:
        _write_csv(csv, names, found.values.tolist())
    if json:
        values = [[None if isnan(value) else value for value in row] for row in found.values.tolist()]
        emit_json({"tasks": names, "affinity": values, "steps": found.counts.tolist()}, json)
        return
    table(["helped by", *names], rows, left=1)
    say("Relative drop of the row's loss, in %, after a step on the column's; n/a where never measured.")


def _number(value: float) -> str:
    return "n/a" if isnan(value) else f"{100 * value:.2f}"


def _write_csv(path: Path, names: list[str], values: list[list[float]]) -> None:
    from tasktalk.core.files import write_text

    lines = [",".join(["helped", *names])]
    lines += [",".join([name, *(f"{value:.6g}" for value in row)]) for name, row in zip(names, values, strict=True)]
    write_text(path, "\n".join(lines) + "\n")
