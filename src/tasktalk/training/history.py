"""``history.csv``: one row per epoch."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasktalk.core.files import write_text


def write_history(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write the rows, whole or not at all; a score that is not defined is an empty cell."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
