"""The public functions: ``tasktalk.train``, ``tasktalk.evaluate`` and ``tasktalk.predict``."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tasktalk.core.errors import ConfigError
from tasktalk.data.dataset import Dataset
from tasktalk.data.load import load
from tasktalk.training.config import make_config
from tasktalk.training.progress import Bars, Silent
from tasktalk.training.run import Run
from tasktalk.training.train import train as train_config


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
    for key, value in (settings or {}).items():
        section, dot, name = key.partition(".")
        if not dot:
            raise ConfigError(f"expected section.key, for example training.epochs, found {key!r}")
        values.setdefault(section, {})[name] = value
    with Bars() if progress else nullcontext(Silent()) as reporter:
        return train_config(dataset, make_config(values), Path(out), overwrite, reporter)


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


def _run(run: Run | str | Path) -> Run:
    return run if isinstance(run, Run) else Run.load(run)
