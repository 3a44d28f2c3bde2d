"""The bytes of the heap in bytearrays: fast where the code is interpreted, because a slice is one call."""

from __future__ import annotations

from struct import Struct
from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

from pyredmem.memory.byte_chunks import CHUNK_SHIFT, CHUNK_WORDS, ByteChunks
from pyredmem.memory.page_release import place_of_bytearray

_WORD: Final = Struct("<q")
#: The zeros that fill up the last word of a string, by their number.
_PADDING: Final = tuple([bytes(size) for size in range(8)])
_NO_BYTES: Final = bytearray()


class BufferBytes(ByteChunks):
    """The bytes of the heap in bytearrays."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytearray] = []
        self._new_array: bytearray = _NO_BYTES

    # Strings.

    def store(self, address: i64, data: bytes, length: i64) -> None:
        if length & 7:
            data += _PADDING[-length & 7]
        self._write(address, data)

    def store_at(self, address: i64, offset: i64, data: bytes, length: i64) -> None:
        if offset > length:
            data = bytes(offset - length) + data
            offset = length
        if not data:
            return
        within: i64 = offset & 7
        address += offset >> 3
        end: i64 = offset + len(data)
        if within:
            data = self.load(address, within) + data
        if end & 7:
            if end < length:
                last: i64 = address + ((len(data) - 1) >> 3)
                data += _WORD.pack(self.word(last))[int(end & 7) :]
            else:
                data += _PADDING[-end & 7]
        self._write(address, data)

    def equals(self, address: i64, data: bytes, length: i64) -> bool:
        if self._is_in_one(address, length):
            chunk: i64 = address >> CHUNK_SHIFT
            return self._chunks[chunk].startswith(data, (address + self._bases[chunk]) * 8)
        return self.load(address, length) == data

    def load(self, address: i64, length: i64) -> bytes:
        if self._is_in_one(address, length):
            chunk: i64 = address >> CHUNK_SHIFT
            at: i64 = (address + self._bases[chunk]) * 8
            return bytes(self._chunks[chunk][at : at + length])
        pieces = []
        while length > 0:
            room: i64 = self._room(address)
            piece: i64 = min(length, room)
            pieces.append(self.load(address, piece))
            address += piece >> 3
            length -= piece
        return b"".join(pieces)

    def load_part(self, address: i64, offset: i64, length: i64) -> bytes:
        within: i64 = offset & 7
        return self.load(address + (offset >> 3), length + within if length else 0)[within:]

    def reply(self, address: i64, length: i64, writer: BytesWriter) -> None:
        writer.write(self.load(address, length))

    # Words.

    def word(self, address: i64) -> i64:
        chunk: i64 = address >> CHUNK_SHIFT
        number: int = _WORD.unpack_from(self._chunks[chunk], (address + self._bases[chunk]) * 8)[0]
        return number

    def set_word(self, address: i64, value: i64) -> None:
        chunk: i64 = address >> CHUNK_SHIFT
        if not (chunk < len(self._chunks) and self._starts[chunk] <= address < self._ends[chunk]):
            self._cover(address, 1)
        _WORD.pack_into(self._chunks[chunk], (address + self._bases[chunk]) * 8, value)

    def move(self, source: i64, target: i64, length: i64) -> None:
        self._write(target, self.load(source, (length + 7) & -8))

    # Pieces.

    def _is_in_one(self, address: i64, length: i64) -> bool:
        """Whether a string lies in one chunk."""
        return (address + ((length - 1) >> 3)) >> CHUNK_SHIFT == address >> CHUNK_SHIFT

    def _room(self, address: i64) -> i64:
        """The bytes from an address to the end of its chunk."""
        return (CHUNK_WORDS - (address & CHUNK_WORDS - 1)) * 8

    def _write(self, address: i64, data: bytes) -> None:
        """Write whole words."""
        size: i64 = len(data)
        end: i64 = address + (size >> 3)
        chunk: i64 = address >> CHUNK_SHIFT
        if (
            chunk < len(self._chunks)
            and self._starts[chunk] <= address
            and end <= self._ends[chunk]
            and address < self._ends[chunk]
        ):
            at: i64 = (address + self._bases[chunk]) * 8
            self._chunks[chunk][at : at + size] = data
            return
        start: i64 = 0
        while True:
            piece: i64 = min(size - start, self._room(address))
            self._cover(address, max(piece >> 3, 1))
            chunk = address >> CHUNK_SHIFT
            at = (address + self._bases[chunk]) * 8
            self._chunks[chunk][at : at + piece] = data[start : start + piece]
            address += piece >> 3
            start += piece
            if start >= size:
                return

    # The arrays.

    def _add_chunk(self) -> None:
        self._chunks.append(_NO_BYTES)

    def _make_array(self, words: i64) -> i64:
        array = bytearray(words * 8)
        self._new_array = array
        return place_of_bytearray(array)

    def _install(self, chunk: i64, source: i64, target: i64, words: i64) -> None:
        new = self._new_array
        new[target * 8 : (target + words) * 8] = self._chunks[chunk][source * 8 : (source + words) * 8]
        self._chunks[chunk] = new
        self._new_array = _NO_BYTES

    def _drop(self, chunk: i64) -> None:
        self._chunks[chunk] = _NO_BYTES
