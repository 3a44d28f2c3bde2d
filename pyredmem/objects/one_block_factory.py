"""Makes string objects for keys whose name, value and header are one block (Redis 8.2).

What differs from the base class is when a string that a key holds can be changed without the key's block: see
:mod:`pyredmem.keyspace.one_block_table`, which gives the objects made here their place in that block.
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.memory.layout import EMBSTR_LIMIT
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import BufferString, BytesString, StringObject
from pyredmem.objects.string_factory import StringFactory


class OneBlockFactory(StringFactory):
    """Makes the string objects of one engine. No two keys share an object."""

    def _is_shared(self, number: i64) -> bool:
        return False

    def assign(self, value: RedisObject, data: bytes) -> bool:
        """Only raw strings are changed in place: an embedded one, or one that becomes embedded, gets another block."""
        if len(data) <= EMBSTR_LIMIT or not isinstance(value, BytesString) or value.sds_address == 0:
            return False
        return super().assign(value, data)

    def unshare(self, value: StringObject) -> BufferString:
        """As in the base class, but a string that is not raw stays as it is: its key has the block, and frees it."""
        if value.encoding() == b"raw":
            return super().unshare(value)
        buffer = self.create_buffer(bytearray(value.view()))
        buffer.lru = value.lru
        return buffer
