"""The memory of a client's transaction in the ledger: the queued commands, and the watched keys.

The commands and keys themselves are in `transaction`, which calls this module when it adds one or drops them all.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.engine.string_blocks import allocate_string
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import LIST_NODE_SIZE, MULTI_COMMAND_SIZE, POINTER_SIZE, WATCHED_KEY_SIZE

#: The number of commands that a new queue has room for. Its array doubles when it is full.
_FIRST_SLOTS: Final = 2


class QueuedCommands:
    """The ledger blocks of the queue of MULTI: an array of commands, and the arguments of each."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._arguments: list[int] = []  # blocks of the arguments, and of the arrays of pointers to them
        self._array: i64 = 0  # address of the array of commands; 0 while nothing is queued
        self._slots: i64 = 0
        self._count: i64 = 0
        self.argument_bytes: i64 = 0  # the size of the arguments: multi-mem in CLIENT LIST

    def add(self, argv: list[bytes]) -> None:
        allocator = self._allocator
        if self._slots == 0:
            self._slots = _FIRST_SLOTS
            self._array = allocator.alloc(MULTI_COMMAND_SIZE * self._slots)
        elif self._count == self._slots:
            self._slots *= 2
            self._array = allocator.realloc(self._array, MULTI_COMMAND_SIZE * self._slots)
        self._count += 1
        self._arguments.append(int(allocator.alloc(POINTER_SIZE * len(argv))))
        for argument in argv:
            self._arguments += allocate_string(argument, allocator)
            self.argument_bytes += len(argument) + POINTER_SIZE

    def clear(self) -> None:
        for address in self.give_away():
            self._allocator.free(address)

    def give_away(self) -> list[int]:
        """Empty the queue without freeing its blocks: the caller owns them now."""
        blocks = self.addresses()
        self._arguments = []
        self._array = 0
        self._slots = 0
        self._count = 0
        self.argument_bytes = 0
        return blocks

    def addresses(self) -> list[int]:
        """Every ledger block of the queue."""
        return [*self._arguments, int(self._array)] if self._array != 0 else []

    def total(self) -> i64:
        """What tot-mem in CLIENT LIST includes for the queue."""
        return self.argument_bytes + MULTI_COMMAND_SIZE * self._slots

    def check(self) -> None:
        """Assert the invariants."""
        assert (self._count == 0) == (self._slots == 0) == (self._array == 0) == (self.argument_bytes == 0)
        assert self._count <= self._slots <= max(_FIRST_SLOTS, 2 * self._count)
        assert len(self._arguments) >= 2 * self._count


class WatchedKeys:
    """The ledger blocks of the keys that a client watches."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._blocks: list[int] = []
        self.count: i64 = 0

    def add(self, key: bytes) -> None:
        alloc = self._allocator.alloc
        self._blocks += [int(alloc(WATCHED_KEY_SIZE)), int(alloc(LIST_NODE_SIZE))]
        self._blocks += allocate_string(key, self._allocator)
        self.count += 1

    def clear(self) -> None:
        for address in self._blocks:
            self._allocator.free(address)
        self._blocks = []
        self.count = 0

    def addresses(self) -> list[int]:
        """Every ledger block of the watched keys."""
        return list(self._blocks)

    def total(self) -> i64:
        """What tot-mem in CLIENT LIST includes for the watched keys."""
        return (LIST_NODE_SIZE + WATCHED_KEY_SIZE) * self.count

    def check(self) -> None:
        """Assert the invariants."""
        assert 3 * self.count <= len(self._blocks) <= 4 * self.count
