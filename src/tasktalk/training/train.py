"""Train any model on a data set, into a run folder."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from tasktalk.core.errors import ConfigError, DataError, RunFolderError, nearest
from tasktalk.core.files import write_text
from tasktalk.core.memory import peak_memory_mb
from tasktalk.core.task import Task
from tasktalk.data.batches import Batchable, sparse_features
from tasktalk.data.dataset import Dataset
from tasktalk.data.masks import MaskRecord, mask_labels, parse_mask
from tasktalk.data.standardise import standardise
from tasktalk.models.forest import ForestModel
from tasktalk.models.linear import LinearModel
from tasktalk.models.options import ForestOptions, LinearOptions, SimpleOptions
from tasktalk.models.settings import TextOptions
from tasktalk.training.config import Config, make_config, read_config
from tasktalk.training.contract import block_checksum, warn_if_changed
from tasktalk.training.encode import Encoder, fit_encoder, is_encoded, load_encoder
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.fit_network import check_network, fit_network, make_accelerator
from tasktalk.training.lock import held, refuse_trained
from tasktalk.training.processes import join, on_main, rank
from tasktalk.training.progress import Reporter, Silent
from tasktalk.training.run import Run, evaluate, load_predictor
from tasktalk.training.run_folder import (
    CHECKPOINT,
    CONFIG,
    ENVIRONMENT,
    MASK,
    METRICS,
    MODEL,
    SKIPPED,
    TRANSFER,
    environment,
    open_folder,
    read_json,
    read_tasks,
    refuse_existing,
    write_json,
    write_tasks,
)
from tasktalk.training.selection import choose_criterion
from tasktalk.training.sentence_encoder import SentenceEncoder


def train(
    dataset: Dataset, config: Config, out: Path, overwrite: bool = False, reporter: Reporter | None = None
) -> Run:
    """Train a model and write its run folder; in all processes that a launcher has started, each with its part.

    Args:
        dataset: the data.
        config: all settings.
        out: the run folder to make.
        overwrite: replace a run folder of that name.
        reporter: shows progress; None shows nothing.

    Raises:
        RunFolderError: ``out`` exists, cannot be written, or another process trains in it.
        ConfigError: settings that do not fit the data.
        DataError: no training examples, or word vectors that cannot be read.
        TrainingError: a loss is not a number.
    """
    join()
    on_main(lambda: refuse_existing(out, overwrite))
    on_main(lambda: refuse_trained(out))
    return _train_new(dataset, config, out, overwrite, reporter or Silent(), held(out))


def resume(dataset: Dataset, out: Path, reporter: Reporter | None = None) -> Run:
    """Go on with a killed run, to the weights that it would have had; the settings are those of the run folder.

    Raises:
        RunFolderError: nothing to resume, the run is finished, it read other data, or another process trains in it.
    """
    join()
    _refuse_resume(out)
    with held(out):
        _refuse_resume(out)  # it may have been finished before this process had the folder
        return _go_on(dataset, out, reporter or Silent())


def _refuse_resume(out: Path) -> None:
    open_folder(out, resume=True)
    if (out / METRICS).exists():
        raise RunFolderError(f"{out}: this run is finished, there is nothing to resume")
    if (out / TRANSFER).exists():
        raise RunFolderError(
            f"{out}: a task is added to another run; go on with tasktalk transfer --resume --out {out}"
        )


def _go_on(dataset: Dataset, out: Path, reporter: Reporter) -> Run:
    started = time.monotonic()
    config = make_config(read_config(out / CONFIG))
    if not is_encoded(out):  # killed before the training began
        return _train_new(dataset, config, out, True, reporter, nullcontext())
    warn_if_changed(out, config.model)
    dataset, _ = prepare(weigh(dataset, config), config)
    if read_json(out / ENVIRONMENT)["data"] != dict(dataset.sources) or read_tasks(out)[0] != dataset.tasks:
        raise RunFolderError(f"{out}: cannot be resumed, the data is not what the run began with")
    encoder = load_encoder(out, config)
    return _train(dataset, config, encoder, out, reporter, lambda: time.monotonic() - started)


def _train_new(
    dataset: Dataset, config: Config, out: Path, overwrite: bool, reporter: Reporter, lock: AbstractContextManager[None]
) -> Run:
    """Begin a run folder; with the lock, which is wanted from when something is written."""
    started = time.monotonic()
    dataset, mask = prepare(weigh(dataset, config), config)
    encoder = _check(dataset, config, out)
    config = _with_vector_size(config, encoder)
    with lock:
        on_main(lambda: _begin(dataset, config, mask, encoder, out, overwrite))
        return _train(dataset, config, encoder, out, reporter, lambda: time.monotonic() - started)


def _begin(dataset: Dataset, config: Config, mask: MaskRecord, encoder: Encoder, out: Path, overwrite: bool) -> None:
    """Write what is known before the training."""
    open_folder(out, overwrite)
    write_text(out / CONFIG, config.to_yaml())
    write_tasks(out, dataset.tasks, dataset.tokenizer)
    facts = environment(config.training.seed, dataset.sources, config.data.vectors)
    write_json(out / ENVIRONMENT, facts | {"block": block_checksum(config.model)})
    write_json(out / MASK, mask)
    if dataset.skipped:
        write_text(out / SKIPPED, "\n".join(dataset.skipped) + "\n")
    encoder.save(out)


def _train(
    dataset: Dataset, config: Config, encoder: Encoder, out: Path, reporter: Reporter, clock: Callable[[], float]
) -> Run:
    if not (out / CONFIG).is_file():
        raise RunFolderError(f"{out}: process {rank()} does not see it, a run folder has to be where all processes are")
    splits = {name: encoder(dataset.splits[name]) for name in ("train", "dev") if name in dataset.splits}
    earlier = 0.0  # seconds before a resume
    if isinstance(config.model, LinearOptions | ForestOptions):
        options = config.model
        on_main(lambda: _fit_simple(dataset.tasks, splits["train"], options, config.training.seed, out))
    else:
        earlier = fit_network(dataset, splits, config, encoder, out, reporter)
    return finish(dataset, config, encoder, out, lambda: earlier + clock())


def finish(dataset: Dataset, config: Config, encoder: Encoder, out: Path, seconds: Callable[[], float]) -> Run:
    """Score a run whose weights are in place, which finishes its folder.

    Args:
        dataset: the data.
        config: all settings.
        encoder: examples to what the model reads.
        out: the run folder.
        seconds: how long it all took, asked after the scores.
    """
    on_main(lambda: _score(dataset, config, encoder, out, seconds))
    return Run.load(out)


def _score(dataset: Dataset, config: Config, encoder: Encoder, out: Path, seconds: Callable[[], float]) -> None:
    _, _, weights = read_tasks(out)
    predictors = {file: load_predictor(out / file, config, dataset.tasks, encoder) for file in set(weights.values())}
    blocks = evaluate([predictors[weights[task.name]] for task in dataset.tasks], encoder, dataset)
    write_json(out / METRICS, {"splits": blocks, "seconds": round(seconds(), 3), "peak_memory_mb": peak_memory_mb()})
    (out / CHECKPOINT).unlink(missing_ok=True)


def weigh(dataset: Dataset, config: Config) -> Dataset:
    """Give the tasks the weights that the settings name.

    Raises:
        ConfigError: a weight of a task that does not exist.
    """
    weights, names = config.training.weights, [task.name for task in dataset.tasks]
    for name in weights:
        if name not in names:
            raise ConfigError(f"training.weights: unknown task {name!r}: {nearest(name, names)}")
    tasks = tuple(replace(task, weight=weights.get(task.name, task.weight)) for task in dataset.tasks)
    return replace(dataset, tasks=tasks)


def prepare(dataset: Dataset, config: Config) -> tuple[Dataset, MaskRecord]:
    """Take away the labels that may not be used, and measure regressions on those that are left.

    Raises:
        DataError: no training examples, or a task without any label that may be used.
    """
    train = dataset.splits.get("train")
    if train is None or not len(train):
        raise DataError(f"expected training examples, found none in the data set {dataset.name!r}")
    masked, record = mask_labels(dataset, parse_mask(config.data.mask), config.training.seed)
    return standardise(masked), record


def _check(dataset: Dataset, config: Config, out: Path) -> Encoder:
    """Refuse what cannot be trained before a folder is made, or one is overwritten."""
    shared_inputs = dataset.splits["train"].owner is None
    if isinstance(config.model, LinearOptions):
        example = csr_matrix(np.ones((2, 1)))
        mode = _linear_mode(config.model, shared_inputs)
        LinearModel.fit(example, np.tile([[0.0], [1.0]], len(dataset.tasks)), dataset.tasks, mode)
    encoder = fit_encoder(dataset, config)
    if not isinstance(config.model, LinearOptions | ForestOptions):
        check_network(config.model, dataset.tasks, encoder.inputs, shared_inputs)
        choose_criterion(config.training.criterion, dataset.tasks, not shared_inputs)
        make_accelerator(config.training, out)
    return encoder


def _fit_simple(tasks: tuple[Task, ...], examples: Batchable, options: SimpleOptions, seed: int, out: Path) -> None:
    features, labels = sparse_features(examples), examples.labels
    if isinstance(options, ForestOptions):
        ForestModel.fit(features, labels, tasks, options.trees, seed).save(out / MODEL)
    else:
        mode = _linear_mode(options, examples.owner is None)
        LinearModel.fit(features, labels, tasks, mode, seed=seed).save(out / MODEL)


def _linear_mode(options: LinearOptions, shared_inputs: bool) -> str:
    """Tasks that read the same inputs ask different questions: weights they share would mean nothing."""
    if options.mode != "auto":
        return options.mode
    return "per-task" if shared_inputs else "easy-adapt"


def _with_vector_size(config: Config, encoder: Encoder) -> Config:
    """The size of pretrained vectors stands in the configuration, so that the run folder alone tells it."""
    if (
        not isinstance(encoder, TextEncoder | SentenceEncoder)
        or not isinstance(config.model, TextOptions)
        or encoder.vectors is None
    ):
        return config
    if not config.model.words:
        raise ConfigError("data.vectors have no use with model.words=false: leave one of them out")
    width = encoder.vectors[0].shape[1]
    return config.model_copy(update={"model": config.model.model_copy(update={"embedding_features": width})})
