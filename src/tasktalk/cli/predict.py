"""``tasktalk predict``: new inputs in, answers out."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tasktalk.cli.options import example
from tasktalk.cli.predict_conll import asks_for_columns, tag_columns
from tasktalk.cli.rows import SEPARATORS, Input, Row, open_rows
from tasktalk.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from tasktalk.core.task import Task
    from tasktalk.training.run import Run

EPILOG = example(
    "echo 'a gripping story' | tasktalk predict runs/fdu-mtl-ic --task books",
    "tasktalk predict runs/fdu-mtl-ic reviews.txt -o answers.jsonl",
    "tasktalk predict runs/assays-mitten molecules.csv -o predictions.csv",
    "tasktalk predict runs/news-ic words.conll --format conll -o tagged.conll",
)
_CHUNK = 256
"""Inputs that are answered together: answers start early, and a file of any size needs no more memory."""
_NAMED, _LONGEST = 3, 40
"""So many rows without an answer are named, with so many characters of each."""
_COLUMNS = "With --format conll"
_REASONS = {
    "smiles": ("molecules", "RDKit cannot read their SMILES", "SMILES that RDKit can read"),
    "node": ("nodes", "the graph of the run does not have them", "nodes of the run's graph"),
}


_Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
_File = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE",
        help="Texts, SMILES or names of nodes: one a line, or a table (.csv, .tsv, .jsonl), in UTF-8; "
        "or words, one a line (see --format).",
        show_default="standard input",
    ),
]
_Tasks = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Ask this task (repeat for more).", show_default="all tasks")
]
_Column = Annotated[
    str,
    typer.Option(
        "--text", "--smiles", "--node", metavar="COLUMN", help="Tables: what to read.", show_default="the run's"
    ),
]
_Format = Annotated[
    Literal["auto", "conll"],
    typer.Option(
        "--format",
        metavar="NAME",
        help="conll: FILE has a word on each line, as a tagger's .conll, .iob or .bio has anyway; a column of tags is "
        "added for each task, and nothing else changes.",
        show_default="what FILE and --output end in",
    ),
]
_Token = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="The column of the words, counted from 0.",
        show_default="as in training",
        rich_help_panel=_COLUMNS,
    ),
]
_Separator = Annotated[
    Literal["whitespace", "tab", "space"] | None,
    typer.Option(
        metavar="NAME",
        help="What stands between columns: whitespace, tab or space.",
        show_default="as in training",
        rich_help_panel=_COLUMNS,
    ),
]
_Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write here, whole or not at all: a table if it ends in .csv or .tsv, else JSON lines.",
        show_default="standard output",
    ),
]


def command(
    run: _Run,
    file: _File = None,
    task: _Tasks = None,
    column: _Column = "",
    form: _Format = "auto",
    token: _Token = None,
    separator: _Separator = None,
    output: _Output = None,
) -> None:
    """Answer for new texts, molecules or nodes: labels and probabilities, values, or tags of words.

    JSON has a line for each input. A table keeps the columns of the input and
    adds for each task NAME, the label, the value in its unit or the tags, and
    for labels NAME_probability (of the second of two classes) or NAME_CLASS (of
    each of several); NAME is NAME_predicted where the input has such columns
    already. What cannot be read, such as a broken SMILES, has no answer and is
    counted.
    """
    from tasktalk.training.inputs import field_name
    from tasktalk.training.run import Run

    _refuse_same_file(file, output)
    loaded = Run.load(run)
    tasks = [loaded.tasks[loaded.index(name)] for name in task or [known.name for known in loaded.tasks]]
    name = field_name(loaded.encoder)
    usual = {"smiles": loaded.config.data.smiles, "node": loaded.config.data.node, "text": loaded.config.data.text}
    wanted = [column] if column else [known for known in (usual[name], name) if known]
    if form == "conll" or (file is not None and asks_for_columns(loaded, file)):
        with _writing(output) as write:
            tag_columns(loaded, file, [known.name for known in tasks], token, separator, write)
        return
    with open_rows(file, wanted, name) as given, _writing(output) as write:
        _work(loaded, given, tasks if task else None, _form(output, given.columns, tasks), write)


@dataclass
class _JsonLines:
    """Answers as lines of JSON."""

    header: str = ""

    def line(self, row: Row, answer: dict[str, Any]) -> str:
        return json.dumps(answer, ensure_ascii=False) + "\n"


@dataclass
class _Table:
    """Answers as rows of a table, after the cells of the input."""

    separator: str
    tasks: Sequence["Task"]
    columns: Sequence[str]
    header: str = field(init=False)

    def __post_init__(self) -> None:
        self.header = self._joined(self.columns)

    def line(self, row: Row, answer: dict[str, Any]) -> str:
        found = answer["predictions"]
        return self._joined([*row.cells, *(cell for task in self.tasks for cell in _cells(task, found.get(task.name)))])

    def _joined(self, cells: Sequence[object]) -> str:
        line = io.StringIO()
        csv.writer(line, delimiter=self.separator, lineterminator="\n").writerow(cells)
        return line.getvalue()


def _form(output: Path | None, columns: Sequence[str], tasks: Sequence["Task"]) -> _JsonLines | _Table:
    separator = SEPARATORS.get(output.suffix.lower()) if output else None
    if separator is None:
        return _JsonLines()
    names = list(columns)
    for task in tasks:
        choices = (_columns(task, task.name), _columns(task, f"{task.name}_predicted"))
        free = next((choice for choice in choices if not set(choice) & set(names)), None)
        if free is None:
            taken = next(name for name in choices[1] if name in names)
            raise ConfigError(
                f"the answers of task {task.name!r} need a column {taken!r}, which is there already: rename it, "
                "or write .jsonl"
            )
        names += free
    return _Table(separator, tasks, names)


def _columns(task: "Task", name: str) -> list[str]:
    if task.kind in ("regression", "tagging"):
        return [name]
    if len(task.classes) == 2:
        return [name, f"{name}_probability"]
    return [name, *(f"{name}_{label}" for label in task.classes)]


def _cells(task: "Task", answer: dict[str, Any] | None) -> list[object]:
    if answer is None:
        return [""] * len(_columns(task, task.name))
    if task.kind == "regression":
        return [answer["value"]]
    if task.kind == "tagging":
        return [" ".join(answer["tags"])]
    probabilities = [answer["probabilities"][label] for label in task.classes]
    return [answer["label"], *(probabilities[1:] if len(probabilities) == 2 else probabilities)]


def _work(
    run: "Run",
    given: Input,
    tasks: Sequence["Task"] | None,
    form: _JsonLines | _Table,
    write: Callable[[str], object],
) -> None:
    """Answer chunk by chunk; nothing is written before anything could be read."""
    from tasktalk.training.inputs import field_name, unreadable

    name = field_name(run.encoder)
    held, seen, refused = form.header, 0, list[Row]()
    for rows in iter(lambda: list(islice(given.rows, _CHUNK)), []):
        contents = [row.content if name == "text" else row.content.strip() for row in rows]
        bad = set(unreadable(contents, run.encoder))
        answers = iter(_answers(run, [text for number, text in enumerate(contents) if number not in bad], tasks))
        for number, (row, text) in enumerate(zip(rows, contents, strict=True)):
            held += form.line(row, {name: text, "predictions": {}} if number in bad else next(answers))
        seen += len(rows)
        refused += [rows[number] for number in sorted(bad)]
        if len(refused) < seen:
            write(held)
            held = ""
    _report(given.where, refused, seen, name)
    write(held)


def _answers(run: "Run", inputs: list[str], tasks: Sequence["Task"] | None) -> list[dict[str, Any]]:
    answers = run.predict(inputs, None if tasks is None else tasks[0].name)
    for task in (tasks or ())[1:]:
        for answer, more in zip(answers, run.predict(inputs, task.name), strict=True):
            answer["predictions"] |= more["predictions"]
    return answers


def _report(where: Path | str, refused: Sequence[Row], seen: int, name: str) -> None:
    """Tell which rows have no answer; refuse a file of which none has."""
    from tasktalk.cli.show import warn

    if not refused:
        return
    what, reason, expected = _REASONS[name]
    first = refused[0]
    if len(refused) == seen:
        raise DataError(f"expected {expected}, found none in {seen} rows, such as {_start(first)!r}", where, first.line)
    named = ", ".join(f"line {row.line} ({_start(row)!r})" for row in refused[:_NAMED])
    more = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
    warn(f"{where}: {len(refused)} of {seen} {what} have no answer, since {reason}: {named}{more}")


def _start(row: Row) -> str:
    text = row.content.strip()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


@contextmanager
def _writing(output: Path | None) -> Iterator[Callable[[str], object]]:
    from tasktalk.cli.show import write_stdout
    from tasktalk.core.files import whole_file

    if output is None:
        yield write_stdout
        return
    with whole_file(output) as part, part.open("w", encoding="utf-8", newline="\n") as handle:
        yield handle.write


def _refuse_same_file(file: Path | None, output: Path | None) -> None:
    if file is not None and output is not None and file.exists() and output.exists() and file.samefile(output):
        raise ConfigError(f"{output}: the answers would replace the texts; choose another --output")
