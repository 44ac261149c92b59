"""Several models on equal terms: the same data and settings, the same seeds, a run folder for each.

Runs that are finished are kept, and those that were killed go on, so a comparison can be stopped, continued, and
extended by models or seeds.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasktalk.core.errors import ConfigError, DataError, RunFolderError, TasktalkError, TrainingError, nearest
from tasktalk.data.dataset import Dataset
from tasktalk.models.options import ForestOptions, LinearOptions
from tasktalk.models.settings import TextOptions
from tasktalk.training.config import Config, make_config, model_names, read_config
from tasktalk.training.encode import fit_encoder
from tasktalk.training.fit_network import check_network
from tasktalk.training.progress import Bars, Silent
from tasktalk.training.run_folder import CONFIG, ENVIRONMENT, METRICS, is_taken, read_json
from tasktalk.training.selection import choose_criterion
from tasktalk.training.train import prepare, resume, train

BEST = "best"
"""In place of a title: the best of the other rows."""

_TITLE = re.compile(r"\w[\w.+-]*")
_BETWEEN_SETTINGS = re.compile(r",(?=\w+\.\w+=)")
_FIXED = {
    "model.name": "models are named by --models and --variant",
    "training.seed": "the seeds are those of --seeds and --first-seed",
    "training.beside": "models are named by --models and --variant",
}
_Values = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Args:
        title: what it is called, in the table and as a folder: a model's name, or a variant's.
        config: its settings; the seed in them does not count.
    """

    title: str
    config: Config

    def with_seed(self, seed: int) -> Config:
        """Its settings with a seed."""
        training = self.config.training.model_copy(update={"seed": seed})
        return self.config.model_copy(update={"training": training})


@dataclass(frozen=True)
class Failure:
    """A run that could not be trained, and why."""

    title: str
    seed: int
    reason: str


Results = dict[str, dict[int, dict[str, Any]]]
"""By title and seed: a run's ``folder`` (in that of the comparison), ``commit``, ``threads``, ``seconds``, ``splits``.

Its peak memory is left out: that is the peak of the process, which trains one model after the other.
"""


def plan_rows(
    models: Sequence[str], variants: Sequence[str] = (), values: _Values | None = None, settings: Sequence[str] = ()
) -> tuple[list[Row], list[str]]:
    """The rows of a comparison.

    Args:
        models: names of models, each a row with this title.
        variants: further rows, each ``TITLE=MODEL:section.key=value``, more settings after commas or with the same
            title again.
        values: settings of all rows by section and key.
        settings: ``section.key=value`` for all rows, ``TITLE:section.key=value`` for one of them. Settings of networks
            do not hold for ``linear`` and ``forest``.

    Returns:
        The rows, and remarks for the user.

    Raises:
        ConfigError: a model, title, key or value that is not allowed, or nothing to compare.
    """
    chosen: dict[str, str] = {}
    own: list[tuple[str, str]] = []
    for name in models:
        _add_row(chosen, name, name)
    for variant in variants:
        title, name, its = _parse_variant(variant)
        if title not in chosen or chosen[title] != name or title == name:
            _add_row(chosen, title, name)
        own += [(title, setting) for setting in its]
    if not chosen:
        raise ConfigError("nothing to compare: name models, for example --models single,shared,mitten")
    titled = [_parse_setting(setting, chosen) for setting in settings]
    plain = [setting for title, setting in titled if not title]
    own += [(title, setting) for title, setting in titled if title]
    _refuse_fixed(plain, own)
    rows = [
        Row(title, _configure(title, name, values or {}, plain, [setting for at, setting in own if at == title]))
        for title, name in chosen.items()
    ]
    return rows, _remarks(rows, values or {}, plain)


def _add_row(chosen: dict[str, str], title: str, name: str) -> None:
    if name not in model_names():
        raise ConfigError(f"unknown model {name!r}: {nearest(name, model_names())}")
    if not _TITLE.fullmatch(title) or title == BEST:
        raise ConfigError(f"a title is letters, digits and . + - _ and not {BEST!r}, found {title!r}")
    if title in chosen:
        raise ConfigError(f"{title!r} is compared twice; give one of them another title: --variant TITLE={name}:...")
    chosen[title] = name


