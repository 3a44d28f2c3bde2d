"""Clients that wait for nothing but the time: WAIT and WAITAOF on a server without replicas.

What they ask for never comes, so the timer answers each when its timeout is over. A timeout of 0 means for ever. Who is
answered in the middle of another client's command goes on when that one's batch is over.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from pyredmem.engine import figures
from pyredmem.engine.session import BLOCKED, Session

if TYPE_CHECKING:
    from pyredmem.engine.engine import Engine

UNBLOCKED: Final = b"UNBLOCKED client unblocked via CLIENT UNBLOCK"


class _Wait:
    """A session and what it is told in the end."""

    def __init__(self, session: Session, reached: list[int], deadline_ms: i64) -> None:
        self.session = session
        self.deadline_ms: i64 = deadline_ms
        self.reached = reached  # one figure for WAIT, two for WAITAOF
        self.unanswered = session.reply_mark >= 0  # CLIENT REPLY OFF or SKIP

    def deadline(self) -> tuple[int, int]:
        """When its time is over, and whose."""
        return int(self.deadline_ms), int(self.session.id)

    def answer(self) -> None:
        """Say what was reached."""
        reply = self.session.context.reply
        if len(self.reached) > 1:
            reply.array(len(self.reached))
        for figure in self.reached:
            reply.integer(figure)


class Waiting:
    """Everyone who waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waits: dict[int, _Wait] = {}  # by session
        self._deadlines: list[tuple[int, int]] = []  # (unix ms, session), the next one first
        engine.cron.every(0, self.run)
        engine.figures.provide(figures.CLIENTS_IN_TIMEOUT_TABLE, lambda: len(self._deadlines))

    def __len__(self) -> int:
        return len(self._waits)

    def check(self) -> None:
        """Assert the invariants."""
        timed = [wait.deadline() for wait in self._waits.values() if wait.deadline_ms > 0]
        assert self._deadlines == sorted(timed)
        assert all(wait.session.holds & BLOCKED for wait in self._waits.values())

    def hold(self, session: Session, reached: list[int], deadline_ms: i64) -> None:
        """Let a session wait until ``deadline_ms`` (0: until it is released) and then tell it what was reached."""
        wait = _Wait(session, reached, deadline_ms)
        self._waits[int(session.id)] = wait
        session.holds |= BLOCKED
        if deadline_ms > 0:
            insort(self._deadlines, wait.deadline())

    def release(self, session: Session, with_error: bool = False) -> bool:
        """Answer a session now, as if its time were over, or with an error; False if it does not wait."""
        wait = self._take(session)
        if wait is None:
            return False
        if with_error:
            self._count_failure(session)
        if not wait.unanswered:
            if with_error:
                session.context.reply.error(UNBLOCKED)
            else:
                wait.answer()
        session.resume_soon(BLOCKED)
        return True

    def _count_failure(self, session: Session) -> None:
        self._engine.stats.count_error(UNBLOCKED)
        if session.command is not None:
            session.command.failed += 1

    def forget(self, session: Session) -> None:
        """A session is gone."""
        self._take(session)

    def _take(self, session: Session) -> _Wait | None:
        wait = self._waits.pop(int(session.id), None)
        if wait is not None and wait.deadline_ms > 0:
            del self._deadlines[bisect_left(self._deadlines, wait.deadline())]
        return wait

    def run(self) -> None:
        """Answer those whose time is over."""
        now_ms = int(self._engine.keyspace.now_ms())
        over = self._deadlines[: bisect_left(self._deadlines, (now_ms + 1, 0))]
        for _, number in over:
            self.release(self._waits[number].session)
