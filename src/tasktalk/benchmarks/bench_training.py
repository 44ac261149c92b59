"""Training from end to end: words per second of the loop that ``tasktalk train`` runs, and where its time goes."""

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.hooks import RemovableHandle

from tasktalk.core.batch import TextBatch
from tasktalk.core.errors import ConfigError
from tasktalk.core.seeding import generator, seed_everything
from tasktalk.core.task import Task
from tasktalk.data.batches import Batchable, plan_epoch
from tasktalk.data.cache import missing_files
from tasktalk.data.catalogue import CATALOGUE
from tasktalk.data.dataset import Dataset, Examples, noun
from tasktalk.data.load import load
from tasktalk.models.build import build_network
from tasktalk.models.network import TextNetwork
from tasktalk.training.config import Config, make_config
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.fit_network import make_accelerator
from tasktalk.training.loop import Fit
from tasktalk.training.predictor import NetworkPredictor
from tasktalk.training.train import prepare

PHASES = ("batches", "embedding", "recurrences", "output and loss", "backward", "optimiser", "rest")
"""Padding a batch; word vectors and dropout; the block; pooling, head and loss; then what the names say. ``rest``: the
losses are read every 20 steps."""

WARMING = 20
"""Steps before the first report of the loop, which are not measured."""

SETTINGS = (
    "data.max_words=150",
    "model.name=ic",
    "model.hidden=100",
    "model.embedding_features=150",
    "training.batch_size=16",
    "training.epochs=1",
    "training.device=cpu",
    "training.tracker=none",
    "training.checkpoint_seconds=86400",  # none in between
)
"""The recipe of FDU-MTL, without word vectors from a file."""

QUICK_SETTINGS = (*SETTINGS, "model.hidden=4", "model.embedding_features=4", "training.batch_size=2")
_FDU, _DEMO = "fdu-mtl", "molecules"


class Laps:
    """A stop watch that is told which phase has just ended; as a reporter of the loop it hears when losses were read.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self.done = self.words = self.places = 0
        self.warm = False
        self.latest = clock()

    def lap(self, phase: str) -> None:
        """The time since the last call was spent on this."""
        now = self.clock()
        if self.warm:
            self.seconds[phase] += now - self.latest
        self.latest = now

    def batch(self, batch: TextBatch) -> None:
        """A batch is ready; counting its words is not timed."""
        self.lap("batches")
        if self.warm:
            self.done += 1
            self.words += int(batch.mask.sum())
            self.places += batch.mask.numel()
        self.latest = self.clock()

    def begin(self, label: str, epochs: int, done: int) -> None:
        """Nothing."""

    def steps(self, step: int, steps: int, task: str, loss: float, examples: int) -> None:
        """Losses were read; the first time, the machine is warm."""
        self.lap("rest")
        self.warm = True

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Nothing."""


def measure(
    dataset: Dataset, steps: int, threads: int, cpu_time: bool = False, settings: tuple[str, ...] = SETTINGS
) -> dict[str, Any]:
    """Train IC-MTL for some steps, then let it answer the development texts.

    Args:
        dataset: texts.
        steps: how many are measured, after ``WARMING``; fewer if an epoch has fewer.
        threads: threads that torch uses; the number that it had is set again afterwards.
        cpu_time: see ``take_turns``.
        settings: of the run.

    Raises:
        ConfigError: the data set has no texts, or too few.
    """
    content = dataset.splits["train"].content
    if not isinstance(content, list):
        raise ConfigError(f"--data: the part training is for texts, found {noun(content)} in {dataset.name!r}")
    config = make_config({}, settings)
    dataset, _ = prepare(dataset, config)
    clock = time.process_time if cpu_time else time.perf_counter
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        network, train, dev = _network(dataset, config)
        laps = _train(network, dataset, train, config, steps, clock)
        read = _answer(network, dataset, dev, config, clock)
    finally:
        torch.set_num_threads(before)
    return {
        "data": dataset.name,
        "tasks": len(dataset.tasks),
        "threads": threads,
        "steps": laps.done,
        "hidden": network.block.features,
        "batch": config.training.batch_size,
        "padding": 1 - laps.words / laps.places,
        "seconds": laps.seconds,
        "words_per_second": {"training": laps.words / sum(laps.seconds.values()), "evaluation": read},
    }


