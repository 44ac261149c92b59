"""What the commands of all speed tables share: their options, what a table was taken on, and the two files."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasktalk.core.files import write_text
from tasktalk.training.run_folder import write_json


def read_options(
    module: str, about: str | None, threads: Sequence[int], arguments: Sequence[str] | None = None
) -> argparse.Namespace:
    """``out``, ``threads``, ``quick`` and ``cpu_time`` of a command line.

    Args:
        module: name of the module in ``tasktalk.benchmarks``.
        about: what its help says.
        threads: the usual numbers of threads.
        arguments: the command line; None for that of the process.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tasktalk.benchmarks.{module}", description=about)
    parser.add_argument("--out", type=Path, required=True, help="file to write, without .md or .json")
    parser.add_argument("--threads", type=int, nargs="+", default=list(threads), help="numbers of threads")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: whether it runs, not how fast")
    parser.add_argument("--cpu-time", action="store_true", help="for one thread on a machine that has other work to do")
    return parser.parse_args(arguments)


def taken_on(found: Mapping[str, Any]) -> str:
    """The sentence below a table, from its ``time`` and ``machine``."""
    facts = {"time": found["time"], **found["machine"]}
    return "Taken on: " + "; ".join(f"{name}: {value}" for name, value in facts.items()) + ".\n"


def write_report(out: Path, found: Mapping[str, Any], text: str) -> None:
    """Write the table as Markdown, and all that was found as JSON."""
    write_text(out.with_suffix(".md"), text)
    write_json(out.with_suffix(".json"), found)
