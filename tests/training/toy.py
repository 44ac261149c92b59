"""Tiny data sets whose labels one word decides, and what the tests of this room share."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tasktalk.core.seeding import seed_everything
from tasktalk.core.task import Task
from tasktalk.data.columns import Sentence
from tasktalk.data.corpora import Corpus
from tasktalk.data.dataset import Dataset, Examples, NodeGraph, Nodes
from tasktalk.data.load import load
from tasktalk.data.tagging import assemble_tagging
from tasktalk.models.build import build_network
from tasktalk.models.options import ForestOptions, LinearOptions
from tasktalk.training.config import Config, make_config
from tasktalk.training.encode import fit_encoder
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


MIXED = (
    Task("sign", "binary", CLASSES),
    Task("colour", "multiclass", ("blue", "green", "red")),
    Task("price", "regression"),
)


def mixed() -> Dataset:
    """Texts that all tasks read, and a label of every kind; one in three is missing, and prices are far from zero."""
    rng = np.random.default_rng(0)
    parts = {}
    for split, size in (("train", 60), ("dev", 15), ("test", 15)):
        signs, colours, prices = (rng.integers(n, size=size) for n in (2, 3, 3))
        tokens = [
            [*text(rng, sign), MIXED[1].classes[colour], ("low", "fair", "high")[price]]
            for sign, colour, price in zip(signs, colours, prices, strict=True)
        ]
        labels = np.stack((signs, colours, 500.25 + 20.0 * prices), axis=1)
        labels[np.arange(size), rng.integers(3, size=size)] = np.nan
        parts[split] = Examples(tokens, labels, None)
    return Dataset("mixed", MIXED, parts, "whitespace")


@lru_cache
def molecules() -> Dataset:
    """A table of 60 molecules with a label of every kind, some missing, and two rows that are no molecules."""
    lines = ["smiles,nitrogen,ring,boiling", "no molecule,1,none,400.5"]
    for length in range(1, 11):
        for number, (name, ring) in enumerate((("none", ""), ("six", "c1ccccc1"), ("five", "C1CCCC1"))):
            for head in ("", "N"):
                known = "" if len(lines) % 7 == 0 else str(len(head))
                lines.append(f"{head}{'C' * length}{ring},{known},{name},{300.5 + 30 * length + 100 * number}")
    lines.append("C(C,0,none,440.5")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "boiling.csv"
        path.write_text("\n".join(lines) + "\n")
        return load(path, smiles="smiles", dev=0.2, test=0.2)


def nodes(features: bool = True) -> Dataset:
    """60 nodes in pairs; both of a pair have the same labels and, unless there are none, features that tell them."""
    rng = np.random.default_rng(0)
    signs, colours, prices = (rng.integers(n, size=30).repeat(2) for n in (2, 3, 3))
    known = np.concatenate((np.eye(2)[signs], np.eye(3)[colours], np.eye(3)[prices]), axis=1, dtype=np.float32)
    pairs = np.arange(60).reshape(30, 2).T
    graph = NodeGraph([f"node {n}" for n in range(60)], pairs, known[:, : 8 * features])
    labels = np.stack((signs, colours, 500.25 + 20.0 * prices), axis=1)
    labels[np.arange(60), rng.integers(3, size=60)] = np.nan
    rows = np.split(rng.permutation(60), (36, 48))
    parts = {
        split: Examples(Nodes(graph, part), labels[part], None)
        for split, part in zip(("train", "dev", "test"), rows, strict=True)
    }
    return Dataset("pairs", MIXED, parts, "")


TAGGED = ("pos", "chunk")


def tagged(sizes: Mapping[str, int] | None = None, seed: int = 0) -> Dataset:
    """Sentences of 2 to 9 words with parts of speech, and others with spans of two types in IOB2.

    Args:
        sizes: sentences of each task by split; None for 30, 8 and 8.
        seed: of the sentences.
    """
    rng = np.random.default_rng(seed)
    corpora = [
        Corpus(
            name,
            {
                split: [_tagged_sentence(rng, name, number) for number in range(size)]
                for split, size in (sizes or {"train": 30, "dev": 8, "test": 8}).items()
            },
            {f"{name}.conll": f"checksum of {seed}"},
        )
        for name in TAGGED
    ]
    return assemble_tagging(corpora)


def _tagged_sentence(rng: np.random.Generator, name: str, number: int) -> Sentence:
    words: list[str] = []
    pos: list[str] = []
    chunks: list[str] = []
    for _ in range(rng.integers(1, 4)):
        parts = [("the", "DT", "B-NP"), (rng.choice(["dog", "Cat", "tree"]), "NN", "I-NP")]
        parts += [(rng.choice(["sees", "likes"]), "VB", "B-VP" if rng.random() < 0.8 else "O")]
        for word, tag, chunk in parts[rng.integers(2) :]:
            words.append(str(word))
            pos.append(tag)
            chunks.append("B-NP" if tag == "NN" and (not chunks or chunks[-1] != "B-NP") else chunk)
    return Sentence(words, pos if name == "pos" else chunks, list(range(1, len(words) + 1)), Path(f"{name}.conll"))


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
    if model not in ("linear", "forest"):
        values["model"] |= {"hidden": 6, "embedding_features": 6, "dropout": 0.2}
    return _set(values, settings)


def graph_config(model: str = "mitten", **settings: Any) -> Config:
    """Small and quick settings for molecules and nodes, as above; None leaves a setting out."""
    values: dict[str, dict[str, Any]] = {
        "data": {},
        "model": {"name": model, "hidden": 8, "layers": 2, "readout": "sum", "molecules": "atoms", "dropout": 0.0},
        "training": {"epochs": 2, "batch_size": 8, "tracker": "none", "device": "cpu", "learning_rate": 0.02},
    }
    return _set(values, settings)


def _set(values: dict[str, dict[str, Any]], settings: Mapping[str, Any]) -> Config:
    for key, value in settings.items():
        section, _, name = key.rpartition("__")
        values[section or "model"][name] = value
    return make_config({s: {k: v for k, v in part.items() if v is not None} for s, part in values.items()})


OF_MOLECULES: dict[str, Any] = {"readout": None, "molecules": None}
"""What ``graph_config`` sets for molecules only, left out."""


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its content."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def without_seconds(folder: Path) -> dict[str, Any]:
    """What must not depend on interruptions."""
    found: dict[str, Any] = files(folder)
    found.pop("environment.json")
    metrics = json.loads(found.pop("metrics.json"))
    rows = list(csv.DictReader(found.pop("history.csv").decode().splitlines()))
    history = [{key: value for key, value in row.items() if key != "seconds"} for row in rows]
    return {**found, "metrics": metrics["splits"], "history": history}


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


def stop_at_step(epoch: int, step: int) -> Recorder:
    """Kills a run after a report of this step of the epoch, both counted from where the run began or went on."""

    def on_steps(report: dict[str, Any]) -> None:
        if report["step"] == step and len(reporter.rows) == epoch:
            raise KeyboardInterrupt

    reporter = Recorder(on_steps=on_steps)
    return reporter


def stop_at_epoch(epoch: int) -> Recorder:
    """Kills a run after the report of this epoch, counted from 1."""

    def on_epoch(row: dict[str, Any]) -> None:
        if row["epoch"] == epoch:
            raise KeyboardInterrupt

    return Recorder(on_epoch=on_epoch)


def make_fit(folder: Path, dataset: Dataset, chosen: Config, reporter: Reporter | None = None) -> Fit:
    """A network and all that trains it, as ``fit_network`` puts them together."""
    encoder = fit_encoder(dataset, chosen)
    splits = {name: encoder(examples) for name, examples in dataset.splits.items() if name != "test"}
    seed_everything(chosen.training.seed)
    assert not isinstance(chosen.model, LinearOptions | ForestOptions)
    sparse = takes_sparse_gradients(chosen.training)
    network = build_network(chosen.model, dataset.tasks, encoder.inputs, sparse)
    accelerator = make_accelerator(chosen.training, folder)
    return Fit(network, dataset.tasks, splits, chosen.training, folder, reporter or Silent(), accelerator)