def _parse_variant(text: str) -> tuple[str, str, list[str]]:
    title, equals, rest = text.partition("=")
    name, _, settings = rest.partition(":")
    if not equals or not name:
        raise ConfigError(
            "a variant: expected TITLE=MODEL:section.key=value such as mitten-prior=mitten:model.dependency=log-prior, "
            f"found {text!r}"
        )
    return title, name, _BETWEEN_SETTINGS.split(settings) if settings else []


def _parse_setting(text: str, titles: Mapping[str, str]) -> tuple[str, str]:
    """The title of the row for which a setting holds, empty for all, and the setting."""
    title, colon, setting = text.partition(":")
    if not colon or "=" in title:
        return "", text
    if title not in titles:
        raise ConfigError(f"{text!r} is a setting of {title!r}, which is not compared: {nearest(title, titles)}")
    return title, setting


def _refuse_fixed(plain: Sequence[str], own: Sequence[tuple[str, str]]) -> None:
    for setting in (*plain, *(setting for _, setting in own)):
        key = setting.partition("=")[0]
        if key in _FIXED:
            raise ConfigError(f"{key} cannot be set in a comparison: {_FIXED[key]}")
    for title, setting in own:
        if setting.startswith("data."):
            raise ConfigError(f"{title}:{setting} cannot be set for one model: all are compared on the same data")


def _configure(title: str, name: str, values: _Values, plain: Sequence[str], own: Sequence[str]) -> Config:
    simple = _is_simple(name)
    sections: dict[str, dict[str, Any]] = {section: dict(part) for section, part in values.items()}
    sections["model"] = {**({} if simple else sections.get("model", {})), "name": name}
    sections.setdefault("training", {})["beside"] = []
    shared = [setting for setting in plain if not (simple and setting.startswith("model."))]
    try:
        return make_config(sections, (*shared, *own))
    except ConfigError as error:
        of_all = str(error).startswith("unknown setting 'model.") and not simple
        hint = " (a setting that not all models have: --set TITLE:model.key=value)" if of_all else ""
        raise ConfigError(f"{title}: {error}{hint}") from error


def _is_simple(name: str) -> bool:
    return model_names()[name] in (LinearOptions, ForestOptions)


def _remarks(rows: Sequence[Row], values: _Values, plain: Sequence[str]) -> list[str]:
    simple = [row.title for row in rows if _is_simple(row.config.model.name)]
    told = any(key != "name" for key in values.get("model", {})) or any(s.startswith("model.") for s in plain)
    if not simple or not told:
        return []
    return [f"the settings model.* are of networks and do not hold for {' and '.join(simple)}"]


def check_rows(dataset: Dataset, rows: Sequence[Row], seeds: Sequence[int], out: Path) -> None:
    """Refuse before hours of training what cannot be trained, or was trained with other settings or data.

    Raises:
        ConfigError: a model that cannot learn these tasks, or not from these inputs.
        DataError: no test examples, or a task for which the mask leaves no label.
        RunFolderError: a run in ``out`` that has other settings or data.
    """
    for row in rows:
        for seed in seeds:
            _check_folder(_folder(out, row, seed), row.with_seed(seed), dataset)
    test = dataset.splits.get("test")
    if test is None or not len(test):
        raise DataError(f"expected test examples to compare on, found none in the data set {dataset.name!r}")
    for seed in seeds:
        prepare(dataset, rows[0].with_seed(seed))
    separate = dataset.splits["train"].owner is not None
    for row in rows:
        model = row.config.model
        if isinstance(model, LinearOptions | ForestOptions):
            continue
        try:
            choose_criterion(row.config.training.criterion, dataset.tasks, separate)
            check_network(model, dataset.tasks, fit_encoder(dataset, row.config).inputs, not separate)
        except ConfigError as error:
            raise ConfigError(f"{row.title}: {error}") from error


