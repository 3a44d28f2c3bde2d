"""Strings in the heap whose blocks are those of their keys, as large as Valkey embeds them.

Redis 8.2 embeds at most 44 bytes, Valkey 9.1 up to 113. A word has room for a length of 63. The word of a longer
embedded string is that of a raw one, whose bytes follow at once in the same block, instead of in one of their own::

    block    [ name of the key | place of the bytes | the bytes ]
                               part                 part + 1

So a longer one is read like a raw string. There is always room for the word: Valkey asks for at least 15 bytes more
than name and string take. The name takes up to 7 bytes more here, to the next granule, and the word takes 8.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.memory.heap_bytes import ADDRESS
from pyredmem.objects.heap_strings import EMBSTR_LENGTH_SHIFT, ENCODING, NO_WORD, RAW, with_access
from pyredmem.objects.object import RedisObject
from pyredmem.objects.one_block_strings import OneBlockStrings, granules
from pyredmem.objects.string import BytesString, StringObject

#: The longest string whose length is in its word (bytes).
_LONGEST_IN_WORD: Final = (1 << (63 - EMBSTR_LENGTH_SHIFT)) - 1
#: The word before the bytes of a longer one (bytes).
_PLACE_BYTES: Final = 8


class ValkeyStrings(OneBlockStrings):
    """The strings of one engine that lie in the heap, in the blocks of their keys, as in Valkey 9.1."""

    def _embed(self, part: i64, data: bytes) -> i64:
        if len(data) <= _LONGEST_IN_WORD:
            return super()._embed(part, data)
        self._store_raw(part, part + 1, data, 0)
        return part | RAW

    def word_in(self, value: RedisObject, name: i64) -> i64:
        if self.longest >= 0 and isinstance(value, BytesString) and value.sds_address == 0 and value.refcount == 1:
            return with_access(self._embed(i64(value.address) + granules(name), value.content), i64(value.lru))
        return super().word_in(value, name)

    def sds_address(self, word: i64) -> i64:
        address = super().sds_address(word)
        return 0 if address == (word & ADDRESS) + 1 else address

    def is_embedded(self, word: i64) -> bool:
        return word & ENCODING == 0 or (word & ENCODING == RAW and self.sds_address(word) == 0)

    def part_bytes(self, word: i64) -> i64:
        size = super().part_bytes(word)
        return _PLACE_BYTES + self.length(word) if word & ENCODING == RAW and self.is_embedded(word) else size

    def moved(self, word: i64, block: i64, address: i64) -> i64:
        new = super().moved(word, block, address)
        if word & ENCODING == RAW:
            part: i64 = new & ADDRESS
            content: i64 = self.heap.word(part)
            if content & ADDRESS == (word & ADDRESS) + 1:
                self.heap.set_word(part, content - block + address)
        return new

    def view(self, word: i64) -> StringObject:
        value = super().view(word)
        if isinstance(value, BytesString):
            value.sds_address = i32(self.sds_address(word))
        return value

    def overwrite(self, word: i64, data: bytes) -> i64:
        return NO_WORD if len(data) <= self._blocks.longest else super().overwrite(word, data)

    def set_part(self, word: i64, offset: i64, data: bytes) -> i64:
        return NO_WORD if self.is_embedded(word) else super().set_part(word, offset, data)
