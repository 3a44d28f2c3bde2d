"""The blocks in which a hash table finds the fields that expire, as the ledger sees them: an index of times.

The times themselves are in :mod:`pyredmem.objects.field_times`. Here is that of Redis 7.4 and 8.2; that of Valkey is in
:mod:`pyredmem.objects.time_windows`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i32, i64

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.layout import RAX_SIZE
from pyredmem.memory.mover import Mover
from pyredmem.objects.field_times import FieldTimes

_LIST_FIELDS: Final = 16
_SEGMENT_SIZE: Final = 40


class TimeIndex(ABC):
    """The blocks of one hash."""

    @abstractmethod
    def add(self, field: bytes, when_ms: i64) -> None:
        """A field that had no time has one now."""

    @abstractmethod
    def remove(self, field: bytes, when_ms: i64) -> None:
        """A field has lost its time, which was this one."""

    @abstractmethod
    def move(self, field: bytes, old_ms: i64, new_ms: i64) -> None:
        """A field has another time."""

    @abstractmethod
    def memory(self) -> i64:
        """The bytes that MEMORY USAGE counts."""

    @abstractmethod
    def addresses(self) -> list[int]:
        """The address of each block."""

    @abstractmethod
    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        """Add about ``limit`` blocks to ``freed``; True when nothing is left."""

    @abstractmethod
    def movable(self) -> i64:
        """How many blocks ``move_block`` can move."""

    @abstractmethod
    def move_block(self, mover: Mover, at: i64) -> None:
        """Let a mover place a block."""

    @abstractmethod
    def image(self, times: FieldTimes) -> TimeIndex:
        """A copy that refers to the same blocks, for these times."""


class CountedTimes(TimeIndex):
    """Redis's: a list inside the header up to 16 fields, then a tree with a block for each 16."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._fields: i64 = 0
        self._blocks: vec[i32] = vec[i32]()  # first the head of the tree

    def add(self, field: bytes, when_ms: i64) -> None:
        self._fields += 1
        self._fit()

    def remove(self, field: bytes, when_ms: i64) -> None:
        self._fields -= 1
        self._fit()

    def move(self, field: bytes, old_ms: i64, new_ms: i64) -> None:
        """The number of fields stays the same, and so do the blocks."""

    def _fit(self) -> None:
        """Have as many blocks as the number of fields needs."""
        wanted = 0 if self._fields <= _LIST_FIELDS else 1 + (self._fields + _LIST_FIELDS - 1) // _LIST_FIELDS
        while len(self._blocks) < wanted:
            size: i64 = _SEGMENT_SIZE if len(self._blocks) > 0 else RAX_SIZE
            self._blocks = append(self._blocks, i32(self._allocator.alloc(size)))
        while len(self._blocks) > wanted:
            last: i64 = len(self._blocks) - 1
            self._allocator.free(i64(self._blocks[last]))
            self._blocks = self._blocks[:last]

    def memory(self) -> i64:
        total: i64 = 0
        for address in self._blocks:
            total += self._allocator.usable(i64(address))
        return total

    def addresses(self) -> list[int]:
        return list(self._blocks)

    def dismantle(self, limit: i64, freed: FreedBlocks) -> bool:
        blocks: i64 = len(self._blocks)
        first = blocks - limit if blocks > limit else 0
        at = first
        while at < blocks:
            freed.add(i64(self._blocks[at]))
            at += 1
        self._blocks = self._blocks[:first]
        return first == 0

    def movable(self) -> i64:
        return len(self._blocks)

    def move_block(self, mover: Mover, at: i64) -> None:
        self._blocks[at] = i32(mover.block(i64(self._blocks[at])))

    def image(self, times: FieldTimes) -> TimeIndex:
        image = CountedTimes(self._allocator)
        image._fields = self._fields
        image._blocks = self._blocks[:]
        return image
