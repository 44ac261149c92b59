"""A finished run: scores and predictions from its folder, nothing else needed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from tasktalk.core.batch import Listening, Record
from tasktalk.core.errors import ConfigError, RunFolderError, nearest
from tasktalk.core.task import Task
from tasktalk.data.batches import Batchable, Plan
from tasktalk.data.dataset import Dataset, Examples, Sentences
from tasktalk.data.duplicates import seen
from tasktalk.data.schemes import convert, spans
from tasktalk.models.build import build_network
from tasktalk.models.forest import ForestModel
from tasktalk.models.linear import LinearModel
from tasktalk.models.options import ForestOptions, LinearOptions
from tasktalk.training.checkpoint import load_weights
from tasktalk.training.config import Config, make_config, read_config
from tasktalk.training.contract import warn_if_changed
from tasktalk.training.encode import Encoder, load_encoder
from tasktalk.training.inputs import field_name, new_content, positions, shown
from tasktalk.training.metrics import summarise
from tasktalk.training.predictor import (
    Answers,
    ForestPredictor,
    LinearPredictor,
    NetworkPredictor,
    Predictor,
    network_predictor,
    score,
)
from tasktalk.training.run_folder import CONFIG, METRICS, read_json, read_tasks
from tasktalk.training.tag_predictor import Tagged, TagPredictor

UNSEEN = "test_not_in_train"
"""Name of the split that leaves out the test texts that stand among the training texts as well."""


@dataclass
class Run:
    """A run folder that has been read.

    Attributes:
        folder: where it is.
        config: its settings.
        tasks: its tasks.
        tokenizer: name of its tokeniser.
        encoder: examples to what its model reads.
        weights: name of the weight file of every task.
    """

    folder: Path
    config: Config
    tasks: tuple[Task, ...]
    tokenizer: str
    encoder: Encoder
    weights: dict[str, str]
    _predictors: dict[str, Predictor] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path | str) -> "Run":
        """Read a run folder.

        Raises:
            RunFolderError: it is not a run folder, or the run is not finished.
        """
        folder = Path(folder)
        if not (folder / CONFIG).is_file():
            raise RunFolderError(f"{folder}: is not a run folder, {CONFIG} is missing")
        if not (folder / METRICS).is_file():
            raise RunFolderError(f"{folder}: this run is not finished; go on with --resume")
        config = make_config(read_config(folder / CONFIG))
        tasks, name, weights = read_tasks(folder)
        return cls(folder, config, tasks, name, load_encoder(folder, config), weights)

    @property
    def metrics(self) -> dict[str, Any]:
        """``metrics.json``."""
        metrics: dict[str, Any] = read_json(self.folder / METRICS)
        return metrics

    def index(self, task: str) -> int:
        """The index of a task.

        Raises:
            ConfigError: there is none of that name; the message names the nearest.
        """
        names = [t.name for t in self.tasks]
        if task not in names:
            raise ConfigError(f"unknown task {task!r}: {nearest(task, names)}")
        return names.index(task)

    def predictor(self, task: int) -> Predictor:
        """The model whose weights were chosen for a task."""
        file = self.weights[self.tasks[task].name]
        if not self._predictors:
            warn_if_changed(self.folder, self.config.model)
        if file not in self._predictors:
            self._predictors[file] = load_predictor(self.folder / file, self.config, self.tasks, self.encoder)
        return self._predictors[file]

    def examples(self, inputs: Iterable[str], task: int | None = None) -> Examples:
        """New examples without labels.

        Args:
            inputs: texts, SMILES or names of nodes, as the run reads them.
            task: index of the task that reads them; None where all do.

        Raises:
            ConfigError: a SMILES that is none, or a node that the graph of the run does not have.
        """
        given = list(inputs)
        labels = np.full((len(given), len(self.tasks)), np.nan)
        owner = None if task is None else np.full(len(given), task)
        return Examples(new_content(given, self.encoder, self.tokenizer), labels, owner)

    def listen(self, inputs: Iterable[str]) -> Listening:
        """Who listened to whom while every task read the same inputs, each with the weights that it answers with.

        Raises:
            ConfigError: no input, one that cannot be read, or a simple model, which has no messages.
        """
        return self.hear(self.examples(inputs))

    def hear(self, examples: Examples) -> Listening:
        """The same for examples of a data set, which every task reads, whosever they are.

        Raises:
            ConfigError: no examples, or a simple model.
        """
        if not len(examples):
            raise ConfigError(f"expected at least one {field_name(self.encoder)} to listen to, found none")
        encoded, rows = self.encoder(examples), (np.arange(len(examples)),)
        records: dict[int, Record] = {}
        for file in dict.fromkeys(self.weights.values()):
            receivers = tuple(k for k, task in enumerate(self.tasks) if self.weights[task.name] == file)
            predictor = self.predictor(receivers[0])
            if not isinstance(predictor, NetworkPredictor | TagPredictor):
                raise ConfigError(
                    "a linear model or a forest passes no messages between tasks; try a run of ic or mitten"
                )
            record = predictor.record(encoded, Plan(receivers, rows))
            records |= {k: {name: x[place] for name, x in record.items()} for place, k in enumerate(receivers)}
        of_all = {name: _together([records[k][name] for k in range(len(self.tasks))]) for name in records[0]}
        return Listening(self.positions(examples), tuple(t.name for t in self.tasks), of_all)

    def positions(self, examples: Examples) -> list[list[str]]:
        """What stands at each position of every example: words, atoms, or the node itself."""
        return positions(examples.content, self.encoder)

    def shown(self, examples: Examples) -> list[str]:
        """Every example as a person reads it: a text, a SMILES, the name of a node."""
        return shown(examples.content)

    def answers(self, inputs: Iterable[str], task: str) -> Answers:
        """For new inputs the probability of every class of a task, or its value.

        Raises:
            ConfigError: an unknown task, or an input that cannot be read.
        """
        index = self.index(task)
        return self.predictor(index).answers(self.encoder(self.examples(inputs, index)), (index,))[0]

    def tag(self, sentences: Sequence[Sequence[str]], task: str) -> list[list[str]]:
        """The tags that a task gives to the words of sentences, in the scheme of the task's files.

        Raises:
            ConfigError: an unknown task, or one that is no tagging.
        """
        index = self.index(task)
        known = self.tasks[index]
        if known.kind != "tagging":
            raise ConfigError(f"task {task!r} is a {known.kind} task and does not tag words")
        words = [list(sentence) for sentence in sentences]
        labels = np.full((len(words), len(self.tasks)), np.nan)
        examples = Examples(Sentences(words, []), labels, np.full(len(words), index))
        answers = self.predictor(index).answers(self.encoder(examples), (index,))[0]
        return [_tagged(known, answer, s)["tags"] for answer, s in zip(answers, words, strict=True)]

    def predict(self, inputs: Iterable[str], task: str | None = None) -> list[dict[str, Any]]:
        """Answers for new inputs: for each a dictionary as ``tasktalk predict`` writes it.

        Args:
            inputs: raw texts, SMILES, or names of nodes of the run's graph.
            task: name of the task to ask; None asks every task.

        Returns:
            ``{"text": ..., "predictions": {task: {"label": ..., "probabilities": {class: p}}}}`` for each text, with
            ``smiles`` or ``node`` in place of ``text`` where that is what the run reads; ``{"value": ...}`` for a
            regression. Of a tagger also ``words``, and for each task ``{"tags": [...], "probabilities": [...]}``, one
            of each word, with ``spans`` where tags mark any (``start`` to ``stop - 1``, counted from 0).

        Raises:
            ConfigError: an unknown task, or an input that cannot be read.
        """
        given = list(inputs)
        wanted = range(len(self.tasks)) if task is None else [self.index(task)]
        examples = self.examples(given, None if task is None else wanted[0])
        encoded = self.encoder(examples)
        key = field_name(self.encoder)
        content = examples.content
        tokens = [{"words": words} for words in content.words] if isinstance(content, Sentences) else [{}] * len(given)
        rows: list[dict[str, Any]] = [
            {key: text, **words, "predictions": {}} for text, words in zip(given, tokens, strict=True)
        ]
        for k, found in zip(wanted, _ask([self.predictor(k) for k in wanted], wanted, encoded, True), strict=True):
            for row, answer in zip(rows, found, strict=True):
                row["predictions"][self.tasks[k].name] = (
                    _tagged(self.tasks[k], answer, row["words"])
                    if isinstance(answer, Tagged)
                    else _answer(self.tasks[k], answer)
                )
        return rows

    def evaluate(self, dataset: Dataset, splits: Sequence[str] = ("dev", "test")) -> dict[str, Any]:
        """Scores on the splits that a data set has, in the form of ``metrics.json``.

        Raises:
            ConfigError: the data set has other tasks or classes than the run.
        """
        if [(t.name, t.classes) for t in dataset.tasks] != [(t.name, t.classes) for t in self.tasks]:
            expected, found = (", ".join(t.name for t in tasks) for tasks in (self.tasks, dataset.tasks))
            raise ConfigError(f"the run has the tasks {expected}; the data set has {found} (or other classes)")
        own = replace(dataset, tasks=self.tasks)  # the loss of a regression counts in the run's deviations
        return evaluate([self.predictor(k) for k in range(len(self.tasks))], self.encoder, own, splits)


def _together(entries: Sequence[Tensor]) -> Tensor:
    """An entry of every task's record; a task that hears nothing of the last tasks has zeros for them."""
    sources = max(entry.shape[-1] for entry in entries)
    return torch.stack([functional.pad(entry, (0, sources - entry.shape[-1])) for entry in entries])


