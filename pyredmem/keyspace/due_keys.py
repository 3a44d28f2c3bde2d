"""Which keys of a database hold hashes with fields that expire, ordered by when the next field does.

An index beside the keys, not part of the values: a value does not know its name. The time of a key here is never later
than that of its first field, but may be earlier (the field was deleted, or lives longer now); whoever comes at that
time looks at the hash and corrects it. The heap of (time, key) may hold stale entries, which are dropped when they come
up.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final

from mypy_extensions import i64

#: Stale entries of the heap that are put up with.
_STALE: Final = 64


class DueKeys:
    """Keys and their times, unix milliseconds."""

    def __init__(self) -> None:
        self.count: i64 = 0
        self.when: dict[bytes, int] = {}
        self._heap: list[tuple[int, bytes]] = []

    def add(self, key: bytes, when_ms: i64) -> None:
        """A field of this key expires then; does nothing if one is known to expire earlier."""
        time: int = when_ms
        known = self.when.get(key)
        if known is not None and known <= time:
            return
        self.when[key] = time
        self.count = len(self.when)
        if len(self._heap) <= 2 * len(self.when) + _STALE:
            heappush(self._heap, (time, key))
            return
        self._heap = []
        for name, moment in self.when.items():
            self._heap.append((moment, name))
        heapify(self._heap)

    def forget(self, key: bytes) -> None:
        """The key is gone, or has no such fields any more."""
        self.when.pop(key, None)
        self.count = len(self.when)

    def hold(self, key: bytes) -> None:
        """Hold this very object for an equal key that is here; its heap entry stays with the old one."""
        when = self.when.pop(key, None)
        if when is not None:
            self.when[key] = when

    def move(self, key: bytes, target: DueKeys, new_key: bytes) -> None:
        """The value of a key is (also) that of another one now, in this database or another."""
        when = self.when.get(key)
        if when is not None:
            target.add(new_key, when)

    def take(self, now_ms: i64) -> bytes | None:
        """A key whose time is over, None if there is none; it is not in the index any more."""
        heap = self._heap
        while heap:
            time, key = heap[0]
            if time >= now_ms:
                return None
            heappop(heap)
            if self.when.get(key) == time:
                self.forget(key)
                return key
        return None

    def is_due(self, now_ms: i64) -> bool:
        """Whether a look is worth it: the time of some key may be over."""
        return len(self._heap) > 0 and self._heap[0][0] < now_ms

    def dismantle(self, limit: i64) -> bool:
        """Let about ``limit`` keys go; True when none is left. For an index that nobody needs any more."""
        count: i64 = len(self._heap)
        if count > 0:
            del self._heap[count - limit if count > limit else 0 :]
            return False
        while limit > 0 and self.when:
            self.when.popitem()
            limit -= 1
        return not self.when

    def clear(self) -> None:
        """Forget all keys."""
        self.when = {}
        self._heap = []
        self.count = 0
