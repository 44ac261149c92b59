"""The C of the recurrences, compiled by the system's compiler on first use and kept in the user's cache folder."""

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import torch

CACHE_VARIABLE = "TASKTALK_KERNEL_CACHE"
"""Names the folder for compiled code."""

_SOURCES = [Path(__file__).with_name(name) for name in ("lstm.c", "lstm_dagger.c", "cell.h")]
_REALS = {torch.float32: "float", torch.float64: "double"}
_FLAGS = ("-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
# Threads are OpenMP's, of which torch has a pool. A compiler without it still understands the hints for vectors, and
# some do not know what is native.
_WISHES = (("-march=native", "-fopenmp"), ("-march=native", "-fopenmp-simd"), ("-fopenmp-simd",))
_COMPILERS = ("cc", "gcc", "clang")
_LONGEST = 120.0

_log = logging.getLogger(__name__)


@functools.cache
def library(dtype: torch.dtype) -> ctypes.CDLL | None:
    """The compiled recurrences for one precision; None, and one line in the log, if they cannot be had.

    Code is kept under a name made of everything that it depends on: the source, the compiler and the processor.
    """
    if dtype not in _REALS:
        return None
    compiler = shlex.split(os.environ.get("CC", "")) or [name for name in _COMPILERS if shutil.which(name)][:1]
    if not compiler:
        _log.warning("No C compiler was found: the recurrences run in PyTorch, which is slower.")
        return None
    try:
        return _load(compiler, _REALS[dtype])
    except (OSError, subprocess.SubprocessError) as error:
        _log.warning("The recurrences could not be compiled and run in PyTorch, which is slower: %s", error)
        return None


def _load(compiler: list[str], real: str) -> ctypes.CDLL:
    kept = _folder() / _name(compiler, real)
    with suppress(OSError):  # not there, or damaged
        return ctypes.CDLL(str(kept))
    with tempfile.TemporaryDirectory() as own:
        made = Path(own) / kept.name
        _compile(compiler, real, made)
        code = ctypes.CDLL(str(made))
        with suppress(OSError):  # where nothing can be kept, every program compiles: a second each
            kept.parent.mkdir(parents=True, exist_ok=True)
            part = kept.with_suffix(f".{os.getpid()}")
            shutil.copy(made, part)
            part.replace(kept)
    return code


def _name(compiler: list[str], real: str) -> str:
    sources = b"\0".join(path.read_bytes() for path in _SOURCES)
    version = subprocess.run([*compiler, "--version"], capture_output=True, check=True, timeout=_LONGEST).stdout
    depends_on = b"\0".join((sources, version, repr((compiler, _FLAGS, _WISHES, _processor())).encode()))
    return f"recurrences-{real}-{hashlib.sha256(depends_on).hexdigest()[:24]}.so"


def _compile(compiler: list[str], real: str, path: Path) -> None:
    files = [str(source) for source in _SOURCES if source.suffix == ".c"]
    for wishes in _WISHES:
        command = [*compiler, *_FLAGS, *wishes, f"-DREAL={real}", *files, "-o", str(path), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST)
        if done.returncode == 0:
            return
    said = done.stderr.strip().partition("\n")[0] or f"exit status {done.returncode}"
    raise subprocess.SubprocessError(f"{shlex.join(compiler)}: {said}")


def _folder() -> Path:
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser()
    import pooch

    return Path(pooch.os_cache("tasktalk")) / "kernels"


def _processor() -> str:
    """What ``-march=native`` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return f"{platform.machine()} {platform.processor()} {sys.platform}"
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.machine())
