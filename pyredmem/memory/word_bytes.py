"""The bytes of the heap in native words: fast where the code is compiled.

An item of a vec, and 8 bytes of a bytes object or a writer, are each one load or store in the C that mypyc makes of
this module. There is no call that copies between them, so strings are copied word by word, which is faster than
a call up to half a kilobyte and slower from one kilobyte on.

A string that lies in two chunks or more is cut where a chunk ends, which is rare. A small heap has one chunk, whose
array is an attribute too: that saves looking for it, and counting a reference to it.

All shifts below shift a variable, or a constant of 64 bits downwards: mypyc makes ``1 << bits`` a shift of a 32-bit
int.
"""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter, read_i16_le, read_i32_le, read_i64_le, write_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64

from pyredmem.memory.byte_chunks import CHUNK_SHIFT, CHUNK_WORDS, ByteChunks
from pyredmem.memory.heap_bytes import ADDRESS, LENGTH_SHIFT
from pyredmem.memory.page_release import place_of_vec

#: Seven bytes of ones: the lowest ``n`` bytes are SEVEN_BYTES >> 56 - 8 * n, for n up to 7.
SEVEN_BYTES: Final = (1 << 56) - 1
#: The longest string that is put together in the writer that is kept; for longer ones there is a new writer each time.
_KEPT_BYTES: Final = 4096
_NO_WORDS: Final = vec[i64]()


def lesser(one: i64, other: i64) -> i64:
    """The lesser number, without the call of a Python function that ``min`` is."""
    return one if one < other else other


def few_bytes(data: bytes, start: i64, count: i64) -> i64:
    """``count`` bytes of ``data``, 1 to 7, as a word whose other bytes are zero."""
    word: i64 = 0
    bits: i64 = 0
    if count & 4:
        word = i64(read_i32_le(data, start)) & 4294967295
        start += 4
        bits = 32
    if count & 2:
        word |= (i64(read_i16_le(data, start)) & 65535) << bits
        start += 2
        bits += 16
    if count & 1:
        byte: i64 = data[start]
        word |= byte << bits
    return word


def last_bytes(data: bytes, end: i64, count: i64) -> i64:
    """The ``count`` bytes of ``data`` before ``end``, 1 to 7, as a word whose other bytes are zero."""
    if end < 8:
        return few_bytes(data, end - count, count)
    return (read_i64_le(data, end - 8) >> 64 - 8 * count) & (SEVEN_BYTES >> 56 - 8 * count)


def store_words(words: vec[i64], at: i64, data: bytes, start: i64, end: i64) -> None:
    """Copy a part of ``data`` to the words from ``at`` on."""
    while start + 8 <= end:
        words[at] = read_i64_le(data, start)
        at += 1
        start += 8
    if start < end:
        words[at] = last_bytes(data, end, end - start)


def equal_words(words: vec[i64], at: i64, data: bytes, start: i64, end: i64) -> bool:
    """Whether a part of ``data`` is what the words from ``at`` on hold."""
    while start + 8 <= end:
        if words[at] != read_i64_le(data, start):
            return False
        at += 1
        start += 8
    rest: i64 = end - start
    return rest == 0 or words[at] & (SEVEN_BYTES >> 56 - 8 * rest) == last_bytes(data, end, rest)


def write_words(words: vec[i64], at: i64, length: i64, writer: BytesWriter) -> None:
    """Write ``length`` bytes, which begin at the word ``at``."""
    end: i64 = at + ((length + 7) >> 3)
    while at < end:
        write_i64_le(writer, words[at])
        at += 1
    spare: i64 = -length & 7
    if spare:
        size: i64 = len(writer)
        writer.truncate(size - spare)


