"""Reads what the keys of several commands will need before the first of them runs.

In a large keyspace a lookup waits for memory again and again: for the bucket, for the key, for the object, for its
content, and each of these reads needs the result of the one before. The lookups of two commands do not depend on each
other, but too much work lies between them for the processor to see that. So when a client has sent several commands at
once, all buckets are read first, then all keys and objects, then all contents: the processor waits for many of them
at the same time. Nothing is changed, counted or marked, and nothing is found that the commands would rely on.

This costs some 40 ns for each key. It is not worth it where everything is in the cache anyway, and in interpreted code.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.base.build import COMPILED
from pyredmem.base.key_hash import key_hash
from pyredmem.keyspace.tables import KeyTable
from pyredmem.objects.string import BytesString
from pyredmem.structures.dict_core import slot_mask

#: How many keys are looked at together.
WINDOW: Final = 32
#: The fewest keys in a database for which this pays (measured: benchmarks/vs_redis.py --keys).
LEAST_KEYS: Final = 50_000


class LookAhead:
    """The lookups that are being prepared."""

    def __init__(self) -> None:
        self.slots: vec[i64] = vec[i64]([-1] * WINDOW)
        self.count: i64 = 0
        self.seen: i64 = 0  # made of all that was read, so that no compiler leaves out a read

    def pays(self, keys: KeyTable) -> bool:
        """Whether a table is large enough."""
        return COMPILED and keys.used >= LEAST_KEYS

    def requests(self, keys: KeyTable, requests: list[list[bytes]], first: i64) -> None:
        """Prepare a window of requests, from the request ``first`` on. Of most commands the second word is a key."""
        self.count = 0
        total: i64 = len(requests)
        end = first + WINDOW if first + WINDOW < total else total
        while first < end:
            argv = requests[first]
            if len(argv) > 1:
                self._find_bucket(keys, argv[1])
            first += 1
        self._read_values(keys)

    def words(self, keys: KeyTable, words: list[bytes], first: i64, step: i64) -> None:
        """Prepare a window of keys among the words of one request: every word ``step``, from the word ``first`` on."""
        self.count = 0
        total: i64 = len(words)
        while first < total and self.count < WINDOW:
            self._find_bucket(keys, words[first])
            first += step
        self._read_values(keys)

    def _find_bucket(self, keys: KeyTable, key: bytes) -> None:
        """Read the bucket of a key."""
        digest = key_hash(key, keys.hash_seed)
        bucket: i64 = digest & keys.mask
        entry: i64
        bits: i64
        if bucket >= keys.rehash_index:
            bits = keys.bits
            entry = i64(keys.heads[bucket])
        else:
            bits = keys.new_bits
            entry = i64(keys.new_heads[digest & keys.new_mask])
        if entry >= 0:
            self.slots[self.count] = entry & slot_mask(bits)
            self.count += 1

    def _read_values(self, keys: KeyTable) -> None:
        """Read the first key of each bucket and its value."""
        slots = self.slots
        names = keys.keys
        values = keys.values
        links = keys.links
        seen: i64 = 0
        at: i64 = 0
        while at < self.count:
            slot = slots[at]
            seen += len(names[slot]) + i64(values[slot].lru) + i64(links[slot])
            at += 1
        at = 0
        while at < self.count:
            value = values[slots[at]]
            if isinstance(value, BytesString):
                seen += len(value.content)
            at += 1
        self.seen = seen
