"""Free memory of the C library goes back to the operating system when much of the data set has been deleted.

Values of more than 512 bytes come from the C library, which keeps the memory that they leave. Ten times a second the
ledger's bytes in use are compared with the most since the last trim: when they have fallen by a quarter and by a few
megabytes, the shell is asked for a trim, off the engine's thread where it can. FLUSHALL and FLUSHDB ask at once.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core

CHECK_MS: Final = 100
#: A fall of at least this many bytes, and of this share of the bytes in use, is worth a trim.
LEAST_BYTES: Final = 4 * 1024 * 1024
SHARE: Final = 4


class HeapTrim:
    """Watches how far the bytes in use have fallen."""

    def __init__(self, core: Core) -> None:
        self._allocator = core.allocator
        self._core = core
        self._most: i64 = 0  # bytes in use, since the last trim
        core.cron.every(CHECK_MS, self.check)

    def check(self) -> None:
        """Ask for a trim if the bytes in use have fallen far enough."""
        used = self._allocator.used_memory
        if used > self._most:
            self._most = used
        elif self._most - used >= LEAST_BYTES and (self._most - used) * SHARE >= self._most:
            self.trim()

    def trim(self) -> None:
        """Ask for a trim now."""
        self._most = self._allocator.used_memory
        self._core.host.trim_aside()
