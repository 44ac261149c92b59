"""Train any model on a data set, into a run folder."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from tasktalk.core.errors import DataError, RunFolderError
from tasktalk.core.files import write_text
from tasktalk.data.batches import Encoded
from tasktalk.data.dataset import Dataset
from tasktalk.encoders.vectors import load_vectors
from tasktalk.models.linear import LinearModel
from tasktalk.models.options import LinearOptions
from tasktalk.training.config import Config, make_config, read_config
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.fit_network import check_network, fit_network, make_accelerator
from tasktalk.training.progress import Reporter, Silent
from tasktalk.training.run import Run, evaluate, load_predictor
from tasktalk.training.run_folder import (
    CHECKPOINT,
    CONFIG,
    ENVIRONMENT,
    METRICS,
    MODEL,
    VOCABULARY,
    environment,
    open_folder,
    peak_memory_mb,
    read_json,
    read_tasks,
    refuse_existing,
    write_json,
    write_tasks,
)


def train(
    dataset: Dataset, config: Config, out: Path, overwrite: bool = False, reporter: Reporter | None = None
) -> Run:
    """Train a model and write its run folder.

    Args:
        dataset: the data.
        config: all settings.
        out: the run folder to make.
        overwrite: replace a run folder of that name.
        reporter: shows progress; None shows nothing.

    Raises:
        RunFolderError: ``out`` exists, or cannot be written.
        ConfigError: settings that do not fit the data.
        DataError: no training examples, or word vectors that cannot be read.
        TrainingError: a loss is not a number.
    """
    started = time.monotonic()
    if not overwrite:
        refuse_existing(out)
    _check(dataset, config, out)
    encoder = TextEncoder.fit(dataset, config.data, with_features=_wants_features(config))
    config = _with_vector_size(config, encoder)
    open_folder(out, overwrite)
    write_text(out / CONFIG, config.to_yaml())
    write_tasks(out, dataset.tasks, dataset.tokenizer)
    write_json(out / ENVIRONMENT, environment(config.training.seed, dataset.sources, config.data.vectors))
    encoder.save(out)
    return _train(dataset, config, encoder, out, reporter or Silent(), lambda: time.monotonic() - started)


def resume(dataset: Dataset, out: Path, reporter: Reporter | None = None) -> Run:
    """Go on with a killed run, to the weights that it would have had; the settings are those of the run folder.

    Raises:
        RunFolderError: nothing to resume, the run is finished, or it read other data.
    """
    started = time.monotonic()
    open_folder(out, resume=True)
    if (out / METRICS).exists():
        raise RunFolderError(f"{out}: this run is finished, there is nothing to resume")
    config = make_config(read_config(out / CONFIG))
    if not (out / VOCABULARY).exists():  # killed before the training began
        return train(dataset, config, out, overwrite=True, reporter=reporter)
    if read_json(out / ENVIRONMENT)["data"] != dict(dataset.sources) or read_tasks(out)[0] != dataset.tasks:
        raise RunFolderError(f"{out}: cannot be resumed, the data is not what the run began with")
    encoder = TextEncoder.load(out, config.data.max_words)
    return _train(dataset, config, encoder, out, reporter or Silent(), lambda: time.monotonic() - started)


def _train(
    dataset: Dataset, config: Config, encoder: TextEncoder, out: Path, reporter: Reporter, clock: Callable[[], float]
) -> Run:
    splits = {name: encoder(dataset.splits[name]) for name in ("train", "dev") if name in dataset.splits}
    earlier = 0.0  # seconds before a resume
    if isinstance(config.model, LinearOptions):
        _fit_linear(dataset, splits, config.model, config.training.seed, out)
    else:
        earlier = fit_network(dataset, splits, config, encoder, out, reporter)
    _, _, weights = read_tasks(out)
    predictors = {file: load_predictor(out / file, config, dataset.tasks, encoder) for file in set(weights.values())}
    blocks = evaluate(lambda k: predictors[weights[dataset.tasks[k].name]], encoder, dataset)
    seconds = round(earlier + clock(), 3)
    write_json(out / METRICS, {"splits": blocks, "seconds": seconds, "peak_memory_mb": peak_memory_mb()})
    (out / CHECKPOINT).unlink(missing_ok=True)
    return Run.load(out)


def _check(dataset: Dataset, config: Config, out: Path) -> None:
    """Refuse what cannot be trained before a folder is made, or one is overwritten."""
    train = dataset.splits.get("train")
    if train is None or not len(train):
        raise DataError(f"expected training examples, found none in the data set {dataset.name!r}")
    if isinstance(config.model, LinearOptions):
        example = csr_matrix(np.ones((2, 1)))
        LinearModel.fit(example, np.tile([[0.0], [1.0]], len(dataset.tasks)), dataset.tasks, config.model.mode)
    else:
        check_network(config.model, dataset.tasks, shared_inputs=train.owner is None)
        make_accelerator(config.training, out)


def _fit_linear(dataset: Dataset, splits: Mapping[str, Encoded], options: LinearOptions, seed: int, out: Path) -> None:
    examples = splits["train"]
    features = sparse_features(examples)
    LinearModel.fit(features, examples.labels, dataset.tasks, options.mode, seed=seed).save(out / MODEL)


def _wants_features(config: Config) -> bool:
    return isinstance(config.model, LinearOptions) or config.model.wide != "off"


def _with_vector_size(config: Config, encoder: TextEncoder) -> Config:
    """The size of pretrained vectors stands in the configuration, so that the run folder alone tells it."""
    if isinstance(config.model, LinearOptions) or not config.data.vectors:
        return config
    width = load_vectors(config.data.vectors, encoder.vocabulary.words)[0].shape[1]
    return config.model_copy(update={"model": config.model.model_copy(update={"embedding_features": width})})
