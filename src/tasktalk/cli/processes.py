"""Several processes as one command: they start and end together, and one of them speaks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import typer

from tasktalk.core import launch


@contextmanager
def together() -> Iterator[None]:
    """Meet the processes that a launcher has started; all but the main one are silent until they part."""
    if launch.count() == 1:
        _warn_if_asked_in_vain()
        yield
        return
    from tasktalk.training.processes import join, leave

    join()
    try:
        if launch.is_main():
            yield
        else:
            with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
                yield
    except typer.Exit:  # interrupted, and told so: that others miss this process needs no sentence
        is_to_speak()
        raise
    leave()


def is_to_speak() -> bool:
    """Whether this process is the one that tells an error, which may be everybody's."""
    if launch.count() == 1:
        return True
    from tasktalk.training.processes import is_first_to_speak

    return is_first_to_speak()


def _warn_if_asked_in_vain() -> None:
    if launch.asked_in_vain():
        from tasktalk.cli.show import warn

        warn(
            "accelerate launch has started one process; on processors it starts several with --multi_gpu, "
            "and so does torchrun --nproc_per_node 2 -m tasktalk"
        )
