"""Memory that tensors gave back stays with the process."""

import ctypes
import sys
from contextlib import suppress

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
