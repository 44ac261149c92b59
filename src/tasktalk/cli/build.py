"""``tasktalk data build``: data sets that are made from something public, because nobody offers them ready."""

from pathlib import Path
from typing import Annotated

import typer

from tasktalk.cli.options import example

app = typer.Typer(
    help="Make a data set from public data.",
    epilog=example("tasktalk data build dblp --xml dblp.xml.gz --out dblp"),
    rich_markup_mode="rich",
    no_args_is_help=True,
)


@app.command(
    epilog=example(
        "tasktalk data build dblp --xml dblp.xml.gz --out dblp",
        "tasktalk data build dblp --xml dblp.xml.gz --out vision --conferences vision.txt --since 2010 --until 2020",
    )
)
def dblp(
    xml: Annotated[Path, typer.Option(metavar="FILE", help="The dump, from https://dblp.org/xml/dblp.xml.gz (CC0).")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="A new folder for the tables.")],
    since: Annotated[int, typer.Option(metavar="YEAR", help="First year that counts.")] = 2014,
    until: Annotated[int, typer.Option(metavar="YEAR", help="Last year that counts.")] = 2019,
    joint: Annotated[int, typer.Option(metavar="N", help="So many joint papers link two authors.")] = 2,
    conferences: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keys of the conferences that are the labels, one a line, such as conf/nips.",
            show_default="18 well-known ones",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Authors, who writes with whom, words of their titles, and where they publish: the graph of DBLP."""
    from rich.console import Console
    from rich.progress import Progress

    from tasktalk.cli.show import say, table, warn
    from tasktalk.data.dblp import CONFERENCES, Settings, build_dblp, read_conferences, short

    keys = CONFERENCES if conferences is None else read_conferences(conferences)
    settings = Settings(since, until, joint, keys)
    with Progress(console=Console(stderr=True), disable=quiet) as bars:
        task = bars.add_task("two passes", total=None)
        built = build_dblp(xml, out, settings, lambda done, total: bars.update(task, total=total, completed=done))
    table(("conference", "authors"), [(short(key), str(count)) for key, count in built.members.items()], left=1)
    say(f"{out}: {built.authors} authors, {built.links} links")
    if built.unlinked:
        warn(f"left out {built.unlinked} authors without a link")
    if built.undated:
        warn(f"left out {built.undated} papers without a year")
