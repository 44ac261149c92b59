"""``tasktalk predict --format conll``: tags beside the words of a column file, which stays as it is otherwise."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tasktalk.core.errors import ConfigError

if TYPE_CHECKING:
    from tasktalk.data.columns import Separator
    from tasktalk.data.corpora import Layout
    from tasktalk.training.run import Run

_CHUNK = 1000
"""Sentences that are tagged together: of about the same length in each batch, and never too many answers at once."""
_T = TypeVar("_T")


def asks_for_columns(run: "Run", file: Path) -> bool:
    """Whether a run tags words and a file has, by its ending, a word on each line: its lines are no sentences."""
    from tasktalk.data.corpora import COLUMN_ENDINGS

    tags = any(task.kind == "tagging" for task in run.tasks)
    return tags and Path(file.name.removesuffix(".gz")).suffix.lower() in (*COLUMN_ENDINGS, ".conllu")


def tag_columns(
    run: "Run",
    file: Path | None,
    tasks: Sequence[str],
    token: int | None,
    separator: "Separator | None",
    write: Callable[[str], object],
) -> None:
    """Add a column for each task to the lines of words; every other byte of the file stays where it is.

    The new columns stand behind what separates those of the file: where any white space does, behind a tab if the line
    has one, else behind a blank. Comments, blank lines and ``-DOCSTART-`` lines have no answer.

    Args:
        run: a run on sentences.
        file: the column file.
        tasks: names of the tasks.
        token: column of the words; None is that of the files that the tasks learned from.
        separator: what stands between columns, likewise.
        write: takes the whole answer.

    Raises:
        ConfigError: no file, a CoNLL-U file, a run that does not tag words, or tasks that learned from files of
            different columns.
        DataError: the file cannot be read, or a line has too few columns.
    """
    from tasktalk.data.columns import sentences_in
    from tasktalk.data.lines import read_lines

    path = _column_file(run, file)
    layout = _layout(run, tasks, token, separator)
    text = read_lines(path)
    found = sentences_in(text, token=layout.token, tag=None, separator=layout.separator)
    answers: dict[int, list[str]] = {}
    for start in range(0, len(found), _CHUNK):
        part = found[start : start + _CHUNK]
        for task in tasks:
            for sentence, tags in zip(part, run.tag([s.words for s in part], task), strict=True):
                for line, tag in zip(sentence.lines, tags, strict=True):
                    answers.setdefault(line, []).append(tag)
    lines = enumerate(text.content.decode("utf-8").split("\n"), start=1)  # checked to be UTF-8 when it was read
    write("\n".join(_with_tags(line, answers.get(number, []), layout.separator) for number, line in lines))


def _column_file(run: "Run", file: Path | None) -> Path:
    if file is None:
        raise ConfigError("--format conll needs a file: tasktalk predict RUN FILE --format conll")
    if file.suffix.lower() == ".conllu":
        raise ConfigError(f"{file}: CoNLL-U has ten columns and no room for more; give a file with a word in each line")
    if all(task.kind != "tagging" for task in run.tasks):
        raise ConfigError(f"--format conll is for runs that tag words, and {run.folder} gives whole inputs a label")
    return file


def _layout(run: "Run", tasks: Sequence[str], token: int | None, separator: "Separator | None") -> "Layout":
    """That of the files that the tasks learned from, unless another is asked for."""
    from tasktalk.data.corpora import Layout, layouts

    known = {task: its for task, its in layouts(run.config.data.source).items() if task in tasks}
    tokens = {task: its.token for task, its in known.items()}
    separators = {task: its.separator for task, its in known.items()}
    return Layout(
        _agreed("--token", tokens, 0) if token is None else token,
        _agreed("--separator", separators, "whitespace") if separator is None else separator,
    )


def _agreed(option: str, by_task: Mapping[str, _T], usual: _T) -> _T:
    """What all tasks have."""
    if len(set(by_task.values())) > 1:
        found = ", ".join(f"{value} of {task!r}" for task, value in by_task.items())
        raise ConfigError(f"the tasks learned from files of different columns: choose {option} ({found}), or a --task")
    return next(iter(by_task.values()), usual)


def _with_tags(line: str, tags: Sequence[str], separator: "Separator") -> str:
    end = "\r" if line.endswith("\r") else ""
    tab = separator == "tab" or (separator == "whitespace" and "\t" in line)
    return line.removesuffix("\r") + "".join(("\t" if tab else " ") + tag for tag in tags) + end
