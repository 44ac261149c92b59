"""Which of several processes this one is, where a launcher such as torchrun, accelerate or mpirun has started several.

All that a launcher tells stands in the environment; nothing here needs torch.
"""

import os

from tasktalk.core.errors import ConfigError

_COUNT = ("WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")
_RANK = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")


def count() -> int:
    """How many processes the launcher has started; 1 without one."""
    return _number(_COUNT, 1)


def rank() -> int:
    """The number of this process, from 0."""
    return _number(_RANK, 0)


def is_main() -> bool:
    """Whether this is the process that writes and speaks."""
    return rank() == 0


def refuse_several(what: str) -> None:
    """Refuse to do in several processes what one does.

    Raises:
        ConfigError: a launcher has started several.
    """
    if count() > 1:
        raise ConfigError(
            f"{what} runs in one process, and a launcher has started {count()}: start it without the launcher "
            "(tasktalk train is what shares its work)"
        )


def keep_torch_quiet() -> None:
    """Several processes: let torch log nothing of its own, with its stack, where another process has ended.

    We say it in a sentence. It has to be called before torch is imported, as a program does, and not a library. Whoever
    has set ``TORCH_CPP_LOG_LEVEL`` keeps that.
    """
    if count() > 1:
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "FATAL")


def asked_in_vain() -> bool:
    """Whether ``accelerate launch`` was asked for several processes and has started one, as it does with ``--cpu``."""
    return "ACCELERATE_MIXED_PRECISION" in os.environ and "MASTER_PORT" in os.environ and count() == 1


def _number(names: tuple[str, ...], otherwise: int) -> int:
    return next((int(os.environ[name]) for name in names if os.environ.get(name, "").isdigit()), otherwise)
