"""``tasktalk demo``: what sharing does, on molecules that ship with RDKit."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasktalk.cli.options import example

if TYPE_CHECKING:
    from tasktalk.benchmarks.demo import DemoResult

EPILOG = example("tasktalk demo", "tasktalk demo --out try-it --seed 1")

_INTRODUCTION = (
    "Ten tasks on 4,999 molecules that ship with RDKit: two with many labels, the others with a few dozen.\n"
    "First as strings: an LSTM per task, each alone, then IC-MTL, in which the tasks read a shared mailbox.\n"
    "Then as graphs: an encoder per task, each alone, then L2T-MITTEN, in which every atom chooses its teachers."
)


def command(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write.")] = Path("tasktalk-demo"),
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of everything that draws.", min=0)] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the folder of an earlier demo.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show the result only, no progress.")] = False,
) -> None:
    """Train ten tasks on molecules alone and together, and show who listened to whom (no download, minutes)."""
    from tasktalk.benchmarks.demo import run_demo

    if not quiet:
        typer.echo(_INTRODUCTION, err=True)
    _show(run_demo(out, seed=seed, overwrite=overwrite, progress=not quiet), out)


def _show(result: "DemoResult", out: Path) -> None:
    from tasktalk.cli.show import number, say, table

    models = {"lstm": "strings: alone", "ic": "together", "single": "graphs: alone", "mitten": "together"}
    rows = [(row.task, str(row.labels), *(number(row.errors[model]) for model in models)) for row in result.rows]
    means = [number(result.scarce(model)) for model in models]
    table(("task", "labels", *models.values()), [*rows, ("mean of few labels", "", *means)], left=1)
    folder = shlex.quote(str(out))
    say(
        f"Test error in %: strings read by an LSTM per task (alone) and by IC-MTL (together),\n"
        f"graphs by a graph network per task (alone) and by L2T-MITTEN (together).\n"
        f"Mean of the tasks with few labels: strings {means[0]} % alone, {means[1]} % together;\n"
        f"graphs {means[2]} % alone, {means[3]} % together.\n"
        f"The labels are computed from the molecules by RDKit, not measured, and the tasks were chosen\n"
        f"to have something to share: this shows the mechanism, not a result about chemistry.\n\n"
        f"Who listened to whom: {shlex.quote(str(result.picture))}\n"
        f"Try next:\n"
        f"  echo 'CC(=O)Nc1ccc(O)cc1' | tasktalk predict {folder}/mitten\n"
        f"  tasktalk models mitten\n"
        f"  tasktalk train assays.csv --smiles smiles --model mitten"
    )
