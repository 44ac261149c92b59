"""Corpora of tagged sentences: how one is asked for, and the splits that it has."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, get_args

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.data.assemble import Row
from tasktalk.data.columns import Sentence, Separator, Tagged, read_columns
from tasktalk.data.conllu import COLUMNS, read_conllu
from tasktalk.data.request import Request
from tasktalk.data.split import split_rows
from tasktalk.data.treebank import SUFFIX, read_treebank

FORMATS = ("columns", "conllu", "treebank")
KEYS = ("column", "dev", "test", "token", "separator", "format", "limit")

_KEY = re.compile(r"([a-z_-]+)=(.*)", re.DOTALL)
COLUMN_ENDINGS = (".conll", ".iob", ".iob2", ".bio", ".bioes")
"""Endings of files with a word on each line."""
_ENDINGS = (*COLUMN_ENDINGS, ".conllu", SUFFIX, ".zip")  # of tagged sentences
_OF_FILES = ("dev", "test", "token", "separator", "format")


@dataclass(frozen=True)
class Spec:
    """Which sentences and tags are asked for; what is None is not said.

    Args:
        source: the name of a corpus in the catalogue, or the path of the file (parse trees: perhaps a folder or zip).
        name: name of the task; empty where it is to be that of the corpus or the stem of the file.
        column: column of the tags: a number counted from 0 (negative: from the end) or a name.
        dev: path of the development part.
        test: path of the test part.
        token: column of the words.
        separator: what stands between columns (``data.columns``).
        format: one of ``FORMATS``; else the ending tells.
        limit: how many training sentences to keep, the first ones.
    """

    source: str
    name: str = ""
    column: int | str | None = None
    dev: str | None = None
    test: str | None = None
    token: int | None = None
    separator: Separator | None = None
    format: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Known:
    """A corpus of the catalogue.

    Args:
        files: file by split; without ``dev`` or ``test`` these are drawn.
        format: one of ``FORMATS``.
        columns: the columns with tags by name; the first is the usual one.
        separator: as in ``Spec``.
        prefix: what every word begins with in the files, and is dropped.
    """

    files: Mapping[str, str]
    format: str = "columns"
    columns: Mapping[str, int] = field(default_factory=dict)
    separator: Separator = "whitespace"
    prefix: str = ""


KNOWN: dict[str, Known] = {
    "conll2000": Known({"train": "train.txt", "test": "test.txt"}, columns={"chunk": 2, "pos": 1}),
    "ud-ewt": Known(
        {split: f"en_ewt-ud-{split}.conllu" for split in ("train", "dev", "test")},
        "conllu",
        {"xpos": COLUMNS.index("xpos"), "upos": COLUMNS.index("upos")},
    ),
    "wnut17": Known(
        {"train": "wnut17train.conll", "dev": "emerging.dev.conll", "test": "emerging.test.annotated"},
        columns={"ner": 1},
        separator="tab",
    ),
    "wikiann-en": Known(
        {split: split for split in ("train", "dev", "test")}, columns={"ner": 1}, separator="tab", prefix="en:"
    ),
    "treebank-sample": Known({"train": "treebank.zip"}, "treebank", {"pos": 1}),
}
"""Corpora of the catalogue by name."""


class Layout(NamedTuple):
    """How the columns of a file stand; fields as in ``Spec``."""

    token: int
    separator: Separator


@dataclass(frozen=True)
class Corpus:
    """The sentences of one task.

    Args:
        name: name of the task.
        splits: sentences by split; ``dev`` and ``test`` may be absent.
        sources: SHA-256 of every file that was read, by file name.
    """

    name: str
    splits: Mapping[str, Sequence[Sentence]]
    sources: Mapping[str, str]


def parse_corpus(text: str) -> Spec:
    """What ``NAME=SOURCE:column=1:dev=PATH`` asks for; only ``SOURCE`` has to be there.

    Args:
        text: ``NAME=``, the source, and keys with their values (the fields of ``Spec``). A path may hold colons.

    Raises:
        ConfigError: a key that there is not, that stands twice or whose value is none.
    """
    first, *parts = text.split(":")
    name, equals, rest = first.partition("=")
    values = {"name": name if equals else "", "source": rest if equals else first}
    last = "source"
    for part in parts:
        pair = _KEY.fullmatch(part)
        if pair is None:
            values[last] += f":{part}"  # the colon stood inside a path
            continue
        last, value = pair.groups()
        if last not in KEYS:
            raise ConfigError(f"{text!r}: no key {last!r}: {nearest(last, KEYS)}")
        if last in values:
            raise ConfigError(f"{text!r}: the key {last!r} stands twice")
        values[last] = value
    if empty := [key for key, value in values.items() if not value and key != "name"]:
        raise ConfigError(f"{text!r}: expected a value after {empty[0]!r}, found none")
    return _spec(text, values)


def is_corpus(text: str) -> bool:
    """Whether a source is a corpus of tagged sentences: by its name, the ending of its file, or a key of ``KEYS``."""
    pairs = (_KEY.fullmatch(part) for part in text.split(":")[1:])
    if any(pair and pair[1] in KEYS for pair in pairs):
        return True
    source = text.partition(":")[0]
    source = source.partition("=")[2] or source
    return source in KNOWN or Path(source).suffix.lower() in _ENDINGS


def _spec(text: str, values: Mapping[str, str]) -> Spec:
    for key, choices in (("separator", get_args(Separator)), ("format", FORMATS)):
        if key in values and values[key] not in choices:
            raise ConfigError(f"{text!r}: no {key} {values[key]!r}: {nearest(values[key], choices)}")
    whole = {key: _whole(text, key, values[key]) for key in ("token", "limit", "column") if key in values}
    if (limit := whole.get("limit")) is not None and not (isinstance(limit, int) and limit > 0):
        raise ConfigError(f"{text!r}: expected a limit of 1 or more sentences, found {values['limit']}")
    return Spec(**{**values, **whole})  # type: ignore[arg-type]


def _whole(text: str, key: str, value: str) -> int | str:
    if re.fullmatch(r"-?\d+", value):
        return int(value)
    if key != "column":
        raise ConfigError(f"{text!r}: expected a whole number after {key!r}, found {value!r}")
    return value


def load_corpus(spec: Spec, request: Request, folder_of: Callable[[str], Path]) -> Corpus:
    """Read a corpus and split it.

    The parts that a corpus has are kept. A corpus without any gives up sentences for development and testing, one with
    a test part only for development (``request.dev``, ``request.test``). They are drawn by ``request.seed`` and the
    words alone, so that two tasks of one file are split alike; a sentence that stands twice is not torn apart. Corpora
    of the catalogue with a test part are running text: the last of the training sentences are for development, since
    sentences of one article on both sides would make it easier than the test.

    Args:
        spec: what is asked for.
        request: ``dev``, ``test`` and ``seed``.
        folder_of: gives the folder in which a corpus of the catalogue lies.

    Raises:
        ConfigError: an unknown corpus or column, or keys that do not suit the source.
        DataError: something wrong in a file.
    """
    if spec.source in KNOWN:
        parts = _read_known(spec, folder_of(spec.source))
    else:
        _refuse_unsuitable(spec)
        paths = {"train": spec.source, "dev": spec.dev, "test": spec.test}
        parts = {split: _read_file(Path(path), spec) for split, path in paths.items() if path}
    given = {split: part.sentences for split, part in parts.items()}
    splits = _with_last_for_dev(given, request.dev) if spec.source in KNOWN and "test" in given else given
    splits = _splits(splits, request)
    if spec.limit is not None:
        splits["train"] = splits["train"][: spec.limit]
    sources = {name: sha256 for part in parts.values() for name, sha256 in part.sources.items()}
    return Corpus(_name(spec), splits, sources)


def layouts(sources: Sequence[str]) -> dict[str, Layout]:
    """How the columns of each task's corpus stand, by task; CoNLL-U and parse trees have formats of their own.

    Args:
        sources: corpora as ``parse_corpus`` understands them; no file is read.

    Raises:
        ConfigError: as from ``parse_corpus``.
    """
    specs = [parse_corpus(source) for source in sources]
    return {_name(spec): layout for spec in specs if (layout := _layout(spec))}


def _layout(spec: Spec) -> Layout | None:
    if known := KNOWN.get(spec.source):
        return Layout(0, known.separator) if known.format == "columns" else None
    kind = spec.format or format_of(Path(spec.source))
    return Layout(spec.token or 0, spec.separator or "whitespace") if kind == "columns" else None


def _name(spec: Spec) -> str:
    return spec.name or (_known_name(spec) if spec.source in KNOWN else Path(spec.source).stem)


def _refuse_unsuitable(spec: Spec) -> None:
    kind = spec.format or format_of(Path(spec.source))
    keys = {"columns": (), "conllu": ("token", "separator"), "treebank": ("token", "separator", "column")}[kind]
    for key in keys:
        if getattr(spec, key) is not None:
            raise ConfigError(f"{spec.source}: the key {key!r} is for other formats than {kind!r}; leave it out")


def _known_name(spec: Spec) -> str:
    columns = KNOWN[spec.source].columns
    column = _known_column(spec)
    usual, *others = columns
    chosen = next((name for name in others if columns[name] == column), usual)
    return spec.source if chosen == usual else f"{spec.source}-{chosen}"


def _known_column(spec: Spec) -> int:
    columns = KNOWN[spec.source].columns
    if spec.column is None:
        return next(iter(columns.values()))
    if spec.column in columns:
        return columns[str(spec.column)]
    if spec.column in columns.values():
        return int(spec.column)
    choices = ", ".join(f"{name} ({number})" for name, number in columns.items())
    raise ConfigError(f"{spec.source}: no column {spec.column!r}: choose from {choices}")


def _read_known(spec: Spec, folder: Path) -> dict[str, Tagged]:
    known = KNOWN[spec.source]
    for key in _OF_FILES:
        if getattr(spec, key) is not None:
            raise ConfigError(f"{spec.source}: the key {key!r} is for files of your own; leave it out")
    asked = replace(spec, format=known.format, column=_known_column(spec), separator=known.separator)
    parts = {split: _read_file(folder / name, asked) for split, name in known.files.items()}
    return {split: _without_prefix(part, known.prefix) for split, part in parts.items()}


def _without_prefix(tagged: Tagged, prefix: str) -> Tagged:
    sentences = [s._replace(words=[word.removeprefix(prefix) or word for word in s.words]) for s in tagged.sentences]
    return replace(tagged, sentences=sentences) if prefix else tagged


def _read_file(path: Path, spec: Spec) -> Tagged:
    if not path.exists():
        if not path.suffix and len(path.parts) == 1:
            raise ConfigError(f"no corpus or file {str(path)!r}: {nearest(str(path), KNOWN)}")
        raise DataError("no such file", path)
    kind = spec.format or format_of(path)
    if kind == "treebank":
        return read_treebank(path)
    if kind == "conllu":
        return read_conllu(path, _conllu_column(path, spec.column))
    if isinstance(spec.column, str):
        raise ConfigError(f"{path}: expected the number of a column, found {spec.column!r}")
    tag = -1 if spec.column is None else spec.column
    layout = Layout(spec.token or 0, spec.separator or "whitespace")
    return read_columns(path, token=layout.token, tag=tag, separator=layout.separator)


def format_of(path: Path) -> str:
    """The format that the ending of a file tells; a folder or zip archive holds parse trees."""
    if path.suffix.lower() in (SUFFIX, ".zip") or path.is_dir():
        return "treebank"
    return "conllu" if path.suffix.lower() == ".conllu" else "columns"


def _conllu_column(path: Path, column: int | str | None) -> str:
    if column is None:
        return "xpos"
    if isinstance(column, int) and 0 <= column < len(COLUMNS):
        return COLUMNS[column]
    if column in COLUMNS:
        return str(column)
    raise ConfigError(f"{path}: no column {str(column)!r}: {nearest(str(column), COLUMNS)}")


def _with_last_for_dev(given: Mapping[str, Sequence[Sentence]], share: float) -> dict[str, Sequence[Sentence]]:
    sentences = given["train"]
    last = round(share * len(sentences))
    if "dev" in given or not last:
        return dict(given)
    return {**given, "train": sentences[:-last], "dev": sentences[-last:]}


def _splits(given: Mapping[str, Sequence[Sentence]], request: Request) -> dict[str, Sequence[Sentence]]:
    if "dev" in given:
        return dict(given)
    sentences = given["train"]
    rows = [Row(" ".join(s.words), {}, s.path, number) for number, s in enumerate(sentences)]
    drawn = split_rows(rows, request.dev, 0.0 if "test" in given else request.test, request.seed)
    parts: dict[str, Sequence[Sentence]] = {
        split: [sentences[row.line] for row in rows] for split, rows in drawn.items() if rows
    }
    return {**parts, **{split: part for split, part in given.items() if split != "train"}}
