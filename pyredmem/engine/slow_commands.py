"""Slow commands: each becomes an entry in the slow log, or a sample of the latency monitor, or both.

The dispatcher compares each duration with one number only, the lower of the two thresholds. This module then compares
it with each of them.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.latency import LatencyMonitor
from pyredmem.engine.redaction import without_secrets
from pyredmem.engine.session import Session
from pyredmem.engine.slowlog import SlowLog
from pyredmem.engine.spec import FAST, SKIP_SLOWLOG, Command

_SETTINGS: Final = ("slowlog-log-slower-than", "slowlog-max-len", "latency-monitor-threshold", "latency-tracking")
#: The address of a client without a connection.
_NO_ADDRESS: Final = b"?:0"


class SlowCommands:
    """Owns the slow log and the latency monitor, and follows their settings."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._settings = core.settings
        self._clock = core.clock
        self.log = SlowLog(core.allocator)
        self.monitor = LatencyMonitor()
        core.owners.register("slow log", self.log.addresses)
        core.settings.follow(_SETTINGS, self._configure)

    def _configure(self) -> None:
        settings = self._settings
        self.log.configure(settings.integer("slowlog-log-slower-than"), settings.integer("slowlog-max-len"))
        self.monitor.threshold_ms = settings.integer("latency-monitor-threshold")
        notice_us: i64 = self.log.threshold_us
        if self.monitor.threshold_ms > 0 and self.monitor.threshold_ms * 1000 < notice_us:
            notice_us = self.monitor.threshold_ms * 1000
        self._core.statistics.set_noticing(settings.flag("latency-tracking"), notice_us)

    def notice(self, session: Session, command: Command, argv: list[bytes], duration_us: i64) -> None:
        """A command took at least the lower of the thresholds."""
        if duration_us >= self.log.threshold_us and not command.flags & SKIP_SLOWLOG:
            shown = without_secrets(command, argv, self._settings)
            address, name = session.address.encode("utf-8", "surrogateescape"), session.name
            if self._core.is_in_script:  # Redis runs the commands of scripts as a client without a connection
                address, name = _NO_ADDRESS, b""
            self.log.add(shown, duration_us, self._clock.now_us() // 1_000_000, address, name)
        event = b"fast-command" if command.flags & FAST else b"command"
        self.monitor.observe(event, duration_us // 1000, self._clock.now_us() // 1_000_000)
