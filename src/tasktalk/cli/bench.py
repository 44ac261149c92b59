"""``tasktalk bench``: how fast this machine trains, as ratios that were taken in one run."""

from pathlib import Path
from textwrap import fill
from typing import Annotated

import typer

from tasktalk.cli.options import Json, example

EPILOG = example(
    "tasktalk bench",
    "tasktalk bench --part steps --threads 1 --json bench.json",
    "tasktalk bench --part scaling --out docs/results/scaling",
    "tasktalk bench --part training --data fdu-mtl",
    "tasktalk bench --part transfers --threads 1 --cpu-time",
)


_WIDTH = 80


def command(
    part: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="steps, start, scaling, training or transfers (repeat for more).",
            show_default="steps and start",
        ),
    ] = None,
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="Threads that torch uses.")] = 2,
    rounds: Annotated[int, typer.Option(metavar="N", min=1, help="How often everything is timed, in turns.")] = 9,
    quick: Annotated[bool, typer.Option("--quick", help="Tiny sizes: whether it runs, not how fast.")] = False,
    cpu_time: Annotated[
        bool, typer.Option("--cpu-time", help="With one thread, on a machine that has other work to do.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="scaling: also write FILE.csv and FILE.png.", show_default=False),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="training: texts, by the name or path that train takes.",
            show_default="fdu-mtl if it is at hand, else the demo's molecules",
        ),
    ] = None,
    json: Json = "",
) -> None:
    """Time a training step beside loops and beside the least that has to be computed, and training from end to end."""
    from tasktalk.benchmarks.bench import PARTS, points_of, run, tables
    from tasktalk.benchmarks.bench_scaling import draw, to_csv
    from tasktalk.cli.show import emit_json, say, table
    from tasktalk.core.files import write_text

    parts = part or ["steps", "start"]
    _check(parts, PARTS, out, data)
    found = run(parts, threads, rounds, quick, cpu_time, data or "")
    if out:
        write_text(out.with_suffix(".csv"), to_csv(points_of(found)))
        draw(points_of(found), out.with_suffix(".png"))
    if json:
        emit_json(found, json)
    if json != "-":
        for caption, (head, *rows) in tables(found):
            say(fill(caption, _WIDTH))
            table(head, rows, left=1)


def _check(parts: list[str], known: tuple[str, ...], out: Path | None, data: str | None) -> None:
    from tasktalk.core.errors import ConfigError, nearest

    for name in parts:
        if name not in known:
            raise ConfigError(f"--part: there is no {name!r}: {nearest(name, known)}")
    if out and "scaling" not in parts:
        raise ConfigError("--out is for the points of scaling: add --part scaling")
    if data and "training" not in parts:
        raise ConfigError("--data is what is trained on: add --part training")
