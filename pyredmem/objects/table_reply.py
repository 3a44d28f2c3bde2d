"""Replies with the keys of a hash table, straight from the heap if they lie there."""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.memory.heap_bytes import ADDRESS, LENGTH_SHIFT
from pyredmem.protocol.reply import ReplySink
from pyredmem.structures.dict import Dict


def reply_key(table: Dict, slot: i64, reply: ReplySink) -> None:
    """Reply with the key in a slot."""
    heap = table.heap
    if heap is None:
        reply.bulk(table.keys[slot])
    else:
        place = table.key_place(slot)
        reply.bulk_from(heap, place & ADDRESS, place >> LENGTH_SHIFT)


def reply_keys(table: Dict, reply: ReplySink) -> None:
    """Reply with all keys, after the caller has announced how many there are."""
    slot: i64 = 0
    while slot < table.used:
        reply_key(table, slot, reply)
        slot += 1
