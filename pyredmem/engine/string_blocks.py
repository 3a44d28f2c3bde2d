"""The ledger blocks for a string object whose bytes are held elsewhere, such as an argument of a queued command."""

from __future__ import annotations

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import EMBSTR_LIMIT, ROBJ_SIZE, embstr_size, sds_new_size


def allocate_string(text: bytes, allocator: Allocator) -> list[int]:
    """Allocate one block for a short string, embedded in its object; else one block each for the object and the sds."""
    if len(text) <= EMBSTR_LIMIT:
        return [int(allocator.alloc(embstr_size(len(text))))]
    return [int(allocator.alloc(ROBJ_SIZE)), int(allocator.alloc(sds_new_size(len(text))))]
