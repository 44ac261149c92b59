"""A search over settings, judged by development scores only: test examples are taken away before it begins."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tasktalk.core.errors import ConfigError, DataError, TrainingError
from tasktalk.data.dataset import Dataset
from tasktalk.data.load import load_request
from tasktalk.training.config import Config, DataConfig
from tasktalk.training.progress import Reporter
from tasktalk.training.run import Run
from tasktalk.training.search_space import Point, Space, assign
from tasktalk.training.selection import HIGHER_IS_BETTER, Score, choose_criterion, judged
from tasktalk.training.study import (
    ERROR,
    WORKER,
    Place,
    is_finished,
    open_study,
    plan_next,
    quiet_optuna,
    storage_errors,
    tally,
)
from tasktalk.training.train import train, weigh
from tasktalk.training.tune_files import best_trial, seconds_of, state_of, write_best, write_results

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

TRIALS = "trials"
"""The folder of the trials that are running."""
_WAIT = 1.0
"""Seconds between two looks at what others do."""
_FAILURES = (ConfigError, DataError, TrainingError, torch.OutOfMemoryError)
"""What is wrong with the settings of a trial, and not with the study."""
_ELSEWHERE = {
    "data.source",  # its checksums are compared
    *(f"training.{key}" for key in ("beside", "checkpoint_seconds", "device", "evaluation_batch_size", "tracker")),
}


@dataclass(frozen=True)
class Search:
    """What is searched, and how.

    Args:
        config: all settings that are not searched.
        space: what is tried.
        trials: how many trials the study is to have.
        sampler: name of a sampler (``samplers.make_sampler``).
        pruner: name of a pruner (``samplers.make_pruner``).
        grid: the points to visit, where the sampler is ``grid``.
    """

    config: Config
    space: Space
    trials: int
    sampler: str
    pruner: str
    grid: Sequence[Point] | None = None

    @property
    def seed(self) -> int:
        """Of the sampler; the one of the training."""
        return self.config.training.seed


@dataclass
class Bench:
    """Data without test examples, loaded once for all trials that read it alike.

    Args:
        dataset: the data; the test examples are left out here, so that nothing that follows can see them.
        config: with which settings it was loaded.
    """

    dataset: Dataset
    config: DataConfig
    _loaded: dict[str, Dataset] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dataset = _without_test(self.dataset)
        if "dev" not in self.dataset.splits or not len(self.dataset.splits["dev"]):
            raise ConfigError("there are no development examples by which to judge; give some, or --set data.dev=0.1")
        self._loaded[_request(self.config)] = self.dataset

    def load(self, config: DataConfig) -> Dataset:
        """The data as these settings want it.

        Raises:
            ConfigError: its development examples would be others, so that scores could not be compared.
        """
        request = _request(config)
        if request not in self._loaded:
            self._loaded.clear()  # one at a time in memory
            found = _without_test(load_request(config.source, config.request(), progress=False))
            ours, theirs = (data.splits["dev"].labels for data in (self.dataset, found))
            if not np.array_equal(ours, theirs, equal_nan=True):
                raise ConfigError("these settings of the data lead to other development examples")
            self._loaded[request] = found
        return self._loaded[request]


def _without_test(dataset: Dataset) -> Dataset:
    kept = {name: examples for name, examples in dataset.splits.items() if name in ("train", "dev")}
    return replace(dataset, splits=kept)


def _request(config: DataConfig) -> str:
    return repr((config.source, config.request()))


@dataclass
class Pruning:
    """Tells a trial its score after every epoch, and stops it if it promises nothing; passes all on to a reporter.

    Args:
        trial: the trial.
        reporter: shows progress.
    """

    trial: "Trial"
    reporter: Reporter

    def begin(self, label: str, epochs: int, done: int) -> None:
        """Named by the trial."""
        self.reporter.begin(f"trial {self.trial.number} {label}", epochs, done)

    def steps(self, step: int, steps: int, task: str, loss: float, examples: int) -> None:
        """As it is."""
        self.reporter.steps(step, steps, task, loss, examples)

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Report the development score.

        Raises:
            TrialPruned: optuna's, where it is too low.
        """
        from optuna import TrialPruned

        self.reporter.epoch(row)
        value = row.get(f"dev_{row.get('criterion')}")
        if value is not None:
            self.trial.report(value, row["epoch"])
            if self.trial.should_prune():
                raise TrialPruned


