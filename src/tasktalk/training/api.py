"""The public functions: ``tasktalk.train``, ``tasktalk.transfer``, ``tasktalk.evaluate`` and ``tasktalk.predict``."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasktalk.core import launch
from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Dataset
from tasktalk.data.load import load, load_request
from tasktalk.training.config import make_config
from tasktalk.training.progress import Bars, Silent
from tasktalk.training.run import Run
from tasktalk.training.train import train as train_config
from tasktalk.training.transfer import check_run, refuse_fixed, transfer_config
from tasktalk.training.transfer import transfer as transfer_task

_COLUMNS = ("data.text", "data.label")
"""What a new task's table may call otherwise than the run's."""


def train(
    data: Dataset | str | Path,
    model: str = "ic",
    *,
    out: str | Path,
    settings: Mapping[str, object] | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Run:
    """Train a model and write its run folder.

    Args:
        data: a data set, or a name or path that ``load`` takes.
        model: name of a model (``tasktalk models`` lists them).
        out: the run folder to make.
        settings: values by key, for example ``{"training.epochs": 5, "model.pooling": "max"}``.
        overwrite: replace a run folder of that name.
        progress: show progress on standard error.

    Raises:
        TasktalkError: what is wrong with the data, the settings or the folder, in one sentence.
    """
    dataset = data if isinstance(data, Dataset) else load(data)
    source = data.name if isinstance(data, Dataset) else str(data)
    values: dict[str, dict[str, Any]] = {"data": {"source": [source]}, "model": {"name": model}}
    for section, part in _sections(settings).items():
        values[section] = {**values.get(section, {}), **part}
    with Bars() if progress and launch.is_main() else nullcontext(Silent()) as reporter:
        return train_config(dataset, make_config(values), Path(out), overwrite, reporter)


def transfer(
    run: Run | str | Path,
    data: Dataset | str | Path,
    name: str,
    *,
    out: str | Path,
    settings: Mapping[str, object] | None = None,
    unfreeze_after: int | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> Run:
    """Add a task to a finished run: it learns to read from what the others share, and they answer as before.

    Example:
        >>> new = tt.transfer("runs/shop", "garden.csv", "garden", out="runs/shop-garden")
        >>> new.predict(["A sturdy spade."], task="garden")

    Args:
        run: a finished run of ``ic``, ``sp``, ``fs`` or ``mitten`` on texts, or of ``mitten`` on molecules, or its
            folder.
        data: a table, a name or path that ``load`` takes and that has a task ``name``, or a data set of one task.
        name: what the new task is called.
        out: the run folder to make.
        settings: values by key, over those of the run: of ``training``, ``data.dev``, ``data.kinds``, ``data.mask`` and
            ``data.test``, and for a table ``data.text`` (also the column of SMILES) and ``data.label``.
        unfreeze_after: train what the tasks share as well, for the new task only, after so many epochs; None for never.
        overwrite: replace a run folder of that name.
        progress: show progress on standard error.

    Raises:
        TasktalkError: what is wrong with the run, the data, the settings or the folder, in one sentence.
    """
    for key in settings or {}:
        if key not in _COLUMNS:
            refuse_fixed(key)
    before = _run(run)
    check_run(before, name)
    source = data.name if isinstance(data, Dataset) else str(data)
    config = transfer_config(before, source, name, _sections(settings), [])
    dataset = data if isinstance(data, Dataset) else load_request(config.data.source, config.data.request(), progress)
    if len(dataset.tasks) == 1:
        dataset = replace(dataset, tasks=(replace(dataset.tasks[0], name=name),))
    with Bars() if progress else nullcontext(Silent()) as reporter:
        return transfer_task(before, dataset, config, Path(out), unfreeze_after, overwrite, reporter)


def evaluate(run: Run | str | Path, data: Dataset | str | Path) -> dict[str, Any]:
    """Scores of a run on the development and test examples of a data set, in the form of ``metrics.json``.

    Raises:
        TasktalkError: no run folder, or a data set with other tasks.
    """
    return _run(run).evaluate(data if isinstance(data, Dataset) else load(data))


def predict(run: Run | str | Path, texts: Iterable[str], task: str | None = None) -> list[dict[str, Any]]:
    """Answers of a run for new texts; see ``Run.predict``.

    Raises:
        TasktalkError: no run folder, or an unknown task.
    """
    return _run(run).predict(texts, task)


def _sections(settings: Mapping[str, object] | None) -> dict[str, dict[str, Any]]:
    """Values by section and key from values by ``section.key``."""
    values: dict[str, dict[str, Any]] = {}
    for key, value in (settings or {}).items():
        section, dot, name = key.partition(".")
        if not dot:
            raise ConfigError(f"expected section.key, for example training.epochs, found {key!r}")
        values.setdefault(section, {})[name] = value
    return values


def _run(run: Run | str | Path) -> Run:
    return run if isinstance(run, Run) else Run.load(run)
