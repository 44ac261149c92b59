"""A task that comes later: it reads from what a finished run shares, and the run's own tasks stay as they are."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from tasktalk.core.errors import ConfigError, RunFolderError
from tasktalk.core.files import write_text
from tasktalk.core.seeding import seed_everything
from tasktalk.core.task import Task
from tasktalk.data.dataset import Dataset
from tasktalk.data.masks import MaskRecord
from tasktalk.data.records import SUFFIXES
from tasktalk.models.build import build_network
from tasktalk.models.newcomers import (
    OPEN,
    Open,
    corner,
    for_one_task,
    graft,
    is_open,
    with_newcomer,
    without_newcomer,
)
from tasktalk.models.transfer_options import MittenOptions
from tasktalk.training.checkpoint import load_tensors, load_weights, save_tensors
from tasktalk.training.config import Config, make_config, read_config
from tasktalk.training.encode import Encoder, is_encoded, load_encoder
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.fit_network import make_accelerator, run_fit
from tasktalk.training.frozen import Frozen
from tasktalk.training.graph_encoders import MoleculeEncoder, NodeEncoder
from tasktalk.training.lock import held, refuse_trained
from tasktalk.training.loop import Fit, forget_snapshots, snapshot
from tasktalk.training.newcomer import beside, refuse_one_class, refuse_unreadable, share_of_unknown
from tasktalk.training.optimizers import takes_sparse_gradients
from tasktalk.training.progress import Reporter, Silent
from tasktalk.training.run import Run
from tasktalk.training.run_folder import (
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
from tasktalk.training.selection import MEAN, Selection, choose_criterion
from tasktalk.training.sentence_encoder import SentenceEncoder
from tasktalk.training.train import finish, prepare

_OF_DATA = ("data.dev", "data.kinds", "data.mask", "data.test")
"""What can be set of the data: all else decides how the run reads, for its own tasks too."""


def check_run(run: Run, name: str) -> None:
    """Refuse a run that has nothing for a new task to read, and a name that cannot be that of a new task.

    Raises:
        ConfigError: a run of anything but texts or molecules, of a model without a shared layer or with words of each
            task's own, or a name that is taken or cannot be written in ``data.source``.
    """
    model = run.config.model
    if not is_open(model):
        raise ConfigError(
            f"{run.folder}: model {model.name!r} has no shared layer that a new task could read from as it is: "
            f"take a run of {OPEN}"
        )
    if isinstance(run.encoder, SentenceEncoder):
        raise ConfigError(f"{run.folder}: is a tagger, and a task is added to runs that classify texts")
    if isinstance(run.encoder, NodeEncoder):
        raise ConfigError(f"{run.folder}: reads nodes of a graph, and a task is added to runs of texts or molecules")
    if model.wide != "off" or model.embeddings == "private":
        found = f"model.wide={model.wide}" if model.wide != "off" else "model.embeddings=private"
        raise ConfigError(f"{run.folder}: a task is added to runs that share all their words, and this has {found}")
    if name in [task.name for task in run.tasks]:
        raise ConfigError(f"{run.folder}: has a task {name!r} already: choose another name for the new one")
    if not name.strip() or set(name) & set("=/\\:"):
        raise ConfigError(f"expected a name for the new task, without any of = / \\ :, found {name!r}")


def refuse_fixed(key: str, prefix: str = "") -> None:
    """Refuse a setting that is the run's.

    Args:
        key: ``section.key``.
        prefix: of the message.

    Raises:
        ConfigError: it decides how the run reads or answers, for its own tasks too.
    """
    if key == "training.evaluation_batch_size" or not key.startswith(("training.", *_OF_DATA)):
        raise ConfigError(
            f"{prefix}{key}: a task is added to the run as it is; what can be set is training.* "
            f"(but evaluation_batch_size), {', '.join(_OF_DATA)}"
        )


def transfer_config(
    run: Run, data: str, name: str, given: Mapping[str, Mapping[str, Any]], settings: Sequence[str]
) -> Config:
    """The settings of a run for the training of a new task.

    Args:
        run: the finished run.
        data: a table; or any other source, that has a task of this name.
        name: name of the new task.
        given: values by section and key, over those of the run.
        settings: ``section.key=value``, stronger than these.

    Raises:
        ConfigError: a setting that is not allowed, or that would change what the run's own tasks answer.
    """
    for setting in settings:
        refuse_fixed(setting.partition("=")[0], "--set ")
    table = Path(data).suffix.lower() in SUFFIXES
    values = run.config.model_dump()
    if is_open(run.config.model):
        values["model"] = with_newcomer(run.config.model).model_dump()
    values["data"] |= {
        "source": [f"{name}={data}" if table else data],
        "tasks": [] if table else [name],
        "label": "label" if table else "",  # named, so that the table is one of one task
        "labels": [],
        "kinds": {},
        "mask": "sufficient",
        "vectors": [],  # the run has taken what it wants of them
        "tokenizer": run.tokenizer,
    }
    values["training"]["beside"] = []
    for section, part in given.items():
        values[section] |= {key: value for key, value in part.items() if value is not None}
    if table and isinstance(run.encoder, MoleculeEncoder):  # there the column that is read is that of the SMILES
        column = given.get("data", {}).get("text") or run.config.data.smiles or "smiles"
        values["data"] |= {"smiles": column, "text": run.config.data.text}
    return make_config(values, settings)


def transfer(
    run: Run,
    dataset: Dataset,
    config: Config,
    out: Path,
    unfreeze_after: int | None = None,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> Run:
    """Add a task to a run, in a run folder of its own.

    The parameters of the new task are drawn as those of the run's tasks were before their training (with another
    ``training.seed``: drawn anew), and all else is frozen: what it gets from the others comes through the shared layer.
    The run's tasks keep their weights, in files that the new one does not use: their answers stay, to the last bit.

    Args:
        run: a finished run of ``ic``, ``sp``, ``fs`` or ``mitten`` on texts, or of ``mitten`` on molecules.
        dataset: texts or molecules with the new task and nothing else.
        config: what ``transfer_config`` gives.
        out: the run folder to make.
        unfreeze_after: train what the tasks share as well, for the new task, after so many epochs; None for never.
        overwrite: replace a run folder of that name.
        reporter: shows progress; None shows nothing.

    Raises:
        RunFolderError: ``out`` exists, holds the run, cannot be written, or another process trains in it.
        ConfigError: a run without a shared layer, a name that is taken, or settings that do not fit.
        DataError: no training examples, or none with a word that the run knows, or labels that are all the same.
        TrainingError: a loss is not a number.
    """
    started = time.monotonic()
    if overwrite and run.folder.resolve().is_relative_to(out.resolve()):
        raise RunFolderError(f"{out}: holds the run that the task is added to, so it is not overwritten")
    refuse_existing(out, overwrite)
    refuse_trained(out)
    _check(run, dataset, config, unfreeze_after)
    single, mask = prepare(dataset, config)
    refuse_one_class(single)
    unknown = share_of_unknown(single, run.encoder)
    joined = beside(single, run.tasks)
    config = _with_criterion(config, joined.tasks, run.encoder)
    make_accelerator(config.training, out)
    task = joined.tasks[-1].name
    facts = {"from": str(run.folder), "task": task, "unfreeze_after": unfreeze_after, "unknown_words": unknown}
    with held(out):
        open_folder(out, overwrite)
        _begin(out, config, facts, joined, mask)
        _extend(run, joined, config, out)
        run.encoder.save(out)
        return _train(joined, config, run.encoder, out, reporter or Silent(), lambda: time.monotonic() - started)


def resume_transfer(dataset: Dataset, out: Path, reporter: Reporter | None = None) -> Run:
    """Go on with a killed transfer, to the weights that it would have had; the settings are those of the run folder.

    Raises:
        RunFolderError: nothing to resume, the run is finished, it read other data, or another process trains in it.
    """
    refuse_resume(out)
    with held(out):
        refuse_resume(out)  # it may have been finished before this process had the folder
        return _go_on(dataset, out, reporter or Silent())


def _go_on(dataset: Dataset, out: Path, reporter: Reporter) -> Run:
    started = time.monotonic()
    config = make_config(read_config(out / CONFIG))
    tasks, _, _ = read_tasks(out)
    joined = beside(prepare(dataset, config)[0], tasks[:-1])
    if read_json(out / ENVIRONMENT)["data"] != dict(dataset.sources) or joined.tasks != tasks:
        raise RunFolderError(f"{out}: cannot be resumed, the data is not what the run began with")
    encoder = load_encoder(out, config)
    return _train(joined, config, encoder, out, reporter, lambda: time.monotonic() - started)


def refuse_resume(out: Path) -> None:
    """Refuse a folder in which no transfer was stopped.

    Raises:
        RunFolderError: it holds none, a finished one, or one that was stopped before its training began.
    """
    if not (out / TRANSFER).is_file():
        raise RunFolderError(f"{out}: nothing to resume, {TRANSFER} is missing")
    if (out / METRICS).exists():
        raise RunFolderError(f"{out}: this run is finished, there is nothing to resume")
    if not is_encoded(out):
        raise RunFolderError(f"{out}: was stopped before the training began; remove the folder and start again")


def _check(run: Run, dataset: Dataset, config: Config, unfreeze_after: int | None) -> None:
    if len(dataset.tasks) != 1:
        raise ConfigError(f"expected data with one task, found {', '.join(task.name for task in dataset.tasks)}")
    check_run(run, dataset.tasks[0].name)
    refuse_unreadable(dataset, run.encoder, run.folder)
    if unfreeze_after is not None and unfreeze_after >= config.training.epochs:
        raise ConfigError(
            f"--unfreeze-after {unfreeze_after}: nothing would be unfrozen in {config.training.epochs} epochs; "
            "choose fewer, or more --epochs"
        )


def _with_criterion(config: Config, tasks: Sequence[Task], encoder: Encoder) -> Config:
    """Molecules are read by every task: for them ``auto`` means what it meant for the run, though only one learns."""
    separate = isinstance(encoder, TextEncoder)
    criterion = choose_criterion(config.training.criterion, tasks, separate)
    if separate:
        return config
    return config.model_copy(update={"training": config.training.model_copy(update={"criterion": criterion})})


def _begin(out: Path, config: Config, facts: Mapping[str, object], dataset: Dataset, mask: MaskRecord) -> None:
    """Write what is known before the training; first that this is a transfer, so that nothing takes it for another."""
    write_json(out / TRANSFER, facts)
    write_text(out / CONFIG, config.to_yaml())
    write_json(out / ENVIRONMENT, environment(config.training.seed, dataset.sources, ()))
    write_json(out / MASK, mask)
    if dataset.skipped:
        write_text(out / SKIPPED, "\n".join(dataset.skipped) + "\n")


def _extend(run: Run, dataset: Dataset, config: Config, out: Path) -> None:
    """Write every weight file of the run again, with the parameters that the new task begins with."""
    options = _open(config)
    seed_everything(config.training.seed)
    network = build_network(options, dataset.tasks, run.encoder.inputs)
    for file in sorted({MODEL, *run.weights.values()}):
        before = build_network(without_newcomer(options), run.tasks, run.encoder.inputs)
        load_weights(before, run.folder / file)
        graft(network, before)
        save_tensors(out / file, network.state_dict())
    weights = {**run.weights, dataset.tasks[-1].name: _file(dataset.tasks)}
    write_tasks(out, dataset.tasks, run.tokenizer, weights)


def _train(
    dataset: Dataset, config: Config, encoder: Encoder, out: Path, reporter: Reporter, clock: Callable[[], float]
) -> Run:
    """Train the last task, from the last checkpoint if the folder has one."""
    options = for_one_task(_open(config))
    mitten = options if isinstance(options, MittenOptions) else MittenOptions()
    network = build_network(options, dataset.tasks, encoder.inputs, takes_sparse_gradients(config.training))
    before = build_network(without_newcomer(options), dataset.tasks[:-1], encoder.inputs).state_dict()
    load_weights(network, out / MODEL)
    splits = {name: encoder(dataset.splits[name]) for name in ("train", "dev") if name in dataset.splits}
    seed_everything(config.training.seed)
    fit = Fit(
        network,
        dataset.tasks,
        splits,
        config.training,
        out,
        reporter,
        make_accelerator(config.training, out),
        mitten.dependency_rate,
        mitten.dependency_data == "held-out",
        Frozen(network, before, read_json(out / TRANSFER)["unfreeze_after"]),
    )
    selection, earlier = run_fit(fit, f"{options.name} {dataset.tasks[-1].name}")
    _place_weights(selection, before, dataset.tasks, out)
    return finish(dataset, config, encoder, out, lambda: earlier + clock())


def _open(config: Config) -> Open:
    if not is_open(config.model):
        raise TypeError("check_run has let pass a model without a shared layer")
    return config.model


def _place_weights(selection: Selection, before: Mapping[str, Tensor], tasks: Sequence[Task], out: Path) -> None:
    """The chosen weights go into the new task's file, and what is its own also beside the others'."""
    chosen = snapshot(out, selection.epoch_of(MEAN))
    if chosen.exists():  # not if the run was killed after it was renamed
        weights, _ = load_tensors(chosen)
        others, _ = load_tensors(out / MODEL)
        for name, old in before.items():
            weights[name][corner(old)] = others[name][corner(old)]
        save_tensors(out / MODEL, weights)
        chosen.replace(out / _file(tasks))
    forget_snapshots(out)


def _file(tasks: Sequence[Task]) -> str:
    return f"model-task-{len(tasks)}.safetensors"
