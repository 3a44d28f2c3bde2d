"""The bytes of the heap: real memory at the addresses of the ledger.

An address counts granules of 8 bytes, and each granule has one *word* of real memory, however it is reached: a string
that is stored at ``address`` has its bytes 8 to 15 in the word at ``address + 1``. So an address may also point into a
block, after a header. A word is a 64-bit integer in little-endian order. ``store`` and ``store_at`` leave zeros after
the end of a string, in its last word; therefore ``store_at`` has to know how long the string is so far. An owner may
cut a string short without a call: nothing here relies on those zeros.

Memory exists only where something was stored (see ``byte_chunks``). What was never stored must not be read: it is not
even certain that it is refused.

An address is good until the next call that can free or move its block. Nobody keeps one across such a call, other than
in the structure that owns the block.

``HeapBytes`` is the interface. ``WordBytes`` is the fastest in compiled code, ``BufferBytes`` in the interpreter, and
``CheckedBytes`` refuses whatever does not lie inside one live block. ``heap_choice`` makes the right one.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from librt.strings import BytesWriter
from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.pages import PageReceiver

#: The longest string that should lie in the heap (bytes). Longer ones are faster to copy as Python objects (measured:
#: benchmarks/heap_bytes.py).
LONGEST_IN_HEAP: Final = 256
#: A *place* is where a string is, and how long: it has the address in its lower bits, and the length (bytes) above it.
ADDRESS: Final = 0x7FFFFFFF
LENGTH_SHIFT: Final = 31


def place_of(address: i64, length: i64) -> i64:
    """The place of a string."""
    return address | length << LENGTH_SHIFT


class HeapBytes(PageReceiver):
    """Strings and words at the addresses of one ledger."""

    def __init__(self) -> None:
        #: Whether data lie here. Not so in the interpreter, which is faster with Python objects.
        self.has_data = False

    @abstractmethod
    def store(self, address: i64, data: bytes, length: i64) -> None:
        """Store a string, whose length is ``length``."""

    @abstractmethod
    def store_at(self, address: i64, offset: i64, data: bytes, length: i64) -> None:
        """Overwrite a part of a string that has ``length`` bytes so far, or lengthen it.

        If ``offset`` is greater than the length of the string, the bytes in between become zero.
        """

    @abstractmethod
    def equals(self, address: i64, data: bytes, length: i64) -> bool:
        """Whether a string is ``data``; ``length`` is the length of both."""

    def equals_at(self, pointer: i64, data: bytes, length: i64) -> bool:
        """Whether the string whose place is the word at ``pointer`` is ``data``, which has ``length`` bytes."""
        place: i64 = self.word(pointer)
        return place >> LENGTH_SHIFT == length and self.equals(place & ADDRESS, data, length)

    @abstractmethod
    def load(self, address: i64, length: i64) -> bytes:
        """The bytes of a string."""

    @abstractmethod
    def load_part(self, address: i64, offset: i64, length: i64) -> bytes:
        """``length`` bytes of a string, from ``offset`` on."""

    @abstractmethod
    def reply(self, address: i64, length: i64, writer: BytesWriter) -> None:
        """Write the bytes of a string to ``writer``."""

    @abstractmethod
    def word(self, address: i64) -> i64:
        """The word at an address."""

    @abstractmethod
    def set_word(self, address: i64, value: i64) -> None:
        """Set the word at an address."""

    def set_words(self, address: i64, first: i64, second: i64) -> None:
        """Set the word at an address, and the one after it."""
        self.set_word(address, first)
        self.set_word(address + 1, second)

    def read_words(self, addresses: vec[i64], count: i64) -> None:
        """Replace each of ``count`` addresses by the word there."""
        at: i64 = 0
        while at < count:
            addresses[at] = self.word(addresses[at])
            at += 1

    def look_at(self, addresses: vec[i64], count: i64) -> i64:
        """Read the words at ``count`` addresses, to have them in the cache; returns what means nothing.

        Blocks at these addresses may be empty, so that there is no memory. It is worth it in compiled code only.
        """
        return 0

    @abstractmethod
    def move(self, source: i64, target: i64, length: i64) -> None:
        """Copy a string, or whatever ``length`` bytes are, to another block."""

    @abstractmethod
    def memory_bytes(self) -> int:
        """Bytes of address space that the chunks take; the untouched pages among them take no memory."""

    @abstractmethod
    def guard(self, address: i64, size: i64) -> None:
        """State that only ``size`` bytes of a block were requested: nobody uses the rest.

        It matters to ``CheckedBytes`` only. The statement holds until the block is freed or resized.
        """

    def resize(self, allocator: Allocator, address: i64, length: i64, size: i64) -> i64:
        """Reallocate a block to ``size`` bytes, together with the ``length`` bytes in it; returns its address."""
        new: i64 = allocator.start_realloc(address, size)
        if new != address:
            self.move(address, new, length)
            allocator.free(address)
        return new

    def relocate(self, allocator: Allocator, address: i64, length: i64) -> i64:
        """Move a block out of a sparse slab, as ``Allocator.relocate`` does, together with the bytes in it."""
        new: i64 = allocator.start_relocate(address)
        if new != address:
            self.move(address, new, length)
            allocator.free(address)
        return new
