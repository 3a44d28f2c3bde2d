"""Clients that wait for nothing but the time: WAIT and WAITAOF on a server without replicas.

What they ask for never comes, so the timer answers each when its timeout is over. A timeout of 0 means for ever.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from mypy_extensions import i64

from pyredmem.engine.session import BLOCKED, Session

if TYPE_CHECKING:
    from pyredmem.engine.engine import Engine


class _Wait:
    """A session and what it is told in the end."""

    def __init__(self, session: Session, reached: list[int], deadline_ms: i64) -> None:
        self.session = session
        self.deadline_ms: i64 = deadline_ms
        self.reached = reached  # one figure for WAIT, two for WAITAOF

    def answer(self) -> None:
        """Reply; the session goes on."""
        reply = self.session.context.reply
        if len(self.reached) > 1:
            reply.array(len(self.reached))
        for figure in self.reached:
            reply.integer(figure)
        self.session.resume(BLOCKED)


class Waiting:
    """Everyone who waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waits: dict[int, _Wait] = {}  # by session
        self._deadlines: list[tuple[int, int]] = []  # a heap of (unix ms, session); some wait no more

    def __len__(self) -> int:
        return len(self._waits)

    def hold(self, session: Session, reached: list[int], deadline_ms: i64) -> None:
        """Let a session wait until ``deadline_ms`` (0: until it is released) and then tell it what was reached."""
        number = int(session.id)
        self._waits[number] = _Wait(session, reached, deadline_ms)
        session.holds |= BLOCKED
        if deadline_ms > 0:
            heappush(self._deadlines, (int(deadline_ms), number))

    def release(self, session: Session) -> bool:
        """Answer a session now, as if its time were over; False if it does not wait."""
        wait = self._waits.pop(int(session.id), None)
        if wait is None:
            return False
        wait.answer()
        return True

    def forget(self, session: Session) -> None:
        """A session is gone."""
        self._waits.pop(int(session.id), None)

    def run(self) -> None:
        """Answer those whose time is over."""
        now_ms = int(self._engine.keyspace.now_ms())
        while self._deadlines and self._deadlines[0][0] <= now_ms:
            deadline_ms, number = heappop(self._deadlines)
            wait = self._waits.get(number)
            if wait is not None and wait.deadline_ms == deadline_ms:
                del self._waits[number]
                wait.answer()
