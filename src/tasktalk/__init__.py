"""Multi-task learning in which the tasks talk to each other, and show what they said.

The names of the public interface are imported when they are first used, so that ``import tasktalk`` and the help of
the command line stay fast (PEP 562). Modules of the package itself import from each other, never from here.
"""

from importlib import import_module

TYPE_CHECKING = False  # as type checkers know it; to import it from typing takes longer than all else here
if TYPE_CHECKING:
    from tasktalk.analysis.explain import explain
    from tasktalk.core.errors import TasktalkError
    from tasktalk.data.load import load
    from tasktalk.training.api import evaluate, predict, train, transfer
    from tasktalk.training.run import Run

__version__ = "0.1.0"
__all__ = ["Run", "TasktalkError", "__version__", "evaluate", "explain", "load", "predict", "train", "transfer"]

_HOMES = {
    "Run": "tasktalk.training.run",
    "TasktalkError": "tasktalk.core.errors",
    "evaluate": "tasktalk.training.api",
    "explain": "tasktalk.analysis.explain",
    "load": "tasktalk.data.load",
    "predict": "tasktalk.training.api",
    "train": "tasktalk.training.api",
    "transfer": "tasktalk.training.api",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
