"""A block that is not part of this package: found by its import path, made with the sizes of the network."""

import hashlib
import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import nn

from tasktalk.communication.block import Block
from tasktalk.core.errors import ConfigError, nearest

SIZES = ("word_features", "hidden", "tasks")
"""What every block is made with, by these names."""
_PACKAGE = Path(__file__).parents[1]

MakeBlock = Callable[..., Any]
"""What an import path names: takes ``word_features``, ``hidden``, ``tasks`` and its own settings, gives a block."""


def import_block(path: str) -> MakeBlock:
    """Import what ``module:Name`` names; a module may also lie in the current folder. Its code is run.

    Raises:
        ConfigError: no such path, module or name, a module that fails, or a name of something that makes no block.
    """
    module_name, _, name = path.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module_name.split(".")):
        raise ConfigError(
            f"model.path: expected the import path of a block, for example my_module:MyBlock, found {path!r}"
        )
    module = _import(module_name, path)
    names = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module_name]
    if not hasattr(module, name):
        hint = nearest(name, names) if names else "it defines no class and no function"
        raise ConfigError(f"model.path {path}: the module {module_name} has no {name!r}: {hint}")
    make = getattr(module, name)
    if not callable(make):
        raise ConfigError(f"model.path {path}: expected a class of blocks, found {_kind(make)}")
    return make


def refuse_options(path: str, options: Mapping[str, Any]) -> None:
    """Refuse settings that a block of an import path does not take, and too few.

    Args:
        path: ``module:Name``.
        options: arguments beside ``SIZES`` by their names.

    Raises:
        ConfigError: as for ``import_block``; or an argument that does not exist, that is none of these, or is missing.
    """
    try:
        taken = inspect.signature(import_block(path)).parameters.values()
    except (TypeError, ValueError):  # of a class that is not written in Python
        return
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    own = [p for p in taken if p.kind in named and p.name not in SIZES]
    any_name = any(p.kind == inspect.Parameter.VAR_KEYWORD for p in taken)
    for key in options:
        if key in SIZES:
            raise ConfigError(f"model.options.{key}: is given by the network already; leave it out")
        if key not in [p.name for p in own] and not any_name:
            hint = nearest(key, [p.name for p in own]) if own else f"it takes {', '.join(SIZES)} only"
            raise ConfigError(f"model.options.{key}: {path} takes no {key!r}: {hint}")
    missing = [p.name for p in own if p.default is inspect.Parameter.empty and p.name not in options]
    if missing:
        raise ConfigError(f"model.path {path}: needs a value for model.options.{missing[0]}")


def source_checksum(path: str) -> dict[str, str]:
    """SHA-256 of the file that a block of an import path is written in, by its name; empty if there is no such file.

    Raises:
        ConfigError: as for ``import_block``.
    """
    try:
        file = inspect.getsourcefile(import_block(path))
        return {} if file is None else {Path(file).name: hashlib.sha256(Path(file).read_bytes()).hexdigest()}
    except (TypeError, OSError):
        return {}


def make_block(
    path: str, word_features: int, hidden: int, tasks: int, options: Mapping[str, Any] = MappingProxyType({})
) -> Block:
    """A new block of an import path.

    Args:
        path: ``module:Name``.
        word_features: size of an embedded word.
        hidden: size of a state, as ``model.hidden`` says.
        tasks: how many tasks.
        options: further arguments by their names, settings of the block's own.

    Raises:
        ConfigError: as for ``import_block`` and ``refuse_options``; or it cannot be made so, or what is made is no
            block.
    """
    make = import_block(path)
    refuse_options(path, options)
    given = {"word_features": word_features, "hidden": hidden, "tasks": tasks, **options}
    sizes = ", ".join(f"{key}={value!r}" for key, value in given.items())
    try:
        block = make(**given)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"model.path {path}: {path.partition(':')[2]}({sizes}) failed: {describe(error)}") from error
    if not isinstance(block, nn.Module) or not isinstance(getattr(block, "features", None), int):
        raise ConfigError(
            f"model.path {path}: expected a torch.nn.Module with an integer attribute features, the size of a state, "
            f"found {_kind(block)}"
        )
    return block  # type: ignore[return-value]  # a module with features; tasktalk.testing looks at its answers


def describe(error: BaseException) -> str:
    """An error in code of others as one line: where in their code it was raised, its type, and what it says."""
    told = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, SyntaxError):  # it says where
        return told
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_library(Path(frame.filename))]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}: {told}" if frames else told


def _is_library(file: Path) -> bool:
    """Whether code belongs to this package, or was installed: a line of it says little about the block."""
    return _PACKAGE in file.parents or "site-packages" in file.parts or file.name.startswith("<frozen")


def _import(module_name: str, path: str) -> object:
    """The installed command does not look for modules in the current folder, as ``python -m`` does: here it does, last.

    Only for the time of this import, so that files that lie there stand in for nothing else.
    """
    here = str(Path.cwd())
    added = [] if here in sys.path else [here]
    sys.path.extend(added)
    try:
        importlib.invalidate_caches()  # the module may be younger than the process
        return importlib.import_module(module_name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and f"{module_name}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"model.path {path}: no module {error.name!r} in the current folder ({here}) or among the installed "
                "packages: run the command where it lies, or name its folder in PYTHONPATH"
            ) from error
        raise ConfigError(f"model.path {path}: the import failed: {describe(error)}") from error
    finally:
        sys.path[:] = [folder for folder in sys.path if folder not in added]


def _kind(value: object) -> str:
    return f"{value!r:.60}" if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
