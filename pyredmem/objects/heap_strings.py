"""Strings in the heap: values without a Python object of their own.

A string that is not long has its bytes in the very blocks that the ledger counts for it, and the table of keys has one
number in place of an object, the *word* of the string::

    bits  0 to 30   the address of the object's block (robj)
         31 to 54   the access field
         55 to 56   the encoding: embstr, raw, int, or a shared integer
         57 to 62   the length of an embstr (bytes)

    embstr   the block has the bytes, from its start on
    raw      the block has one word; the block of the sds has the bytes
    int      the block has the number
    shared   there is no block: the number stands in the place of the address. Its one access field, which all keys with
             this number share, is that of the shared object

The word in the block of a raw string is::

    bits  0 to 30   the address of the sds
         32 to 47   the length (bytes)
         48 to 52   the size of the header of the sds (bytes) if the string was modified in place, else 0

All sizes are those of Redis 7.2, which puts a header of 16 bytes, or of 3, where nothing is here.

Whoever wants an object gets one that is made for the occasion (``view``): a copy of the content, beside the true
addresses. It may be read at any time later. It owns the blocks only if the word is given up for it.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
from mypy_extensions import i32, i64

from pyredmem.base.numbers import integer_length
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.heap_bytes import HeapBytes
from pyredmem.memory.layout import (
    EMBSTR_LIMIT,
    ROBJ_SIZE,
    embstr_size,
    sds_capacity,
    sds_header_size,
    sds_make_room,
    sds_new_size,
)
from pyredmem.memory.mover import Mover
from pyredmem.objects.object import SHARED_REFERENCE_COUNT, RedisObject
from pyredmem.objects.shared_integers import SharedIntegers
from pyredmem.objects.string import BufferString, BytesString, IntegerString, StringObject
from pyredmem.protocol.reply import ReplySink
from pyredmem.structures.sds import Sds

#: In place of a word: the value is an object.
NO_WORD: Final = -1

_ADDRESS: Final = 0x7FFFFFFF
_ACCESS_SHIFT: Final = 31
_ACCESS: Final = 0xFFFFFF
_WITHOUT_ACCESS: Final = ~(_ACCESS << _ACCESS_SHIFT)
ENCODING: Final = 3 << 55
RAW: Final = 1 << 55
INT: Final = 2 << 55
_SHARED: Final = 3 << 55
EMBSTR_LENGTH_SHIFT: Final = 57
_SDS_LENGTH_SHIFT: Final = 32
_SDS_LENGTH: Final = 0xFFFF
_SDS_HEADER_SHIFT: Final = 48
#: The first character that no integer begins with; the minus sign lies before the digits.
NINE: Final = 57


def shared_word(number: i64) -> i64:
    """The word of a shared integer."""
    return number | _SHARED


def is_shared(word: i64) -> bool:
    """Whether a string is a shared integer."""
    return word & ENCODING == _SHARED


def _sds_length(content: i64) -> i64:
    """The length of a raw string, from the word in its block."""
    return content >> _SDS_LENGTH_SHIFT & _SDS_LENGTH


def with_access(word: i64, field: i64) -> i64:
    """The word of the same string with another access field. A shared integer keeps its own."""
    return word if word & ENCODING == _SHARED else word & _WITHOUT_ACCESS | field << _ACCESS_SHIFT


class HeapStrings:
    """The strings of one engine that lie in the heap; ``longest`` is the length of the longest one, -1 for none."""

    def __init__(self, allocator: Allocator, heap: HeapBytes, longest: i64) -> None:
        self.allocator = allocator
        self.heap: HeapBytes = heap
        self.longest: i64 = longest
        self.integers = SharedIntegers()

    # New strings. Their access fields are zero.

    def new_integer(self, number: i64) -> i64:
        """The word of a new string with the encoding int."""
        address: i64 = self.allocator.alloc(ROBJ_SIZE)
        self.heap.set_word(address, number)
        return address | INT

    def new_text(self, data: bytes) -> i64:
        """The word of a new string with the encoding embstr or raw, which must not be too long."""
        size: i64 = len(data)
        if size <= EMBSTR_LIMIT:
            address: i64 = self.allocator.alloc(embstr_size(size))
            self.heap.store(address, data, size)
            return address | size << EMBSTR_LENGTH_SHIFT
        sds_address: i64 = self.allocator.alloc(sds_new_size(size))
        address = self.allocator.alloc(ROBJ_SIZE)
        self._store_raw(address, sds_address, data, 0)
        return address | RAW

    def word_of(self, value: RedisObject) -> i64:
        """Move a value into the heap; returns its word, NO_WORD if it remains an object."""
        if self.longest < 0:
            return NO_WORD
        if value.refcount != 1:
            if value.refcount == SHARED_REFERENCE_COUNT and isinstance(value, IntegerString):
                return shared_word(value.number)
            return NO_WORD
        address: i64 = i64(value.address)
        access = i64(value.lru) << _ACCESS_SHIFT
        if isinstance(value, IntegerString):
            self.heap.set_word(address, value.number)
            return address | access | INT
        if isinstance(value, BufferString):
            return self._word_of_buffer(value)
        if not isinstance(value, BytesString):
            return NO_WORD
        data = value.content
        size: i64 = len(data)
        if size > self.longest:
            return NO_WORD
        if value.sds_address == 0:
            self.heap.store(address, data, size)
            return address | access | size << EMBSTR_LENGTH_SHIFT
        self._store_raw(address, i64(value.sds_address), data, 0)
        return address | access | RAW

    def _word_of_buffer(self, value: BufferString) -> i64:
        sds = value.sds
        sds_address: i64 = i64(sds.address)
        header: i64 = i64(sds.header)
        if value.length() > self.longest or sds.capacity != sds_capacity(header, self.allocator.usable(sds_address)):
            return NO_WORD
        address: i64 = i64(value.address)
        self._store_raw(address, sds_address, value.data(), header)
        return address | i64(value.lru) << _ACCESS_SHIFT | RAW

    def _store_raw(self, address: i64, sds_address: i64, data: bytes, header: i64) -> None:
        size: i64 = len(data)
        self.heap.set_word(address, sds_address | size << _SDS_LENGTH_SHIFT | header << _SDS_HEADER_SHIFT)
        self.heap.store(sds_address, data, size)

    # Reading.

    def view(self, word: i64) -> StringObject:
        """An object like the string."""
        address: i64 = word & _ADDRESS
        encoding: i64 = word & ENCODING
        value: StringObject
        if encoding == _SHARED:
            return self.integers.get(address)
        if encoding == INT:
            value = IntegerString(address, self.heap.word(address))
        elif encoding == RAW:
            content: i64 = self.heap.word(address)
            sds_address: i64 = content & _ADDRESS
            header: i64 = content >> _SDS_HEADER_SHIFT
            if header == 0:
                value = BytesString(address, sds_address, self.data(word))
            else:
                capacity: i64 = sds_capacity(header, self.allocator.usable(sds_address))
                value = BufferString(address, Sds(sds_address, header, capacity), bytearray(self.data(word)))
        else:
            value = BytesString(address, 0, self.data(word))
        value.lru = i32(word >> _ACCESS_SHIFT & _ACCESS)
        return value

    def data(self, word: i64) -> bytes:
        """The bytes of a string."""
        address: i64 = word & _ADDRESS
        encoding: i64 = word & ENCODING
        if encoding == 0:
            return self.heap.load(address, word >> EMBSTR_LENGTH_SHIFT)
        content: i64 = address if encoding == _SHARED else self.heap.word(address)
        if encoding != RAW:
            return str(content).encode()
        return self.heap.load(content & _ADDRESS, _sds_length(content))

    def part(self, word: i64, start: i64, count: i64) -> bytes:
        """Up to ``count`` bytes of a string, from ``start`` on."""
        address: i64 = word & _ADDRESS
        encoding: i64 = word & ENCODING
        length: i64 = word >> EMBSTR_LENGTH_SHIFT
        if encoding == RAW:
            content: i64 = self.heap.word(address)
            address = content & _ADDRESS
            length = _sds_length(content)
        elif encoding != 0:
            return self.data(word)[start : start + count]
        left: i64 = length - start
        if left <= 0:
            return b""
        return self.heap.load_part(address, start, count if count < left else left)

    def byte(self, word: i64, place: i64) -> i64:
        """One byte of a string, which has it."""
        address: i64 = word & _ADDRESS
        encoding: i64 = word & ENCODING
        if encoding == RAW:
            address = self.heap.word(address) & _ADDRESS
        elif encoding != 0:
            return self.data(word)[place]
        return self.heap.word(address + (place >> 3)) >> 8 * (place & 7) & 255

    def length(self, word: i64) -> i64:
        """Bytes of a string."""
        encoding: i64 = word & ENCODING
        if encoding == 0:
            return word >> EMBSTR_LENGTH_SHIFT
        content: i64 = word & _ADDRESS if encoding == _SHARED else self.heap.word(word & _ADDRESS)
        return _sds_length(content) if encoding == RAW else integer_length(content)

    def integer(self, word: i64) -> tuple[bool, i64]:
        """Whether a string has the encoding int, and the number."""
        encoding: i64 = word & ENCODING
        if encoding == _SHARED:
            return True, word & _ADDRESS
        if encoding == INT:
            return True, self.heap.word(word & _ADDRESS)
        return False, 0

    def reply(self, word: i64, reply: ReplySink) -> None:
        """Reply with the bytes of a string."""
        address: i64 = word & _ADDRESS
        encoding: i64 = word & ENCODING
        if encoding == 0:
            reply.bulk_from(self.heap, address, word >> EMBSTR_LENGTH_SHIFT)
            return
        content: i64 = address if encoding == _SHARED else self.heap.word(address)
        if encoding == RAW:
            reply.bulk_from(self.heap, content & _ADDRESS, _sds_length(content))
        else:
            reply.bulk(str(content).encode())

    def look_at(self, words: vec[i64], count: i64) -> i64:
        """Read the blocks of ``count`` strings, to have them in the cache. The words are overwritten."""
        blocks: i64 = 0
        raw: i64 = 0
        at: i64 = 0
        while at < count:
            word: i64 = words[at]
            at += 1
            encoding: i64 = word & ENCODING
            if encoding == _SHARED:
                continue
            words[blocks] = word & _ADDRESS
            if encoding == RAW:
                words[blocks] = words[raw]
                words[raw] = word & _ADDRESS
                raw += 1
            blocks += 1
        seen: i64 = self.heap.look_at(words, blocks)
        at = 0
        while at < raw:
            words[at] = self.heap.word(words[at]) & _ADDRESS
            at += 1
        return seen + self.heap.look_at(words, raw)

    # Change.

    def access(self, word: i64) -> i64:
        """The access field of a string."""
        if is_shared(word):
            return i64(self.integers.get(word & _ADDRESS).lru)
        return word >> _ACCESS_SHIFT & _ACCESS

    def set_access(self, word: i64, field: i64) -> i64:
        """Set the access field of a string; returns the word from now on."""
        if is_shared(word):
            self.integers.get(word & _ADDRESS).lru = i32(field)
        return with_access(word, field)

    def set_integer(self, word: i64, number: i64) -> bool:
        """Change the number of a string with the encoding int; False if it is shared."""
        if is_shared(word):
            return False
        self.heap.set_word(word & _ADDRESS, number)
        return True

    def overwrite(self, word: i64, data: bytes) -> i64:
        """Overwrite a string if the result is what a new string of these bytes would be.

        Returns the new word, NO_WORD if a new string must be made. The blocks stay if their size classes do.
        """
        size: i64 = len(data)
        if size == 0 or data[0] <= NINE:
            return NO_WORD  # it may be an integer
        address: i64 = word & _ADDRESS
        encoding: i64 = word & ENCODING
        if encoding == 0:
            if size != word >> EMBSTR_LENGTH_SHIFT:
                if size > EMBSTR_LIMIT:
                    return NO_WORD
                address = self.allocator.replace(address, embstr_size(size))
            self.heap.store(address, data, size)
            return address | word & _ACCESS << _ACCESS_SHIFT | size << EMBSTR_LENGTH_SHIFT
        if encoding != RAW or not EMBSTR_LIMIT < size <= self.longest:
            return NO_WORD
        content: i64 = self.heap.word(address)
        if content >> _SDS_HEADER_SHIFT:
            return NO_WORD  # it was modified
        sds_address: i64 = content & _ADDRESS
        if size != content >> _SDS_LENGTH_SHIFT:
            sds_address = self.allocator.replace(sds_address, sds_new_size(size))
        self._store_raw(address, sds_address, data, 0)
        return word

    def set_part(self, word: i64, offset: i64, data: bytes) -> i64:
        """Overwrite a part of a string, or lengthen it with the spare room that sds gives it (Redis 7.2 sds.c).

        A gap is filled with zeros. Returns the word from now on, whose encoding is raw; NO_WORD, and changes nothing,
        if the string would be too long for the heap.
        """
        size: i64 = len(data)
        end: i64 = offset + size
        if end > self.longest:
            return NO_WORD
        word = self._modifiable(word)
        address: i64 = word & _ADDRESS
        content: i64 = self.heap.word(address)
        sds_address: i64 = content & _ADDRESS
        length: i64 = _sds_length(content)
        if end > length:
            header: i64 = content >> _SDS_HEADER_SHIFT
            if sds_capacity(header, self.allocator.usable(sds_address)) < end:
                grown: i64
                grown, request = sds_make_room(length, end - length, True)
                sds_address = self._resize(sds_address, length, request, grown == header)
                header = self._header(grown, sds_address)
            self.heap.set_word(address, sds_address | end << _SDS_LENGTH_SHIFT | header << _SDS_HEADER_SHIFT)
        self.heap.store_at(sds_address, offset, data, length)
        return word

    def _modifiable(self, word: i64) -> i64:
        """The word of the same string with the encoding raw, and with the header of its sds in its block."""
        if word & ENCODING == RAW:
            address: i64 = word & _ADDRESS
            content: i64 = self.heap.word(address)
            if content >> _SDS_HEADER_SHIFT == 0:
                header: i64 = self._header(sds_header_size(_sds_length(content)), content & _ADDRESS)
                self.heap.set_word(address, content | header << _SDS_HEADER_SHIFT)
            return word
        data = self.data(word)
        size: i64 = len(data)
        sds_address: i64 = self.allocator.alloc(sds_new_size(size))
        address = self.allocator.alloc(ROBJ_SIZE)
        self._store_raw(address, sds_address, data, sds_header_size(size))
        access: i64 = self.access(word)
        self.free(word)
        return address | access << _ACCESS_SHIFT | RAW

    def _header(self, header: i64, sds_address: i64) -> i64:
        """The header of an sds in this block, which would have ``header`` in one without spare room."""
        return self.allocator.sizes.sds_header(header, self.allocator.usable(sds_address))

    def _resize(self, sds_address: i64, length: i64, request: i64, has_same_header: bool) -> i64:
        """Reallocate an sds, whose string has ``length`` bytes; one with another header is a new one."""
        if has_same_header:
            return self.heap.resize(self.allocator, sds_address, length, request)
        new: i64 = self.allocator.alloc(request)
        self.heap.move(sds_address, new, length)
        self.allocator.free(sds_address)
        return new

    def free(self, word: i64) -> None:
        """Free the blocks of a string."""
        address: i64 = word & _ADDRESS
        encoding: i64 = word & ENCODING
        if encoding == _SHARED:
            return
        if encoding == RAW:
            self.allocator.free(self.heap.word(address) & _ADDRESS)
        self.allocator.free(address)

    def dismantle(self, word: i64, freed: FreedBlocks) -> None:
        """Add the blocks of a string, to which nothing refers any more, to ``freed``. Any thread may call this."""
        address: i64 = word & _ADDRESS
        encoding: i64 = word & ENCODING
        if encoding == _SHARED:
            return
        freed.add(address)
        if encoding == RAW:
            freed.add(self.heap.word(address) & _ADDRESS)

    def defrag(self, word: i64, mover: Mover) -> i64:
        """Let a mover place the blocks of a string; returns the word from now on."""
        address: i64 = word & _ADDRESS
        encoding: i64 = word & ENCODING
        if encoding == _SHARED:
            return word
        if encoding == 0:
            return word - address + mover.content(address, self.heap, word >> EMBSTR_LENGTH_SHIFT)
        new: i64 = mover.content(address, self.heap, 8)
        if encoding == RAW:
            content: i64 = self.heap.word(new)
            sds_address: i64 = content & _ADDRESS
            moved: i64 = mover.content(sds_address, self.heap, _sds_length(content))
            if moved != sds_address:
                self.heap.set_word(new, content - sds_address + moved)
        return word - address + new

    # Audit.

    def addresses(self, word: i64) -> list[int]:
        """The blocks of a string."""
        freed = FreedBlocks()
        self.dismantle(word, freed)
        return [int(address) for address in freed.addresses]
