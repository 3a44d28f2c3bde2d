"""Which blocks keys and their strings have: where the versions of Redis differ, and the rest of the keyspace does not.

An engine has one layout, chosen at its start. Redis 7.2 has up to four blocks for a key with a string: the sds of the
key, the entry in the table, the robj, and the sds of the string unless the robj has its bytes. Redis 8.2 and Valkey 9.1
have one, and the sds of a string that is not short. A version with other blocks is another subclass of
:class:`BlockLayout`, with its own strings and its own tables of keys, and one line in ``LAYOUTS``. Whatever the blocks
are, a word has its access field where ``objects/heap_strings.py`` says.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.build import COMPILED
from pyredmem.keyspace.key_sizes import KeySizes
from pyredmem.keyspace.key_table import KeyTable
from pyredmem.keyspace.one_block_table import OneBlockTable
from pyredmem.keyspace.tables import ExpireTable
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.heap_bytes import LONGEST_IN_HEAP, HeapBytes
from pyredmem.memory.heap_choice import create_heap_bytes
from pyredmem.memory.key_block import KeyBlock, ValkeyKeyBlock
from pyredmem.memory.structure_sizes import REDIS_8_2, VALKEY_9_1, StructureSizes
from pyredmem.objects.heap_strings import HeapStrings
from pyredmem.objects.one_block_factory import OneBlockFactory
from pyredmem.objects.one_block_strings import OneBlockStrings
from pyredmem.objects.string_factory import StringFactory
from pyredmem.objects.valkey_strings import ValkeyStrings


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
    def create_string_factory(self) -> StringFactory:
        """What makes string objects that fit the tables."""

    @abstractmethod
    def create_key_table(self) -> KeyTable:
        """An empty table of keys, whose strings are ``strings``."""

    @abstractmethod
    def create_expire_table(self, keys: KeyTable) -> ExpireTable:
        """The empty table of expire times that belongs to an empty table of keys."""


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

    def create_string_factory(self) -> StringFactory:
        return StringFactory(self.allocator, self._strings)

    def create_key_table(self) -> KeyTable:
        return KeyTable(self.allocator, self._strings)

    def create_expire_table(self, keys: KeyTable) -> ExpireTable:
        return ExpireTable(self.allocator)


@mypyc_attr(allow_interpreted_subclasses=True)
class OneBlock(BlockLayout):
    """Redis 8.2: a key is in the block of its value, and short strings are there too."""

    def __init__(self, allocator: Allocator) -> None:
        super().__init__(allocator)
        allocator.sizes = self._sizes()
        heap = create_heap_bytes(allocator, COMPILED)
        blocks = self._blocks()
        self._strings = self._in_heap(heap, LONGEST_IN_HEAP if heap.has_data else -1, blocks)
        self._factory = OneBlockFactory(allocator, self._strings, blocks)

    def _sizes(self) -> StructureSizes:
        return REDIS_8_2

    def _blocks(self) -> KeyBlock:
        return KeyBlock()

    def _in_heap(self, heap: HeapBytes, longest: i64, blocks: KeyBlock) -> OneBlockStrings:
        return OneBlockStrings(self.allocator, heap, longest, blocks)

    def _counts_sizes(self) -> bool:
        """Whether INFO has the sizes of keys."""
        return True

    @property
    def strings(self) -> HeapStrings:
        return self._strings

    def create_string_factory(self) -> StringFactory:
        return self._factory

    def create_key_table(self) -> KeyTable:
        table = OneBlockTable(self.allocator, self._strings, self._factory)
        if self._counts_sizes():
            table.sizes = KeySizes()
        return table

    def create_expire_table(self, keys: KeyTable) -> ExpireTable:
        assert isinstance(keys, OneBlockTable)
        return keys.expires


@mypyc_attr(allow_interpreted_subclasses=True)
class ValkeyBlocks(OneBlock):
    """Valkey 9.1: the same with other sizes. Its tables are still those of Redis."""

    def _sizes(self) -> StructureSizes:
        return VALKEY_9_1

    def _blocks(self) -> KeyBlock:
        return ValkeyKeyBlock()

    def _in_heap(self, heap: HeapBytes, longest: i64, blocks: KeyBlock) -> OneBlockStrings:
        return ValkeyStrings(self.allocator, heap, longest, blocks)

    def _counts_sizes(self) -> bool:
        return False


#: The layouts by the names that profiles have for them.
LAYOUTS: Final[dict[str, type[BlockLayout]]] = {
    "separate blocks": SeparateBlocks,
    "one block": OneBlock,
    "blocks of valkey": ValkeyBlocks,
}


def create_layout(name: str, allocator: Allocator) -> BlockLayout:
    """A layout of an engine; LAYOUTS has the names."""
    return LAYOUTS[name](allocator)
