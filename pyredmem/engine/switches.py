"""Switches that DEBUG turns for tests: what usually goes on by itself can be stopped.

The parts that they concern read them where they act, which is in the timer; nothing on the way of a command does.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

#: How often the peak use of a client's reply buffer is forgotten (Redis 7.2 REPLY_BUFFER_DEFAULT_PEAK_RESET_TIME).
PEAK_RESET_MS: Final = 5000
NEVER: Final = -1


class Switches:
    """The switches in their usual position."""

    def __init__(self) -> None:
        self.active_expire = True
        self.reply_buffer_resizing = True
        self.reply_buffer_peak_reset_ms: i64 = PEAK_RESET_MS  # NEVER: not at all
        self.payloads_need_checksums = True
