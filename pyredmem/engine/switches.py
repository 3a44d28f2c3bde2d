"""Switches that DEBUG sets for tests: they turn off what the server usually does by itself.

Only the timer and the command RESTORE read them.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

#: The peak use of a reply buffer is reset after this time (Redis 7.2 REPLY_BUFFER_DEFAULT_PEAK_RESET_TIME).
PEAK_RESET_MS: Final = 5000


class Switches:
    """The switches, in their usual position."""

    def __init__(self) -> None:
        self.aof_flush_sleep_us = 0  # before each write to the append-only file
        self.active_expire = True
        self.reply_buffer_resizing = True
        self.reply_buffer_peak_reset_ms: i64 = PEAK_RESET_MS  # never if negative or NEVER
        self.payloads_need_checksums = True
