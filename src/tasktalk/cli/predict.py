"""``tasktalk predict``: a line of text in, a line of JSON out."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tasktalk.cli.options import example

if TYPE_CHECKING:
    from tasktalk.training.run import Run

EPILOG = example(
    "echo 'a gripping story' | tasktalk predict runs/fdu-mtl-ic --task books",
    "tasktalk predict runs/fdu-mtl-ic reviews.txt -o answers.jsonl",
)
_CHUNK = 256
"""Texts that are answered together: answers start early, and a file of any size needs no more memory."""
_BOM = b"\xef\xbb\xbf"


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Texts, one a line, in UTF-8.", show_default="standard input"),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Ask this task (repeat for more).", show_default="all tasks"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write here, whole or not at all.", show_default="standard output"
        ),
    ] = None,
) -> None:
    """Answer for new texts: for each line of text a line of JSON with labels and probabilities."""
    from tasktalk.training.run import Run

    _refuse_same_file(file, output)
    loaded = Run.load(run)
    for name in task or ():
        loaded.index(name)
    with _reading(file) as lines, _writing(output) as write:
        for chunk in iter(lambda: list(islice(lines, _CHUNK)), []):
            write(_answers(loaded, chunk, task))


def _answers(run: "Run", texts: list[str], tasks: list[str] | None) -> str:
    import json

    answers = run.predict(texts, None if tasks is None else tasks[0])
    for task in (tasks or ())[1:]:
        for answer, more in zip(answers, run.predict(texts, task), strict=True):
            answer["predictions"] |= more["predictions"]
    return "".join(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)


@contextmanager
def _reading(file: Path | None) -> Iterator[Iterator[str]]:
    from tasktalk.core.errors import DataError

    if file is None:
        if sys.stdin.isatty():
            typer.echo("Reading texts from standard input, one a line, until Ctrl-D.", err=True)
        yield _texts(sys.stdin.buffer, "standard input")
        return
    with _open(file) as handle:
        if not handle.peek(1):
            raise DataError("expected texts, one a line, found an empty file", file)
        yield _texts(handle, file)


def _open(file: Path) -> BufferedReader:
    from tasktalk.core.errors import DataError

    try:
        return file.open("rb")
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})", file) from error


def _texts(lines: Iterable[bytes], path: Path | str) -> Iterator[str]:
    """Lines end at a line feed and nowhere else, as in training (``data.lines``)."""
    from tasktalk.core.errors import DataError

    for number, line in enumerate(lines, start=1):
        content = (line.removeprefix(_BOM) if number == 1 else line).removesuffix(b"\n").removesuffix(b"\r")
        try:
            yield content.decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"byte 0x{content[error.start]:02x} as byte {error.start + 1} of the line"
            raise DataError(f"expected text in UTF-8, found {found}", path, number) from error


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
    from tasktalk.core.errors import ConfigError

    if file is not None and output is not None and file.exists() and output.exists() and file.samefile(output):
        raise ConfigError(f"{output}: the answers would replace the texts; choose another --output")
