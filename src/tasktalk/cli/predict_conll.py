"""``tasktalk predict --format conll``: tags beside the words of a column file, which stays as it is otherwise."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tasktalk.core.errors import ConfigError

if TYPE_CHECKING:
    from tasktalk.training.run import Run

_CHUNK = 1000
"""Sentences that are tagged together: of about the same length in each batch, and never too many answers at once."""


def tag_columns(
    run: "Run", file: Path | None, tasks: Sequence[str], token: int, write: Callable[[str], object]
) -> None:
    """Add a column for each task to the lines of words; every other byte of the file stays where it is.

    The new columns stand behind a tab where the line has one, else behind a blank. Comments, blank lines and
    ``-DOCSTART-`` lines have no answer.

    Args:
        run: a run on sentences.
        file: the column file.
        tasks: names of the tasks.
        token: column of the words.
        write: takes the whole answer.

    Raises:
        ConfigError: no file, a CoNLL-U file, or a run that does not tag words.
        DataError: the file cannot be read, or a line has too few columns.
    """
    from tasktalk.data.columns import read_columns

    if file is None:
        raise ConfigError("--format conll needs a file: tasktalk predict RUN FILE --format conll")
    if file.suffix.lower() == ".conllu":
        raise ConfigError(f"{file}: CoNLL-U has ten columns and no room for more; give a file with a word in each line")
    if all(task.kind != "tagging" for task in run.tasks):
        raise ConfigError(f"--format conll is for runs that tag words, and {run.folder} gives whole inputs a label")
    found = read_columns(file, token=token, tag=None).sentences
    answers: dict[int, list[str]] = {}
    for start in range(0, len(found), _CHUNK):
        part = found[start : start + _CHUNK]
        for task in tasks:
            for sentence, tags in zip(part, run.tag([s.words for s in part], task), strict=True):
                for line, tag in zip(sentence.lines, tags, strict=True):
                    answers.setdefault(line, []).append(tag)
    lines = file.read_bytes().decode("utf-8").split("\n")  # checked to be UTF-8 when it was read
    write("\n".join(_with_tags(content, answers.get(number, [])) for number, content in enumerate(lines, start=1)))


def _with_tags(line: str, tags: Sequence[str]) -> str:
    end = "\r" if line.endswith("\r") else ""
    separator = "\t" if "\t" in line else " "
    return line.removesuffix("\r") + "".join(separator + tag for tag in tags) + end
