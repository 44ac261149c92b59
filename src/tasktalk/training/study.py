"""A study of optuna that several processes share: where it is stored, who is at work on it, what is left to do."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tasktalk.core.errors import ConfigError, RunFolderError, TasktalkError
from tasktalk.training.search_space import Point

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

HEARTBEAT, GRACE = 10, 60
"""In a database a worker at work says so every so many seconds, and is lost after so many without a word."""
ERROR, WORKER = "error", "worker"
"""What is noted at a trial: why it has failed, and whose it is."""
_SETTINGS = "tasktalk"
"""What is noted at a study: what it is about."""


def require_optuna() -> None:
    """Refuse to go on without optuna.

    Raises:
        TasktalkError: it is not installed; the sentence says how to install it.
    """
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise TasktalkError('tuning needs optuna: pip install "tasktalk[tune]"') from error


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Without optuna's own reports, which repeat ours, and without its warnings that something may change."""
    from optuna import exceptions, logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", exceptions.ExperimentalWarning)
            yield
    finally:
        logging.set_verbosity(verbosity)


@dataclass
class Place:
    """Where a study is stored, and this process as one of its workers.

    A journal knows nothing of a worker's death. So each worker holds a lock on a file beside the journal, which the
    system takes from it when it ends, however it ends. A database has optuna's heartbeat.

    Args:
        name: path of a journal, or URL of a database.
        folder: for what is no database: the locks by which workers take turns.
    """

    name: str
    folder: Path
    worker: str = field(default_factory=lambda: uuid4().hex)

    def __post_init__(self) -> None:
        from filelock import FileLock

        self.is_database = "://" in self.name
        locks = self.folder if self.is_database else Path(self.name).resolve().parent
        stem = "study" if self.is_database else Path(self.name).name
        self.workers = locks / f"{stem}.workers"
        try:
            self.workers.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"{self.workers}: cannot be written ({error.strerror or error})") from error
        self.turn = FileLock(self.workers / "turn")
        self.life = FileLock(self._life(self.worker))

    def __enter__(self) -> "Place":
        self.life.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.life.release()
        self._life(self.worker).unlink(missing_ok=True)

    def storage(self) -> "BaseStorage":
        """The storage, made if there is none."""
        from optuna.storages import JournalStorage, RDBStorage
        from optuna.storages.journal import JournalFileBackend

        if self.is_database:
            waits = {"connect_args": {"timeout": GRACE}} if self.name.startswith("sqlite") else {}
            return RDBStorage(self.name, waits, heartbeat_interval=HEARTBEAT, grace_period=GRACE)
        # Absolute, since optuna's lock is a link to it, which is never freed if it leads nowhere.
        return JournalStorage(JournalFileBackend(str(Path(self.name).resolve())))

    def release(self, study: "Study") -> None:
        """Fail the trials of workers that are dead. To be called while it is this worker's turn."""
        import optuna

        optuna.storages.fail_stale_trials(study)  # those with a heartbeat
        for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
            if self._is_lost(trial):
                with suppress(ValueError, optuna.exceptions.UpdateFinishedTrialError):  # another one was faster
                    study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

    def _is_lost(self, trial: "FrozenTrial") -> bool:
        from filelock import FileLock, Timeout

        worker = trial.user_attrs.get(WORKER)
        if self.is_database:  # killed before the first heartbeat
            started = trial.datetime_start or datetime.now()
            return worker is None and datetime.now() - started > timedelta(seconds=GRACE)
        if worker is None:  # whoever begins a trial has the turn until it is noted, and now it is ours
            return True
        path = self._life(worker)
        if worker == self.worker or not path.exists():
            return worker != self.worker
        try:
            FileLock(path).acquire(timeout=0).lock.release()
        except Timeout:
            return False
        path.unlink(missing_ok=True)
        return True

    def _life(self, worker: str) -> Path:
        return self.workers / worker


@contextmanager
def storage_errors(name: str) -> Iterator[None]:
    """Tell in one sentence what is wrong with a storage."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except BrokenPipeError:
        raise
    except (SQLAlchemyError, ImportError, OSError, optuna.exceptions.StorageInternalError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunFolderError(f"{_shown(name)}: the study cannot be read or written ({reason})") from error


def _shown(name: str) -> str:
    """A URL without its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(name).render_as_string(hide_password=True) if "://" in name else name
    except ArgumentError:
        return "--storage"


