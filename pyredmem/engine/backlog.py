"""The backlog of a session: input that was received but cannot run yet.

Either something holds the session, or there is too much input to run at one go. First in the backlog are requests
that had been parsed when the session was held. After them come bytes as they arrived. These are parsed only when it
is their turn, because what a request may look like can depend on the requests before it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from mypy_extensions import i64

from pyredmem.protocol.request import RequestParser

#: The largest number of requests that run at a stretch; then the shell may write their replies.
STRETCH: Final = 1024


class Backlog:
    """The waiting requests and bytes of one session, in the order in which they came."""

    def __init__(self) -> None:
        self._requests: list[list[bytes]] = []
        self._chunks: deque[bytes] = deque()
        self.unread_bytes: i64 = 0  # bytes that are not parsed yet

    def has_requests(self) -> bool:
        """Whether requests that have been parsed are waiting."""
        return len(self._requests) > 0

    def keep(self, data: bytes) -> None:
        """Add bytes at the end."""
        self._chunks.append(data)
        self.unread_bytes += len(data)

    def put_back(self, requests: list[list[bytes]]) -> None:
        """Put parsed requests back at the front."""
        self._requests = requests + self._requests

    def take(self, parser: RequestParser) -> list[list[bytes]]:
        """Take the next requests to run at a stretch, feeding ``parser`` with waiting bytes until one is complete."""
        requests = self._requests
        if not requests:
            requests = parser.requests()
            while not requests and self._chunks and parser.error is None:
                data = self._chunks.popleft()
                self.unread_bytes -= len(data)
                parser.feed(data)
                requests = parser.requests()
        self._requests = requests[STRETCH:]
        return requests[:STRETCH]

    def clear(self) -> None:
        self._requests = []
        self._chunks = deque()
        self.unread_bytes = 0
