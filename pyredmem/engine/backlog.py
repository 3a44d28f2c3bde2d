"""Input that a session has received and does not run yet, since something holds it or since it is much.

In front are requests that were read when the session was held; behind them come bytes as they arrived, which are not
even parsed before their turn: what a request may look like can depend on the ones before it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from mypy_extensions import i64

from pyredmem.protocol.request import RequestParser

#: So many requests are run at a stretch; then the shell may write what they answered.
STRETCH: Final = 1024


class Backlog:
    """Requests and bytes, in the order in which they came."""

    def __init__(self) -> None:
        self._requests: list[list[bytes]] = []
        self._chunks: deque[bytes] = deque()
        self.unread_bytes: i64 = 0  # not parsed yet

    def has_requests(self) -> bool:
        """Whether requests wait that have been read."""
        return len(self._requests) > 0

    def keep(self, data: bytes) -> None:
        """Put bytes behind everything."""
        self._chunks.append(data)
        self.unread_bytes += len(data)

    def put_back(self, requests: list[list[bytes]]) -> None:
        """Put requests in front of everything."""
        self._requests = requests + self._requests

    def take(self, parser: RequestParser) -> list[list[bytes]]:
        """The next requests to run at a stretch; ``parser`` is given bytes until they complete one."""
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
        """Forget everything."""
        self._requests = []
        self._chunks = deque()
        self.unread_bytes = 0
