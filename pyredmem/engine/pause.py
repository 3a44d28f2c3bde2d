"""CLIENT PAUSE: requests wait until a moment, all of them or those that write.

A session that comes with a request that has to wait keeps it and everything behind it. While clients are paused no key
expires and none is evicted, so that the data set stands still (Redis 7.2 pauseActions).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from pyredmem.engine.command import MAY_REPLICATE, WRITE, Command
from pyredmem.engine.session import MONITORING, PAUSED, Session

if TYPE_CHECKING:
    from pyredmem.engine.engine import Engine

_CHANGING: Final = WRITE | MAY_REPLICATE


class Pause:
    """The pause under way, if there is one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.active = False
        self._all = False
        self._end_ms: i64 = 0
        self._waiting: dict[int, Session] = {}  # by id, in the order in which they came
        engine.cron.every(0, self._end_if_over)

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
            session.resume_soon(PAUSED)

    def _set(self, active: bool) -> None:
        self.active = active
        self._engine.keyspace.stands_still = active
        self._engine.dispatcher.set_paused(active)

    def _end_if_over(self) -> None:
        if self.active and self._engine.keyspace.now_ms() >= self._end_ms:
            self.end()

    def holds(self, session: Session, command: Command) -> bool:
        """Whether a command has to wait; then the session keeps it. Those of a client under MONITOR never have to."""
        if session.gates & MONITORING:
            return False
        if not self.active or self._engine.keyspace.now_ms() >= self._end_ms:  # the timer ends it for those who wait
            return False
        if not (self._all or _changes(session, command)):
            return False
        session.postpone(PAUSED)
        self._waiting[int(session.id)] = session
        return True

    def forget(self, session: Session) -> None:
        """A client is gone."""
        self._waiting.pop(int(session.id), None)


def _changes(session: Session, command: Command) -> bool:
    """Whether a command may change data; EXEC does if one of its commands does."""
    if command.full_name == b"exec":
        return any(queued.command.has(_CHANGING) for queued in session.transaction.queue)
    return command.has(_CHANGING)
