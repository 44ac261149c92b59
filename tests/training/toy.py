"""Tiny data sets whose labels one word decides, and what the tests of this room share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tasktalk.core.seeding import seed_everything
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.models.build import build_network
from tasktalk.models.options import LinearOptions
from tasktalk.training.config import Config, make_config
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.fit_network import make_accelerator
from tasktalk.training.loop import Fit
from tasktalk.training.optimizers import takes_sparse_gradients
from tasktalk.training.progress import Reporter, Silent

Hook = Callable[[dict[str, Any]], None]

NAMES = ("books", "dvd", "music")
SIZES = {"train": 40, "dev": 10, "test": 12}
CLASSES = ("negative", "positive")
_FILLERS = ("a", "the", "of", "film", "page", "song", "it", "was")
_SIGNS = ("bad", "good")


def toy(
    shared: bool = False, sizes: Sequence[int] = (), seed: int = 0, splits: Sequence[str] = tuple(SIZES)
) -> Dataset:
    """Texts of 1 to 8 words that hold either ``bad`` or ``good``.

    Args:
        shared: all tasks read the same texts, and two labels in three are missing; else each task has texts of its own.
        sizes: training texts of each task; empty for 40 each.
        seed: of the texts.
        splits: which splits there are.
    """
    rng = np.random.default_rng(seed)
    tasks = tuple(Task(name, "binary", CLASSES) for name in NAMES)
    parts = {}
    for split in splits:
        counts = list(sizes) if sizes and split == "train" else [SIZES[split]] * len(NAMES)
        owner = np.repeat(np.arange(len(NAMES)), counts)
        signs = rng.integers(2, size=len(owner))
        labels = np.full((len(owner), len(NAMES)), np.nan)
        labels[np.arange(len(owner)), owner] = signs
        parts[split] = Examples([text(rng, sign) for sign in signs], labels, None if shared else owner)
    return Dataset("toy", tasks, parts, "whitespace", {"toy.tsv": f"checksum of {seed}"})


def text(rng: np.random.Generator, sign: int) -> list[str]:
    """A text that says one thing."""
    words = [str(word) for word in rng.choice(_FILLERS, size=rng.integers(8))]
    words.insert(int(rng.integers(len(words) + 1)), _SIGNS[sign])
    return words


def weighted(dataset: Dataset, weights: Sequence[float]) -> Dataset:
    """The same data with other loss weights."""
    tasks = tuple(replace(task, weight=weight) for task, weight in zip(dataset.tasks, weights, strict=True))
    return replace(dataset, tasks=tasks)


def config(model: str = "fs", **settings: Any) -> Config:
    """Small and quick settings; ``training__epochs=3`` sets another value, and no section means the model's."""
    values: dict[str, dict[str, Any]] = {
        "data": {},
        "model": {"name": model},
        "training": {"epochs": 2, "batch_size": 8, "tracker": "none", "device": "cpu", "learning_rate": 0.02},
    }
    if model != "linear":
        values["model"] |= {"hidden": 6, "embedding_features": 6, "dropout": 0.2}
    for key, value in settings.items():
        section, _, name = key.rpartition("__")
        values[section or "model"][name] = value
    return make_config(values)


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its content."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


class Recorder:
    """A reporter that remembers, and calls a function after each report of steps or each epoch."""

    def __init__(self, on_steps: Hook | None = None, on_epoch: Hook | None = None) -> None:
        self.begun: list[tuple[str, int, int]] = []
        self.reports: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.on_steps, self.on_epoch = on_steps, on_epoch

    def begin(self, label: str, epochs: int, done: int) -> None:
        self.begun.append((label, epochs, done))

    def steps(self, step: int, steps: int, task: str, loss: float, examples: int) -> None:
        report = {"step": step, "steps": steps, "task": task, "loss": loss, "examples": examples}
        self.reports.append(report)
        if self.on_steps:
            self.on_steps(report)

    def epoch(self, row: Mapping[str, Any]) -> None:
        self.rows.append(dict(row))
        if self.on_epoch:
            self.on_epoch(dict(row))


def make_fit(folder: Path, dataset: Dataset, chosen: Config, reporter: Reporter | None = None) -> Fit:
    """A network and all that trains it, as ``fit_network`` puts them together."""
    encoder = TextEncoder.fit(dataset, chosen.data, with_features=False)
    splits = {name: encoder(examples) for name, examples in dataset.splits.items() if name != "test"}
    seed_everything(chosen.training.seed)
    assert not isinstance(chosen.model, LinearOptions)
    sparse = takes_sparse_gradients(chosen.training)
    network = build_network(chosen.model, dataset.tasks, encoder.inputs, sparse)
    accelerator = make_accelerator(chosen.training, folder)
    return Fit(network, dataset.tasks, splits, chosen.training, folder, reporter or Silent(), accelerator)
