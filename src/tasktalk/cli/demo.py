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
    "Ten tasks on 4,999 molecules that ship with RDKit, read as characters: two with many labels, the others with a "
    "few dozen.\nFirst an LSTM per task, each alone; then IC-MTL, in which the tasks read a shared mailbox."
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

    rows = [
        (row.task, str(row.labels), number(row.single), number(row.shared), f"{row.shared - row.single:+.2f}")
        for row in result.rows
    ]
    table(("task", "labels", "alone %", "together %", "difference"), rows, left=1)
    alone, together = result.scarce()
    folder = shlex.quote(str(out))
    say(
        f"Test error of an LSTM per task (alone) and of IC-MTL (together).\n"
        f"Mean of the tasks with few labels: {number(alone)} % alone, {number(together)} % together.\n"
        f"The labels are computed from the molecules by RDKit, not measured, and the tasks were chosen\n"
        f"to have something to share: this shows the mechanism, not a result about chemistry.\n\n"
        f"Who listened to whom: {shlex.quote(str(result.picture))}\n"
        f"Try next:\n"
        f"  echo 'CC(=O)Nc1ccc(O)cc1' | tasktalk predict {folder}/ic\n"
        f"  tasktalk models ic\n"
        f"  tasktalk train fdu-mtl --model ic"
    )