def open_study(
    place: Place,
    name: str,
    maximise: bool,
    settings: Mapping[str, Mapping[str, Any]],
    sampler: "BaseSampler",
    pruner: "BasePruner",
) -> "Study":
    """Make a study, or join the one of that name.

    Args:
        place: where it is stored.
        name: its name there.
        maximise: whether a high value is good.
        settings: what it is about, by groups (search space, settings, data); a study of something else is refused.
        sampler: chooses what is tried.
        pruner: stops trials that promise nothing.

    Raises:
        RunFolderError: the storage cannot be opened, or is something else.
        ConfigError: the study is about something else; the message names what differs.
    """
    import optuna

    where = f"{_shown(place.name)}: the study {name!r}"
    with storage_errors(place.name), place.turn:
        try:
            study = optuna.create_study(
                storage=place.storage(),
                sampler=sampler,
                pruner=pruner,
                study_name=name,
                direction="maximize" if maximise else "minimize",
                load_if_exists=True,
            )
            found = study.user_attrs.get(_SETTINGS)
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise RunFolderError(f"{_shown(place.name)}: is no storage of a study ({error})") from error
        if found is None and study.get_trials(deepcopy=False):
            raise ConfigError(f"{where} was not made by tasktalk tune; choose another --study or --storage")
        if found is None:
            study.set_user_attr(_SETTINGS, settings)
            return study
    for group, expected in found.items():
        _refuse_difference(f"{where} is of", group, expected, settings[group])
    return study


def _refuse_difference(where: str, group: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """The first key with another value, as a sentence."""
    for key in [*expected, *(key for key in found if key not in expected)]:
        if expected.get(key) != found.get(key):
            its, ours = (str(part[key]) if key in part else "nothing" for part in (expected, found))
            raise ConfigError(
                f"{where} another {group}: {key} is {its} there, {ours} here; choose another --out, --storage or "
                "--study"
            )


@dataclass(frozen=True)
class Tally:
    """How far a study is.

    Args:
        done: trials that count: finished, pruned or failed for a reason of their own, not by the end of their worker.
        running: trials of other workers.
        waiting: trials that somebody has planned and not begun.
    """

    done: "list[FrozenTrial]"
    running: "list[FrozenTrial]"
    waiting: "list[FrozenTrial]"


def tally(study: "Study") -> Tally:
    """Count the trials of a study."""
    from optuna.trial import TrialState

    by_state: dict[TrialState, list[FrozenTrial]] = {state: [] for state in TrialState}
    for trial in study.get_trials(deepcopy=False):
        by_state[trial.state].append(trial)
    failed = [trial for trial in by_state[TrialState.FAIL] if ERROR in trial.user_attrs]
    done = [*by_state[TrialState.COMPLETE], *by_state[TrialState.PRUNED], *failed]
    return Tally(
        sorted(done, key=lambda trial: trial.number), by_state[TrialState.RUNNING], by_state[TrialState.WAITING]
    )


def plan_next(study: "Study", counts: Tally, wanted: int, grid: Sequence[Point] | None) -> bool:
    """Plan a trial where one is left to plan. To be called while it is this worker's turn.

    optuna's own grid takes a point for visited though its worker was killed; this one sees what has a result.

    Args:
        study: the study.
        counts: how far it is.
        wanted: how many trials there are to be.
        grid: points of which each is to be visited once, in this order; None where a sampler chooses.

    Returns:
        Whether there is a trial to begin.
    """
    if counts.waiting:
        return True
    if len(counts.done) + len(counts.running) >= wanted and grid is None:
        return False
    if grid is None:
        study.enqueue_trial({})
        return True
    taken = [_point(trial) for trial in (*counts.done, *counts.running)]
    left = [point for point in grid if point not in taken]
    if not left or len(grid) - len(left) >= wanted:
        return False
    study.enqueue_trial(left[0])
    return True


def is_finished(counts: Tally, wanted: int, grid: Sequence[Point] | None) -> bool:
    """Whether nothing is left to do, also not for others."""
    if grid is None:
        return len(counts.done) >= wanted
    done = [_point(trial) for trial in counts.done]
    return sum(point in done for point in grid) >= min(wanted, len(grid))


def _point(trial: "FrozenTrial") -> Point:
    return {**trial.system_attrs.get("fixed_params", {}), **trial.params}
