"""Which blocks keys and their strings have: where the versions of Redis differ, and the rest of the keyspace does not.

An engine has one layout, chosen at its start. Redis 7.2 has up to four blocks for a key with a string: the sds of the
key, the entry in the table, the robj, and the sds of the string unless the robj has its bytes. A version with other
blocks is another subclass of :class:`BlockLayout`, with its own strings and its own table of keys, and one line in
``LAYOUTS``. Whatever the blocks are, a word has its access field where ``objects/heap_strings.py`` says.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from mypy_extensions import mypyc_attr

from pyredmem.base.build import COMPILED
from pyredmem.base.redis_version import version_parts
from pyredmem.keyspace.key_table import KeyTable
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.heap_bytes import LONGEST_IN_HEAP
from pyredmem.memory.heap_choice import create_heap_bytes
from pyredmem.objects.heap_strings import HeapStrings


@mypyc_attr(allow_interpreted_subclasses=True)
class BlockLayout:
    """Makes what puts keys and strings into the heap of one engine."""

    def __init__(self, allocator: Allocator) -> None:
        """A layout for the heap of an allocator, which has none yet."""
        self.allocator = allocator

    @property
    @abstractmethod
    def strings(self) -> HeapStrings:
        """The strings of the engine that lie in its heap."""

    @abstractmethod
    def create_key_table(self) -> KeyTable:
        """An empty table of keys, whose strings are ``strings``."""


@mypyc_attr(allow_interpreted_subclasses=True)
class SeparateBlocks(BlockLayout):
    """Redis 7.2: a key, its entry and its value have blocks of their own."""

    def __init__(self, allocator: Allocator) -> None:
        super().__init__(allocator)
        heap = create_heap_bytes(allocator, COMPILED)
        self._strings = HeapStrings(allocator, heap, LONGEST_IN_HEAP if heap.has_data else -1)

    @property
    def strings(self) -> HeapStrings:
        return self._strings

    def create_key_table(self) -> KeyTable:
        return KeyTable(self.allocator, self._strings)


#: The layouts, each with the first version of Redis that has it, newest last.
LAYOUTS: Final[list[tuple[tuple[int, int, int], type[BlockLayout]]]] = [((0, 0, 0), SeparateBlocks)]


def create_layout(redis_version: str, allocator: Allocator) -> BlockLayout:
    """The layout of a version of Redis."""
    version = version_parts(redis_version)
    chosen = [layout for first, layout in LAYOUTS if first <= version]
    return chosen[-1](allocator)