class WordBytes(ByteChunks):
    """The bytes of the heap in vecs."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: vec[vec[i64]] = vec[vec[i64]]()
        self._first: vec[i64] = _NO_WORDS  # the array of the first chunk
        self._new_array: vec[i64] = _NO_WORDS
        self._writer: Final = BytesWriter()

    # Strings.

    def store(self, address: i64, data: bytes, length: i64) -> None:
        last: i64 = address + ((length - 1) >> 3)
        chunk: i64 = address >> CHUNK_SHIFT
        chunks = self._chunks
        is_in_one = last >> CHUNK_SHIFT == chunk
        if is_in_one and chunk == self._first_chunk:
            at: i64 = address + self._first_base
            if at >= 0 and last + self._first_base < len(self._first):
                store_words(self._first, at, data, 0, length)
                return
        elif is_in_one and chunk < len(chunks):
            words = chunks[chunk]
            base: i64 = self._bases[chunk]
            if address + base >= 0 and last + base < len(words):
                store_words(words, address + base, data, 0, length)
                return
        self._store_pieces(address, data, 0, length)

    def store_at(self, address: i64, offset: i64, data: bytes, length: i64) -> None:
        if offset > length:
            # Zeros up to the end of their last word, whose rest is overwritten next.
            size: i64 = offset - length
            self.store_at(address, length, bytes(size), length)
            length = offset
        start: i64 = 0
        end: i64 = len(data)
        address += offset >> 3
        within: i64 = offset & 7
        left: i64 = length - (offset - within)  # bytes of the string from this address on
        if within and end:
            taken: i64 = lesser(8 - within, end)
            self._store_within(address, within, few_bytes(data, 0, taken), taken, left)
            address += 1
            left -= 8
            start = taken
        rest: i64 = (end - start) & 7
        whole: i64 = end - rest
        if start < whole:
            self._store_pieces(address, data, start, whole)
            address += (whole - start) >> 3
            left -= whole - start
        if start < end and rest:
            self._store_within(address, 0, last_bytes(data, end, rest), rest, left)

    def _store_within(self, address: i64, within: i64, value: i64, count: i64, left: i64) -> None:
        """Replace ``count`` bytes of a word, 1 to 7; ``left`` is how many bytes of the string begin in this word."""
        self._cover(address, 1)
        kept: i64 = 0
        if within:
            kept = self.word(address) & (SEVEN_BYTES >> 56 - 8 * within)
        end: i64 = within + count
        if end == 8:
            value -= value >> 8 * count - 1 << 8 * count  # signed, as the word is
        elif end < left:
            kept |= self.word(address) >> 8 * end << 8 * end
        self.set_word(address, kept | value << 8 * within)

    def equals(self, address: i64, data: bytes, length: i64) -> bool:
        chunk: i64 = address >> CHUNK_SHIFT
        if (address + ((length - 1) >> 3)) >> CHUNK_SHIFT == chunk:
            if chunk == self._first_chunk:
                return equal_words(self._first, address + self._first_base, data, 0, length)
            return equal_words(self._chunks[chunk], address + self._bases[chunk], data, 0, length)
        start: i64 = 0
        while start < length:
            end: i64 = lesser(length, start + self._room(address))
            chunk = address >> CHUNK_SHIFT
            if not equal_words(self._chunks[chunk], address + self._bases[chunk], data, start, end):
                return False
            address += (end - start) >> 3
            start = end
        return True

    # The next three do what they do in HeapBytes, but the calls in them are known when this is compiled.

    def equals_at(self, pointer: i64, data: bytes, length: i64) -> bool:
        place: i64 = self.word(pointer)
        return place >> LENGTH_SHIFT == length and self.equals(place & ADDRESS, data, length)

    def set_words(self, address: i64, first: i64, second: i64) -> None:
        self.set_word(address, first)
        self.set_word(address + 1, second)

    def read_words(self, addresses: vec[i64], count: i64) -> None:
        at: i64 = 0
        while at < count:
            addresses[at] = self.word(addresses[at])
            at += 1

    def load(self, address: i64, length: i64) -> bytes:
        if length > _KEPT_BYTES:
            writer = BytesWriter()
        else:
            writer = self._writer
            writer.truncate(0)
        self.reply(address, length, writer)
        return writer.getvalue()

    def load_part(self, address: i64, offset: i64, length: i64) -> bytes:
        within: i64 = offset & 7
        data = self.load(address + (offset >> 3), length + within if length else 0)
        return data[within:] if within else data

    def reply(self, address: i64, length: i64, writer: BytesWriter) -> None:
        chunk: i64 = address >> CHUNK_SHIFT
        if (address + ((length - 1) >> 3)) >> CHUNK_SHIFT == chunk:
            if chunk == self._first_chunk:
                write_words(self._first, address + self._first_base, length, writer)
                return
            write_words(self._chunks[chunk], address + self._bases[chunk], length, writer)
            return
        while length > 0:
            piece: i64 = lesser(length, self._room(address))
            chunk = address >> CHUNK_SHIFT
            write_words(self._chunks[chunk], address + self._bases[chunk], piece, writer)
            address += piece >> 3
            length -= piece

    # Words.

    def word(self, address: i64) -> i64:
        chunk: i64 = address >> CHUNK_SHIFT
        if chunk == self._first_chunk:
            return self._first[address + self._first_base]
        return self._chunks[chunk][address + self._bases[chunk]]

    def set_word(self, address: i64, value: i64) -> None:
        chunk: i64 = address >> CHUNK_SHIFT
        at: i64 = address + self._first_base
        if chunk == self._first_chunk and 0 <= at < len(self._first):
            self._first[at] = value
            return
        chunks = self._chunks
        if chunk < len(chunks):
            words = chunks[chunk]
            at = address + self._bases[chunk]
            if 0 <= at < len(words):
                words[at] = value
                return
        self._cover(address, 1)
        self._chunks[chunk][address + self._bases[chunk]] = value

    def look_at(self, addresses: vec[i64], count: i64) -> i64:
        chunks = self._chunks
        bases = self._bases
        seen: i64 = 0
        at: i64 = 0
        while at < count:
            address: i64 = addresses[at]
            chunk: i64 = address >> CHUNK_SHIFT
            words = chunks[chunk]
            place: i64 = address + bases[chunk]
            if 0 <= place < len(words):
                seen += words[place]
            at += 1
        return seen

    def move(self, source: i64, target: i64, length: i64) -> None:
        left: i64 = (length + 7) >> 3
        if left == 0:
            self._cover(target, 1)
        while left > 0:
            count: i64 = lesser(left, lesser(self._room(source), self._room(target)) >> 3)
            self._cover(target, count)
            chunk: i64 = source >> CHUNK_SHIFT
            old = self._chunks[chunk]
            at: i64 = source + self._bases[chunk]
            chunk = target >> CHUNK_SHIFT
            new = self._chunks[chunk]
            to: i64 = target + self._bases[chunk]
            end: i64 = at + count
            while at < end:
                new[to] = old[at]
                at += 1
                to += 1
            source += count
            target += count
            left -= count

    # Pieces.

    def _room(self, address: i64) -> i64:
        """The bytes from an address to the end of its chunk."""
        return (CHUNK_WORDS - (address & CHUNK_WORDS - 1)) * 8

    def _store_pieces(self, address: i64, data: bytes, start: i64, end: i64) -> None:
        """Store a part of ``data``, which may lie in several chunks, and where there may be no memory yet."""
        if start == end:
            self._cover(address, 1)
        while start < end:
            stop: i64 = lesser(end, start + self._room(address))
            self._cover(address, (stop - start + 7) >> 3)
            chunk: i64 = address >> CHUNK_SHIFT
            store_words(self._chunks[chunk], address + self._bases[chunk], data, start, stop)
            address += (stop - start) >> 3
            start = stop

    # The arrays.

    def _add_chunk(self) -> None:
        self._chunks = append(self._chunks, _NO_WORDS)

    def _make_array(self, words: i64) -> i64:
        array = vec[i64]([0] * words)
        self._new_array = array
        return place_of_vec(array)

    def _install(self, chunk: i64, source: i64, target: i64, words: i64) -> None:
        old = self._chunks[chunk]
        new = self._new_array
        end: i64 = source + words
        while source < end:
            new[target] = old[source]
            source += 1
            target += 1
        self._put(chunk, new)
        self._new_array = _NO_WORDS

    def _drop(self, chunk: i64) -> None:
        self._put(chunk, _NO_WORDS)

    def _put(self, chunk: i64, array: vec[i64]) -> None:
        self._chunks[chunk] = array
        if chunk == self._first_chunk:
            self._first = array
