"""A finished run: scores and predictions from its folder, nothing else needed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from tasktalk.core.batch import Listening
from tasktalk.core.errors import ConfigError, RunFolderError, nearest
from tasktalk.core.task import Task
from tasktalk.data.batches import Plan
from tasktalk.data.dataset import Dataset, Examples
from tasktalk.data.duplicates import seen
from tasktalk.data.tokenize import tokenizer
from tasktalk.models.build import build_network
from tasktalk.models.linear import LinearModel
from tasktalk.models.options import LinearOptions
from tasktalk.training.checkpoint import load_weights
from tasktalk.training.config import Config, make_config, read_config
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.metrics import summarise
from tasktalk.training.predictor import LinearPredictor, NetworkPredictor, Predictor, score
from tasktalk.training.run_folder import CONFIG, METRICS, MODEL, read_json, read_tasks

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
        encoder: its words and features.
        weights: name of the weight file of every task.
    """

    folder: Path
    config: Config
    tasks: tuple[Task, ...]
    tokenizer: str
    encoder: TextEncoder
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
        return cls(folder, config, tasks, name, TextEncoder.load(folder, config.data.max_words), weights)

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
        if file not in self._predictors:
            self._predictors[file] = load_predictor(self.folder / file, self.config, self.tasks, self.encoder)
        return self._predictors[file]

    def listen(self, texts: Iterable[str]) -> "Listening":
        """Who listened to whom while every task read the same texts, with the weights chosen for the mean.

        Raises:
            ConfigError: no text, or a linear model, which has no messages.
        """
        predictor = load_predictor(self.folder / MODEL, self.config, self.tasks, self.encoder)
        if not isinstance(predictor, NetworkPredictor):
            raise ConfigError("a linear model passes no messages between tasks; try a run of dc or ic")
        cut = tokenizer(self.tokenizer)
        tokens = [cut(text)[: self.encoder.max_words] for text in texts]
        if not tokens:
            raise ConfigError("expected at least one text to listen to, found none")
        encoded = self.encoder(Examples(tokens, np.full((len(tokens), len(self.tasks)), np.nan), None))
        plan = Plan(tuple(range(len(self.tasks))), (np.arange(len(tokens)),))
        return Listening(tokens, tuple(t.name for t in self.tasks), predictor.record(encoded, plan))

    def probabilities(self, texts: Iterable[str], task: str) -> Float[np.ndarray, "texts classes"]:
        """Probability of every class of a task for new texts.

        Raises:
            ConfigError: an unknown task.
        """
        index = self.index(task)
        cut = tokenizer(self.tokenizer)
        tokens = [cut(text) for text in texts]
        labels = np.full((len(tokens), len(self.tasks)), np.nan)
        owner = np.full(len(tokens), index)
        return self.predictor(index).probabilities(self.encoder(Examples(tokens, labels, owner)), index)

    def predict(self, texts: Iterable[str], task: str | None = None) -> list[dict[str, Any]]:
        """Answers for new texts: for each text a dictionary as ``tasktalk predict`` writes it.

        Args:
            texts: raw texts.
            task: name of the task to ask; None asks every task.

        Returns:
            ``{"text": ..., "predictions": {task: {"label": ..., "probabilities": {class: p}}}}`` for each text.

        Raises:
            ConfigError: an unknown task.
        """
        texts = list(texts)
        names = [t.name for t in self.tasks] if task is None else [task]
        answers: list[dict[str, Any]] = [{"text": text, "predictions": {}} for text in texts]
        for name in names:
            classes = self.tasks[self.index(name)].classes
            for answer, p in zip(answers, self.probabilities(texts, name), strict=True):
                answer["predictions"][name] = {
                    "label": classes[int(p.argmax())],
                    "probabilities": dict(zip(classes, p.tolist(), strict=True)),
                }
        return answers

    def evaluate(self, dataset: Dataset, splits: Sequence[str] = ("dev", "test")) -> dict[str, Any]:
        """Scores on the splits that a data set has, in the form of ``metrics.json``.

        Raises:
            ConfigError: the data set has other tasks or classes than the run.
        """
        if [(t.name, t.classes) for t in dataset.tasks] != [(t.name, t.classes) for t in self.tasks]:
            expected, found = (", ".join(t.name for t in tasks) for tasks in (self.tasks, dataset.tasks))
            raise ConfigError(f"the run has the tasks {expected}; the data set has {found} (or other classes)")
        return evaluate(self.predictor, self.encoder, dataset, splits)


def evaluate(
    predictor: Callable[[int], Predictor],
    encoder: TextEncoder,
    dataset: Dataset,
    splits: Sequence[str] = ("dev", "test"),
) -> dict[str, Any]:
    """Scores by split; for test texts a second block without those that stand in train as well.

    Args:
        predictor: gives the model of a task by its index.
        encoder: words and features.
        dataset: the data.
        splits: names of splits; those that the data set lacks are left out.
    """
    blocks: dict[str, Any] = {}
    for name in (name for name in splits if name in dataset.splits):
        examples = dataset.splits[name]
        encoded = encoder(examples)
        answers = [predictor(k).probabilities(encoded, k) for k in range(len(dataset.tasks))]
        blocks[name] = summarise(dataset.tasks, score(answers, encoded, dataset.tasks))
        if name == "test":
            unseen = ~seen(examples, dataset.splits["train"])
            blocks[UNSEEN] = summarise(dataset.tasks, score(answers, encoded, dataset.tasks, unseen))
    return blocks


def load_predictor(path: Path, config: Config, tasks: Sequence[Task], encoder: TextEncoder) -> Predictor:
    """The model in a weight file.

    Raises:
        RunFolderError: the file is missing, damaged, or of another model.
    """
    if isinstance(config.model, LinearOptions):
        return LinearPredictor(LinearModel.load(path))
    features = 0 if encoder.features is None else len(encoder.features)
    network = build_network(config.model, tasks, len(encoder.vocabulary), features)
    load_weights(network, path)
    return NetworkPredictor(network.eval(), torch.device("cpu"), config.training.evaluation_batch_size)
