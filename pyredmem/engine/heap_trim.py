"""Heap trim: gives free memory of the C library back to the operating system after much data was deleted.

The memory of values of more than 512 bytes comes from the C library, which keeps it when they are freed. Ten times a
second the bytes in use (in the ledger) are compared with the most since the last trim. If they have fallen by a quarter
and by a few megabytes, and no longer fall, the host is asked for a trim, outside the engine's thread if possible. While
they keep falling, the trim waits for at most a second: the more free pieces of memory there are, the longer a trim
takes, so one trim at the end costs less than many on the way. FLUSHALL and FLUSHDB ask for a trim at once if they freed
that much.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core

CHECK_MS: Final = 100
#: A trim is worthwhile if at least this many bytes were freed, and at least one part in `SHARE` of the bytes in use.
LEAST_BYTES: Final = 4 * 1024 * 1024
SHARE: Final = 4
#: A trim waits for at most this many checks while the bytes in use keep falling.
PATIENCE: Final = 10


class HeapTrim:
    """Watches the bytes in use and asks for trims."""

    def __init__(self, core: Core) -> None:
        self._allocator = core.allocator
        self._core = core
        self._most: i64 = 0  # the most bytes in use since the last trim
        self._before: i64 = 0  # the bytes in use at the last check
        self._waited: i64 = 0  # the checks for which a trim has waited
        core.cron.every(CHECK_MS, self.check)

    def check(self) -> None:
        """Ask for a trim if the bytes in use have fallen far enough, and have stopped falling."""
        used = self._allocator.used_memory
        is_falling = used < self._before
        self._before = used
        if used > self._most:
            self._most = used
        if not self._has_fallen(used) or (self._most - used) * SHARE < self._most:
            self._waited = 0
        elif is_falling and self._waited < PATIENCE:
            self._waited += 1
        else:
            self._trim(used)

    def flushed(self, used_before: i64) -> None:
        """Ask for a trim if enough was freed when databases were emptied; ``used_before`` bytes were in use before."""
        used = self._allocator.used_memory
        if used_before > self._most:
            self._most = used_before
        if self._has_fallen(used):
            self._trim(used)

    def _has_fallen(self, used: i64) -> bool:
        return self._most - used >= LEAST_BYTES

    def _trim(self, used: i64) -> None:
        self._most = used
        self._before = used
        self._waited = 0
        self._core.host.trim_aside()
