"""How dirty pages fade away: the decay curve of jemalloc.

Freed pages stay resident for a while, because they are likely to be wanted again. Over ten seconds they are
returned to the system along an S-shaped curve (6x^5 - 15x^4 + 10x^3). Time is cut into 200 epochs; a
backlog keeps how many pages became dirty in each of the last 200. At every epoch the curve says how many of
each may still be dirty; what is above the sum is purged::

    100 % |*****
          |      **
     50 % |         *
          |           **
      0 % |              ***** -> age
          0 s               10 s

The module owns no clock; it is told the time.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.pages import PagePool

DECAY_MS: Final = 10_000
EPOCHS: Final = 200
EPOCH_MS: Final = DECAY_MS // EPOCHS


def _remaining_share(epoch: int) -> float:
    """Return the share that may be dirty of what was freed in that epoch of the backlog."""
    x = (epoch + 1) / EPOCHS
    return x * x * x * (x * (x * 6 - 15) + 10)


class DirtyDecay:
    """Drives the purging of one page pool."""

    def __init__(self, pool: PagePool) -> None:
        self._pool = pool
        self._shares: list[float] = [_remaining_share(epoch) for epoch in range(EPOCHS)]
        #: pages that became dirty, oldest epoch first
        self._backlog: list[int] = [0] * EPOCHS
        self._epoch_started_ms: i64 = -1
        self._dirty_before: i64 = 0
        self._idle: bool = True

    def tick(self, now_ms: i64) -> i64:
        """Purge what is too old at ``now_ms``; return the number of pages returned to the system."""
        if self._epoch_started_ms < 0 or now_ms < self._epoch_started_ms:
            self._epoch_started_ms = now_ms
            return 0
        passed: i64 = (now_ms - self._epoch_started_ms) // EPOCH_MS
        if passed == 0:
            return 0
        self._epoch_started_ms += passed * EPOCH_MS
        pool = self._pool
        if pool.dirty_pages == 0:
            self.forget()
            return 0
        self._advance(passed, pool.dirty_pages - self._dirty_before)
        purged: i64 = pool.purge(self._allowed())
        self._dirty_before = pool.dirty_pages
        return purged

    def forget(self) -> None:
        """Start anew after everything was purged."""
        if not self._idle:
            self._backlog = [0] * EPOCHS
            self._dirty_before = 0
            self._idle = True

    def _advance(self, epochs: i64, new_pages: i64) -> None:
        self._idle = False
        steps: i64 = epochs if epochs < EPOCHS else EPOCHS
        self._backlog = self._backlog[steps:] + [0] * steps
        self._backlog[EPOCHS - 1] = new_pages if new_pages > 0 else 0

    def _allowed(self) -> i64:
        allowed = 0.0
        for epoch in range(EPOCHS):
            pages = self._backlog[epoch]
            if pages:
                allowed += pages * self._shares[epoch]
        return int(allowed)
