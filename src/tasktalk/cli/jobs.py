"""The runs of one ``tasktalk train``: the model that was asked for, and those beside it."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from tasktalk.cli.show import warn
from tasktalk.core.errors import ConfigError, DataError, TrainingError
from tasktalk.data.catalogue import CATALOGUE
from tasktalk.data.corpora import is_corpus, parse_corpus
from tasktalk.data.dataset import Dataset, Examples, Molecules, Nodes, Sentences
from tasktalk.models.options import LinearOptions, OwnOptions, title
from tasktalk.models.own_block import refuse_options
from tasktalk.models.settings import TextOptions
from tasktalk.models.transfer_options import TransferOptions
from tasktalk.training.config import Config, is_import_path, make_config, model_names
from tasktalk.training.processes import on_main
from tasktalk.training.progress import Bars, Silent
from tasktalk.training.run import Run
from tasktalk.training.run_folder import CONFIG, METRICS
from tasktalk.training.train import resume, train

_LINEAR_MODES = ("per-task", "easy-adapt")
_READINGS = 10
"""A graph is read at most so often in an epoch, unless the size of the batches is given."""
_Values = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Job:
    """One run: what it is called in the table, its settings, its folder."""

    label: str
    config: Config
    folder: Path


def outline(values: _Values, settings: Sequence[str]) -> Config:
    """The settings before the data is there, so that what is wrong in them is told at once.

    Args:
        values: settings by section and key.
        settings: ``section.key=value``, stronger than ``values``.

    Returns:
        All settings if they name a model, else those of data and training.

    Raises:
        ConfigError: a setting that is not allowed, or a block that cannot be imported or has no such setting.
    """
    if "name" in values.get("model", {}) or any(setting.partition("=")[0] == "model.name" for setting in settings):
        config = make_config(values, settings)
        if isinstance(config.model, OwnOptions):
            refuse_options(config.model.path, config.model.options)
        return config
    others = {section: part for section, part in values.items() if section != "model"}
    return make_config(others, [setting for setting in settings if not setting.startswith("model.")])


def complete(values: _Values, settings: Sequence[str], dataset: Dataset) -> Config:
    """All settings; where no model, none beside it or no size of batches is given, those that suit the data.

    Args:
        values: as for ``outline``.
        settings: as for ``outline``.
        dataset: the data.

    Raises:
        ConfigError: a setting that is not allowed.
    """
    content = _examples(dataset).content
    usual = "ic" if isinstance(content, list | Sentences) else "mitten"
    config = make_config({**values, "model": {"name": usual, **values.get("model", {})}}, settings)
    suited: dict[str, object] = {"beside": [{Molecules: "forest", Sentences: "lstm"}.get(type(content), "linear")]}
    if isinstance(content, Nodes):  # every batch reads the whole graph
        suited["batch_size"] = max(config.training.batch_size, len(_examples(dataset)) // _READINGS)
    update = {key: value for key, value in suited.items() if key not in config.training.model_fields_set}
    return config.model_copy(update={"training": config.training.model_copy(update=update)})


def default_folder(config: Config) -> Path:
    """``runs/<data>-<model>``; corpora of tagged sentences are named one by one."""
    sources = config.data.source
    if sources and all(map(is_corpus, sources)):
        specs = map(parse_corpus, sources)
        return Path("runs") / f"{'+'.join(spec.name or Path(spec.source).stem for spec in specs)}-{title(config.model)}"
    first = Path(sources[0].rpartition("=")[2]) if sources else Path("data")
    one = len(sources) == 1
    name = (
        first.name if one and first.name in CATALOGUE else first.resolve().name if one else first.resolve().parent.name
    )
    return Path("runs") / f"{name.split('.')[0]}-{title(config.model)}"


def plan(config: Config, folder: Path, dataset: Dataset) -> list[Job]:
    """The run itself, and one in ``beside/`` for each model that is to stand beside it.

    A model beside it has the same data and training, and where it has the same options also their values: equal terms.
    ``linear`` is two models where tasks have inputs of their own: per task and easy adapt.

    Args:
        config: settings of the run itself.
        folder: its folder.
        dataset: the data.

    Raises:
        ConfigError: a model that does not exist, or that cannot have the options of the first.
    """
    separate = _examples(dataset).owner is not None
    jobs = {_label(config, separate): Job(_label(config, separate), config, folder)}
    for name in config.training.beside:
        for other in _others(config, name, separate):
            label = _label(other, separate)
            jobs.setdefault(label, Job(label, other, folder / "beside" / label))
    return list(jobs.values())


def is_finished(job: Job) -> bool:
    """Whether the run has its scores."""
    return (job.folder / METRICS).is_file()


def run_all(jobs: Sequence[Job], dataset: Dataset, overwrite: bool, quiet: bool) -> dict[str, Run]:
    """Train what is not trained yet.

    Args:
        jobs: the runs, the main one first.
        dataset: the data.
        overwrite: replace the folder of the main run.
        quiet: show no progress.

    Returns:
        The finished runs by label. One beside the main run that cannot be trained is a warning, not an error.

    Raises:
        TasktalkError: whatever is wrong with the data or the main run, or a folder that cannot be written.
    """
    runs = {jobs[0].label: _run(jobs[0], dataset, overwrite, quiet)}
    for job in jobs[1:]:
        try:
            runs[job.label] = _run(job, dataset, False, quiet)
        except (ConfigError, DataError, TrainingError) as error:
            warn(f"{job.label} was not trained: {error}")
    return runs


def _run(job: Job, dataset: Dataset, overwrite: bool, quiet: bool) -> Run:
    finished, begun = on_main(lambda: [is_finished(job), (job.folder / CONFIG).is_file()])  # before anybody writes
    if finished and not overwrite:
        return Run.load(job.folder)
    begun = begun and not overwrite
    with nullcontext(Silent()) if quiet else Bars() as reporter:
        if begun:
            run = resume(dataset, job.folder, reporter)
        else:
            run = train(dataset, job.config, job.folder, overwrite, reporter)
    if not quiet:
        typer.echo(f"{job.label} {'resumed and ' if begun else ''}trained in {run.metrics['seconds']:.0f} s", err=True)
    return run


def _examples(dataset: Dataset) -> Examples:
    return next(iter(dataset.splits.values()))


def _label(config: Config, separate: bool) -> str:
    model = config.model
    if isinstance(model, LinearOptions):
        usual = "easy-adapt" if separate else "per-task"
        return f"{model.name}-{usual if model.mode == 'auto' else model.mode}"
    return f"{title(model)}-wide" if isinstance(model, TextOptions) and model.wide != "off" else title(model)


def _others(config: Config, name: str, separate: bool) -> list[Config]:
    values = config.model_dump()
    values["training"]["beside"] = []
    if name in ("linear", "forest"):
        values["data"]["vectors"] = []  # they have no use for them
    if name == "linear":
        modes = _LINEAR_MODES if separate else _LINEAR_MODES[:1]
        return [make_config(values | {"model": {"name": name, "mode": mode}}) for mode in modes]
    try:
        return [make_config(values | {"model": {"name": name, **_common_options(config, name)}})]
    except ConfigError as error:
        raise ConfigError(f"beside {name!r}: {error}") from error


def _common_options(config: Config, name: str) -> dict[str, object]:
    """The options that both networks have, where they are not the default; ``wide`` is a model of its own."""
    model, other = config.model, OwnOptions if is_import_path(name) else model_names().get(name)
    base = next((base for base in (TransferOptions, TextOptions) if _have(base, model, other)), None)
    if base is None:
        return {}
    defaults = model_names()[model.name]()
    keys = base.model_fields.keys() - {"wide"}
    return {key: value for key in keys if (value := getattr(model, key)) != getattr(defaults, key)}


def _have(base: type[TextOptions], model: object, other: object) -> bool:
    return isinstance(model, base) and isinstance(other, type) and issubclass(other, base)
