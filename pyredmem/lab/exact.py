"""Caches that choose their victims exactly, within a number of bytes: what eviction by samples comes near to.

``exact-lru`` evicts the key that was not used for longest, ``exact-lfu`` the one that was used least often since it was
added (of several, the one not used for longest), ``belady`` the one whose next read is farthest away, which only
somebody can do who knows the future. If all keys have the same size, no cache has more hits than Belady's.

A key takes what the ledger charges for it. The hash table counts too: it doubles when it is full, unless there is no
room for that. Keys that expire leave at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Final

from mypy_extensions import i64, mypyc_attr

from pyredmem.lab.operations import DELETE, KEEP_TTL, READ, WRITE

#: The first size of a hash table, and the bytes of one of its places.
_FIRST_TABLE: Final = 4
_PLACE_BYTES: Final = 8
#: The heap of Belady's cache is cleared of old entries when it has this many times as many entries as there are keys.
_SLACK: Final = 4
_LEAST_SLACK: Final = 1024


@mypyc_attr(allow_interpreted_subclasses=True)
class Order:
    """In which order keys are evicted."""

    def use(self, key: i64, next_read: i64) -> None:
        """Note that a key is used or added, and at which place of the trace it is read next."""
        raise NotImplementedError

    def forget(self, key: i64) -> None:
        """Note that a key has left."""
        raise NotImplementedError

    def victim(self) -> i64:
        """The key to evict, which leaves now. There must be one."""
        raise NotImplementedError


class LruOrder(Order):
    """The key that was not used for longest goes first."""

    def __init__(self) -> None:
        self._keys: OrderedDict[int, None] = OrderedDict()

    def use(self, key: i64, next_read: i64) -> None:
        self._keys[key] = None
        self._keys.move_to_end(key)

    def forget(self, key: i64) -> None:
        del self._keys[key]

    def victim(self) -> i64:
        return self._keys.popitem(last=False)[0]


class LfuOrder(Order):
    """The key with the fewest uses goes first. Keys with the same number of uses are in one queue."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._queues: dict[int, OrderedDict[int, None]] = {}
        self._least: i64 = 1

    def use(self, key: i64, next_read: i64) -> None:
        count: i64 = self._counts.get(key, 0)
        if count:
            self._leave(key, count)
        else:
            self._least = 1
        self._counts[key] = count + 1
        queue = self._queues.get(count + 1)
        if queue is None:
            queue = self._queues[count + 1] = OrderedDict()
        queue[key] = None

    def _leave(self, key: i64, count: i64) -> None:
        queue = self._queues[count]
        del queue[key]
        if not queue:
            del self._queues[count]

    def forget(self, key: i64) -> None:
        self._leave(key, self._counts.pop(key))

    def victim(self) -> i64:
        if self._least not in self._queues:
            self._least = min(self._queues)
        key: i64 = next(iter(self._queues[self._least]))
        self.forget(key)
        return key


class BeladyOrder(Order):
    """The key whose next read is farthest away goes first, and one that is not read again before all others."""

    def __init__(self) -> None:
        self._next: dict[int, int] = {}
        self._heap: list[tuple[int, int]] = []  # the next read with its sign changed, and the key

    def use(self, key: i64, next_read: i64) -> None:
        self._next[key] = next_read
        heappush(self._heap, (-next_read, key))
        if len(self._heap) > _SLACK * len(self._next) + _LEAST_SLACK:
            self._heap = [(-read, held) for held, read in self._next.items()]
            heapify(self._heap)

    def forget(self, key: i64) -> None:
        del self._next[key]

    def victim(self) -> i64:
        while True:
            found = heappop(self._heap)
            key: i64 = found[1]
            read = self._next.get(key)
            if read is not None and read == -found[0]:
                del self._next[key]
                return key


ALGORITHMS: Final = ("exact-lru", "exact-lfu", "belady")


def order_of(algorithm: str) -> Order:
    """The order in which an algorithm evicts."""
    if algorithm == "exact-lru":
        return LruOrder()
    return LfuOrder() if algorithm == "exact-lfu" else BeladyOrder()


