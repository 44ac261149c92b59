"""Multi-task learning in which the tasks talk to each other, and show what they said.

The names of the public interface are imported when they are first used, so that ``import tasktalk`` and the help of
the command line stay fast (PEP 562). Modules of the package itself import from each other, never from here.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasktalk.data.load import load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]

_HOMES = {"load": "tasktalk.data.load"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
