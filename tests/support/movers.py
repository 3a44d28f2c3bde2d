"""Movers for tests of defragmentation, and passes of defragmentation over one value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from pyredmem.memory.allocator import Allocator
from pyredmem.memory.freed_blocks import FreedBlocks
from pyredmem.memory.heap_bytes import HeapBytes
from pyredmem.memory.mover import Mover
from pyredmem.objects.digest import Digest
from pyredmem.objects.object import RedisObject
from pyredmem.objects.rdb_writer import RdbWriter

PASS_LIMIT = 100_000


class Recorder(Mover):
    """Moves nothing, and records the blocks and objects that it is shown."""

    def __init__(self, allocator: Allocator, steering: bool = False) -> None:
        super().__init__(allocator)
        self.steering = steering
        self.blocks: list[int] = []
        self.texts: list[bytes] = []
        self.items: list[object] = []

    def block(self, address: int) -> int:
        if address != 0:
            self.blocks.append(address)
        return address

    def content(self, address: int, heap: HeapBytes, length: int) -> int:
        return self.block(address)

    def steers(self) -> bool:
        return self.steering

    def text(self, data: bytes) -> bytes:
        self.texts.append(data)
        return data

    def must_leave(self, item: object) -> bool:
        self.items.append(item)
        return False


class Evictor(Mover):
    """Wants every Python object replaced, and refuses some of the twins."""

    def __init__(self, allocator: Allocator, refused: int = 3) -> None:
        super().__init__(allocator)
        self.refused = refused  # one twin in this many is kept as a plug
        self.plugs: list[object] = []
        self.left: list[object] = []
        self.accepted: list[object] = []
        self._asked = 0

    def block(self, address: int) -> int:
        return address

    def steers(self) -> bool:
        return True

    def text(self, data: bytes) -> bytes:
        if len(data) < 2:
            return data
        self.left.append(data)
        copy = b"".join((data, b""))
        self.accepted.append(copy)
        return copy

    def must_leave(self, item: object) -> bool:
        self.left.append(item)
        return True

    def must_plug(self, twin: object) -> bool:
        self._asked += 1
        if self._asked % self.refused == 0:
            self.plugs.append(twin)
            return True
        self.accepted.append(twin)
        return False


class Shuffler(Mover):
    """Moves every block, whether or not that helps."""

    def block(self, address: int) -> int:
        if address == 0:
            return 0
        new = self.allocator.alloc(self.allocator.usable(address))
        self.allocator.free(address)
        return new

    def content(self, address: int, heap: HeapBytes, length: int) -> int:
        data = heap.load(address, length)
        new = self.block(address)
        heap.store(new, data, length)
        return new


def visit_elements(value: RedisObject, mover: Mover, limit: int, between: Callable[[], None] | None = None) -> int:
    """Visit all elements, from cursor 0 until it is 0 again; returns the number of calls."""
    cursor = value.defrag_elements(mover, 0, limit)
    calls = 1
    while cursor != 0:
        if between is not None:
            between()
        cursor = value.defrag_elements(mover, cursor, limit)
        calls += 1
        assert calls < PASS_LIMIT
    return calls


def full_pass(value: RedisObject, mover: Mover, limit: int = 10) -> RedisObject:
    """Run one pass over a value; returns the value that replaces it."""
    value = value.relocated(mover)
    value.defrag_head(mover)
    visit_elements(value, mover, limit)
    return value


def assert_shown_once(value: RedisObject, allocator: Allocator, limit: int = 10) -> None:
    """Assert that passes of every kind show each block of the value once."""
    owned = Counter(value.addresses())
    for steering in (False, True):
        recorder = Recorder(allocator, steering)
        full_pass(value, recorder, limit)
        assert Counter(recorder.blocks) == owned


def taken_apart(value: RedisObject, next_limit: Callable[[], int]) -> list[int]:
    """The addresses that the value gives while it is dismantled in steps."""
    freed = FreedBlocks()
    steps = 0
    while not value.dismantle(next_limit(), freed):
        steps += 1
        assert steps < PASS_LIMIT
    return [int(address) for address in freed.addresses]


def looks(value: RedisObject, allocator: Allocator) -> list[object]:
    """Everything about a value that a pass must not change."""
    digest = Digest()
    value.digest(digest)
    writer = RdbWriter(False)
    value.save(writer)
    table = value.hash_table()
    order = [table.keys[slot] for slot in table.walk(0)] if table is not None else []
    return [
        value.type_name(),
        value.encoding(),
        digest.data(),
        value.memory(allocator, 0),
        writer.size() - 1,
        order,
        allocator.used_memory,
        value.lru,
        value.refcount,
        value.scan_effort(),
        value.free_effort(),
    ]


def assert_sound_after_passes(value: RedisObject, allocator: Allocator, limit: int = 10) -> RedisObject:
    """Run passes of all kinds over a value; returns the value that replaces it.

    The value must be the only thing in the ledger. Each of its blocks is shown once, and nothing that commands can see
    changes.
    """
    before = looks(value, allocator)
    assert_shown_once(value, allocator, limit)
    for mover in (Mover(allocator), Shuffler(allocator), Evictor(allocator), Shuffler(allocator)):
        value = full_pass(value, mover, limit)
        assert looks(value, allocator) == before
        assert sorted(allocator.live_addresses()) == sorted(value.addresses())
    return value
