"""Counters of the server as a whole, as INFO stats and errorstats show them."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

#: A code is at most this long, as in Redis (bytes).
_LONGEST_CODE: Final = 31


class Stats:
    """The counts since the start or the last CONFIG RESETSTAT."""

    def __init__(self) -> None:
        self.connections_received: i64 = 0
        self.connections_rejected: i64 = 0
        self.net_input_bytes: i64 = 0
        self.net_output_bytes: i64 = 0
        self.reads_processed: i64 = 0
        self.writes_processed: i64 = 0
        self.error_replies: i64 = 0
        self.errors: dict[bytes, int] = {}  # by error code
        self.query_limit_disconnections: i64 = 0
        self.output_limit_disconnections: i64 = 0
        # Cycles: a batch of requests, a tick, or a slice of the work between commands.
        self.timer_cycles: i64 = 0  # those without requests
        self.timer_us: i64 = 0
        self.longest_cycle_us: i64 = 0
        self.most_commands: i64 = 0  # in one cycle
        self.batch_start_us: i64 = 0
        self.forks: i64 = 0
        self.latest_fork_us: i64 = 0
        self.fork_rate = 0.0  # of the latest one: memory in use for each second that it took (GB/s)

    def cycles(self) -> i64:
        """The number of cycles of the event loop, as far as the engine took part in them."""
        return self.reads_processed + self.timer_cycles

    def end_cycle(self, duration_us: i64) -> None:
        """Note how long a cycle took."""
        if duration_us > self.longest_cycle_us:
            self.longest_cycle_us = duration_us

    def end_timer_cycle(self, duration_us: i64) -> None:
        """Note how long a tick or a slice between commands took."""
        self.timer_cycles += 1
        if duration_us > 0:  # the clock may be set back
            self.timer_us += duration_us
        self.end_cycle(duration_us)

    def note_fork(self, duration_us: i64, used_bytes: i64) -> None:
        """Note how long a fork took, and how much memory was in use."""
        self.forks += 1
        self.latest_fork_us = duration_us
        self.fork_rate = float(used_bytes) * 1e6 / float(duration_us) / (1 << 30) if duration_us > 0 else 0.0

    def reset(self) -> None:
        """Set all counters to zero (CONFIG RESETSTAT)."""
        self.connections_received = 0
        self.connections_rejected = 0
        self.net_input_bytes = 0
        self.net_output_bytes = 0
        self.reads_processed = 0
        self.writes_processed = 0
        self.forks = 0
        self.latest_fork_us = 0
        self.fork_rate = 0.0
        self.error_replies = 0
        self.errors = {}
        self.query_limit_disconnections = 0
        self.output_limit_disconnections = 0
        self.timer_cycles = 0
        self.timer_us = 0
        self.longest_cycle_us = 0
        self.most_commands = 0

    def count_error(self, message: bytes) -> None:
        """Count an error reply under its code, the first word of the message; a very long word is no code."""
        self.error_replies += 1
        space = message.find(b" ", 0, _LONGEST_CODE)
        code = b"ERR" if space < 0 else message[:space]
        self.errors[code] = self.errors.get(code, 0) + 1
