"""Makes string objects for keys whose name, value and header are one block (Redis 8.2 and Valkey 9.1).

What differs from the base class is when a string that a key holds can be changed without the key's block: see
:mod:`pyredmem.keyspace.one_block_table`, which gives the objects made here their place in that block.
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.key_block import KeyBlock
from pyredmem.memory.layout import EMBSTR_LIMIT, embstr_size
from pyredmem.objects.heap_strings import HeapStrings
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import BufferString, BytesString, StringObject
from pyredmem.objects.string_factory import StringFactory


class OneBlockFactory(StringFactory):
    """Makes the string objects of one engine. No two keys share an object."""

    def __init__(self, allocator: Allocator, heap_strings: HeapStrings, blocks: KeyBlock) -> None:
        super().__init__(allocator, heap_strings)
        self.blocks = blocks

    def create(self, data: bytes) -> StringObject:
        if EMBSTR_LIMIT < len(data) <= self.blocks.longest:
            return self._embedded(data)
        return super().create(data)

    def create_text(self, data: bytes) -> StringObject:
        if EMBSTR_LIMIT < len(data) <= self.blocks.longest:
            return self._embedded(data)
        return super().create_text(data)

    def _embedded(self, data: bytes) -> StringObject:
        """An embstr, until its key turns out to have no room for it."""
        return BytesString(self.allocator.alloc(embstr_size(len(data))), 0, data)

    def _is_shared(self, number: i64) -> bool:
        return False

    def assign(self, value: RedisObject, data: bytes) -> bool:
        """Only raw strings are changed in place: an embedded one, or one that becomes embedded, gets another block."""
        if len(data) <= self.blocks.longest or not isinstance(value, BytesString) or value.sds_address == 0:
            return False
        return super().assign(value, data)

    def unshare(self, value: StringObject) -> BufferString:
        """As in the base class, but a string that is not raw stays as it is: its key has the block, and frees it."""
        if value.encoding() == b"raw":
            return super().unshare(value)
        buffer = self.create_buffer(bytearray(value.view()))
        buffer.lru = value.lru
        return buffer
