"""Shows keys from inside: events, changes, encodings, memory; and a value of a type that no command knows."""

from __future__ import annotations

from pyredmem.keyspace.events import KeyListener
from pyredmem.memory.allocator import Allocator
from pyredmem.objects.object import RedisObject
from tests.support.world import World


class Foreign(RedisObject):
    """A value of a type that no command works on, without blocks in the ledger."""

    def __init__(self) -> None:
        super().__init__(0)

    def type_name(self) -> bytes:
        """The name that TYPE gives."""
        return b"foreign"

    def encoding(self) -> bytes:
        """The name that OBJECT ENCODING gives."""
        return b"foreign"

    def memory(self, allocator: Allocator, samples: int) -> int:
        """No memory."""
        return 0

    def free(self, allocator: Allocator) -> None:
        """There is nothing to free."""

    def addresses(self) -> list[int]:
        """No blocks."""
        return []


class EventLog(KeyListener):
    """Records the events and changes of keys."""

    def __init__(self) -> None:
        self.seen: list[tuple[bytes, bytes]] = []
        self.changed: list[bytes] = []

    def modified(self, database: int, key: bytes) -> None:
        """Record a change of a key."""
        self.changed.append(key)

    def event(self, kind: int, name: bytes, database: int, key: bytes) -> None:
        """Record an event, unless it is `new` or `keymiss`."""
        if name not in (b"new", b"keymiss"):
            self.seen.append((name, key))


class Watched:
    """The effects of commands: the events, as `name key`, and by how much the dirty counter grew."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._log = EventLog()
        world.engine.keyspace.changes.set_listener(self._log, True)

    def by(self, *words: bytes | str | int) -> tuple[list[str], int]:
        """Run a command and return its effects; asserts that a key has events if and only if it was changed."""
        keyspace = self._world.engine.keyspace
        self._log.seen.clear()
        self._log.changed.clear()
        before = keyspace.changes.since_save()
        self._world.do(*words)
        assert {key for _, key in self._log.seen} == set(self._log.changed)
        return [f"{name.decode()} {key.decode()}" for name, key in self._log.seen], int(
            keyspace.changes.since_save() - before
        )


def add_foreign(world: World, key: bytes = b"f") -> Foreign:
    """Store a value of the foreign type under a key."""
    value = Foreign()
    world.engine.keyspace.databases[0].add(key, value)
    return value


def encoding(world: World, key: bytes = b"k") -> str:
    """The encoding of the value of a key."""
    value = world.engine.keyspace.databases[0].peek(key)
    assert value is not None
    return value.encoding().decode()


def time_left_ms(world: World, key: bytes = b"k") -> int:
    """The time to live of a key, -1 if it has none."""
    deadline = world.engine.keyspace.databases[0].expire_time(key)
    return -1 if deadline < 0 else int(deadline - world.clock.now_us() // 1000)


def used(world: World) -> int:
    """The ledger's bytes in use."""
    return int(world.engine.allocator.used_memory)
