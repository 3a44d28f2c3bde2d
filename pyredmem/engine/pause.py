"""CLIENT PAUSE: until a given time all requests, or only those that write, must wait.

A session with a request that must wait keeps this request and all that follow it. While clients are paused, keys are
neither expired nor evicted, so that the data set stands still (Redis 7.2 pauseActions).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_MONITOR, GATE_PAUSED
from pyredmem.engine.session import HOLD_PAUSED, Session
from pyredmem.engine.spec import MAY_REPLICATE, WRITE

_CHANGING: Final = WRITE | MAY_REPLICATE


class Pause:
    """The pause in progress, if there is one, and the sessions that wait for its end."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.active = False
        self._all = False
        self._end_ms: i64 = 0
        self._waiting: dict[int, Session] = {}  # by id, in the order in which they came
        core.cron.every(0, self._end_if_due)

    def begin(self, end_ms: i64, everything: bool) -> None:
        """Pause until ``end_ms``. Of two pauses at the same time, the stricter kind and the later end apply."""
        self._all = everything or (self.active and self._all)
        self._end_ms = max(end_ms, self._end_ms) if self.active else end_ms
        self._set(True)

    def end(self) -> None:
        """Let the waiting sessions go on, in the order in which they came."""
        if not self.active:
            return
        self._set(False)
        waiting = self._waiting
        self._waiting = {}
        for session in waiting.values():
            session.resume_soon(HOLD_PAUSED)

    def actions(self) -> str:
        """What has to wait, as INFO calls it."""
        if not self.active:
            return "none"
        return "all" if self._all else "write"

    def left_ms(self) -> int:
        """How long the pause lasts from now on."""
        return max(0, int(self._end_ms) - int(self._core.keyspace.now_ms())) if self.active else 0

    def _set(self, active: bool) -> None:
        self.active = active
        self._core.keyspace.stands_still = active
        self._core.gates.set(GATE_PAUSED, active)

    def _end_if_due(self) -> None:
        if self.active and self._core.keyspace.now_ms() >= self._end_ms:
            self.end()

    def postpone(self, session: Session, flags: i64) -> bool:
        """Make a session keep a command that must wait; returns whether it must. A client in MONITOR never waits.

        ``flags`` are those of the command, and of what it runs.
        """
        if session.gates & GATE_MONITOR:
            return False
        if not self.active or self._core.keyspace.now_ms() >= self._end_ms:  # the timer lets the others go on
            return False
        if not (self._all or flags & _CHANGING):
            return False
        session.postpone(HOLD_PAUSED)
        self._waiting[int(session.id)] = session
        return True

    def forget(self, session: Session) -> None:
        """Forget a session that has disconnected."""
        self._waiting.pop(int(session.id), None)
