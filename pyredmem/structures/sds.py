"""The ledger's side of an sds, Redis's dynamic string, that is modified in place (Redis 7.2 sds.c).

The owner of the string has its bytes, and knows how many there are. The record has the block, the type of the header
and the capacity: how many bytes the string can hold before it needs another block.

Whenever the capacity changes, the block is reallocated if the header keeps its type; otherwise Redis makes a new
string and frees the old one.
"""

from __future__ import annotations

from mypy_extensions import i32, i64, mypyc_attr

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import sds_capacity, sds_header_size, sds_make_room, sds_new_size, sds_resize
from pyredmem.memory.mover import Mover


@mypyc_attr(acyclic=True)
class Sds:
    """The block of a string, with the type of its header and its capacity."""

    def __init__(self, address: i64, header: i64, capacity: i64) -> None:
        self.address: i32 = i32(address)
        self.header: i32 = i32(header)  # the type of the header, which is its size in bytes: 1, 3, 5, 9 or 17
        self.capacity: i64 = capacity  # bytes

    def usable(self, allocator: Allocator) -> i64:
        """The bytes of the whole block, header and spare room included."""
        return allocator.usable(i64(self.address))

    def make_room(self, length: i64, added: i64, allocator: Allocator) -> None:
        """Let a string of ``length`` bytes have room for ``added`` more, and for more to come (sdsMakeRoomFor)."""
        if added > 0 and self.capacity - length < added:
            header, request = sds_make_room(length, added, True)
            self._reallocate(header, request, allocator)

    def make_exact_room(self, length: i64, added: i64, allocator: Allocator) -> None:
        """Let a string of ``length`` bytes have room for just ``added`` more (sdsMakeRoomForNonGreedy)."""
        if added > 0 and self.capacity - length < added:
            header, request = sds_make_room(length, added, False)
            self._reallocate(header, request, allocator)

    def resize(self, capacity: i64, allocator: Allocator) -> None:
        """Give a string that is going to grow again exactly this capacity, at least its length (sdsResize)."""
        if self.capacity == capacity:
            return
        header, request = sds_resize(i64(self.header), capacity, True)
        self._reallocate(header, request, allocator)
        if not allocator.sizes.knows_its_block:
            self.capacity = capacity  # the rest of the block is forgotten

    def _reallocate(self, header: i64, request: i64, allocator: Allocator) -> None:
        if header == i64(self.header):
            address = allocator.realloc(i64(self.address), request)
        else:
            address = allocator.alloc(request)
            allocator.free(i64(self.address))
        self._set(address, header, allocator)

    def renew(self, length: i64, allocator: Allocator) -> None:
        """Replace the string by a new one of ``length`` bytes; the old block is freed afterwards."""
        address = allocator.alloc(sds_new_size(length))
        allocator.free(i64(self.address))
        self._set(address, sds_header_size(length), allocator)

    def _set(self, address: i64, header: i64, allocator: Allocator) -> None:
        usable = allocator.usable(address)
        header = allocator.sizes.sds_header(header, usable)
        self.address = i32(address)
        self.header = i32(header)
        self.capacity = sds_capacity(header, usable)

    def free(self, allocator: Allocator) -> None:
        allocator.free(i64(self.address))

    def defrag(self, mover: Mover) -> None:
        """Let the mover place the block."""
        self.address = i32(mover.block(i64(self.address)))

    def relocated(self, mover: Mover) -> Sds:
        """This record or, if it must leave its place in the process's heap, a twin."""
        if not mover.must_leave(self):
            return self
        twin = Sds(i64(self.address), i64(self.header), self.capacity)
        while mover.must_plug(twin):
            twin = Sds(i64(self.address), i64(self.header), self.capacity)
        return twin

    def image(self) -> Sds:
        """A copy that refers to the same block."""
        return Sds(i64(self.address), i64(self.header), self.capacity)

    def check(self, allocator: Allocator) -> None:
        """Assert the invariants."""
        assert self.header in {1, 3, 5, 9, 17}
        assert i64(self.header) + self.capacity + 1 <= self.usable(allocator)


def new_sds(length: i64, allocator: Allocator) -> Sds:
    """A new string of ``length`` bytes; what its block has beyond them counts as room."""
    address = allocator.alloc(sds_new_size(length))
    usable = allocator.usable(address)
    header = allocator.sizes.sds_header(sds_header_size(length), usable)
    return Sds(address, header, sds_capacity(header, usable))