@dataclass
class Tuning:
    """One worker's share of a study.

    Args:
        search: what is searched.
        bench: the data.
        place: where the study is stored.
        out: folder of the results, and of the trials that are running.
        reporter: shows the progress of a trial.
        tell: shows a line for each trial.
    """

    search: Search
    bench: Bench
    place: Place
    out: Path
    reporter: Reporter
    tell: Callable[[str], None]

    def __post_init__(self) -> None:
        config, dataset = self.search.config, self.bench.dataset
        weights = {d.key: 1.0 for d in self.search.space if d.key.startswith("training.weights.")}
        weigh(dataset, assign(config, weights))  # refuses tasks that do not exist
        separate = dataset.splits["train"].owner is not None
        self.criterion: Score = choose_criterion(config.training.criterion, dataset.tasks, separate)
        self.number, self.best, self.ended = -1, -1, False

    def run(self, name: str) -> "Study":
        """Work until the study is finished, and write its results.

        Args:
            name: of the study.

        Raises:
            ConfigError: a study of that name is about something else.
            RunFolderError: the storage or the folder cannot be read or written.
        """
        from tasktalk.training.samplers import make_pruner, make_sampler

        search, told = self.search, False
        with quiet_optuna(), self.place:
            sampler, pruner = make_sampler(search.sampler, search.seed), make_pruner(search.pruner, self._epochs())
            maximise = self.criterion in HIGHER_IS_BETTER
            study = open_study(self.place, name, maximise, self.settings(), sampler, pruner)
            with storage_errors(self.place.name):
                while not self._is_finished(study):
                    if self._work(study):
                        told = False
                    elif not told:
                        told = True
                        self.tell("waiting for the trials of other workers")
                    else:
                        time.sleep(_WAIT)
        return study

    def settings(self) -> dict[str, dict[str, Any]]:
        """What the study is about, in JSON-able values."""
        space, values = self.search.space, self.search.config.model_dump(mode="json")
        flat = {f"{section}.{key}": value for section, part in values.items() for key, value in part.items()}
        left_out = _ELSEWHERE | {dimension.key for dimension in space}
        kept = sorted(flat.keys() - left_out, key=lambda key: (key != "model.name", key))
        return {
            "data set": {name: checksum[:12] for name, checksum in self.bench.dataset.sources.items()},
            "configuration": {key: flat[key] for key in kept},
            "search space": {dimension.key: str(dimension) for dimension in space},
        }

    def _is_finished(self, study: "Study") -> bool:
        """Whether nothing is left to do; the best settings so far are written in any case, the rest at the end."""
        with self.place.turn:
            counts = tally(study)
            finished = is_finished(counts, self.search.trials, self.search.grid)
            best = best_trial(counts.done, self.criterion)
            if best is not None and (finished or best.number != self.best):
                self.best = best.number
                write_best(self.out, self.search.config, best, self.criterion)
            if finished:
                write_results(self.out, study, self.search.space, self.facts())
            self._sweep(counts.running)
        return finished

    def facts(self) -> dict[str, Any]:
        """How it is searched, for ``tune.json``."""
        search = self.search
        return {
            "criterion": self.criterion,
            "sampler": search.sampler,
            "pruner": search.pruner,
            "seed": search.seed,
            "trials": search.trials,
            "grid": None if search.grid is None else len(search.grid),
        }

    def _work(self, study: "Study") -> bool:
        """Plan and run a trial; False where there is none to run."""
        from optuna.exceptions import UpdateFinishedTrialError

        with ExitStack() as turn:
            turn.enter_context(self.place.turn)
            self.place.release(study)
            if not plan_next(study, tally(study), self.search.trials, self.search.grid):
                return False
            try:
                study.optimize(lambda trial: self._trial(trial, turn.close), n_trials=1, catch=_FAILURES)
            except (AssertionError, ValueError, UpdateFinishedTrialError):  # optuna's own
                if not self.ended:  # else others have thought that this process was dead, and failed its trial
                    raise
        self.tell(self._line(study))
        return True

    def _trial(self, trial: "Trial", begun: Callable[[], None]) -> float:
        """Train with the settings of a trial; its development score."""
        from optuna.exceptions import TrialPruned, UpdateFinishedTrialError

        self.number, self.ended = trial.number, False
        trial.set_user_attr(WORKER, self.place.worker)
        begun()
        folder = self.out / TRIALS / f"{trial.number:04d}"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            config = _of_trial(assign(self.search.config, {d.key: d.suggest(trial) for d in self.search.space}))
            dataset = self.bench.load(config.data)
            value = self._score(train(dataset, config, folder, reporter=Pruning(trial, self.reporter)))
            self.ended = True
            return value
        except (TrialPruned, UpdateFinishedTrialError):
            self.ended = True
            raise
        except _FAILURES as error:
            self.ended = True
            trial.set_user_attr(ERROR, " ".join(str(error).split()))
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _score(self, run: Run) -> float:
        """The mean over the tasks for which it is defined, as epochs are compared."""
        scores = run.metrics["splits"]["dev"]["tasks"].values()
        known = [value for s in scores if (value := judged(self.criterion, s)) is not None]
        if not known:
            raise DataError(f"the {self.criterion} is not defined on the development examples")
        return sum(known) / len(known)

    def _sweep(self, running: "Sequence[FrozenTrial]") -> None:
        """Delete what killed workers have left."""
        numbers = {trial.number for trial in running}
        for folder in (self.out / TRIALS).glob("[0-9]*"):
            if int(folder.name) not in numbers:
                shutil.rmtree(folder, ignore_errors=True)

    def _line(self, study: "Study") -> str:
        trial = study.trials[self.number]
        counts = tally(study)
        best = best_trial(counts.done, self.criterion)
        known = "" if trial.value is None else f"{self.criterion} {trial.value:.4g}, "
        count = len(trial.intermediate_values)
        epochs = f" after {count} epoch{'s' * (count > 1)}" * (count > 0)
        end = trial.user_attrs.get(ERROR) or f"{known}{state_of(trial)}{epochs}, {seconds_of(trial):.0f} s"
        so_far = "" if best is None else f", best {best.value:.4g}"
        return f"trial {trial.number}: {end} ({len(counts.done)} of {self._wanted()}{so_far})"

    def _wanted(self) -> int:
        return self.search.trials if self.search.grid is None else min(self.search.trials, len(self.search.grid))

    def _epochs(self) -> int:
        """The most epochs of a trial."""
        ends = [int(end or 0) for d in self.search.space if d.key == "training.epochs" for end in d.ends]
        return max(ends, default=self.search.config.training.epochs)


def shuffled(grid: Sequence[Point], seed: int) -> list[Point]:
    """The points in another order, so that the first ones already tell something about every setting."""
    return [grid[number] for number in np.random.default_rng(seed).permutation(len(grid))]


def _of_trial(config: Config) -> Config:
    """Nothing beside it, and nothing that watches it."""
    return config.model_copy(update={"training": config.training.model_copy(update={"beside": [], "tracker": "none"})})
