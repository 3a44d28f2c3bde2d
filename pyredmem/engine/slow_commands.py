"""What becomes of a command that took long: an entry of the slow log, a sample of the latency monitor.

The dispatcher compares each duration with one number, the lower of the two thresholds; here they are told apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64

from pyredmem.engine.command import FAST, SKIP_SLOWLOG, Command
from pyredmem.engine.latency import LatencyMonitor
from pyredmem.engine.redaction import without_passwords
from pyredmem.engine.session import Session
from pyredmem.engine.slowlog import SlowLog

if TYPE_CHECKING:
    from pyredmem.engine.engine import Engine


class SlowCommands:
    """The slow log and the latency monitor, ruled by their settings."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._settings = engine.settings
        self._clock = engine.clock
        self.log = SlowLog(engine.allocator)
        self.monitor = LatencyMonitor()
        engine.register_owner("slow log", self.log.addresses)
        for name in ("slowlog-log-slower-than", "slowlog-max-len", "latency-monitor-threshold", "latency-tracking"):
            engine.settings.subscribe(name, self._configure)
        self._configure()

    def _configure(self) -> None:
        settings = self._settings
        self.log.configure(settings.integer("slowlog-log-slower-than"), settings.integer("slowlog-max-len"))
        self.monitor.threshold_ms = settings.integer("latency-monitor-threshold")
        notice_us: i64 = self.log.threshold_us
        if self.monitor.threshold_ms > 0 and self.monitor.threshold_ms * 1000 < notice_us:
            notice_us = self.monitor.threshold_ms * 1000
        self._engine.dispatcher.set_noticing(settings.flag("latency-tracking"), notice_us)

    def notice(self, session: Session, command: Command, argv: list[bytes], duration_us: i64) -> None:
        """A command took at least the lower of the thresholds."""
        now_s = self._clock.now_us() // 1_000_000
        flags = command.flags
        if duration_us >= self.log.threshold_us and not flags & SKIP_SLOWLOG:
            shown = without_passwords(argv, self._settings)
            address = session.address.encode("utf-8", "surrogateescape")
            self.log.add(shown, duration_us, now_s, address, session.name)
        self.monitor.observe(b"fast-command" if flags & FAST else b"command", duration_us // 1000, now_s)
