"""The decay of dirty pages, along jemalloc's curve.

Freed pages stay resident for a while, because they are likely to be needed again. Over ten seconds they are returned to
the system along an S-shaped curve (6x^5 - 15x^4 + 10x^3). Time is divided into epochs of 50 ms, and a backlog holds how
many pages became dirty in each of the last 200 epochs. When an epoch ends, the curve says how many pages of each epoch
may still be dirty; dirty pages beyond the sum of these are purged::

    100 % |*****
          |      **
     50 % |         *
          |           **
      0 % |              ***** -> age
          0 s               10 s

The module has no clock: the caller passes the time in.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.memory.pages import PagePool

DECAY_MS: Final = 10_000
EPOCHS: Final = 200
EPOCH_MS: Final = DECAY_MS // EPOCHS


def _remaining_share(epoch: int) -> float:
    """The share of the pages freed in an epoch of the backlog (0 is the oldest) that may still be dirty."""
    x = (epoch + 1) / EPOCHS
    return x * x * x * (x * (x * 6 - 15) + 10)


#: The shares of all epochs, the oldest first.
_SHARES: Final = [_remaining_share(epoch) for epoch in range(EPOCHS)]


class DirtyDecay:
    """Purges the dirty pages of one pool as they age."""

    def __init__(self, pool: PagePool) -> None:
        self._pool = pool
        #: Pages that became dirty in each epoch, the oldest epoch first.
        self._backlog: list[int] = [0] * EPOCHS
        self._epoch_started_ms: i64 = -1
        self._dirty_before: i64 = 0
        self._idle: bool = True

    def tick(self, now_ms: i64) -> i64:
        """Purge the pages that are too old at ``now_ms``; returns how many went back to the system."""
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
        """Empty the backlog after all dirty pages were purged."""
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
        """How many pages may be dirty now."""
        allowed = 0.0
        for epoch in range(EPOCHS):
            pages = self._backlog[epoch]
            if pages:
                allowed += pages * _SHARES[epoch]
        return int(allowed)
