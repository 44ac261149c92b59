"""Train any model on a data set, into a run folder."""

import time
from collections.abc import Mapping
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration
from numpy import ndarray

from tasktalk.core.errors import ConfigError, RunFolderError
from tasktalk.core.files import write_text
from tasktalk.core.seeding import seed_everything
from tasktalk.data.batches import Encoded
from tasktalk.data.dataset import Dataset
from tasktalk.encoders.vectors import load_vectors
from tasktalk.models.build import build_network, set_wide
from tasktalk.models.linear import LinearModel
from tasktalk.models.network import TextNetwork
from tasktalk.models.options import LinearOptions
from tasktalk.training.config import Config, make_config, read_config
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.loop import Fit, snapshot
from tasktalk.training.optimizers import takes_sparse_gradients
from tasktalk.training.progress import Reporter, Silent
from tasktalk.training.run import Run, evaluate, load_predictor
from tasktalk.training.run_folder import (
    CHECKPOINT,
    CONFIG,
    ENVIRONMENT,
    METRICS,
    MODEL,
    environment,
    open_folder,
    peak_memory_mb,
    read_json,
    read_tasks,
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
    encoder = TextEncoder.fit(dataset, config.data, _wants_features(config))
    config = _with_vector_size(config, encoder)
    open_folder(out, overwrite)
    write_text(out / CONFIG, config.to_yaml())
    write_tasks(out, dataset.tasks, dataset.tokenizer)
    write_json(out / ENVIRONMENT, environment(config.training.seed, dataset.sources))
    encoder.save(out)
    return _train(dataset, config, encoder, out, False, reporter or Silent(), started)


def resume(dataset: Dataset, out: Path, reporter: Reporter | None = None) -> Run:
    """Go on with a killed run, to the weights that it would have had; the settings are those of the run folder.

    Raises:
        RunFolderError: nothing to resume, the run is finished, or it read other data.
    """
    started = time.monotonic()
    open_folder(out, resume=True)
    if (out / METRICS).exists():
        raise RunFolderError(f"{out}: this run is finished, there is nothing to resume")
    if read_json(out / ENVIRONMENT)["data"] != dict(dataset.sources) or read_tasks(out)[0] != dataset.tasks:
        raise RunFolderError(f"{out}: cannot be resumed, the data is not what the run began with")
    config = make_config(read_config(out / CONFIG))
    encoder = TextEncoder.load(out, config.data.max_words)
    return _train(dataset, config, encoder, out, True, reporter or Silent(), started)


def _train(
    dataset: Dataset, config: Config, encoder: TextEncoder, out: Path, again: bool, reporter: Reporter, started: float
) -> Run:
    splits = {name: encoder(dataset.splits[name]) for name in ("train", "dev") if name in dataset.splits}
    seconds = 0.0
    if isinstance(config.model, LinearOptions):
        train_split = splits["train"]
        model = LinearModel.fit(
            train_split.features, train_split.labels, dataset.tasks, config.model.mode, seed=config.training.seed
        )
        model.save(out / MODEL)
    else:
        seconds = _fit_network(dataset, config, encoder, splits, out, again, reporter)
    _, _, weights = read_tasks(out)
    predictors = {file: load_predictor(out / file, config, dataset.tasks, encoder) for file in set(weights.values())}
    blocks = evaluate(lambda k: predictors[weights[dataset.tasks[k].name]], encoder, dataset)
    total = time.monotonic() - started + seconds
    write_json(out / METRICS, {"splits": blocks, "seconds": round(total, 3), "peak_memory_mb": peak_memory_mb()})
    (out / CHECKPOINT).unlink(missing_ok=True)
    return Run.load(out)


def _fit_network(
    dataset: Dataset,
    config: Config,
    encoder: TextEncoder,
    splits: Mapping[str, Encoded],
    out: Path,
    again: bool,
    reporter: Reporter,
) -> float:
    """Train the network, put the chosen weights in place; give the seconds spent before the resume."""
    seed_everything(config.training.seed)
    network = _network(dataset, config, encoder, splits["train"], again)
    fit = Fit(network, dataset.tasks, splits, config.training, out, reporter, _accelerator(config, out))
    if again and (out / CHECKPOINT).exists():
        fit.resume()
    before = fit.state.seconds
    reporter.begin(config.model.name, config.training.epochs, fit.state.epoch)
    selection = fit.run()
    fit.accelerator.end_training()
    files = {selection.epoch_of(""): MODEL}
    weights = {}
    for task in dataset.tasks:
        epoch = selection.epoch_of(task.name)
        weights[task.name] = files.setdefault(epoch, f"model-epoch-{epoch + 1}.safetensors")
    for epoch, file in files.items():
        if snapshot(out, epoch).exists():
            snapshot(out, epoch).replace(out / file)
    write_tasks(out, dataset.tasks, dataset.tokenizer, weights)
    return before


def _network(
    dataset: Dataset, config: Config, encoder: TextEncoder, examples: Encoded, again: bool
) -> TextNetwork:
    assert not isinstance(config.model, LinearOptions)
    features = 0 if encoder.features is None else len(encoder.features)
    sparse = takes_sparse_gradients(config.training)
    network = build_network(config.model, dataset.tasks, len(encoder.vocabulary), features, sparse)
    if again:  # the checkpoint has the vectors and the wide part
        return network
    if config.data.vectors:
        vectors, found = load_vectors(config.data.vectors, encoder.vocabulary.words)
        network.embedding.set_vectors(_after_special(vectors), _after_special(found))
    if config.model.wide == "fitted" and network.wide is not None:
        linear = LinearModel.fit(examples.features, examples.labels, dataset.tasks, seed=config.training.seed)
        set_wide(network.wide, linear)
    return network


def _after_special(x: ndarray) -> torch.Tensor:
    """Rows for padding and unknown words before those of the words."""
    rows = torch.from_numpy(x)
    return torch.cat((rows.new_zeros(2, *rows.shape[1:]), rows))


def _with_vector_size(config: Config, encoder: TextEncoder) -> Config:
    """The size of pretrained vectors stands in the configuration, so that the run folder alone tells it."""
    if isinstance(config.model, LinearOptions) or not config.data.vectors:
        return config
    width = load_vectors(config.data.vectors, encoder.vocabulary.words)[0].shape[1]
    return config.model_copy(update={"model": config.model.model_copy(update={"embedding_features": width})})


def _wants_features(config: Config) -> bool:
    return isinstance(config.model, LinearOptions) or config.model.wide != "off"


def _accelerator(config: Config, out: Path) -> Accelerator:
    training = config.training
    tracker = None if training.tracker == "none" else training.tracker
    try:
        accelerator = Accelerator(
            cpu=training.device == "cpu",
            mixed_precision=training.precision,
            log_with=tracker,
            project_config=ProjectConfiguration(project_dir=str(out), logging_dir=str(out)),
        )
        if tracker is not None:
            accelerator.init_trackers("tensorboard" if tracker == "tensorboard" else "tasktalk")
    except (ValueError, ImportError) as error:
        raise ConfigError(f"training.tracker or training.precision cannot be used: {error}") from error
    return accelerator
