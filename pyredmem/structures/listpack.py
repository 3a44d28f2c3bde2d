"""The block of a listpack: how many bytes Redis 7.2's entries take, and when the block is reallocated.

Small lists, hashes, sets and sorted sets, and the nodes of lists and streams, are listpacks: one block with a header,
one entry after the other, and a terminator. Here the owner of the block holds the elements, in the container that is
fastest for its purpose. A :class:`Listpack` knows how many bytes they take and owns the block in the ledger. The block
is reallocated when the entries outgrow it, and each time they shrink (Redis 7.2 listpack.c).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i32, i64

from pyredmem.base.numbers import parse_integer
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import LISTPACK_EMPTY_SIZE, listpack_integer_size, listpack_string_size
from pyredmem.memory.mover import Mover

_NINE: Final = 57
_LONGEST_INTEGER: Final = 20  # characters
_SHORT_STRING: Final = 64
#: The capacity of a twin of another listpack: no block is allocated for it.
NO_BLOCK: Final = -1


def entry_size(data: bytes) -> i64:
    """The bytes of the entry of an element; canonical integers are packed."""
    length: i64 = len(data)
    if length > 0 and length <= _LONGEST_INTEGER and data[0] <= _NINE:
        number = parse_integer(data)
        if number is not None:
            return listpack_integer_size(number)
    if length < _SHORT_STRING:
        return length + 2
    return listpack_string_size(length)


def entry_sizes(items: list[bytes]) -> i64:
    """The bytes of the entries of several elements."""
    total: i64 = 0
    for item in items:
        total += entry_size(item)
    return total


class Listpack:
    """A listpack's block in the ledger; ``size`` are the bytes in use, including header and terminator."""

    def __init__(self, allocator: Allocator, capacity: i64 = 0) -> None:
        self.allocator = allocator
        self.size: i64 = LISTPACK_EMPTY_SIZE
        if capacity < 0:
            self.address: i32 = 0
            self._usable: i64 = 0
            return
        request: i64 = capacity if capacity > LISTPACK_EMPTY_SIZE else LISTPACK_EMPTY_SIZE
        self.address = i32(allocator.alloc(request))
        self._usable = allocator.given_size(request)

    def usable(self) -> i64:
        """The usable bytes of the block."""
        return self._usable

    def grow(self, added: i64) -> None:
        """Make room for new entries of ``added`` bytes."""
        self.size += added
        if self.size > self._usable:
            self._resize()

    def shrink(self, removed: i64) -> None:
        """Shrink after entries of ``removed`` bytes were removed."""
        self.size -= removed
        self._fit()

    def change(self, delta: i64) -> None:
        """Grow by ``delta`` bytes, or shrink if it is negative, because an entry is replaced."""
        if delta > 0:
            self.grow(delta)
        elif delta < 0:
            self.shrink(-delta)

    def shrink_to_fit(self) -> None:
        """Free the unused part of a block that was allocated with room to grow."""
        if self.size < self._usable:
            self._fit()

    def _fit(self) -> None:
        if self.allocator.good_size(self.size) != self._usable:
            self._resize()

    def _resize(self) -> None:
        allocator = self.allocator
        old: i64 = i64(self.address)
        address, usable = allocator.start_resize(old, self._usable, self.size)
        if address != old:
            allocator.free(old)
            self.address = i32(address)
        self._usable = usable

    def duplicate(self) -> Listpack:
        """A block for a copy, of the exact size."""
        copy = Listpack(self.allocator, self.size)
        copy.size = self.size
        return copy

    def free(self) -> None:
        self.allocator.free(i64(self.address))

    # Defragmentation.

    def defrag(self, mover: Mover) -> None:
        """Let the mover place the block."""
        self.address = i32(mover.block(i64(self.address)))

    def relocated(self, mover: Mover) -> Listpack:
        """This object or, if it must leave its place in the process's heap, a twin with the same block."""
        if not mover.must_leave(self):
            return self
        twin = Listpack(self.allocator, NO_BLOCK)
        while mover.must_plug(twin):
            twin = Listpack(self.allocator, NO_BLOCK)
        twin.take_block(self)
        return twin

    def image(self) -> Listpack:
        """A copy that refers to the same block."""
        image = Listpack(self.allocator, NO_BLOCK)
        image.take_block(self)
        return image

    def take_block(self, other: Listpack) -> None:
        """Take the block of another listpack, which is not used any more."""
        self.size = other.size
        self.address = other.address
        self._usable = other.usable()