def _check_folder(folder: Path, config: Config, dataset: Dataset) -> None:
    if not is_taken(folder):
        return
    if not (folder / CONFIG).is_file():
        raise RunFolderError(f"{folder}: is not a run folder ({CONFIG} is missing); remove it or choose another --out")
    try:
        found = make_config(read_config(folder / CONFIG))
    except TasktalkError as error:
        raise RunFolderError(f"{folder}: its settings cannot be read ({error})") from error
    if other := differences(config, found):
        raise RunFolderError(
            f"{folder}: this run has other settings ({'; '.join(other[:3])}{'; ...' if len(other) > 3 else ''}); "
            "choose another --out, or another title with --variant"
        )
    if (folder / METRICS).is_file() and read_json(folder / ENVIRONMENT)["data"] != dict(dataset.sources):
        raise RunFolderError(f"{folder}: this run read other data; choose another --out")


def differences(wanted: Config, found: Config) -> list[str]:
    """What another run has in place of the wanted settings, each as ``section.key=... instead of ...``."""
    if wanted.model.name != found.model.name:
        return [f"model.name={found.model.name!r} instead of {wanted.model.name!r}"]
    ours, theirs = wanted.model_dump(mode="json"), found.model_dump(mode="json")
    if wanted.data.vectors and isinstance(wanted.model, TextOptions):  # the run has the size of the vectors there
        ours["model"].pop("embedding_features")
        theirs["model"].pop("embedding_features")
    return [
        f"{section}.{key}={theirs[section][key]!r} instead of {value!r}"
        for section, part in ours.items()
        for key, value in part.items()
        if theirs[section][key] != value
    ]


def _folder(out: Path, row: Row, seed: int) -> Path:
    return out / row.title / f"seed-{seed}"


def run_rows(
    dataset: Dataset,
    rows: Sequence[Row],
    seeds: Sequence[int],
    out: Path,
    progress: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Results, list[Failure]]:
    """Train what is not trained yet, all rows with one seed before the next seed.

    Args:
        dataset: the data.
        rows: what to compare; ``check_rows`` has passed them.
        seeds: of the trainings and of the masks.
        out: each run gets the folder ``out/<title>/seed-<n>``.
        progress: show progress bars on standard error.
        tell: is given a line for each run.

    Returns:
        The results by title and seed, and the runs that failed.

    Raises:
        RunFolderError: a folder that cannot be written.
    """
    results: Results = {row.title: {} for row in rows}
    failures: list[Failure] = []
    runs = [(seed, row) for seed in seeds for row in rows]
    for number, (seed, row) in enumerate(runs, start=1):
        what = f"{row.title}, seed {seed} ({number} of {len(runs)})"
        folder = _folder(out, row, seed)
        if not (folder / METRICS).is_file():
            tell(f"{what} ...")
        try:
            how = _run(dataset, row.with_seed(seed), folder, progress)
        except (ConfigError, DataError, TrainingError) as error:
            failures.append(Failure(row.title, seed, str(error)))
            tell(f"{what} failed: {error}")
            continue
        results[row.title][seed] = _result(out, row, seed)
        tell(f"{what} {how} in {results[row.title][seed]['seconds']:.0f} s")
    return results, failures


def _run(dataset: Dataset, config: Config, folder: Path, progress: bool) -> str:
    """Do one run, unless it is done; what was done."""
    if (folder / METRICS).is_file():
        return "was trained before,"
    with Bars() if progress else nullcontext(Silent()) as reporter:
        if (folder / CONFIG).is_file():
            resume(dataset, folder, reporter)
            return "resumed and trained"
        train(dataset, config, folder, reporter=reporter)
        return "trained"


def _result(out: Path, row: Row, seed: int) -> dict[str, Any]:
    folder = _folder(out, row, seed)
    around = read_json(folder / ENVIRONMENT)
    metrics = read_json(folder / METRICS)
    return {
        "folder": folder.relative_to(out).as_posix(),
        "commit": around["commit"],
        "threads": around["machine"]["threads"],
        "seconds": metrics["seconds"],
        "splits": metrics["splits"],
    }
