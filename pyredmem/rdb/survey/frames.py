"""What tables take besides their strings.

A hash table or a skiplist consists of its strings, and of a *frame*: all its other blocks. What the frame takes depends
on the number of elements and on when the table is made, but not on the strings. So one value of a kind is built, and of
the others only the strings are added up. A set is different: whether a member has an entry depends on the buckets of
all members.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyredmem.memory.layout import DICT_ENTRY_SIZE, ROBJ_SIZE, sds_new_size
from pyredmem.memory.statistics import add_live_blocks
from pyredmem.objects.collection import sampled_memory
from pyredmem.objects.hash import HashObject
from pyredmem.objects.hash_table import TableFields
from pyredmem.objects.limits import EncodingLimits
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_images import HashImage, Image, SortedSetImage
from pyredmem.objects.sorted_set import SortedSetObject
from pyredmem.objects.sorted_set_skiplist import SortedSetSkiplist
from pyredmem.rdb.survey.outcomes import OUTCOMES, PACKED
from pyredmem.rdb.survey.shapes import Shape
from pyredmem.rdb.values import Workbench

#: The most frames that are kept. A value with any other frame is built.
_MOST: Final = 10_000


class Memory(dict[int, int]):
    """Results of a function of one number, each computed once."""

    def __init__(self, compute: Callable[[int], int]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, number: int) -> int:
        result = self[number] = self._compute(number)
        return result


class Frame:
    """The blocks of a table without its strings."""

    def __init__(self, value: RedisObject, blocks: dict[int, int]) -> None:
        assert isinstance(value, HashObject | SortedSetObject)
        self.elements = int(value.length())
        self.encoding = value.encoding().decode()
        self.is_average = value.depends_on_chance()  # the size
        self.blocks = blocks  # how many, by size
        self.tables = 0  # that were counted
        self._entries = self.elements * int(DICT_ENTRY_SIZE)  # bytes of what belongs to the elements
        self._chance = 0
        if isinstance(value, HashObject):
            fields = value.fields
            assert isinstance(fields, TableFields)
            self._structure = int(fields.structure_bytes())
        else:
            skiplist = value.content
            assert isinstance(skiplist, SortedSetSkiplist)
            self._structure = int(skiplist.structure_bytes())
            self._entries += int(skiplist.node_bytes())
            self._chance = int(skiplist.chance_bytes())

    def size(self, strings_bytes: int) -> int:
        """What MEMORY USAGE says of a table whose strings take ``strings_bytes``."""
        elements = self._entries + strings_bytes
        table = sampled_memory(self._structure, elements, self.elements, self.elements)
        return int(ROBJ_SIZE + table) + self._chance


class Frames:
    """The frames of the tables that a workbench builds."""

    def __init__(self, workbench: Workbench, most: int = _MOST) -> None:
        self._workbench = workbench
        self._most = most
        self._found: dict[tuple[type, int, object], Frame] = {}
        good_size = workbench.allocator.good_size
        self._string_size = Memory(lambda length: int(good_size(sds_new_size(length)))).__getitem__

    def frame_of(self, image: Image, shape: Shape, limits: EncodingLimits) -> Frame | None:
        """The frame of a value under limits; None if it has none."""
        if not isinstance(image, HashImage | SortedSetImage) or image.has_times():
            return None
        outcome = OUTCOMES[type(image)][0][1](image, shape, limits)
        if outcome == PACKED:
            return None
        place = type(image), shape.elements, outcome
        found = self._found.get(place)
        if found is None and len(self._found) < self._most:
            found = self._found[place] = self._built(image, shape, limits)
        return found

    def strings_bytes(self, shape: Shape) -> int:
        """What the strings of a table take; the shape remembers it."""
        if shape.strings_bytes < 0:
            shape.strings_bytes = sum(map(self._string_size, shape.lengths))
        return shape.strings_bytes

    def _built(self, image: Image, shape: Shape, limits: EncodingLimits) -> Frame:
        blocks: dict[int, int] = {}
        allocator = self._workbench.allocator
        self._workbench.use(limits)
        with self._workbench.built(image) as value:
            add_live_blocks(allocator, blocks)
            for length in shape.lengths:
                blocks[self._string_size(length)] -= 1
            return Frame(value, blocks)

    def all(self) -> list[Frame]:
        """The frames that were found."""
        return list(self._found.values())
