"""Counters of the server as a whole, as INFO stats and errorstats show them."""

from __future__ import annotations

from mypy_extensions import i64


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

    def reset(self) -> None:
        """Set all counters to zero (CONFIG RESETSTAT)."""
        self.connections_received = 0
        self.connections_rejected = 0
        self.net_input_bytes = 0
        self.net_output_bytes = 0
        self.reads_processed = 0
        self.writes_processed = 0
        self.error_replies = 0
        self.errors = {}

    def count_error(self, message: bytes) -> None:
        """Count an error reply under its code, the first word of the message."""
        self.error_replies += 1
        code = message.partition(b" ")[0]
        self.errors[code] = self.errors.get(code, 0) + 1
