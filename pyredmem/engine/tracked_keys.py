"""What tracking remembers: the keys that clients have read, and the prefixes for whose keys they wait.

Both are radix trees, as in Redis, so that they have Redis's size in the ledger and its order.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.rng import Random
from pyredmem.engine.string_blocks import allocate_string
from pyredmem.memory.allocator import Allocator
from pyredmem.memory.layout import BROADCAST_STATE_SIZE
from pyredmem.structures.radix import RadixTree

_ID_BYTES: Final = 8


def _id_key(number: int) -> bytes:
    """The id of a client as a key of a tree."""
    return number.to_bytes(_ID_BYTES, "little")


def _ids(tree: RadixTree[bool]) -> list[int]:
    """The ids of clients in a tree."""
    return [int.from_bytes(key, "little") for key in tree.all_keys()]


class TrackedKeys:
    """The keys that clients have read, and for each of them the ids of these clients."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._readers = RadixTree[RadixTree[bool]](allocator)
        self.items: i64 = 0  # pairs of a key and a client

    def count(self) -> int:
        """The number of keys."""
        return int(self._readers.used)

    def add(self, key: bytes, number: int) -> None:
        """Remember that a client has read a key."""
        ids = self._readers.get(key)
        if ids is None:
            ids = RadixTree[bool](self._allocator)
            self._readers.insert(key, ids)
        id_key = _id_key(number)
        if ids.get(id_key) is None:
            ids.insert(id_key, True)
            self.items += 1

    def take(self, key: bytes) -> list[int]:
        """Forget a key; returns the clients that have read it."""
        ids = self._readers.get(key)
        if ids is None:
            return []
        self._readers.remove(key)
        numbers = _ids(ids)
        ids.free()
        self.items -= len(numbers)
        return numbers

    def random_key(self, rng: Random) -> bytes:
        """A key at random; there must be one."""
        return self._readers.random_key(rng)

    def clear(self) -> None:
        """Forget all keys."""
        for ids in self._readers.values():
            ids.free()
        self._readers.free()
        self._readers = RadixTree[RadixTree[bool]](self._allocator)
        self.items = 0

    def addresses(self) -> list[int]:
        owned = self._readers.addresses()
        for ids in self._readers.values():
            owned += ids.addresses()
        return owned


class TrackedPrefix:
    """The clients of a prefix, and the keys that have changed since they were notified last."""

    def __init__(self, prefix: bytes, allocator: Allocator) -> None:
        self.prefix = prefix
        self._allocator = allocator
        self._address: i64 = allocator.alloc(BROADCAST_STATE_SIZE)
        self._clients = RadixTree[bool](allocator)
        self._changed = RadixTree[int](allocator)

    def add_client(self, number: int) -> None:
        self._clients.insert(_id_key(number), True)

    def remove_client(self, number: int) -> bool:
        """Remove a client; returns whether none is left."""
        self._clients.remove(_id_key(number))
        return self._clients.used == 0

    def clients(self) -> list[int]:
        return _ids(self._clients)

    def note_change(self, key: bytes, number: i64) -> None:
        """Note that a key has changed, and by which client; 0 if by none."""
        self._changed.insert(key, int(number))

    def take_changes(self) -> list[tuple[bytes, int]]:
        """The keys that have changed since the last call, each with the client that changed it last."""
        changed = self._changed
        if changed.used == 0:
            return []
        found = list(zip(changed.all_keys(), changed.values(), strict=True))
        changed.free()
        self._changed = RadixTree[int](self._allocator)
        return found

    def free(self) -> None:
        """Free all blocks."""
        self._allocator.free(self._address)
        self._clients.free()
        self._changed.free()

    def addresses(self) -> list[int]:
        return [int(self._address), *self._clients.addresses(), *self._changed.addresses()]


class TrackedPrefixes:
    """The prefixes for whose keys any client waits."""

    def __init__(self, allocator: Allocator) -> None:
        self._allocator = allocator
        self._tree = RadixTree[TrackedPrefix](allocator)
        self.all: list[TrackedPrefix] = []  # in order

    def add(self, prefix: bytes, number: int) -> None:
        """Let a client wait for the keys with a prefix."""
        entry = self._tree.get(prefix)
        if entry is None:
            entry = TrackedPrefix(prefix, self._allocator)
            self._tree.insert(prefix, entry)
            self.all = self._tree.values()
        entry.add_client(number)

    def remove(self, prefix: bytes, number: int) -> None:
        """Let a client not wait for these keys any more."""
        entry = self._tree.get(prefix)
        if entry is not None and entry.remove_client(number):
            self._tree.remove(prefix)
            entry.free()
            self.all = self._tree.values()

    def addresses(self) -> list[int]:
        owned = self._tree.addresses()
        for entry in self.all:
            owned += entry.addresses()
        return owned


class TrackingTables:
    """What tracking has from the first client that tracks on: both tables, and the name of the channel."""

    def __init__(self, channel: bytes, allocator: Allocator) -> None:
        self.keys = TrackedKeys(allocator)
        self.prefixes = TrackedPrefixes(allocator)
        self._channel = allocate_string(channel, allocator)

    def addresses(self) -> list[int]:
        return [*self._channel, *self.keys.addresses(), *self.prefixes.addresses()]
