"""The runs of one ``tasktalk train``: the model that was asked for, and those beside it."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import typer

from tasktalk.cli.options import load_data
from tasktalk.cli.show import warn
from tasktalk.core.errors import ConfigError, DataError, TrainingError
from tasktalk.data.catalogue import CATALOGUE
from tasktalk.data.dataset import Dataset
from tasktalk.models.options import LinearOptions
from tasktalk.models.settings import TextOptions
from tasktalk.training.config import Config, make_config, model_names
from tasktalk.training.progress import Bars, Silent
from tasktalk.training.run import Run
from tasktalk.training.run_folder import CONFIG, METRICS
from tasktalk.training.train import resume, train

_LINEAR_MODES = ("per-task", "easy-adapt")


@dataclass(frozen=True)
class Job:
    """One run: what it is called in the table, its settings, its folder."""

    label: str
    config: Config
    folder: Path


def default_folder(config: Config) -> Path:
    """``runs/<data>-<model>``."""
    sources = config.data.source
    first = Path(sources[0].rpartition("=")[2]) if sources else Path("data")
    one = len(sources) == 1
    name = (
        first.name if one and first.name in CATALOGUE else first.resolve().name if one else first.resolve().parent.name
    )
    return Path("runs") / f"{name.split('.')[0]}-{config.model.name}"


def plan(config: Config, folder: Path) -> list[Job]:
    """The run itself, and one in ``beside/`` for each model that is to stand beside it.

    A model beside it has the same data and training, and where it has the same options also their values: equal terms.
    ``linear`` is two models, per task and easy adapt.

    Raises:
        ConfigError: a model that does not exist, or that cannot have the options of the first.
    """
    jobs = {_label(config): Job(_label(config), config, folder)}
    for name in config.training.beside:
        for other in _others(config, name):
            label = _label(other)
            jobs.setdefault(label, Job(label, other, folder / "beside" / label))
    return list(jobs.values())


def is_finished(job: Job) -> bool:
    """Whether the run has its scores."""
    return (job.folder / METRICS).is_file()


def run_all(jobs: Sequence[Job], overwrite: bool, quiet: bool) -> dict[str, Run]:
    """Train what is not trained yet.

    Args:
        jobs: the runs, the main one first.
        overwrite: replace the folder of the main run.
        quiet: show no progress.

    Returns:
        The finished runs by label. One beside the main run that cannot be trained is a warning, not an error.

    Raises:
        TasktalkError: whatever is wrong with the data or the main run, or a folder that cannot be written.
    """
    dataset = load_data(jobs[0].config.data, progress=not quiet)
    runs = {jobs[0].label: _run(jobs[0], dataset, overwrite, quiet)}
    for job in jobs[1:]:
        try:
            runs[job.label] = _run(job, dataset, False, quiet)
        except (ConfigError, DataError, TrainingError) as error:
            warn(f"{job.label} was not trained: {error}")
    return runs


def _run(job: Job, dataset: Dataset, overwrite: bool, quiet: bool) -> Run:
    if not overwrite and is_finished(job):
        return Run.load(job.folder)
    begun = not overwrite and (job.folder / CONFIG).is_file()
    with nullcontext(Silent()) if quiet else Bars() as reporter:
        if begun:
            run = resume(dataset, job.folder, reporter)
        else:
            run = train(dataset, job.config, job.folder, overwrite, reporter)
    if not quiet:
        typer.echo(f"{job.label} {'resumed and ' if begun else ''}trained in {run.metrics['seconds']:.0f} s", err=True)
    return run


def _label(config: Config) -> str:
    model = config.model
    if isinstance(model, LinearOptions):
        return f"{model.name}-{model.mode}"
    return model.name if model.wide == "off" else f"{model.name}-wide"


def _others(config: Config, name: str) -> list[Config]:
    values = config.model_dump()
    values["training"]["beside"] = []
    if name == "linear":
        values["data"]["vectors"] = []  # it has no use for them
        return [make_config(values | {"model": {"name": name, "mode": mode}}) for mode in _LINEAR_MODES]
    try:
        return [make_config(values | {"model": {"name": name, **_common_options(config)}})]
    except ConfigError as error:
        raise ConfigError(f"beside {name!r}: {error}") from error


def _common_options(config: Config) -> dict[str, object]:
    """The options that every network has, where they are not the default; ``wide`` is a model of its own."""
    model = config.model
    if isinstance(model, LinearOptions):
        return {}
    defaults = model_names()[model.name]()
    keys = TextOptions.model_fields.keys() - {"wide"}
    return {key: value for key in keys if (value := getattr(model, key)) != getattr(defaults, key)}