class ExactCache:
    """A cache that holds keys up to a number of bytes."""

    def __init__(self, order: Order, budget: int, expire_bytes: int, fills: bool) -> None:
        self._order = order
        self._budget: i64 = budget
        self._expire_bytes: i64 = expire_bytes
        self._fills = fills
        self._sizes: dict[int, int] = {}  # bytes of the keys that are held
        self._expires: dict[int, int] = {}  # when they expire, in microseconds of the trace
        self._due: list[tuple[int, int]] = []  # when, and which key; old entries stay until then
        self._table: i64 = _FIRST_TABLE
        self._used: i64 = _FIRST_TABLE * _PLACE_BYTES
        self.reads = 0
        self.misses = 0
        self.evicted = 0

    @property
    def used(self) -> int:
        """Bytes of the keys and of the table."""
        return self._used

    def __len__(self) -> int:
        return len(self._sizes)

    def run(self, columns: Sequence[list[int]]) -> None:
        """Take operations, in columns.

        These are: times, operations, keys, bytes, times to live of writes, those of fills, next reads.
        """
        times, operations, keys, sizes, ttls, fill_ttls, next_reads = columns
        for at in range(len(times)):
            time_us: i64 = times[at]
            key: i64 = keys[at]
            operation: i64 = operations[at]
            if self._due and self._due[0][0] <= time_us:
                self._expire(time_us)
            if operation == READ:
                self.reads += 1
                if key in self._sizes:
                    self._order.use(key, next_reads[at])
                else:
                    self.misses += 1
                    if self._fills:
                        self._put(key, sizes[at], next_reads[at])
                        self._set_ttl(key, time_us, fill_ttls[at])
            elif operation == WRITE:
                self._put(key, sizes[at], next_reads[at])
                self._set_ttl(key, time_us, ttls[at])
            elif key in self._sizes:
                if operation == DELETE:
                    self._drop(key)
                    self._order.forget(key)
                else:
                    self._set_ttl(key, time_us, ttls[at])

    def _put(self, key: i64, size: i64, next_read: i64) -> None:
        """Write a key, then evict until there is room."""
        held: i64 = self._sizes.get(key, -1)
        if held >= 0:
            self._used -= held
        self._sizes[key] = size
        self._used += size
        self._order.use(key, next_read)
        grown = self._table * _PLACE_BYTES
        if len(self._sizes) > self._table and self._used + grown <= self._budget:
            self._used += grown
            self._table *= 2
        while self._used > self._budget and self._sizes:
            victim = self._order.victim()
            self._drop(victim)
            self.evicted += 1

    def _drop(self, key: i64) -> None:
        self._used -= self._sizes.pop(key)
        if self._expires.pop(key, -1) >= 0:
            self._used -= self._expire_bytes

    def _set_ttl(self, key: i64, time_us: i64, ttl_ms: i64) -> None:
        if ttl_ms == KEEP_TTL or key not in self._sizes:
            return
        if self._expires.pop(key, -1) >= 0:
            self._used -= self._expire_bytes
        if ttl_ms >= 0:
            when = time_us + ttl_ms * 1000
            self._expires[key] = when
            self._used += self._expire_bytes
            heappush(self._due, (when, key))

    def _expire(self, time_us: i64) -> None:
        """Let the keys leave whose time has come."""
        while self._due and self._due[0][0] <= time_us:
            when, key = heappop(self._due)
            if self._expires.get(key, -1) == when:
                self._drop(key)
                self._order.forget(key)


def run_exact(
    algorithm: str,
    budget: int,
    expire_bytes: int,
    fills: bool,
    chunks: Sequence[int],
    columns: Callable[[int, int], Sequence[list[int]]],
    advance: Callable[[int], None],
) -> ExactCache:
    """Run a whole trace: ``columns`` gives those between two places, which ``chunks`` lists."""
    cache = ExactCache(order_of(algorithm), budget, expire_bytes, fills)
    for start, end in pairwise(chunks):
        cache.run(columns(start, end))
        advance(end - start)
    return cache
