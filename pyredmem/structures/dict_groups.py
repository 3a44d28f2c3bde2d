"""The buckets of Valkey's hash tables, as groups of buckets of ours.

A bucket of Valkey takes 64 bytes and has room for seven keys, without entries. Eight buckets of ours take as much, so
they stand for one: the blocks of both tables have the same sizes. A table grows when it has seven keys per group, and a
rehash moves groups. A group with more keys has *child buckets*, each in a block of its own: the first from the eighth
key on, one more for each six (docs/memory-model-valkey.md). Keys of the group have these blocks in place of entries; it
does not matter which keys.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator

GROUP_BUCKETS: Final = 8
#: The request for a child bucket.
CHILD_SIZE: Final = 64
#: A table shrinks when less than these percent of its room are used.
_LEAST_PERCENT: Final = 13
_ROOM: Final = 7
#: A bucket with a child has one place less.
_ROOM_BESIDE_CHILD: Final = 6


def grouped_buckets(count: i64) -> i64:
    """The buckets of a table that is made for ``count`` keys: a power of two, with at most 6.4 keys per group."""
    buckets: i64 = GROUP_BUCKETS
    while buckets * 4 < count * 5:
        buckets *= 2
    return buckets


def group_children(count: i64) -> i64:
    """The child buckets of a group with ``count`` keys."""
    if count <= _ROOM:
        return 0
    return (count - _ROOM + _ROOM_BESIDE_CHILD - 1) // _ROOM_BESIDE_CHILD


class BucketGroups:
    """How a table that has groups differs from one of Redis: when it grows and shrinks, and what its keys have."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        #: Whether the table does not shrink now.
        self.keeps_size = False

    def room(self, buckets: i64) -> i64:
        """The keys for which a table has room."""
        return buckets // GROUP_BUCKETS * _ROOM

    def is_sparse(self, used: i64, buckets: i64) -> bool:
        """Whether a table with this many keys should shrink."""
        return not self.keeps_size and buckets > GROUP_BUCKETS and used * 100 < _LEAST_PERCENT * self.room(buckets)

    def fit(self, heads: vec[i32], links: vec[i32], children: vec[i32], bucket: i64, tags: i64) -> None:
        """Let the group of a bucket, whose keys have changed, have as many child buckets as it needs."""
        count: i64 = 0
        missing: i64 = 0
        for entry in _group(heads, links, bucket, tags):
            count += 1
            if children[entry] != 0:
                missing -= 1
        missing += group_children(count)
        if missing == 0:
            return
        for entry in _group(heads, links, bucket, tags):
            address: i64 = i64(children[entry])
            if missing > 0 and address == 0:
                children[entry] = i32(self._allocator.alloc_zeroed(CHILD_SIZE))
                missing -= 1
            elif missing < 0 and address != 0:
                self._allocator.free(address)
                children[entry] = 0
                missing += 1

    def detach(self, heads: vec[i32], links: vec[i32], children: vec[i32], bucket: i64, tags: i64) -> list[i64]:
        """Take the child buckets from the keys of a group that is to be moved; returns their addresses."""
        detached: list[i64] = []
        for entry in _group(heads, links, bucket, tags):
            if children[entry] != 0:
                detached.append(i64(children[entry]))
                children[entry] = 0
        return detached

    def fit_all(self, heads: vec[i32], links: vec[i32], children: vec[i32], first: i64, step: i64, tags: i64) -> None:
        """The same for each group that a group of the other table, with ``step`` buckets, has been moved to."""
        bucket: i64 = first & (len(heads) - 1)
        while bucket < len(heads):
            self.fit(heads, links, children, bucket, tags)
            bucket += step

    def misfits(self, heads: vec[i32], links: vec[i32], children: vec[i32], tags: i64) -> int:
        """How many groups of a table have too few or too many child buckets; an audit asks."""
        found = 0
        for first in range(0, len(heads) - 1, GROUP_BUCKETS):
            slots = _group(heads, links, first, tags)
            found += sum(children[slot] != 0 for slot in slots) != group_children(len(slots))
        return found


def _group(heads: vec[i32], links: vec[i32], bucket: i64, tags: i64) -> list[i64]:
    """The slots of the keys in the group of a bucket."""
    slots: list[i64] = []
    at: i64 = bucket // GROUP_BUCKETS * GROUP_BUCKETS
    end: i64 = at + GROUP_BUCKETS
    while at < end:
        entry: i64 = i64(heads[at])
        while entry >= 0:
            slot = entry & ~tags
            slots.append(slot)
            entry = i64(links[slot])
        at += 1
    return slots
