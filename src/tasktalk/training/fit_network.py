"""From settings to the chosen weights of a network, in the run folder."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration

from tasktalk.core.errors import ConfigError
from tasktalk.core.seeding import seed_everything
from tasktalk.core.task import Task
from tasktalk.data.batches import Encoded
from tasktalk.data.dataset import Dataset
from tasktalk.encoders.vectors import load_vectors
from tasktalk.models.build import build_network, set_wide
from tasktalk.models.linear import LinearModel
from tasktalk.models.network import TextNetwork
from tasktalk.models.options import NetworkOptions
from tasktalk.training.config import Config, TrainingConfig
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.loop import Fit, snapshot
from tasktalk.training.optimizers import takes_sparse_gradients
from tasktalk.training.progress import Reporter
from tasktalk.training.run_folder import CHECKPOINT, MODEL, write_tasks
from tasktalk.training.selection import MEAN, Selection


def fit_network(
    dataset: Dataset,
    splits: Mapping[str, Encoded],
    config: Config,
    encoder: TextEncoder,
    out: Path,
    reporter: Reporter,
) -> float:
    """Train a network, from its last checkpoint if the folder has one, and put the chosen weights in place.

    Returns:
        Seconds of training before the checkpoint.
    """
    seed_everything(config.training.seed)
    options: NetworkOptions = config.model  # type: ignore[assignment]  # the caller has sent linear models elsewhere
    features = 0 if encoder.features is None else len(encoder.features)
    sparse = takes_sparse_gradients(config.training)
    network = build_network(options, dataset.tasks, len(encoder.vocabulary), features, sparse)
    killed = (out / CHECKPOINT).exists()
    if not killed:
        _set_fitted_parts(network, dataset.tasks, splits["train"], config, encoder)
    fit = Fit(network, dataset.tasks, splits, config.training, out, reporter, _accelerator(config.training, out))
    if killed:
        fit.resume()
    earlier = fit.state.seconds
    reporter.begin(options.name, config.training.epochs, fit.state.epoch)
    selection = fit.run()
    fit.accelerator.end_training()
    _place_weights(dataset, selection, out)
    return earlier


def _set_fitted_parts(
    network: TextNetwork, tasks: tuple[Task, ...], examples: Encoded, config: Config, encoder: TextEncoder
) -> None:
    """Pretrained word vectors and a fitted wide part; a checkpoint has them already."""
    if config.data.vectors:
        vectors, found = load_vectors(config.data.vectors, encoder.vocabulary.words)
        network.embedding.set_vectors(_after_special(vectors), _after_special(found))
    if network.wide is not None and not network.wide.trainable:
        linear = LinearModel.fit(examples.sparse_features(), examples.labels, tasks, seed=config.training.seed)
        set_wide(network.wide, linear)


def _after_special(x: np.ndarray) -> torch.Tensor:
    """Rows of the words, after one of zeros for padding and one for unknown words."""
    rows = torch.from_numpy(x)
    return torch.cat((rows.new_zeros(2, *rows.shape[1:]), rows))


def _place_weights(dataset: Dataset, selection: Selection, out: Path) -> None:
    """Rename the snapshots that were chosen, and write which task uses which."""
    files = {selection.epoch_of(MEAN): MODEL}
    weights = {}
    for task in dataset.tasks:
        epoch = selection.epoch_of(task.name)
        weights[task.name] = files.setdefault(epoch, f"model-epoch-{epoch + 1}.safetensors")
    write_tasks(out, dataset.tasks, dataset.tokenizer, weights)
    for epoch, file in files.items():
        if snapshot(out, epoch).exists():  # not if the run was killed after this line
            snapshot(out, epoch).replace(out / file)


def _accelerator(config: TrainingConfig, out: Path) -> Accelerator:
    tracker = None if config.tracker == "none" else config.tracker
    try:
        accelerator = Accelerator(
            cpu=config.device == "cpu",
            mixed_precision=config.precision,
            log_with=tracker,
            project_config=ProjectConfiguration(project_dir=str(out), logging_dir=str(out)),
        )
        if tracker is not None:
            accelerator.init_trackers("tensorboard" if tracker == "tensorboard" else "tasktalk")
    except (ValueError, ImportError) as error:
        raise ConfigError(f"training.tracker or training.precision cannot be used: {error}") from error
    return accelerator
