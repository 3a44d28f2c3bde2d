"""Reads what several lookups in a large hash table will need before the first of them begins.

In a large table a lookup waits for memory again and again: for the bucket, for the key, for the value, for its content,
and each of these reads needs the result of the one before. The lookups of two commands do not depend on each other, but
too much work lies between them for the processor to see that. So when a client has sent several commands at once, all
buckets are read first, then all keys and values, then all contents: the processor waits for many of them at the same
time. Nothing is changed, counted or marked, and no command relies on what is found.

This costs some 40 ns for each key. It is not worth it where everything is in the cache anyway, and in interpreted code.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.base.build import COMPILED
from pyredmem.base.key_hash import key_hash
from pyredmem.structures.dict import Dict

#: How many keys are looked at together.
WINDOW: Final = 32
#: The fewest entries of a table for which this pays (measured: benchmarks/vs_redis.py --keys).
LEAST_ENTRIES: Final = 50_000


def pays(table: Dict) -> bool:
    """Whether a table is large enough."""
    return COMPILED and table.used >= LEAST_ENTRIES


class LookAhead:
    """The lookups that are being prepared."""

    def __init__(self) -> None:
        self.slots: vec[i64] = vec[i64]([-1] * WINDOW)
        self.count: i64 = 0
        self.seen: i64 = 0  # made of all that was read, so that no compiler leaves out a read

    def requests(self, table: Dict, requests: list[list[bytes]], first: i64, place: i64) -> None:
        """Prepare a window of requests, from the request ``first`` on; ``place`` is that of the key in most of them."""
        self.count = 0
        total: i64 = len(requests)
        end = first + WINDOW if first + WINDOW < total else total
        while first < end:
            argv = requests[first]
            if len(argv) > place:
                self._find_bucket(table, argv[place])
            first += 1
        self._read(table)

    def words(self, table: Dict, words: list[bytes], first: i64, step: i64) -> None:
        """Prepare a window of keys among the words of one request: every word ``step``, from the word ``first`` on."""
        self.count = 0
        total: i64 = len(words)
        while first < total and self.count < WINDOW:
            self._find_bucket(table, words[first])
            first += step
        self._read(table)

    def _find_bucket(self, table: Dict, key: bytes) -> None:
        """Read the bucket of a key."""
        digest = key_hash(key, table.hash_seed)
        bucket: i64 = digest & table.mask
        entry: i64
        tags: i64
        if bucket >= table.rehash_index:
            tags = table.tags
            entry = i64(table.heads[bucket])
        else:
            tags = table.new_tags
            entry = i64(table.new_heads[digest & table.new_mask])
        if entry >= 0:
            self.slots[self.count] = entry & ~tags
            self.count += 1

    def _read(self, table: Dict) -> None:
        """Read the first key of each bucket and its value."""
        slots = self.slots
        seen: i64 = 0
        at: i64 = 0
        while at < self.count:
            seen += table.look_at(slots[at])
            at += 1
        at = 0
        while at < self.count:
            seen += table.look_into(slots[at])
            at += 1
        self.seen = seen
