"""Corpora of tagged sentences as a data set: every corpus, or column of one, is a task with inputs of its own."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Int

from tasktalk.core.errors import ConfigError, DataError, nearest
from tasktalk.core.task import Task
from tasktalk.data.assemble import SPLITS
from tasktalk.data.columns import Sentence
from tasktalk.data.corpora import Corpus, load_corpus, parse_corpus
from tasktalk.data.dataset import Dataset, Examples, Place, Sentences
from tasktalk.data.duplicates import shared_texts_warning
from tasktalk.data.request import Request
from tasktalk.data.schemes import OUTSIDE, convert, problem_of, scheme_of

_TOKENIZER = "whitespace"  # for plain text in prediction; a corpus brings its words


def load_tagging(sources: Sequence[str], request: Request, folder_of: Callable[[str], Path]) -> Dataset:
    """Load corpora of tagged sentences, each as a task of kind ``tagging``.

    Tags that mark spans become BIOES, whatever their scheme (``Task.scheme``). The classes are those of all splits, so
    that a tag that training lacks is known to be wrong when it is tested; a warning names it.

    Args:
        sources: corpora as ``data.corpora.parse_corpus`` understands them.
        request: ``tasks``, ``dev``, ``test`` and ``seed``.
        folder_of: gives the folder in which a corpus of the catalogue lies.

    Raises:
        ConfigError: an unknown corpus, task, key or column, or two tasks of one name.
        DataError: something wrong in a file: a line with too few columns, tags of mixed schemes, and others.
    """
    if request.tokenizer not in (None, _TOKENIZER):
        raise ConfigError(f"tagged sentences bring their words: leave out the tokeniser {request.tokenizer!r}")
    corpora = [load_corpus(parse_corpus(source), request, folder_of) for source in sources]
    return assemble_tagging(_choose(corpora, request.tasks))


def assemble_tagging(corpora: Sequence[Corpus]) -> Dataset:
    """Build a data set of corpora; errors as for ``load_tagging``."""
    tasks = tuple(_task(corpus) for corpus in corpora)
    splits = {}
    for split in SPLITS:
        parts = {number: part for number, corpus in enumerate(corpora) if (part := corpus.splits.get(split))}
        if parts:
            splits[split] = _examples(tasks, parts)
    name = "+".join(corpus.name for corpus in corpora)
    dataset = Dataset(name, tasks, splits, _TOKENIZER, _sources(corpora))
    unseen = [sentence for corpus in corpora for sentence in _unseen_warnings(corpus)]
    return replace(dataset, warnings=(*shared_texts_warning(dataset, "dev"), *unseen))


def _choose(corpora: Sequence[Corpus], wanted: Sequence[str] | None) -> list[Corpus]:
    names = [corpus.name for corpus in corpora]
    for name, count in Counter(names).items():
        if count > 1:
            raise ConfigError(f"{count} corpora named {name!r}: rename all but one with NAME={name}")
    for name in wanted or ():
        if name not in names:
            raise ConfigError(f"no task {name!r}: {nearest(name, names)}")
    return [corpus for corpus in corpora if wanted is None or corpus.name in wanted]


def _task(corpus: Corpus) -> Task:
    sentences = [sentence for part in corpus.splits.values() for sentence in part]
    scheme = scheme_of(sentence.tags for sentence in sentences)
    if not scheme:
        return Task(corpus.name, "tagging", tuple(sorted({tag for s in sentences for tag in s.tags})))
    for sentence in sentences:
        if problem := problem_of(sentence.tags, scheme):
            line = sentence.lines[problem.word]
            raise DataError(f"task {corpus.name!r}: {problem.message}", sentence.path, line)
    types = {tag[2:] for sentence in sentences for tag in sentence.tags if tag != OUTSIDE}
    marked = sorted(f"{prefix}-{name}" for name in types for prefix in "BEIS")
    return Task(corpus.name, "tagging", (OUTSIDE, *marked), scheme=scheme)


def _examples(tasks: Sequence[Task], parts: Mapping[int, Sequence[Sentence]]) -> Examples:
    """The sentences of one split, task after task."""
    owner = np.concatenate([np.full(len(part), number, dtype=np.int64) for number, part in parts.items()])
    labels = np.full((len(owner), len(tasks)), np.nan)
    labels[np.arange(len(owner)), owner] = np.arange(len(owner))
    words = [sentence.words for part in parts.values() for sentence in part]
    tags = [sequence for number, part in parts.items() for sequence in _indexed(tasks[number], part)]
    places = [Place(sentence.path, sentence.lines) for part in parts.values() for sentence in part]
    return Examples(Sentences(words, tags), labels, owner, places)


def _indexed(task: Task, sentences: Sequence[Sentence]) -> list[Int[np.ndarray, " _"]]:
    index = {name: number for number, name in enumerate(task.classes)}
    sequences = (convert(s.tags, "bioes") if task.scheme else s.tags for s in sentences)
    return [np.array([index[tag] for tag in tags], dtype=np.int64) for tags in sequences]


def _unseen_warnings(corpus: Corpus) -> list[str]:
    """A sentence for every tag (as it stands in the file) that stands in dev or test only."""
    known = {tag for sentence in corpus.splits["train"] for tag in sentence.tags}
    found = Counter(
        (split, sentence.path, tag)
        for split, part in corpus.splits.items()
        for sentence in part
        for tag in sentence.tags
        if tag not in known
    )
    return [
        f"task {corpus.name!r}: the tag {tag!r} is not in training; "
        f"{count} word{'s' * (count > 1)} of {split} ({path.name}) {'have' if count > 1 else 'has'} it"
        for (split, path, tag), count in sorted(found.items())
    ]


def _sources(corpora: Sequence[Corpus]) -> dict[str, str]:
    """SHA-256 by file name; with the name of the task before it where two files have the same name."""
    found: dict[str, set[str]] = {}
    for corpus in corpora:
        for name, sha256 in corpus.sources.items():
            found.setdefault(name, set()).add(sha256)
    return {
        name if len(found[name]) == 1 else f"{corpus.name}/{name}": sha256
        for corpus in corpora
        for name, sha256 in corpus.sources.items()
    }