def _answer(task: Task, answer: Float[np.ndarray, " outputs"]) -> dict[str, Any]:
    if task.kind == "regression":
        return {"value": float(answer[0])}
    label = task.classes[int(answer.argmax())]
    return {"label": label, "probabilities": dict(zip(task.classes, answer.tolist(), strict=True))}


def _tagged(task: Task, answer: Tagged, words: Sequence[str]) -> dict[str, Any]:
    """Tags in the scheme of the task's files, their probabilities, and the spans that they mark."""
    tags = [task.classes[tag] for tag in answer.tags[: len(words)]]
    row: dict[str, Any] = {"tags": tags}
    if answer.probabilities is not None:
        row["probabilities"] = answer.probabilities[: len(words)].tolist()
    if not task.scheme:
        return row
    found = [
        {"type": span.type, "start": span.start, "stop": span.stop, "text": " ".join(words[span.start : span.stop])}
        for span in spans(tags)
    ]
    return {**row, "tags": convert(tags, task.scheme), "spans": found}


def evaluate(
    predictors: Sequence[Predictor], encoder: Encoder, dataset: Dataset, splits: Sequence[str] = ("dev", "test")
) -> dict[str, Any]:
    """Scores by split; for test examples a second block without those that stand in train as well.

    Args:
        predictors: the model of every task.
        encoder: examples to what a model reads.
        dataset: the data.
        splits: names of splits; those that the data set lacks are left out.
    """
    blocks: dict[str, Any] = {}
    for name in (name for name in splits if name in dataset.splits):
        examples = dataset.splits[name]
        encoded = encoder(examples)
        answers = _ask(predictors, range(len(predictors)), encoded)
        blocks[name] = summarise(dataset.tasks, score(answers, encoded, dataset.tasks))
        if name == "test":
            unseen = ~seen(examples, dataset.splits["train"])
            blocks[UNSEEN] = summarise(dataset.tasks, score(answers, encoded, dataset.tasks, unseen))
    return blocks


def _ask(
    predictors: Sequence[Predictor], tasks: Sequence[int], examples: Batchable, marginals: bool = False
) -> list[Answers]:
    """Answers of some tasks, each by its model; tasks with the same model are asked together."""
    answers: dict[int, Answers] = {}
    for predictor in {id(predictor): predictor for predictor in predictors}.values():
        its = [k for k, other in zip(tasks, predictors, strict=True) if other is predictor]
        asked = replace(predictor, marginals=marginals) if isinstance(predictor, TagPredictor) else predictor
        answers.update(zip(its, asked.answers(examples, its), strict=True))
    return [answers[k] for k in tasks]


def load_predictor(path: Path, config: Config, tasks: Sequence[Task], encoder: Encoder) -> Predictor:
    """The model in a weight file.

    Raises:
        RunFolderError: the file is missing, damaged, or of another model.
    """
    if isinstance(config.model, LinearOptions):
        return LinearPredictor(LinearModel.load(path))
    if isinstance(config.model, ForestOptions):
        return ForestPredictor(ForestModel.load(path))
    network = build_network(config.model, tasks, encoder.inputs)
    load_weights(network, path)
    return network_predictor(network.eval(), tasks, torch.device("cpu"), config.training.evaluation_batch_size)
