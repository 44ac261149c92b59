"""Leave one task out: train on the others, add it by a transfer, and train it alone to compare.

The transfer experiment of the message-passing paper (Table 1, "Transfer"), for every task that is left out and every
seed; and with few labels of the task, for a learning curve. Everything is an ordinary run folder: what is finished is
kept, and what was stopped goes on.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasktalk.benchmarks.compare import differences
from tasktalk.core.errors import ConfigError, DataError, RunFolderError, TasktalkError, TrainingError, nearest
from tasktalk.core.inputs import TextInputs
from tasktalk.data.dataset import Dataset, noun
from tasktalk.data.load import load_request
from tasktalk.data.vocabulary import FIRST_WORD, Vocabulary
from tasktalk.models.options import LSTMOptions, Options
from tasktalk.models.settings import TextOptions
from tasktalk.training.config import Config, DataConfig, make_config, read_config
from tasktalk.training.encode import is_encoded
from tasktalk.training.encoder import TextEncoder
from tasktalk.training.fit_network import check_network
from tasktalk.training.progress import Bars, Reporter, Silent
from tasktalk.training.run import Run
from tasktalk.training.run_folder import CONFIG, ENVIRONMENT, METRICS, TRANSFER, is_taken, read_json
from tasktalk.training.train import resume, train
from tasktalk.training.transfer import check_run, resume_transfer, transfer, transfer_config

TRANSFERRED, ALL = "transfer", "all tasks"
"""Methods of a table; the others are ``MODEL alone``."""


@dataclass(frozen=True)
class Experiment:
    """What is trained.

    Args:
        config: settings of the trainings on several tasks; of an own run, of a transfer to it. The seed does not count.
        epochs: of the trainings on the target, with all of its labels.
        tasks: names of the tasks that the data has.
        counts: how many training labels each target has; its keys are the targets.
        seeds: the seeds.
        labels: numbers of training labels for a learning curve, ascending, fewer than the targets have.
        alone: what is trained on the target alone, by name.
        run: the finished run that the target is added to; None where one is trained on the other tasks.
    """

    config: Config
    epochs: int
    tasks: tuple[str, ...]
    counts: Mapping[str, int]
    seeds: tuple[int, ...]
    labels: tuple[int, ...]
    alone: Mapping[str, Options]
    run: Path | None = None

    @property
    def methods(self) -> list[str]:
        """The columns of a table."""
        return [TRANSFERRED, *(alone(name) for name in self.alone), *([] if self.run else [ALL])]


@dataclass(frozen=True)
class Piece:
    """One run folder.

    Args:
        folder: below that of the experiment.
        method: a column of a table; empty for a run that is only transferred from.
        targets: the tasks whose scores count.
        seed: its seed.
        labels: training labels of the target; None for all.
        config: settings; of a transfer those that it does not take from its source.
        source: of a transfer: the run that it begins with, below that of the experiment or anywhere.
    """

    folder: Path
    method: str
    targets: tuple[str, ...]
    seed: int
    labels: int | None
    config: Config
    source: Path | None = None


def alone(model: str) -> str:
    """The method that trains a model on the target alone."""
    return f"{model} alone"


def choose_targets(dataset: Dataset, targets: Sequence[str], labels: Sequence[int]) -> dict[str, int]:
    """How many training labels each target has.

    Args:
        dataset: the data.
        targets: names of tasks; empty for all.
        labels: numbers of labels that are wanted of each.

    Raises:
        ConfigError: data of another kind, an unknown task, or more labels than there are.
        DataError: a target without texts to test on.
    """
    train, test = dataset.splits["train"], dataset.splits.get("test")
    if not isinstance(train.content, list) or train.owner is None:
        what = noun(train.content) if not isinstance(train.content, list) else "texts that all tasks read"
        raise ConfigError(f"expected tasks with texts of their own, and {dataset.name!r} has {what}")
    names = [task.name for task in dataset.tasks]
    for name in targets:
        if name not in names:
            raise ConfigError(f"--target: no task {name!r}: {nearest(name, names)}")
    counts = {}
    for column, name in enumerate(names):
        if targets and name not in targets:
            continue
        counts[name] = int((~np.isnan(train.labels[:, column])).sum())
        if labels and max(labels) > counts[name]:
            raise ConfigError(f"--labels {max(labels)}: {name} has {counts[name]} training labels; choose fewer")
        if test is None or not (~np.isnan(test.labels[:, column])).any():
            raise DataError(f"task {name!r}: expected texts to test on, found none")
    return counts


def alone_models(model: Options, dataset: Dataset) -> tuple[dict[str, Options], list[str]]:
    """What is trained on a target alone: the same network, and an LSTM with the same settings where it has them.

    Returns:
        Options by name, and remarks for the user.
    """
    if not isinstance(model, TextOptions):
        return {"lstm": LSTMOptions()}, []
    usual = type(model)()
    keys = TextOptions.model_fields.keys() & LSTMOptions.model_fields.keys() - {"wide"}
    given = {key: value for key in sorted(keys) if (value := getattr(model, key)) != getattr(usual, key)}
    lstm = LSTMOptions(**given)
    try:
        check_network(model, dataset.tasks[:1], TextInputs(FIRST_WORD, 0), shared_inputs=False)
    except (ConfigError, ValueError) as error:
        return {lstm.name: lstm}, [f"{model.name} cannot be trained on one task alone ({error}); {lstm.name} is"]
    return {model.name: model, lstm.name: lstm}, []


def refuse_unshared(config: Config, dataset: Dataset) -> None:
    """Refuse, before hours of training, a run that nothing could be transferred from, as ``check_run`` would then.

    Raises:
        ConfigError: one task only, or a model without a shared layer.
    """
    if len(dataset.tasks) < 2:
        raise ConfigError(f"to leave one task out takes two or more, and {dataset.name!r} has one")
    encoder = TextEncoder(Vocabulary(()), config.data.max_words)
    check_run(Run(Path(dataset.name), config, (), dataset.tokenizer, encoder, {}), dataset.tasks[0].name)


def pieces(experiment: Experiment) -> list[Piece]:
    """Every run folder, in the order in which they are trained; what takes longest and is needed least comes last."""
    found = []
    for seed in experiment.seeds:
        for target in experiment.counts:
            if experiment.run is None:
                others = [name for name in experiment.tasks if name != target]
                config = _with(experiment.config, sorted(others, key=str.casefold), seed)
                found.append(Piece(_source(seed, target), "", (), seed, None, config))
            found += _of_target(experiment, target, seed, None)
    for seed in experiment.seeds:
        for target, count in experiment.counts.items():
            for labels in experiment.labels:
                if labels < count:
                    found += _of_target(experiment, target, seed, labels)
    for seed in experiment.seeds if experiment.run is None else ():
        config = _with(experiment.config, [], seed)
        found.append(Piece(Path(f"seed-{seed}") / "all", ALL, tuple(experiment.counts), seed, None, config))
    return found


def _source(seed: int, target: str) -> Path:
    return Path(f"seed-{seed}") / f"without-{target}"


def _of_target(experiment: Experiment, target: str, seed: int, labels: int | None) -> list[Piece]:
    """The transfer to a target, and the trainings on it alone."""
    folder = Path(f"seed-{seed}") / ("" if labels is None else f"labels-{labels}")
    config = experiment.config
    tasks = config.data.tasks if experiment.run else [target]
    # Between as many epochs and as many steps as with all labels: ten labels for twenty epochs would be twenty steps.
    factor = 1.0 if labels is None else math.sqrt(experiment.counts[target] / labels)
    training = {"epochs": round(experiment.epochs * factor), "patience": round(config.training.patience * factor)}
    config = _with(config, tasks, seed, target, training, "" if labels is None else f"few:{labels}")
    source = experiment.run or _source(seed, target)
    found = [Piece(folder / target, TRANSFERRED, (target,), seed, labels, config, source)]
    for name, model in experiment.alone.items():
        its = config.model_copy(update={"model": model})
        found.append(Piece(folder / f"alone-{target}-{name}", alone(name), (target,), seed, labels, its))
    return found


def _with(
    config: Config,
    tasks: list[str],
    seed: int,
    target: str = "",
    training: Mapping[str, int] | None = None,
    mask: str = "",
) -> Config:
    names = [target] if target else tasks
    kinds = {task: kind for task, kind in config.data.kinds.items() if not names or task in names}
    data = config.data.model_copy(update={"tasks": tasks, "kinds": kinds} | ({"mask": mask} if mask else {}))
    trained = config.training.model_copy(update={"seed": seed, "beside": []} | dict(training or {}))
    return config.model_copy(update={"data": data, "training": trained})


def check_pieces(found: Sequence[Piece], out: Path, sources: Mapping[str, str]) -> None:
    """Refuse, before anything is trained, what stands in the place of a piece and is something else.

    Args:
        found: the pieces.
        out: the folder of the experiment.
        sources: checksums of all files of the data.

    Raises:
        RunFolderError: something that is no run folder, has other settings or read other data; or a transfer whose
            source is not there.
    """
    for piece in found:
        folder = out / piece.folder
        if not is_taken(folder) or _has_just_begun(folder):
            continue
        wanted = piece.config
        if piece.source is not None:
            if not (out / piece.source / METRICS).is_file():
                raise RunFolderError(
                    f"{folder}: the run that it was transferred from, {out / piece.source}, is not there; remove it too"
                )
            wanted = _config(piece, Run.load(out / piece.source))
        _check_folder(folder, wanted, piece, sources)


def _has_just_begun(folder: Path) -> bool:
    """Whether a transfer was stopped before its training began: nothing is lost if it begins again."""
    return (folder / TRANSFER).is_file() and not (folder / METRICS).is_file() and not is_encoded(folder)


def _check_folder(folder: Path, wanted: Config, piece: Piece, sources: Mapping[str, str]) -> None:
    if not (folder / CONFIG).is_file():
        raise RunFolderError(f"{folder}: is not a run folder ({CONFIG} is missing); remove it or choose another --out")
    try:
        found = make_config(read_config(folder / CONFIG))
    except TasktalkError as error:
        raise RunFolderError(f"{folder}: its settings cannot be read ({error})") from error
    other = differences(wanted, found)
    facts = read_json(folder / TRANSFER) if (folder / TRANSFER).is_file() else None
    if (facts is None) != (piece.source is None):
        other.append("a transfer" if facts else "not a transfer")
    elif facts and facts["unfreeze_after"] is not None:
        other.append(f"--unfreeze-after {facts['unfreeze_after']}")
    if other:
        told = f"{'; '.join(other[:3])}{'; ...' if len(other) > 3 else ''}"
        raise RunFolderError(f"{folder}: this run has other settings ({told}); remove it or choose another --out")
    read = read_json(folder / ENVIRONMENT)["data"] if (folder / METRICS).is_file() else {}
    if not read.items() <= dict(sources).items():
        raise RunFolderError(f"{folder}: this run read other data; remove it or choose another --out")


def _config(piece: Piece, run: Run) -> Config:
    """The settings of a transfer."""
    data, training = piece.config.data.model_dump(), piece.config.training.model_dump()
    for key in ("vectors", "tokenizer"):  # are the run's
        data.pop(key)
    return transfer_config(run, data["source"][0], piece.targets[0], {"data": data, "training": training}, [])


def work(
    found: Sequence[Piece], out: Path, progress: bool = True, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Piece]:
    """Train what is not trained yet; ``check_pieces`` has passed it.

    Args:
        found: the pieces, a source before what is transferred from it.
        out: the folder of the experiment.
        progress: show progress bars on standard error.
        tell: is given a line for each run.

    Yields:
        Each piece that has been trained now.

    Raises:
        TasktalkError: a run that could not be trained.
    """
    for number, piece in enumerate(found, start=1):
        folder = out / piece.folder
        if (folder / METRICS).is_file():
            continue
        what = f"{piece.folder.as_posix()} ({number} of {len(found)})"
        tell(f"{what} ...")
        try:
            with Bars(lines=False) if progress else nullcontext(Silent()) as reporter:
                run = _train(piece, out, reporter) if piece.source is None else _transfer(piece, out, reporter)
        except TrainingError as error:
            raise TrainingError(f"{folder}: {error}") from error
        tell(f"{what} trained in {run.metrics['seconds']:.0f} s")
        yield piece


def _load(config: DataConfig) -> Dataset:
    return load_request(config.source, config.request(), progress=False)


def _train(piece: Piece, out: Path, reporter: Reporter) -> Run:
    folder, dataset = out / piece.folder, _load(piece.config.data)
    if (folder / CONFIG).is_file():
        return resume(dataset, folder, reporter)
    return train(dataset, piece.config, folder, reporter=reporter)


def _transfer(piece: Piece, out: Path, reporter: Reporter) -> Run:
    folder, run = out / piece.folder, Run.load(out / str(piece.source))
    config = _config(piece, run)
    dataset = _load(config.data)
    again = _has_just_begun(folder)
    if (folder / CONFIG).is_file() and not again:
        return resume_transfer(dataset, folder, reporter)
    return transfer(run, dataset, config, folder, overwrite=again, reporter=reporter)
