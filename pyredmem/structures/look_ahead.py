"""Reads what several lookups in a large hash table will need before the first of them begins.

In a large table a lookup waits for memory again and again: for the bucket, for the key, for the value, for its content,
and each of these reads needs the result of the one before. The lookups of two commands do not depend on each other, but
too much work lies between them for the processor to see that. So when a client has sent several commands at once, all
buckets are read first, then all keys and values, then all contents: the processor waits for many of them at the same
time. For that, each of these steps is a short loop over all of them. Nothing is changed, counted or marked, and no
command relies on what is found.

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
        self._digests: vec[i64] = vec[i64]([0] * WINDOW)
        self.slots: vec[i64] = vec[i64]([0] * WINDOW)
        self._scratch: vec[i64] = vec[i64]([0] * WINDOW)
        self.count: i64 = 0  # of the slots
        self.seen: i64 = 0  # made of all that was read, so that no compiler leaves out a read

    def requests(self, table: Dict, requests: list[list[bytes]], first: i64, place: i64) -> None:
        """Prepare a window of requests, from the request ``first`` on; ``place`` is that of the key in most of them."""
        digests = self._digests
        seed = table.hash_seed
        count: i64 = 0
        total: i64 = len(requests)
        end = first + WINDOW if first + WINDOW < total else total
        while first < end:
            argv = requests[first]
            if len(argv) > place:
                digests[count] = key_hash(argv[place], seed)
                count += 1
            first += 1
        self._read(table, count)

    def words(self, table: Dict, words: list[bytes], first: i64, step: i64) -> None:
        """Prepare a window of keys among the words of one request: every word ``step``, from the word ``first`` on."""
        digests = self._digests
        seed = table.hash_seed
        count: i64 = 0
        total: i64 = len(words)
        while first < total and count < WINDOW:
            digests[count] = key_hash(words[first], seed)
            count += 1
            first += step
        self._read(table, count)

    def _read(self, table: Dict, count: i64) -> None:
        """Read the buckets for ``count`` hashes, then the keys that are probably there, and their values."""
        slots = self.slots
        found = table.look_for(self._digests, slots, count)
        self.count = found
        seen = table.look_at(slots, found, self._scratch)
        self.seen = seen + table.look_into(slots, found)
