"""What the operating system says of this Python process and of the machine.

This is the other truth about memory, beside the ledger: real pages of a real process. Figures the system
does not have are 0. Unlike its neighbours in the package this module calls the operating system.
"""

from __future__ import annotations

import ctypes
import os
from typing import Final

_STATM: Final = "/proc/self/statm"
_STATUS: Final = "/proc/self/status"
# Of glibc's malloc.h.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_LARGE_BLOCK_BYTES: Final = 4 * 1024 * 1024


def _page_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Return the bytes of this process that are in memory now."""
    try:
        with open(_STATM, "rb") as statm:
            return int(statm.read().split()[1]) * _page_bytes()
    except (OSError, IndexError, ValueError):
        return 0


def peak_resident_bytes() -> int:
    """Return the most that was ever in memory."""
    try:
        with open(_STATUS, "rb") as status:
            for line in status:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        return 0
    return 0


def total_system_memory() -> int:
    """Return the physical memory of the machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * _page_bytes()
    except (OSError, ValueError):
        return 0


def keep_large_blocks_apart() -> bool:
    """Let blocks of 4 MiB and more always have pages of their own; False where the C library cannot.

    By itself glibc begins to cut such blocks out of its heap once the first one was freed. From the heap they return to
    the system only together with everything behind them, perhaps a hundred megabytes in one call, and to grow means
    to copy, where pages of their own are moved.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    set_apart = mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)
    return bool(set_apart and mallopt(_TRIM_THRESHOLD, 2 * _LARGE_BLOCK_BYTES))


def trim() -> bool:
    """Ask the C library to return free memory to the system; False when it cannot or had none."""
    try:
        malloc_trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return False
    malloc_trim.argtypes = [ctypes.c_size_t]
    malloc_trim.restype = ctypes.c_int
    return bool(malloc_trim(0))