def _network(dataset: Dataset, config: Config) -> tuple[TextNetwork, Batchable, Batchable]:
    """A network as ``train`` builds it, the training examples, and those that it is to answer."""
    encoder = TextEncoder.fit(dataset, config.data, with_features=False)
    seed_everything(config.training.seed)
    network = build_network(config.model, dataset.tasks, encoder.inputs)  # type: ignore[arg-type]  # no simple model
    if not isinstance(network, TextNetwork):
        raise TypeError(f"expected a network for texts, found {type(network).__name__}")
    other = "dev" if "dev" in dataset.splits else "train"
    return network, encoder(dataset.splits["train"]), encoder(dataset.splits[other])


def _train(
    network: TextNetwork, dataset: Dataset, train: Batchable, config: Config, steps: int, clock: Callable[[], float]
) -> Laps:
    """Run the last steps of an epoch, as a run does that goes on from a checkpoint."""
    its = config.training
    planned = len(plan_epoch(train, its.batch_size, its.seed, 0, its.sampling_power, its.schedule))
    if planned <= WARMING:
        raise ConfigError(f"--data: expected more than {WARMING} batches in {dataset.name!r}, found {planned}")
    laps = Laps(clock)
    with tempfile.TemporaryDirectory() as folder:
        accelerator = make_accelerator(its, Path(folder))
        fit = Fit(network, dataset.tasks, {"train": train}, its, Path(folder), laps, accelerator)
        fit.state.step = max(0, planned - WARMING - steps)
        with ExitStack() as hooks:
            for hook in _listen(fit, network, laps):
                hooks.enter_context(hook)
            fit.run()
    return laps


def _listen(fit: Fit, network: TextNetwork, laps: Laps) -> list[RemovableHandle]:
    """Tell the stop watch where each phase of a step ends, until the hooks are removed."""
    block, inner = network.get_submodule("block"), fit.accelerator.backward

    def backward(*args: Any, **kwargs: Any) -> None:
        laps.lap("output and loss")
        inner(*args, **kwargs)
        laps.lap("backward")

    fit.accelerator.backward = backward
    return [
        network.register_forward_pre_hook(lambda _, args: laps.batch(args[0])),
        block.register_forward_pre_hook(lambda *_: laps.lap("embedding")),
        block.register_forward_hook(lambda *_: laps.lap("recurrences")),
        fit.optimizers[-1].register_step_post_hook(lambda *_: laps.lap("optimiser")),
    ]


def _answer(
    network: TextNetwork, dataset: Dataset, examples: Batchable, config: Config, clock: Callable[[], float]
) -> float:
    """Words per second without gradients."""
    its = config.training
    predictor = NetworkPredictor(network, dataset.tasks, torch.device("cpu"), its.evaluation_batch_size)
    start = clock()
    predictor.answers(examples, range(len(dataset.tasks)))
    return int(examples.sizes().sum()) / (clock() - start)


def training_table(found: Mapping[str, Any]) -> tuple[str, list[list[str]]]:
    """A caption and a table, whose first row is its head."""
    whole, rates = sum(found["seconds"].values()), found["words_per_second"]
    caption = (
        f"{found['steps']} steps of training IC-MTL on {found['data']}, {found['tasks']} tasks, width "
        f"{found['hidden']}, batches of {found['batch']} texts ({found['padding']:.1%} padding), "
        f"{found['threads']} threads; words per second in training, and where nothing is learned."
    )
    rows = [
        [phase, f"{1e3 * seconds / found['steps']:.2f}", f"{seconds / whole:.1%}", ""]
        for phase, seconds in found["seconds"].items()
    ]
    rows.append(["training", f"{1e3 * whole / found['steps']:.2f}", "100.0%", f"{rates['training']:,.0f}"])
    rows.append(["evaluation", "", "", f"{rates['evaluation']:,.0f}"])
    return caption, [["phase", "ms per step", "share", "words/s"], *rows]


def default_data() -> Dataset:
    """FDU-MTL if it is at hand, else the demo's molecules; nothing is fetched."""
    return load(_DEMO if missing_files(CATALOGUE[_FDU]) else _FDU)


def tiny_data(rows: int = 25) -> Dataset:
    """Two tasks of short texts, to see that something runs."""
    draw = generator(0)
    words = np.array(["a", "good", "fine", "bad", "dull", "long", "plot", "star"])
    texts = [words[draw.integers(0, len(words), 6)].tolist() for _ in range(2 * rows)]
    owner = np.repeat([0, 1], rows)
    labels = np.full((2 * rows, 2), np.nan)
    labels[np.arange(2 * rows), owner] = np.arange(2 * rows) % 2
    tasks = tuple(Task(name, "binary", ("no", "yes")) for name in ("books", "films"))
    return Dataset("tiny", tasks, {"train": Examples(texts, labels, owner)}, "words")
