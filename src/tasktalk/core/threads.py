"""How the threads of this process wait for each other."""

import os

_SPINS = 10_000  # GNU's library would turn round 300,000 times


def wait_briefly() -> None:
    """Let a thread that waits for another turn round only for a moment, and then leave its core to whoever has work.

    GNU's OpenMP, which torch uses on Linux, keeps a core busy for milliseconds while it waits. On cores that something
    else uses as well (a browser, another run) the thread that is waited for then gets no time, and two threads can be
    slower than one. The system's scheduler sees to it from here on; without other work a step takes as long as before.

    It has to be called before torch is imported, and holds for the whole process and those that it starts, so a program
    decides it, not a library: our command line calls it (docs/decisions.md, 30). Whoever has set ``GOMP_SPINCOUNT`` or
    ``OMP_WAIT_POLICY`` keeps that.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(_SPINS))
