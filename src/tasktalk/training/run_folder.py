"""The run folder: everything that evaluation and prediction need, and everything needed to do the run again."""

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tasktalk.core import launch
from tasktalk.core.errors import RunFolderError
from tasktalk.core.files import write_text
from tasktalk.core.task import Task
from tasktalk.encoders.vectors import vector_checksums
from tasktalk.training.lock import LOCK

CONFIG = "config.yaml"
TASKS = "tasks.json"
METRICS = "metrics.json"
ENVIRONMENT = "environment.json"
VOCABULARY = "vocabulary.txt"
ALPHABET = "alphabet.json"
MOLECULES = "molecules.json"
GRAPH = "graph.safetensors"
NODES = "nodes.txt"
SKIPPED = "skipped.txt"
MASK = "mask.json"
TRANSFER = "transfer.json"
FEATURES = "features.safetensors"
MODEL = "model.safetensors"
HISTORY = "history.csv"
CHECKPOINT = "checkpoint.safetensors"

_PROBE = ".write-test"
_PACKAGES = ("tasktalk", "torch", "accelerate", "numpy", "scipy", "scikit-learn", "safetensors", "pydantic", "rdkit")


def open_folder(path: Path, overwrite: bool = False, resume: bool = False) -> None:
    """Make the folder of a new run, or check that the one of a killed run can be resumed.

    Raises:
        RunFolderError: it exists and neither ``overwrite`` nor ``resume`` is given, it is not a run folder, there is
            no checkpoint to resume from, or it cannot be written.
    """
    if resume:
        if not (path / CONFIG).is_file():
            raise RunFolderError(f"{path}: nothing to resume, {CONFIG} is missing")
        return
    refuse_existing(path, overwrite)
    if is_taken(path):
        attempt(path, lambda: _empty(path))
    attempt(path, lambda: path.mkdir(parents=True, exist_ok=True))
    probe = path / _PROBE
    attempt(path, probe.touch)
    probe.unlink()


def refuse_existing(path: Path, overwrite: bool = False) -> None:
    """Refuse a path where something is, other than an empty folder or, to overwrite it, a run folder.

    Raises:
        RunFolderError: something is there.
    """
    if not is_taken(path):
        return
    if not overwrite:
        raise RunFolderError(f"{path}: exists already; choose another --out, or give --overwrite or --resume")
    if not any((path / name).is_file() for name in (CONFIG, TRANSFER)):  # one of them is written first
        raise RunFolderError(f"{path}: is not a run folder ({CONFIG} is missing), so it is not overwritten")


def refuse_run(path: Path) -> None:
    """Refuse a run folder as the place of several runs.

    Raises:
        RunFolderError: it is one.
    """
    if (path / CONFIG).exists():
        raise RunFolderError(f"{path}: is the folder of a run; choose another --out")


def is_taken(path: Path) -> bool:
    """Whether something is there, other than an empty folder or one in which a run was killed as it began.

    Raises:
        RunFolderError: that cannot be told, since the name is too long or the folder may not be read.
    """
    try:
        return path.exists() and (not path.is_dir() or any(not _is_trace(file) for file in path.iterdir()))
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be looked at ({error.strerror or error})") from error


def write_json(path: Path, value: object) -> None:
    """Write JSON, indented, whole or not at all; a NaN is an error, not a file that nobody can read."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file of a run folder.

    Raises:
        RunFolderError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise RunFolderError(f"{path}: is not JSON ({error})") from error


def write_tasks(folder: Path, tasks: Sequence[Task], tokenizer: str, weights: Mapping[str, str] | None = None) -> None:
    """Write ``tasks.json``: the tasks, how text becomes words, and in which file each task's weights are."""
    rows = [asdict(task) | {"weights": (weights or {}).get(task.name, MODEL)} for task in tasks]
    write_json(folder / TASKS, {"tokenizer": tokenizer, "tasks": rows})


def read_tasks(folder: Path) -> tuple[tuple[Task, ...], str, dict[str, str]]:
    """Read ``tasks.json``: tasks, tokeniser, and the weight file of every task.

    Raises:
        RunFolderError: it is missing or damaged.
    """
    found = read_json(folder / TASKS)
    try:
        rows = found["tasks"]
        tasks = tuple(
            Task(
                row["name"],
                row["kind"],
                tuple(row["classes"]),
                row["weight"],
                row["mean"],
                row["std"],
                row.get("scheme", ""),  # older runs have none
            )
            for row in rows
        )
        return tasks, found["tokenizer"], {row["name"]: row["weights"] for row in rows}
    except (KeyError, TypeError) as error:
        raise RunFolderError(f"{folder / TASKS}: is not a list of tasks ({error} is missing or wrong)") from error


def environment(seed: int, sources: Mapping[str, str], vectors: Sequence[str]) -> dict[str, object]:
    """What a result depends on beside the settings: versions, machine, commit, seed, checksums of data and vectors."""
    import torch

    from tasktalk.communication.kernels.choice import choose

    return {
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES},
        "seed": seed,
        "machine": {
            "system": platform.platform(),
            "processor": platform.processor() or platform.machine(),
            "processes": launch.count(),
            "threads": torch.get_num_threads(),
            "recurrences": choose(torch.empty(0)),
            "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
        "commit": _commit(),
        "command": sys.argv,
        "data": dict(sources),
        "vectors": vector_checksums(vectors),
    }


def _empty(folder: Path) -> None:
    """Delete what is in a run folder, its settings last: killed in between, it is still one that can be overwritten."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == CONFIG):
        if path.name != LOCK:  # which is held
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _is_trace(file: Path) -> bool:
    """Whether this is all that a run leaves that was killed when it had just begun."""
    return file.name in (_PROBE, f"{CONFIG}.part", LOCK)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the source tree that runs, if it runs from one, and ``-dirty`` if files differ from it."""
    here = Path(__file__)
    git = ["git", "-C", str(here.parent)]
    try:
        _output([*git, "ls-files", "--error-unmatch", here.name])  # an environment may lie in a repository of others
        return _output([*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])
    except (OSError, subprocess.SubprocessError):
        return None


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def attempt(path: Path, action: Callable[[], object]) -> None:
    """Do something that writes into a run folder.

    Raises:
        RunFolderError: the folder is missing, read-only or full.
    """
    try:
        action()
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written ({error.strerror or error})") from error
