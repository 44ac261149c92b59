"""Labels dealt out at random: what a model learns from them is chance."""

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from tasktalk.core.seeding import generator
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples, Sentences

SPLITS = ("train", "dev")
"""The splits whose labels are shuffled; test labels stay, so that scores tell that nothing was learned."""

_PURPOSE = 1_936_225_394  # keeps these draws apart from those that use the same seed for something else


def shuffle_labels(dataset: Dataset, seed: int = 0) -> Dataset:
    """The same data with the training and development labels of every task permuted among the examples that have one.

    The tags of sentences are laid out in another order of the sentences, and cut where sentences end; a span that is
    cut begins and ends anew.

    Args:
        dataset: any data set.
        seed: of the draws.

    Returns:
        A data set whose ``sources`` say that its labels are shuffled.
    """
    splits = dict(dataset.splits)
    for number, name in enumerate(SPLITS):
        if name in splits:
            splits[name] = _shuffled(splits[name], dataset.tasks, generator(seed, _PURPOSE, number))
    return replace(dataset, splits=splits, sources={**dataset.sources, "labels": f"shuffled with seed {seed}"})


def _shuffled(examples: Examples, tasks: tuple[Task, ...], draw: np.random.Generator) -> Examples:
    labels, content = examples.labels.copy(), examples.content
    tags = list(content.tags) if isinstance(content, Sentences) else []
    for column, task in enumerate(tasks):
        rows = np.flatnonzero(~np.isnan(labels[:, column]))
        order = draw.permutation(rows)
        if isinstance(content, Sentences):
            dealt = _dealt_out(
                [tags[int(n)] for n in labels[order, column]], [content.words[row] for row in rows], task
            )
            labels[rows, column] = np.arange(len(tags), len(tags) + len(dealt))
            tags += dealt
        else:
            labels[rows, column] = examples.labels[order, column]
    if isinstance(content, Sentences):
        content = Sentences(content.words, tags)
    return replace(examples, content=content, labels=labels)


def _dealt_out(
    sequences: list[Int[np.ndarray, " _"]], sentences: list[list[str]], task: Task
) -> list[Int[np.ndarray, " _"]]:
    """One long sequence of tags, cut at the ends of other sentences."""
    if not sequences:
        return []
    ends = np.cumsum([len(words) for words in sentences])[:-1]
    return [_whole_spans(part, task) for part in np.split(np.concatenate(sequences), ends)]


def _whole_spans(tags: Int[np.ndarray, " words"], task: Task) -> Int[np.ndarray, " words"]:
    """Tags in which the first span has a beginning and the last an end (BIOES)."""
    if not task.scheme or not len(tags):
        return tags
    names = [task.classes[tag] for tag in tags]
    names[0] = _renamed(names[0], {"I": "B", "E": "S"})
    names[-1] = _renamed(names[-1], {"B": "S", "I": "E"})
    known = {name: tag for tag, name in enumerate(task.classes)}
    return np.array([known.get(name, tag) for name, tag in zip(names, tags, strict=True)])


def _renamed(tag: str, prefixes: dict[str, str]) -> str:
    prefix, dash, rest = tag.partition("-")
    return f"{prefixes.get(prefix, prefix)}{dash}{rest}"
