"""CLIENT PAUSE: requests wait until a moment, all of them or those that write.

A session that comes with a request that has to wait keeps it and everything behind it. While clients are paused no key
expires and none is evicted, so that the data set stands still (Redis 7.2 pauseActions).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_MONITOR, GATE_PAUSED
from pyredmem.engine.session import HOLD_PAUSED, Session
from pyredmem.engine.spec import MAY_REPLICATE, WRITE, Command

_CHANGING: Final = WRITE | MAY_REPLICATE


class Pause:
    """The pause under way, if there is one."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.active = False
        self._all = False
        self._end_ms: i64 = 0
        self._waiting: dict[int, Session] = {}  # by id, in the order in which they came
        core.cron.every(0, self._end_if_over)

    def begin(self, end_ms: i64, everything: bool) -> None:
        """Pause until a time; of two pauses at once the stricter kind and the later end hold."""
        self._all = everything or (self.active and self._all)
        self._end_ms = max(end_ms, self._end_ms) if self.active else end_ms
        self._set(True)

    def end(self) -> None:
        """Let everyone go on, in the order in which they came."""
        if not self.active:
            return
        self._set(False)
        waiting = self._waiting
        self._waiting = {}
        for session in waiting.values():
            session.resume_soon(HOLD_PAUSED)

    def _set(self, active: bool) -> None:
        self.active = active
        self._core.keyspace.stands_still = active
        self._core.gates.set(GATE_PAUSED, active)

    def _end_if_over(self) -> None:
        if self.active and self._core.keyspace.now_ms() >= self._end_ms:
            self.end()

    def postpone(self, session: Session, command: Command) -> bool:
        """Whether a command has to wait; then the session keeps it. Those of a client under MONITOR never have to."""
        if session.gates & GATE_MONITOR:
            return False
        if not self.active or self._core.keyspace.now_ms() >= self._end_ms:  # the timer ends it for those who wait
            return False
        if not (self._all or session.transaction.flags_of_call(command) & _CHANGING):
            return False
        session.postpone(HOLD_PAUSED)
        self._waiting[int(session.id)] = session
        return True

    def forget(self, session: Session) -> None:
        """A client is gone."""
        self._waiting.pop(int(session.id), None)
