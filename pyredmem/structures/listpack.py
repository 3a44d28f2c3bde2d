"""The block of a listpack: how many bytes Redis 7.2's entries take, and when their block is reallocated.

Small lists, hashes, sets and sorted sets and the nodes of lists and streams are listpacks: one block with a header,
the entries one behind the other and a terminator. Here the elements are held by whoever uses the block, in the
container that is quickest for the use; a :class:`Listpack` knows the bytes they would take and owns the block in the
ledger. It is reallocated when the entries outgrow what the allocator gave, and whenever they get fewer bytes (Redis 7.2
listpack.c).
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
#: In place of a capacity: no block is allocated, for the twin of another listpack.
NO_BLOCK: Final = -1


def entry_size(data: bytes) -> i64:
    """Bytes of an element with all that belongs to it; canonical integers are packed."""
    length: i64 = len(data)
    if length > 0 and length <= _LONGEST_INTEGER and data[0] <= _NINE:
        number = parse_integer(data)
        if number is not None:
            return listpack_integer_size(number)
    if length < _SHORT_STRING:
        return length + 2
    return listpack_string_size(length)


def entry_sizes(items: list[bytes]) -> i64:
    """Bytes of several elements."""
    total: i64 = 0
    for item in items:
        total += entry_size(item)
    return total


class Listpack:
    """A listpack's block in the ledger; ``size`` is the bytes in use, header and terminator included."""

    def __init__(self, allocator: Allocator, capacity: i64 = 0) -> None:
        self.allocator = allocator
        self.size: i64 = LISTPACK_EMPTY_SIZE
        if capacity < 0:
            self.address: i32 = 0
            self._usable: i64 = 0
            return
        request: i64 = capacity if capacity > LISTPACK_EMPTY_SIZE else LISTPACK_EMPTY_SIZE
        self.address = i32(allocator.alloc(request))
        self._usable = allocator.usable(i64(self.address))

    def usable(self) -> i64:
        """Bytes of the block."""
        return self._usable

    def grow(self, added: i64) -> None:
        """Entries of so many bytes come in."""
        self.size += added
        if self.size > self._usable:
            self._fit()

    def shrink(self, removed: i64) -> None:
        """Entries of so many bytes go."""
        self.size -= removed
        self._fit()

    def change(self, delta: i64) -> None:
        """An entry is replaced by one that takes ``delta`` bytes more, or fewer if that is negative."""
        if delta > 0:
            self.grow(delta)
        elif delta < 0:
            self.shrink(-delta)

    def shrink_to_fit(self) -> None:
        """Give back what was allocated beforehand and is not used."""
        if self.size < self._usable:
            self._fit()

    def _fit(self) -> None:
        allocator = self.allocator
        usable = allocator.good_size(self.size)
        if usable != self._usable:
            self.address = i32(allocator.realloc(i64(self.address), self.size))
            self._usable = allocator.usable(i64(self.address))

    def duplicate(self) -> Listpack:
        """The block of a copy, at its exact size."""
        copy = Listpack(self.allocator, self.size)
        copy.size = self.size
        return copy

    def free(self) -> None:
        """Give the block back."""
        self.allocator.free(i64(self.address))

    # Defragmentation.

    def defrag(self, mover: Mover) -> None:
        """Let the mover place the block."""
        self.address = i32(mover.block(i64(self.address)))

    def relocated(self, mover: Mover) -> Listpack:
        """This object or, if it has to leave its place in the process's heap, its twin with the same block."""
        if not mover.must_leave(self):
            return self
        twin = Listpack(self.allocator, NO_BLOCK)
        while mover.must_plug(twin):
            twin = Listpack(self.allocator, NO_BLOCK)
        twin.take_block(self)
        return twin

    def take_block(self, other: Listpack) -> None:
        """Have the block of another one, which is of no more use."""
        self.size = other.size
        self.address = other.address
        self._usable = other.usable()
