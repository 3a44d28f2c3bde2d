"""Strings in the heap whose blocks are those of their keys (Redis 8.2; Valkey: :mod:`.valkey_strings`).

Words are those of :mod:`pyredmem.objects.heap_strings`, but for their addresses: a block has the name of the key from
its start on, and the address in a word is that of the *part* of the string, the next granule after the name::

    block    [ name of the key | part ]
                                 embstr: the bytes; raw: the word with the place of the sds; int: the number

So whatever only reads a string, or changes it where it is, is the same in both layouts.

There is always room for the part. Redis asks for 19 bytes more than the name for the header, the length of the name's
header, and that header with a NUL; a name takes up to 7 bytes more here, to the next granule, and a word 8: 15. An
embedded string takes its own length, for which Redis asks in addition.

A new string has no block, since nobody knows its key yet. It *waits* here until the table has a block for it
(``place``), which must be before there is another one.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.heap_bytes import ADDRESS, HeapBytes
from pyredmem.memory.key_block import KeyBlock
from pyredmem.memory.layout import sds_new_size
from pyredmem.memory.mover import Mover
from pyredmem.objects.heap_strings import (
    EMBSTR_LENGTH_SHIFT,
    ENCODING,
    INT,
    NINE,
    NO_WORD,
    RAW,
    HeapStrings,
    with_access,
)
from pyredmem.objects.object import RedisObject
from pyredmem.objects.string import SHARED_INTEGERS, StringObject

#: The word of a string that has no blocks, a shared integer: freeing it does nothing.
NOTHING: Final = 3 << 55


def granules(name: i64) -> i64:
    """The granules that a name of this length takes, so the place of the part in the block."""
    return (name + 7) >> 3


class OneBlockStrings(HeapStrings):
    """The strings of one engine that lie in the heap, in the blocks of their keys."""

    def __init__(self, allocator: Allocator, heap: HeapBytes, longest: i64, blocks: KeyBlock) -> None:
        super().__init__(allocator, heap, longest)
        self._blocks = blocks
        self._text = b""  # that waits
        self._number: i64 = 0

    # New strings.

    def new_integer(self, number: i64) -> i64:
        """The word of a string with the encoding int that waits."""
        self._number = number
        return INT

    def new_text(self, data: bytes) -> i64:
        """The word of another string that waits; whether it is embstr or raw depends on its key."""
        self._text = data
        return RAW

    def fills_block(self, word: i64, sharing: bool) -> bool:
        """Whether Redis puts the string that waits into the block of another value, if that has one of its own."""
        if word & ENCODING == INT:
            return not (sharing and self._blocks.renews_small_numbers and 0 <= self._number < SHARED_INTEGERS)
        return len(self._text) > self._blocks.longest

    def embeds(self, word: i64, name: i64, has_time: bool) -> bool:
        """Whether the string that waits is embedded in the block of a key."""
        return word & ENCODING == RAW and self._blocks.embeds(name, len(self._text), has_time)

    def block_size(self, name: i64, has_time: bool, embeds: bool) -> i64:
        """The request for the block of a key, in which the string that waits is embedded or not."""
        if embeds:
            return self._blocks.size_with(name, len(self._text), has_time)
        return self._blocks.size(name, has_time)

    def place(self, word: i64, block: i64, name: i64, embeds: bool) -> i64:
        """Put the string that waits into the block of its key, which has a name of this length; returns its word."""
        part: i64 = block + granules(name)
        field: i64 = self.access(word)
        if word & ENCODING == INT:
            self.heap.set_word(part, self._number)
            return with_access(part | INT, field)
        data = self._text
        size: i64 = len(data)
        if embeds:
            return with_access(self._embed(part, data), field)
        self._store_raw(part, self.allocator.alloc(sds_new_size(size)), data, 0)
        return with_access(part | RAW, field)

    def _embed(self, part: i64, data: bytes) -> i64:
        """Put an embedded string into its part; returns its word, whose access field is zero."""
        size: i64 = len(data)
        self.heap.store(part, data, size)
        return part | size << EMBSTR_LENGTH_SHIFT

    def word_in(self, value: RedisObject, name: i64) -> i64:
        """Move a value into the heap whose block is that of its key; returns its word, NO_WORD if it is an object."""
        if value.refcount != 1:
            return NO_WORD
        block = value.address
        value.address = i32(i64(block) + granules(name))
        word: i64 = self.word_of(value)
        value.address = block
        return word

    # Strings that have their block.

    def block(self, word: i64) -> i64:
        """The address of the block of a string."""
        return self.allocator.live_block(word & ADDRESS)

    def sds_address(self, word: i64) -> i64:
        """The address of the sds of a string, 0 if it has none."""
        return self.heap.word(word & ADDRESS) & ADDRESS if word & ENCODING == RAW else 0

    def is_embedded(self, word: i64) -> bool:
        """Whether a string has its bytes in the block."""
        return word & ENCODING == 0

    def part_bytes(self, word: i64) -> i64:
        """The bytes of the part of a string."""
        return word >> EMBSTR_LENGTH_SHIFT if word & ENCODING == 0 else 8

    def moved(self, word: i64, block: i64, address: i64) -> i64:
        """The word of a string whose block was copied from one address to another."""
        return word - block + address

    def view(self, word: i64) -> StringObject:
        value = super().view(word)
        value.address = i32(self.block(word))
        return value

    def overwrite(self, word: i64, data: bytes) -> i64:
        """As in the base class, for raw strings: an embedded one may need another block."""
        return NO_WORD if word & ENCODING == 0 else super().overwrite(word, data)

    def overwrite_embedded(self, word: i64, data: bytes, block: i64, name: i64, has_time: bool, is_tight: bool) -> i64:
        """Overwrite an embedded string where it is, in the block of a key with a name of this length.

        ``is_tight``: the block has no room for a time. So its size is known, and the ledger need not be asked, which
        costs a few cache misses. Returns the new word; NO_WORD, and does nothing, if Redis would take a block of
        another size class.
        """
        size: i64 = len(data)
        if size == 0 or data[0] <= NINE or not self._blocks.embeds(name, size, has_time):
            return NO_WORD
        old: i64 = self.length(word)
        if not is_tight or size != old:
            usable: i64 = self.embedded_size(name, old, False) if is_tight else self.allocator.usable(block)
            if usable != self.embedded_size(name, size, has_time):
                return NO_WORD
        return with_access(self._embed(word & ADDRESS, data), self.access(word))

    def embedded_size(self, name: i64, length: i64, has_time: bool) -> i64:
        """The usable size of a new block with an embedded string."""
        return self.allocator.good_size(self._blocks.size_with(name, length, has_time))

    def set_part(self, word: i64, offset: i64, data: bytes) -> i64:
        """As in the base class, for raw strings: another one needs another block."""
        return super().set_part(word, offset, data) if word & ENCODING == RAW else NO_WORD

    def free(self, word: i64) -> None:
        if word == NOTHING:
            return
        sds_address: i64 = self.sds_address(word)
        if sds_address != 0:
            self.allocator.free(sds_address)
        self.allocator.free(self.block(word))

    def dismantle(self, word: i64, freed: FreedBlocks) -> None:
        """As in the base class, but without the block of the key, for which the ledger would have to be asked."""
        freed.add(self.sds_address(word))

    def defrag(self, word: i64, mover: Mover) -> i64:
        """As in the base class, but the block moves with the key."""
        sds_address: i64 = self.sds_address(word)
        if sds_address != 0:
            moved: i64 = mover.content(sds_address, self.heap, self.length(word))
            if moved != sds_address:
                part: i64 = word & ADDRESS
                self.heap.set_word(part, self.heap.word(part) - sds_address + moved)
        return word

    def addresses(self, word: i64) -> list[int]:
        return [int(self.block(word)), *super().addresses(word)]
