"""maxmemory-clients: the clients that take most memory are closed when all of them together take too much.

What a client takes is counted when the timer visits it, and when its buffers have grown. Victims come from the highest
non-empty of buckets by size, as in Redis 7.2 (evictClients), so finding one does not mean sorting all clients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_CLIENTS_LIMITED
from pyredmem.engine.session import Session
from pyredmem.engine.tasks import DONE

#: maxmemory-clients is at least this (bytes), and evicts from buckets that double from the first one on.
_LEAST_LIMIT: Final = 128 * 1024
_FIRST_BUCKET_BITS: Final = 15
_BUCKETS: Final = 19
#: Why a client is closed, for the log.
EXCEEDED: Final = "all clients together exceed maxmemory-clients"


class ClientEviction:
    """The memory of all clients, and the limit on it. ``drop`` closes a client; its second argument is the reason."""

    def __init__(self, core: Core, drop: Callable[[Session, str], None]) -> None:
        self._core = core
        self._drop = drop
        #: Memory of all clients, as each was counted last (bytes).
        self.total_bytes: i64 = 0
        self.evicted: i64 = 0
        self._limit: i64 = 0  # 0: none
        self._task = core.tasks.create(self._evict_now)
        core.settings.follow(("maxmemory-clients", "maxmemory"), self._limit_changed)

    def _limit_changed(self) -> None:
        integer = self._core.settings.integer
        limit = integer("maxmemory-clients")
        if limit < 0:
            limit = integer("maxmemory") * -limit // 100
        self._limit = max(limit, _LEAST_LIMIT) if limit > 0 else 0
        if limit > 0:  # without a limit the clients are not counted to the byte
            for session in self._core.sessions.values():
                if session.memory.is_open():
                    self.note_growth(session)
        self._core.gates.set(GATE_CLIENTS_LIMITED, limit > 0)

    def count(self, session: Session) -> None:
        """Count the memory that a client takes now."""
        total = session.memory.total()
        self.total_bytes += total - session.counted_bytes
        session.counted_bytes = total

    def forget(self, session: Session) -> None:
        """A client is gone."""
        self.total_bytes -= session.counted_bytes
        session.counted_bytes = 0

    def note_growth(self, session: Session) -> None:
        """The buffers of a client have grown: see to the limit before the server sleeps."""
        if self._limit > 0:
            self.count(session)
            if self.total_bytes >= self._limit:
                self._task.wake(0)

    def is_exceeded_by(self, session: Session) -> bool:
        """Whether a client, as large as it is now, exceeds the limit alone."""
        if self._limit == 0 or session.no_evict:
            return False
        self.count(session)
        return session.counted_bytes >= self._limit

    def make_room(self, session: Session) -> bool:
        """Close the biggest clients until all are within the limit; False if ``session`` was one of them."""
        if session.memory.is_open():
            self.count(session)
        self.evict()
        return session.memory.is_open()

    def _evict_now(self) -> int:
        self.evict()
        return DONE

    def evict(self) -> None:
        """Close the biggest clients while the limit is exceeded."""
        if self._limit == 0 or self.total_bytes < self._limit:
            return
        buckets: list[list[Session]] = [[] for _ in range(_BUCKETS)]
        for one in self._core.sessions.values():
            if not one.no_evict:
                buckets[_bucket(one.counted_bytes)].append(one)
        while self.total_bytes >= self._limit and any(buckets):
            biggest = max([index for index, bucket in enumerate(buckets) if bucket])
            victim = buckets[biggest].pop(0)
            self.evicted += 1
            self._drop(victim, EXCEEDED)


def _bucket(size: i64) -> int:
    """The bucket of doubling size that a client belongs to: the first one takes up to 32 KiB."""
    bits = int(size).bit_length()
    return min(max(bits - _FIRST_BUCKET_BITS, 0), _BUCKETS - 1)
