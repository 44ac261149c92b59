"""How many words a tagger learns and tags in a second.

``python -m tasktalk.benchmarks.speed_tagging --out docs/results/speed-tagging`` writes ``speed-tagging.md`` and
``speed-tagging.json``.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from tasktalk.benchmarks.speed_clock import machine, take_turns
from tasktalk.benchmarks.speed_report import read_options, taken_on, write_report
from tasktalk.benchmarks.step import loss_of, training_step
from tasktalk.core.seeding import generator
from tasktalk.core.task import Task
from tasktalk.data.batches import Plan
from tasktalk.data.dataset import Dataset, Examples, Sentences
from tasktalk.models.build import build_network
from tasktalk.models.tagging_network import TaggingNetwork
from tasktalk.training.config import Config, make_config
from tasktalk.training.optimizers import make_optimizers
from tasktalk.training.sentence_encoder import SentenceEncoder
from tasktalk.training.tag_predictor import TagPredictor

MODELS = ("lstm", "fs", "dc", "ic")
_LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))
_TEXT = """\
Words that a tagger of {tasks} tasks learns in a second (forward, loss, backward, optimiser) and tags in a second (best
path and its probabilities): batches of {sentences} sentences of one task, of {shortest} to {longest} words; {tags} tags
and states of {hidden} in each of two directions; vectors of {vector}; letters by an LSTM; a CRF. Median of {rounds}
rounds in turns (lowest to highest).
"""


@dataclass(frozen=True)
class Sizes:
    """How large the work is.

    Args:
        tasks: how many tasks.
        sentences: sentences per batch.
        shortest: words of the shortest sentence.
        longest: words of the longest.
        vocabulary: how many words there are.
        tags: number of tags of each task.
        hidden: size of a state.
        vector: size of a word vector.
        rounds: how often it is timed.
    """

    tasks: int = 3
    sentences: int = 32
    shortest: int = 15
    longest: int = 35
    vocabulary: int = 20_000
    tags: int = 20
    hidden: int = 100
    vector: int = 150
    rounds: int = 9


_QUICK = Sizes(2, 2, 3, 4, 20, 3, 4, 6, 1)


def measure(sizes: Sizes, threads: int, cpu_time: bool = False) -> list[dict[str, Any]]:
    """One row per model: words per second, learned and tagged.

    Args:
        sizes: how large the work is.
        threads: threads that torch uses; the number that it had is set again afterwards.
        cpu_time: see ``take_turns``.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        dataset = _dataset(sizes)
        words = sum(map(len, dataset.splits["train"].tokens))
        jobs = {f"{name} {what}": job for name in MODELS for what, job in _jobs(name, dataset, sizes).items()}
        seconds = take_turns(jobs, sizes.rounds, cpu_time)
    finally:
        torch.set_num_threads(before)
    rates = {name: [words / taken for taken in rounds] for name, rounds in seconds.items()}
    return [
        {"model": name, "threads": threads, "learns": rates[f"{name} learns"], "tags": rates[f"{name} tags"]}
        for name in MODELS
    ]


def _dataset(sizes: Sizes) -> Dataset:
    """A batch of random words for each task."""
    draw = generator(0)
    words = ["".join(draw.choice(_LETTERS, draw.integers(1, 12))) for _ in range(sizes.vocabulary)]
    lengths = draw.integers(sizes.shortest, sizes.longest, sizes.tasks * sizes.sentences, endpoint=True)
    sentences = [[words[i] for i in draw.zipf(1.3, n) % sizes.vocabulary] for n in lengths]
    tags = [draw.integers(0, sizes.tags, n) for n in lengths]
    owner = np.repeat(np.arange(sizes.tasks), sizes.sentences)
    labels = np.full((len(owner), sizes.tasks), np.nan)
    labels[np.arange(len(owner)), owner] = np.arange(len(owner))
    classes = tuple(f"tag {i}" for i in range(sizes.tags))
    tasks = tuple(Task(f"task {k}", "tagging", classes) for k in range(sizes.tasks))
    return Dataset("random words", tasks, {"train": Examples(Sentences(sentences, tags), labels, owner)}, "whitespace")


def _jobs(name: str, dataset: Dataset, sizes: Sizes) -> dict[str, Callable[[], object]]:
    """Learn, and tag, the batch of every task."""
    settings = [f"model.{key}={value}" for key, value in _model(name, sizes).items()]
    config = make_config({}, settings)
    encoder = SentenceEncoder.fit(dataset, config.data)
    examples = encoder(dataset.splits["train"])
    torch.manual_seed(0)
    network = build_network(config.model, dataset.tasks, encoder.inputs)  # type: ignore[arg-type]
    if not isinstance(network, TaggingNetwork):
        raise TypeError(f"expected a tagging network, found {type(network).__name__}")
    plans = [Plan((k,), (np.flatnonzero(examples.owner == k),)) for k in range(sizes.tasks)]
    learn = _learn(network, [examples.collate(plan) for plan in plans], dataset.tasks, config)
    predictor = TagPredictor(network, dataset.tasks, torch.device("cpu"), sizes.sentences, marginals=True)
    return {"learns": learn, "tags": lambda: predictor.answers(examples, range(sizes.tasks))}


def _model(name: str, sizes: Sizes) -> dict[str, object]:
    return {"name": name, "hidden": sizes.hidden, "embedding_features": sizes.vector, "bidirectional": True}


def _learn(
    network: TaggingNetwork, batches: Sequence[Any], tasks: Sequence[Task], config: Config
) -> Callable[[], None]:
    optimizers = make_optimizers(network, config.training)
    steps = [training_step(partial(loss_of, network, batch, tasks), optimizers) for batch in batches]

    def learn() -> None:
        network.train()
        for step in steps:
            step()

    return learn


def markdown(found: dict[str, Any]) -> str:
    """The table, and what it was taken on."""
    lines = ["| model | threads | learns | tags |", "| --- | --: | --: | --: |"]
    lines += [
        f"| {row['model']} | {row['threads']} | {_spread(row['learns'])} | {_spread(row['tags'])} |"
        for row in found["rows"]
    ]
    return "\n".join([_TEXT.format(**found["sizes"]), *lines, "", taken_on(found)])


def _spread(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of this module."""
    given = read_options("speed_tagging", __doc__, [1], arguments)
    sizes = _QUICK if given.quick else Sizes()
    rows = [row for threads in given.threads for row in measure(sizes, threads, given.cpu_time)]
    time = "CPU" if given.cpu_time else "wall clock"
    found = {"machine": machine(), "time": time, "sizes": asdict(sizes), "rows": rows}
    write_report(given.out, found, markdown(found))


if __name__ == "__main__":
    main()
