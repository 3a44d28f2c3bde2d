"""Client eviction: when all clients together use more than maxmemory-clients, the biggest ones are disconnected.

The memory of a client is counted when the timer visits the client and when its buffers have grown. To find victims,
clients are put into buckets by size, as in Redis 7.2 (evictClients), and a victim is taken from the highest bucket that
is not empty. So the clients need not be sorted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_CLIENTS_LIMITED
from pyredmem.engine.session import Session
from pyredmem.engine.tasks import DONE

#: A lower limit than this counts as this (bytes).
_LEAST_LIMIT: Final = 128 * 1024
#: The first bucket takes clients of up to 2 ** 15 bytes, each further one clients of up to twice the size.
_FIRST_BUCKET_BITS: Final = 15
_BUCKETS: Final = 19
#: Why a client is closed, for the log.
EXCEEDED: Final = "the clients together use more than maxmemory-clients"


class ClientEviction:
    """Keeps the memory of all clients within the limit. ``drop`` disconnects a client, for the reason it is given."""

    def __init__(self, core: Core, drop: Callable[[Session, str], None]) -> None:
        self._core = core
        self._drop = drop
        #: The memory of all clients, in bytes: the sum of what was counted for each of them last.
        self.total_bytes: i64 = 0
        self.evicted: i64 = 0
        self._limit: i64 = 0  # 0: none
        self._task = core.tasks.create(self._evict_now)
        core.settings.follow(("maxmemory-clients", "maxmemory"), self._limit_changed)

    def close(self) -> None:
        """Disconnect nobody any more."""
        self._drop = _keep

    def _limit_changed(self) -> None:
        integer = self._core.settings.integer
        limit = integer("maxmemory-clients")
        if limit < 0:
            limit = integer("maxmemory") * -limit // 100
        self._limit = max(limit, _LEAST_LIMIT) if limit > 0 else 0
        if limit > 0:  # without a limit a client is not counted each time its buffers grow
            for session in self._core.sessions.values():
                self.note_growth(session)
        self._core.gates.set(GATE_CLIENTS_LIMITED, limit > 0)

    def count(self, session: Session) -> None:
        """Count the memory that a client uses now."""
        total = session.memory.total()
        self.total_bytes += total - session.counted_bytes
        session.counted_bytes = total

    def forget(self, session: Session) -> None:
        """Stop counting a client that has disconnected."""
        self.total_bytes -= session.counted_bytes
        session.counted_bytes = 0

    def note_growth(self, session: Session) -> None:
        """Count a client whose buffers have grown; if the limit is exceeded, evict clients before the server sleeps."""
        if self._limit > 0:
            self.count(session)
            if self.total_bytes >= self._limit:
                self._task.wake(0)

    def recount(self, session: Session) -> bool:
        """Count a client that may have grown; returns whether it exceeds the limit alone."""
        if self._limit == 0 or session.no_evict:
            return False
        self.count(session)
        return session.counted_bytes >= self._limit

    def make_room(self, session: Session) -> bool:
        """Evict the biggest clients until the rest is within the limit; returns false if ``session`` was evicted."""
        if session.is_connected:
            self.count(session)
        self.evict()
        return session.is_connected

    def _evict_now(self) -> int:
        self.evict()
        return DONE

    def evict(self) -> None:
        """Disconnect the biggest clients while the limit is exceeded."""
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


def _keep(session: Session, reason: str) -> None:
    pass


def _bucket(size: i64) -> int:
    """The bucket for a client of ``size`` bytes."""
    bits = int(size).bit_length()
    return min(max(bits - _FIRST_BUCKET_BITS, 0), _BUCKETS - 1)
