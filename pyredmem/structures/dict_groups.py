"""The buckets of Valkey's hash tables, as groups of buckets of ours.

A bucket of Valkey takes 64 bytes and has room for seven keys, without entries. Eight buckets of ours take as much, so
they stand for one: the blocks of both tables have the same sizes. A table grows when it has seven keys per group, and a
rehash moves groups. A group with more keys has child buckets, each in a block of its own: the first from the eighth key
on, one more for each six. The key that needs one has its block in place of an entry (docs/memory-model-newer.md).
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i32, i64

GROUP_BUCKETS: Final = 8
#: The request for a child bucket.
CHILD_SIZE: Final = 64
#: A table shrinks when less than these percent of its room are used.
GROUP_LEAST_PERCENT: Final = 13
_ROOM: Final = 7
#: A bucket with a child has one place less.
_ROOM_BESIDE_CHILD: Final = 6


def group_room(buckets: i64) -> i64:
    """The keys for which a table has room."""
    return buckets // GROUP_BUCKETS * _ROOM


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


def group_size(heads: vec[i32], links: vec[i32], bucket: i64, tags: i64) -> i64:
    """The keys in the group of a bucket."""
    count: i64 = 0
    at: i64 = bucket // GROUP_BUCKETS * GROUP_BUCKETS
    end: i64 = at + GROUP_BUCKETS
    while at < end:
        entry: i64 = i64(heads[at])
        while entry >= 0:
            count += 1
            entry = i64(links[entry & ~tags])
        at += 1
    return count


def group_member(heads: vec[i32], links: vec[i32], children: vec[i32], bucket: i64, tags: i64, has_child: bool) -> i64:
    """The slot of a key in the group of a bucket that has a child bucket, or that has none; there must be one."""
    at: i64 = bucket // GROUP_BUCKETS * GROUP_BUCKETS
    end: i64 = at + GROUP_BUCKETS
    while at < end:
        entry: i64 = i64(heads[at])
        while entry >= 0:
            slot = entry & ~tags
            if (children[slot] != 0) == has_child:
                return slot
            entry = i64(links[slot])
        at += 1
    raise AssertionError("no such key in a group")
