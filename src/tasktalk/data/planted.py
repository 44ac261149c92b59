"""Synthetic tasks in groups, of which only the members of a group help each other.

Inputs are standard normal vectors x. A random orthonormal basis of their space is dealt to the groups, each of which
owns ``directions`` of its vectors, the columns of B_g: what one group looks at is independent of what any other looks
at. The teacher of a group is a hidden layer of relu units, z_g(x) = relu(x B_g U_g), where the
columns of U_g are random unit vectors. All tasks of a group share z_g and differ in their output weights v_t, which are
standard normal with a correlation of ``agreement`` between the tasks of a group. The answer of a task is whether
z_g(x) v_t lies above its median over all examples. A share ``noise`` of all labels is flipped.

Every training example carries the label of one task only. Those for development and testing carry the labels of all
tasks. The examples are nodes of a graph without edges, which a graph convolution reads as a plain network does.
"""

import numpy as np
from jaxtyping import Float

from tasktalk.core.errors import ConfigError
from tasktalk.core.seeding import generator
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples, NodeGraph, Nodes

_PURPOSE = 1_886_151_012  # keeps these draws apart from those that use the same seed for something else


def planted(
    groups: int = 3,
    per_group: int = 3,
    labels: int = 100,
    seed: int = 0,
    agreement: float = 0.5,
    features: int = 20,
    directions: int = 2,
    units: int = 8,
    noise: float = 0.05,
    dev: int = 200,
    test: int = 500,
) -> Dataset:
    """Binary tasks in groups, as the module describes them; their names begin with the letter of their group.

    Args:
        groups: how many groups, 26 at most.
        per_group: tasks of each group; they stand one behind the other.
        labels: training labels of each task.
        seed: of all draws; the teachers do not depend on ``labels``, ``dev`` and ``test``.
        agreement: correlation of the output weights of two tasks of a group, from 0 (the hidden layer is all that they
            share) to 1 (they are the same task).
        features: size of an input.
        directions: how many directions a group looks at.
        units: hidden units of a teacher.
        noise: share of the labels that are flipped.
        dev: development examples.
        test: test examples.

    Raises:
        ConfigError: more groups than letters, more directions than the inputs have, or an agreement that is no share.
    """
    if not (1 <= groups <= 26 and groups * directions <= features and 0 <= agreement <= 1):
        raise ConfigError(
            "planted groups: expected 1 to 26 of them, groups * directions <= features and an agreement from 0 to 1; "
            f"found {groups} groups, {directions} directions, {features} features, agreement {agreement}"
        )
    names = [f"{chr(ord('a') + group)}{member + 1}" for group in range(groups) for member in range(per_group)]
    sizes = {"train": labels * len(names), "dev": dev, "test": test}
    inputs = generator(seed, _PURPOSE, 1).standard_normal((sum(sizes.values()), features))
    teachers = generator(seed, _PURPOSE)
    bases = np.split(_orthonormal(features, teachers)[:, : groups * directions], groups, axis=1)  # B_g
    answers = np.concatenate([_answers(inputs @ own, per_group, units, agreement, teachers) for own in bases], axis=1)
    flips = generator(seed, _PURPOSE, 2).random(answers.shape) < noise
    tasks = tuple(Task(name, "binary", ("no", "yes")) for name in names)
    splits = _splits(inputs, np.where(flips, 1 - answers, answers), sizes)
    return Dataset(f"planted-{groups}x{per_group}", tasks, splits, "")


def _splits(
    inputs: Float[np.ndarray, "examples features"], labels: Float[np.ndarray, "examples tasks"], sizes: dict[str, int]
) -> dict[str, Examples]:
    """Examples dealt in their order; a task keeps its own part of the training labels."""
    tasks, trained = np.arange(labels.shape[1]), sizes["train"]
    owner = np.repeat(tasks, trained // len(tasks))
    labels[:trained][tasks != owner[:, None]] = np.nan
    names = [f"{split}{number}" for split, size in sizes.items() for number in range(size)]
    graph = NodeGraph(names, np.zeros((2, 0), dtype=np.int64), inputs)
    parts = np.split(np.arange(len(names)), np.cumsum(list(sizes.values()))[:-1])
    return {split: Examples(Nodes(graph, part), labels[part], None) for split, part in zip(sizes, parts, strict=True)}


def _orthonormal(features: int, draw: np.random.Generator) -> Float[np.ndarray, "features features"]:
    basis: np.ndarray = np.linalg.qr(draw.standard_normal((features, features)))[0]
    return basis


def _answers(
    seen: Float[np.ndarray, "examples directions"],
    per_group: int,
    units: int,
    agreement: float,
    draw: np.random.Generator,
) -> Float[np.ndarray, "examples tasks"]:
    """What the tasks of a group answer, before any label is flipped."""
    mix = draw.standard_normal((seen.shape[1], units))
    hidden = np.maximum(seen @ (mix / np.linalg.norm(mix, axis=0)), 0)  # z_g, of U_g
    common, own = draw.standard_normal((units, 1)), draw.standard_normal((units, per_group))
    values = hidden @ (np.sqrt(agreement) * common + np.sqrt(1 - agreement) * own)  # of v_t
    return (values > np.median(values, axis=0)).astype(np.float64)
