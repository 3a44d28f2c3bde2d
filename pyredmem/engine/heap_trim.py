"""Heap trim: gives free memory of the C library back to the operating system after much data was deleted.

The memory of values of more than 512 bytes comes from the C library, which keeps it when they are freed. Ten times a
second the bytes in use (in the ledger) are compared with the most since the last trim. If they have fallen by a quarter
and by a few megabytes, the host is asked for a trim, outside the engine's thread if possible. FLUSHALL and FLUSHDB ask
for one at once.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core

CHECK_MS: Final = 100
#: A trim is worthwhile if at least this many bytes were freed, and at least one part in `SHARE` of the bytes in use.
LEAST_BYTES: Final = 4 * 1024 * 1024
SHARE: Final = 4


class HeapTrim:
    """Watches the bytes in use and asks for trims."""

    def __init__(self, core: Core) -> None:
        self._allocator = core.allocator
        self._core = core
        self._most: i64 = 0  # the most bytes in use since the last trim
        core.cron.every(CHECK_MS, self.check)

    def check(self) -> None:
        """Ask for a trim if enough has been freed."""
        used = self._allocator.used_memory
        if used > self._most:
            self._most = used
        elif self._most - used >= LEAST_BYTES and (self._most - used) * SHARE >= self._most:
            self.trim()

    def trim(self) -> None:
        self._most = self._allocator.used_memory
        self._core.host.trim_aside()
