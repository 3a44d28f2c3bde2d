"""What many clients have sent in one turn of the event loop, to run at its end.

While many clients are served in a turn (see `Outgoing`), their replies leave at its end. So nobody gets anything sooner
if requests run at once. When they wait until all have been read, the lookups of all these clients can be prepared
together, as those of a pipeline are (see `structures/look_ahead.py`).

Requests run in the order in which they arrived. Input larger than ``MOST_BYTES`` is a pipeline, whose lookups are
prepared anyway, or has a large value, beside which a lookup does not matter. It runs at once, after all that waited.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.build import COMPILED
from pyredmem.engine.session import Session
from pyredmem.structures.look_ahead import WINDOW

MOST_BYTES: Final = 512


class Incoming:
    """The sessions with input that has been read, and has not run."""

    def __init__(self) -> None:
        self._sessions: list[Session] = []

    def take(self, session: Session, data: bytes) -> None:
        """Take what a client has sent, whose output will be written at the end of the turn."""
        if session.has_arrived():
            self.run()
        session.arrive(data)
        self._sessions.append(session)
        if len(data) > MOST_BYTES:
            self.run()

    def run(self) -> None:
        """Run everything that was taken. A client whose request raises an unexpected exception is disconnected."""
        sessions = self._sessions
        if not sessions:
            return
        self._sessions = []
        self._look_ahead(sessions)
        done: i64 = 0
        try:
            for session in sessions:
                done += 1
                session.run_arrived()
                session.write_soon()
        except Exception:
            failed = sessions[done - 1]
            failed.doom()
            failed.write_soon()
            self._sessions = sessions[done:]
            raise

    def _look_ahead(self, sessions: list[Session]) -> None:
        """Prepare the lookups of all clients that have sent one request, and use the database of the first of them."""
        db = sessions[0].db
        requests: list[list[bytes]] = []
        for session in sessions:
            request = session.parse_arrived()
            if request is not None and session.db is db:
                requests.append(request)
        count: i64 = len(requests)
        if COMPILED and count > 1:
            for at in range(0, count, WINDOW):
                db.look_ahead(requests, at)
