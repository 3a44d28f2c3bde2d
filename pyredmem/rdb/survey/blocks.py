"""The blocks that the values of a file take from the allocator when a server loads it.

A value is built alone, so its blocks are counted by size, and the slabs that all of them need follow from the numbers.
So is a server packed that has just loaded the file: nothing was freed in between, and of each size class at most one
slab is not full.

How many bytes were *asked for* the allocator does not keep. It is computed for everything that is not as large as a
size class by itself: strings, listpacks, intsets and the entries of tables. The few other structures are taken to be
as large as their classes.
"""

from __future__ import annotations

from typing import NamedTuple

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import DICT_ENTRY_SIZE, intset_size, sds_new_size
from pyredmem.memory.size_classes import PAGE_BYTES
from pyredmem.memory.statistics import add_live_blocks
from pyredmem.objects.hash import HashObject
from pyredmem.objects.hash_fields import PackedFields
from pyredmem.objects.list import ListObject
from pyredmem.objects.object import RedisObject
from pyredmem.objects.set import SetObject
from pyredmem.objects.set_encodings import IntegerMembers, ListpackMembers
from pyredmem.objects.sorted_set import SortedSetObject
from pyredmem.objects.sorted_set_encodings import SortedSetListpack
from pyredmem.rdb.survey.frames import Frame, Memory
from pyredmem.structures.list_node import COMPRESSED
from pyredmem.structures.listpack import Listpack


class SizeClass(NamedTuple):
    """The blocks of one size."""

    size: int  # usable bytes of one
    blocks: int
    active_bytes: int  # of the pages in which they lie

    def used_bytes(self) -> int:
        """Bytes of the blocks."""
        return self.size * self.blocks


class Blocks:
    """Adds up blocks by size, and how much of them was not asked for."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._numbers: dict[int, int] = {}
        self.rounding_bytes = 0
        self._string_rounding = Memory(lambda length: self._rounded(int(sds_new_size(length)))).__getitem__
        self._entry_rounding = self._rounded(DICT_ENTRY_SIZE)

    def _rounded(self, request: int) -> int:
        """What a block has more than was asked for."""
        return int(self._allocator.good_size(request)) - request

    def add_requests(self, request: int, number: int = 1) -> None:
        """Count ``number`` blocks for which ``request`` bytes each were asked for."""
        size = int(self._allocator.good_size(request))
        self._numbers[size] = self._numbers.get(size, 0) + number
        self.rounding_bytes += (size - request) * number

    def add_tables(self, frame: Frame) -> None:
        """Count the tables that have this frame, without their strings."""
        for size, number in frame.blocks.items():
            self._numbers[size] = self._numbers.get(size, 0) + number * frame.tables
        self.rounding_bytes += self._entry_rounding * frame.elements * frame.tables

    def add_live(self, value: RedisObject, lengths: list[int]) -> None:
        """Count the blocks of the heap, which has this collection alone. Its strings have these lengths."""
        add_live_blocks(self._allocator, self._numbers)
        packed = _packed(value)
        if packed is not None:
            self.rounding_bytes += packed
        else:
            entries = len(lengths) // 2 if isinstance(value, HashObject) else len(lengths)
            self.rounding_bytes += sum(map(self._string_rounding, lengths)) + entries * self._entry_rounding

    def allocated_bytes(self) -> int:
        """Bytes of all blocks."""
        return sum([size * number for size, number in self._numbers.items()])

    def classes(self) -> list[SizeClass]:
        """The blocks by size, the smallest first."""
        shapes = {shape.usable: shape for shape in self._allocator.profile.bins}
        found = []
        for size, blocks in sorted(self._numbers.items()):
            shape = shapes.get(size)
            if shape is None:
                pages = int(self._allocator.profile.large_pages(size)) * blocks
            else:
                pages = -(-blocks // shape.regions) * shape.pages
            found.append(SizeClass(size, blocks, pages * PAGE_BYTES))
        return found


def _packed(value: RedisObject) -> int | None:
    """The bytes not asked for in a value that is a listpack, an intset, a list or a stream; None for a table."""
    if isinstance(value, HashObject):
        return _spare(value.fields.block) if isinstance(value.fields, PackedFields) else None
    if isinstance(value, SetObject):
        return _packed_set(value)
    if isinstance(value, SortedSetObject):
        return _spare(value.content.pack) if isinstance(value.content, SortedSetListpack) else None
    return _nodes(value) if isinstance(value, ListObject) else 0


def _packed_set(value: SetObject) -> int | None:
    content = value.content
    if isinstance(content, IntegerMembers):
        numbers = content.content
        request = intset_size(len(numbers.numbers), numbers.width)
        return int(numbers.allocator.usable(int(numbers.address)) - request)
    return _spare(content.block) if isinstance(content, ListpackMembers) else None


def _spare(block: Listpack) -> int:
    return int(block.usable() - block.size)


def _nodes(value: ListObject) -> int:
    spare = 0
    node = value.encoded.first_node()
    while node is not None:
        if not node.is_(COMPRESSED):
            spare += _spare(node)
        node = node.next
    return spare
