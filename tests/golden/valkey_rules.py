"""What Valkey 9.1 allocates for keys and for hash tables, as formulas: the rules of docs/memory-model-valkey.md.

They were found by logging what a running valkey-server asks its allocator for, and they are compared with its
recordings in test_valkey_rules.py. Sizes are requests in bytes; ``libc_class`` says what libc makes of one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

ROBJ = 16
TIME = 8
EMBEDDING_LIMIT = 128
BUCKET = 64
BUCKET_ENTRIES = 7
#: A bucket with a child has one entry less.
PARENT_ENTRIES = 6
SET_HEADER = 80
HASH_HEADER = 88
ZSET_HEADER = 16
SKIPLIST_HEAD = 528
#: Levels of a skip list's node on average, beyond the first.
MORE_LEVELS = 1 / 3
PAGE = 4096
MAPPED = 128 * 1024


def libc_class(request: int) -> int:
    """The usable bytes of a block."""
    chunk = max(32, (request + 23) // 16 * 16)
    if chunk < MAPPED:
        return chunk - 8
    return (chunk + 8 + PAGE - 1) // PAGE * PAGE - 16


def sds(length: int, shortest_header: int = 3) -> int:
    """An sds; ``shortest_header`` is 1 where a header of 1 is possible."""
    if shortest_header == 1 and length < 32:
        return 1 + length + 1
    if length <= 252:
        return 3 + length + 1
    return (5 if length <= 65530 else 9) + length + 1


def new_sds(length: int) -> int:
    """An sds of its own: an empty one may grow, so it has a header of 3."""
    return sds(length, 1 if length else 3)


# Keys.


def key_block(name: int, has_time: bool = False) -> int:
    """The block of a key without an embedded string."""
    size = ROBJ + 1 + sds(name, 1)
    return size + TIME if has_time or name >= 128 else size


def is_embedded(name: int, value: int) -> bool:
    return 8 + 1 + sds(name, 1) + sds(value) <= EMBEDDING_LIMIT


def string_key(name: int, value: int, has_time: bool = False) -> int:
    """The usable bytes of a key with a string that was set, its time included."""
    block = key_block(name, has_time)
    if is_embedded(name, value):
        return libc_class(max(block, block - 8 + sds(value)))
    return libc_class(block) + libc_class(new_sds(value))


def timed_key(name: int) -> int:
    """The usable bytes of a key that gets a time to live: the block stays if 8 bytes are left over."""
    usable = libc_class(key_block(name))
    wanted = key_block(name, has_time=True)
    return usable if wanted <= usable else libc_class(wanted)


# Elements.


def field_blocks(name: int, value: int, has_time: bool = False) -> list[int]:
    """The blocks of a field of a hash table and its value."""
    time = TIME if has_time else 0
    together = time + sds(name, 3 if has_time else 1) + sds(value)
    if together <= EMBEDDING_LIMIT:
        return [together]
    return [8 + time + sds(name), new_sds(value)]


def times_vector(timed: int) -> int:
    """The usable bytes of the list of fields with times, of at most 127."""
    return libc_class(8 + 8 * timed) if timed > 1 else 0


def score_node(member: int) -> int:
    """A member of a sorted set with one level; each further one adds 16."""
    return 8 + 8 + 16 + 1 + sds(member, 1)


# Tables.


@dataclass
class Table:
    """How many buckets a table has while elements are added: ``buckets``, and those of the old one in a rehash."""

    buckets: int = 0
    old: int = 0
    moved: int = 0
    used: int = 0

    def expand(self, count: int) -> None:
        """Make an empty table large enough: at most 6.4 elements to a bucket."""
        self.buckets = 1
        while self.buckets * 32 < count * 5:
            self.buckets *= 2

    def step(self, buckets: int = 1) -> None:
        """A look-up moves one bucket, and so does adding or removing an element."""
        if self.old:
            self.moved += buckets
            if self.moved >= self.old:
                self.old = self.moved = 0

    def add(self, steps: int = 1) -> None:
        """A full table doubles: 7 elements to a bucket. ZADD looks up a new member before it adds it: two steps."""
        self.step(steps)
        if self.buckets == 0:
            self.buckets = 1
        elif self.used == self.buckets * BUCKET_ENTRIES and not self.old:
            self.old, self.buckets = self.buckets, self.buckets * 2
        self.used += 1

    def children(self) -> float:
        """How many child buckets are to be expected, by the chance of elements to share a bucket."""
        if not self.old:
            return self.buckets * _children(self.used, self.buckets)
        left = self.old - self.moved
        return left * _children(self.used, self.old) + 2 * self.moved * _children(self.used, self.buckets)

    def figures(self) -> tuple[float, float]:
        """What MEMORY USAGE counts for the buckets, and what they take."""
        tables = [count * BUCKET for count in (self.buckets, self.old) if count]
        children = self.children()
        counted = sum(tables) + children * BUCKET
        return counted, sum(map(libc_class, tables)) + children * libc_class(BUCKET)


@cache
def _children(used: int, buckets: int) -> float:
    """The mean number of children of one bucket."""
    if buckets == 1:
        return max(0, math.ceil((used - BUCKET_ENTRIES) / PARENT_ENTRIES))
    total = 0.0
    chance = (1 - 1 / buckets) ** used
    for count in range(min(used, 60)):
        total += chance * max(0, math.ceil((count - BUCKET_ENTRIES) / PARENT_ENTRIES))
        chance *= (used - count) / (count + 1) / (buckets - 1)
    return total
