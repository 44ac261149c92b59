"""The memory of this process: how much it had at most, and that it keeps what tensors gave back."""

import ctypes
import re
import sys
from contextlib import suppress
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # names and values of malloc.h
_NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Let malloc keep freed memory for the next tensors instead of returning it to the system.

    Every step of training frees what the next one needs again. glibc returns blocks of more than 32 MB at once, and the
    system then fills each page with zeros when it is first written, a good part of a step of DC-MTL. The
    price is some memory in holes. It holds for the whole process, so a program decides it, not a library: our command
    line calls it. Nothing happens where the C library has no ``mallopt``.
    """
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            program = ctypes.CDLL(None)
            program.mallopt(_M_MMAP_MAX, 0)
            program.mallopt(_M_TRIM_THRESHOLD, _NEVER)


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in megabytes (10^6 bytes); 0 where the system does not tell."""
    with suppress(OSError):  # Linux; ru_maxrss would also count the process that started this one
        if found := re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii")):
            return int(found[1]) * 1024 / 1e6
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
