"""From settings to the chosen weights of a network, in the run folder."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import get_available_trackers
from accelerate.utils import ProjectConfiguration

from tasktalk.core.batch import Batch, GraphBatch, SparseRows, Spelling, TextBatch
from tasktalk.core.errors import ConfigError, nearest
from tasktalk.core.graphs import adjacency
from tasktalk.core.inputs import GraphInputs, Inputs, SentenceInputs, TextInputs
from tasktalk.core.joint import alone
from tasktalk.core.seeding import seed_everything
from tasktalk.core.task import Task
from tasktalk.data.batches import Batchable, sparse_features
from tasktalk.data.dataset import Dataset
from tasktalk.data.vocabulary import FIRST_WORD, PADDING, UNKNOWN
from tasktalk.encoders.vectors import load_vectors
from tasktalk.models.build import Network, build_network, set_wide
from tasktalk.models.linear import LinearModel
from tasktalk.models.network import TextNetwork
from tasktalk.models.options import NetworkOptions, OwnOptions, title
from tasktalk.models.tagging_network import TaggingNetwork
from tasktalk.models.transfer_options import MittenOptions
from tasktalk.training.affinity import affinity_prior
from tasktalk.training.checkpoint import load_weights, save_tensors
from tasktalk.training.config import Config, TrainingConfig
from tasktalk.training.contract import refuse_broken_block
from tasktalk.training.dependency import set_priors
from tasktalk.training.encode import Encoder
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.loop import Fit, forget_snapshots, snapshot
from tasktalk.training.optimizers import takes_sparse_gradients
from tasktalk.training.predictor import NetworkPredictor
from tasktalk.training.processes import on_main
from tasktalk.training.progress import Reporter
from tasktalk.training.run_folder import CHECKPOINT, MODEL, attempt, write_tasks
from tasktalk.training.selection import MEAN, Selection
from tasktalk.training.sentence_encoder import SentenceEncoder
from tasktalk.training.stacking import stack_on_dev


def fit_network(
    dataset: Dataset,
    splits: Mapping[str, Batchable],
    config: Config,
    encoder: Encoder,
    out: Path,
    reporter: Reporter,
) -> float:
    """Train a network, from its last checkpoint if the folder has one, and put the chosen weights in place.

    Returns:
        Seconds of training before the checkpoint.
    """
    options: NetworkOptions = config.model  # type: ignore[assignment]  # the caller has sent linear models elsewhere
    mitten = options if isinstance(options, MittenOptions) else MittenOptions()
    killed = (out / CHECKPOINT).exists()
    prior = None
    if not killed and mitten.prior == "affinity":
        prior = affinity_prior(dataset.tasks, splits["train"], encoder.inputs, mitten, config.training, reporter)
    seed_everything(config.training.seed)
    network = build_network(options, dataset.tasks, encoder.inputs, takes_sparse_gradients(config.training))
    if prior is not None:
        set_priors(network, prior)
    if not killed and isinstance(encoder, TextEncoder | SentenceEncoder):
        _set_vectors(network, config, encoder)
    if not killed and isinstance(network, TextNetwork):
        _set_wide(network, dataset.tasks, splits["train"], config.training.seed)
    accelerator = make_accelerator(config.training, out)
    held_out = mitten.dependency_data == "held-out"
    fit = Fit(
        network, dataset.tasks, splits, config.training, out, reporter, accelerator, mitten.dependency_rate, held_out
    )
    selection, earlier = run_fit(fit, title(options))
    if isinstance(network, TextNetwork) and "dev" in splits:
        on_main(lambda: _stack(network, dataset.tasks, splits["dev"], config.training, selection, out))
    on_main(lambda: _place_weights(dataset, selection, out))
    return earlier


def run_fit(fit: Fit, label: str) -> tuple[Selection, float]:
    """Train, from the last checkpoint if the folder has one.

    Args:
        fit: a network in training.
        label: what the progress is called.

    Returns:
        Which epochs were chosen, and the seconds of training before the checkpoint.
    """
    on_main(lambda: _start_tracker(fit.accelerator, fit.config, fit.folder))
    try:
        if (fit.folder / CHECKPOINT).exists():
            fit.resume()
        earlier = fit.state.seconds
        fit.reporter.begin(label, fit.config.epochs, fit.state.epoch)
        return fit.run(), earlier
    finally:
        for tracker in fit.accelerator.trackers:
            attempt(fit.folder, tracker.finish)


def check_network(options: NetworkOptions, tasks: Sequence[Task], inputs: Inputs, shared_inputs: bool) -> None:
    """Build a network and ask it about one unknown word, atom or node, before anything is written.

    Raises:
        ConfigError: the model cannot learn these tasks, or not from these inputs; or a block of one's own breaks the
            contract.
    """
    if isinstance(options, OwnOptions):
        refuse_broken_block(options.path, options.options)
    receivers = tuple(range(len(tasks))) if shared_inputs else (0,)
    match inputs:
        case GraphInputs():
            inputs = replace(inputs, learned=min(inputs.learned, 1))
        case SentenceInputs():
            inputs = replace(inputs, vocabulary=FIRST_WORD)
        case TextInputs():
            inputs = replace(inputs, vocabulary=FIRST_WORD, wide_features=1)
    build_network(options, tasks, inputs)(_one_example(inputs, receivers))


def _one_example(inputs: Inputs, receivers: tuple[int, ...]) -> Batch:
    labels = torch.zeros(len(receivers), 1)
    if isinstance(inputs, GraphInputs):
        edges = adjacency(np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0, int), inputs.kinds, 1)
        rows = SparseRows(torch.zeros(0).long(), torch.zeros(1).long(), torch.zeros(0)) if inputs.summary else None
        first = torch.zeros(1).long()
        graph_of, nodes = (first, None) if inputs.examples == "molecules" else (None, first)
        return GraphBatch(receivers, torch.zeros(1, inputs.features), edges, labels, graph_of, nodes, rows)
    tokens = torch.full((1, 1, 1), UNKNOWN)
    if isinstance(inputs, SentenceInputs):
        ones = torch.ones(2, 1).long()
        spelling = Spelling(ones, ones[:, 0], torch.ones(1, 1, 1).long())
        return TextBatch(receivers, tokens, tokens != PADDING, labels, None, spelling)
    return TextBatch(receivers, tokens, tokens != PADDING, labels)


def _set_vectors(network: Network, config: Config, encoder: TextEncoder | SentenceEncoder) -> None:
    """Pretrained word vectors; a checkpoint has them already."""
    embedding = network.embedding if isinstance(network, TextNetwork | TaggingNetwork) else None
    if config.data.vectors and embedding is not None:
        vectors, found = encoder.vectors or load_vectors(config.data.vectors, encoder.vocabulary.words)
        embedding.set_vectors(_after_special(vectors), _after_special(found))


def _set_wide(network: TextNetwork, tasks: tuple[Task, ...], examples: Batchable, seed: int) -> None:
    """A fitted wide part; a checkpoint has it already."""
    if network.wide is not None and not network.wide.trainable:
        set_wide(network.wide, LinearModel.fit(sparse_features(examples), examples.labels, tasks, seed=seed))


def _stack(
    network: TextNetwork,
    tasks: Sequence[Task],
    dev: Batchable,
    config: TrainingConfig,
    selection: Selection,
    out: Path,
) -> None:
    """Weigh the network and a fitted wide part against each other, for the weights of every chosen epoch."""
    wide = network.wide
    if wide is None or wide.trainable:
        return
    predictor = NetworkPredictor(network, tasks, next(network.parameters()).device, config.evaluation_batch_size)
    for file in (snapshot(out, epoch) for epoch in selection.epochs()):
        if file.exists():  # not if the run was killed while they were put in place
            load_weights(network, file)
            stack_on_dev(predictor, wide, dev)
            save_tensors(file, network.state_dict())


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
    forget_snapshots(out)


def make_accelerator(config: TrainingConfig, out: Path) -> Accelerator:
    """Device, precision and tracker; nothing is written yet.

    Raises:
        ConfigError: a tracker that is not installed, or a precision that this machine does not have.
    """
    trackers = ["none", *map(str, get_available_trackers())]
    if config.tracker not in trackers:
        raise ConfigError(
            f"training.tracker: {config.tracker!r} does not exist or is not installed: "
            f"{nearest(config.tracker, trackers)}"
        )
    AcceleratorState._reset_state(reset_partial_state=True)  # else the settings of the process's first run stay
    try:
        with warnings.catch_warnings():
            # It gives every process its share of the cores, which is what one wants, and warns that it does.
            warnings.filterwarnings("ignore", "OMP_NUM_THREADS", UserWarning)
            accelerator = Accelerator(
                cpu=config.device == "cpu" or not (alone() or torch.cuda.is_available()),
                mixed_precision=config.precision,
                log_with=None if config.tracker == "none" else config.tracker,
                project_config=ProjectConfiguration(project_dir=str(out), logging_dir=str(out)),
            )
    except (ValueError, ImportError) as error:
        raise ConfigError(f"training.precision: {config.precision!r} cannot be used here: {error}") from error
    if config.precision == "fp16" and accelerator.device.type == "cpu":
        raise ConfigError("training.precision: 'fp16' needs a GPU, and this is a processor: choose bf16 or no")
    return accelerator


def _start_tracker(accelerator: Accelerator, config: TrainingConfig, out: Path) -> None:
    if config.tracker != "none":
        name = "tensorboard" if config.tracker == "tensorboard" else "tasktalk"
        attempt(out, lambda: accelerator.init_trackers(name))
