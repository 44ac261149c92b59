"""Examples that stand in two splits."""

import numpy as np
from jaxtyping import Bool

from tasktalk.data.dataset import Dataset, Examples


def seen(examples: Examples, others: Examples) -> Bool[np.ndarray, " examples"]:
    """Whether each example also stands in another split, under the same task if inputs are separate.

    Texts are compared by their words, so that white space does not hide a duplicate; molecules by what they are.
    """
    known = set(_keys(others))
    return np.fromiter((key in known for key in _keys(examples)), dtype=bool, count=len(examples))


def _keys(examples: Examples) -> list[tuple[int, object]]:
    owners = [-1] * len(examples) if examples.owner is None else examples.owner.tolist()
    return list(zip(owners, examples.keys(), strict=True))


def shared_texts_warning(dataset: Dataset, split: str) -> tuple[str, ...]:
    """One sentence if a split shares texts with ``train``, with the count per task; else nothing."""
    if split not in dataset.splits:
        return ()
    examples = dataset.splits[split]
    twice = seen(examples, dataset.splits["train"])
    if not twice.any():
        return ()
    counts = (twice[:, None] & ~np.isnan(examples.labels)).sum(axis=0)
    listed = ", ".join(f"{task.name} {count}" for task, count in zip(dataset.tasks, counts, strict=True) if count)
    return (f"{twice.sum()} of {len(examples)} {split} texts also stand in train: {listed or 'none of them labelled'}",)
