"""Deleting entries of a stream with regard to the groups that refer to them, as Redis does since 8.2.

A group refers to an entry that it has not read yet, or that is pending in it. XADD, XTRIM, XDELEX and XACKDEL say what
becomes of such references:

    KEEPREF   the entry is deleted, and stays pending where it is
    DELREF    the entry is deleted, and is not pending in any group any more
    ACKED     the entry is deleted only if no group refers to it
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.objects.stream import Stream
from pyredmem.objects.stream_id import MAX_ID, id_key

KEEPREF: Final = 0
DELREF: Final = 1
ACKED: Final = 2
REFERENCES: Final = {b"KEEPREF": KEEPREF, b"DELREF": DELREF, b"ACKED": ACKED}

# What became of an entry.
MISSING: Final = -1
DELETED: Final = 1
KEPT: Final = 2  # a group refers to it

#: Trimming looks at this many entries at once.
_STRETCH: Final = 128


def is_referenced(stream: Stream, entry_id: int) -> bool:
    """Whether a group refers to an entry, which need not exist any more."""
    key = id_key(entry_id)
    return any(entry_id > group.last_id or group.pending.get(key) is not None for group in stream.group_list())


def forget(stream: Stream, entry_id: int) -> None:
    """Let the entry be pending in no group."""
    key = id_key(entry_id)
    for group in stream.group_list():
        group.acknowledge(key)


def delete_entry(stream: Stream, entry_id: int, references: int) -> int:
    """Delete an entry unless it has to be kept; returns what became of it.

    The caller must call ``update_first_id`` afterwards, and note the highest id that was deleted.
    """
    if references == ACKED and is_referenced(stream, entry_id):
        return KEPT
    if references == DELREF:
        forget(stream, entry_id)
    return DELETED if stream.delete(entry_id) else MISSING


def trim_entries(stream: Stream, length: int, end: int, references: int) -> i64:
    """Delete the oldest entries with ids below ``end`` until ``length`` are left; returns how many were deleted.

    Those that have to be kept are passed over.
    """
    deleted: i64 = 0
    low = 0
    while stream.length > length and low < end:
        ids = stream.range(low, end - 1, _STRETCH).ids
        if not ids:
            break
        low = ids[-1] + 1
        for entry_id in ids:
            if stream.length <= length:
                break
            if delete_entry(stream, entry_id, references) == DELETED:
                deleted += 1
    if deleted > 0:
        stream.update_first_id()
    return deleted


def trim_to_length(stream: Stream, length: int, references: int) -> i64:
    """Delete the oldest entries until ``length`` are left."""
    return trim_entries(stream, length, MAX_ID + 1, references)


def trim_below(stream: Stream, low: int, references: int) -> i64:
    """Delete the entries with an id below ``low``."""
    return trim_entries(stream, 0, low, references)
