"""What the operating system says about this Python process and about the machine.

This is the other truth about memory, beside the ledger: the real pages of a real process. A figure that the system does
not have is 0. Unlike most of the package this module calls the operating system.
"""

from __future__ import annotations

import os
from typing import Final

from pyredmem.memory import c_library

_STATM: Final = "/proc/self/statm"
_STATUS: Final = "/proc/self/status"
_SMAPS: Final = "/proc/self/smaps_rollup"
#: If this environment variable is set, and not to 0, the heap checks each access: see `checked_bytes`.
CHECKED_HEAP_VARIABLE: Final = "PYREDMEM_CHECKED_HEAP"
# From glibc's malloc.h.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_LARGE_BLOCK_BYTES: Final = 4 * 1024 * 1024


def wants_checked_heap() -> bool:
    """Whether the environment asks for a heap that checks each access."""
    return os.environ.get(CHECKED_HEAP_VARIABLE, "") not in {"", "0"}


def _page_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Bytes of this process that are in memory now."""
    try:
        with open(_STATM, "rb") as statm:
            return int(statm.read().split()[1]) * _page_bytes()
    except (AttributeError, OSError, IndexError, ValueError):
        return 0


def peak_resident_bytes() -> int:
    """The most bytes of this process that were ever in memory."""
    try:
        with open(_STATUS, "rb") as status:
            for line in status:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        return 0
    return 0


def private_bytes() -> int:
    """Bytes in memory that this process alone has and has written to: after a fork, what had to be copied."""
    try:
        with open(_SMAPS, "rb") as smaps:
            for line in smaps:
                if line.startswith(b"Private_Dirty:"):
                    return int(line.split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        return 0
    return 0


def total_system_memory() -> int:
    """Bytes of physical memory in the machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * _page_bytes()
    except (AttributeError, OSError, ValueError):
        return 0


def keep_large_blocks_apart() -> bool:
    """Give blocks of 4 MiB and more pages of their own, always; False if the C library cannot.

    By default glibc starts to cut such blocks out of its heap once the first of them has been freed. Memory from that
    heap returns to the system only together with everything above it, perhaps a hundred megabytes in one call, and a
    block that grows there is copied, whereas pages of its own are just remapped.
    """
    mallopt = c_library.function("mallopt", "c_int", "c_int")
    if mallopt is None:
        return False
    set_apart = mallopt(_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)
    return bool(set_apart and mallopt(_TRIM_THRESHOLD, 2 * _LARGE_BLOCK_BYTES))


def trim() -> bool:
    """Ask the C library to return free memory to the system; False if it cannot, or had none."""
    malloc_trim = c_library.function("malloc_trim", "c_size_t")
    return malloc_trim is not None and bool(malloc_trim(0))
