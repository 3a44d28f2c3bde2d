"""What happens to keys, told in one place.

Every change of a key passes :meth:`KeyEvents.modified`, every named event (``set``, ``expired`` ...)
:meth:`KeyEvents.notify`. WATCH marks its clients from the first; keyspace notifications, blocked clients and
client-side caching hang on the listeners. With nobody listening both cost one test.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64, mypyc_attr

# The classes of events of notify-keyspace-events (Redis 7.2 server.h NOTIFY_*).
KEYSPACE: Final = 1  # K
KEYEVENT: Final = 2  # E
GENERIC: Final = 4  # g
STRING: Final = 8  # $
LIST: Final = 16  # l
SET: Final = 32  # s
HASH: Final = 64  # h
SORTED_SET: Final = 128  # z
EXPIRED: Final = 256  # x
EVICTED: Final = 512  # e
STREAM: Final = 1024  # t
KEY_MISS: Final = 2048  # m
MODULE: Final = 8192  # d
NEW: Final = 16384  # n


class Watcher:
    """A client's WATCH: ``dirty`` once one of its keys was changed."""

    def __init__(self) -> None:
        self.dirty = False
        self.expired: set[tuple[int, bytes]] = set()  # had expired when WATCH was called: to delete them is no change

    def forget(self) -> None:
        """No key is watched any more."""
        self.dirty = False
        if self.expired:
            self.expired.clear()

    def changed(self, place: tuple[int, bytes]) -> None:
        """A key was changed, or deleted."""
        if place in self.expired:
            self.expired.remove(place)
        else:
            self.dirty = True


@mypyc_attr(allow_interpreted_subclasses=True)
class KeyListener:
    """Is told of all changes and events; overrides what it needs."""

    def modified(self, database: i64, key: bytes) -> None:
        """A key's value was changed, or the key came or went."""

    def event(self, kind: i64, name: bytes, database: i64, key: bytes) -> None:
        """Something with a name happened; ``kind`` is one of the classes above."""

    def flushed(self, databases: list[int]) -> None:
        """Databases were emptied as a whole by one command, without an event per key."""

    def swapped(self, first: i64, second: i64) -> None:
        """Two databases exchanged all their keys."""


class KeyEvents:
    """Passes on what happens to keys."""

    def __init__(self) -> None:
        self.watching: i64 = 0  # (client, key) pairs under WATCH, in all databases
        self._watchers: dict[tuple[int, bytes], list[Watcher]] = {}
        self._listeners: list[KeyListener] = []
        self.listening = False

    def add_listener(self, listener: KeyListener) -> None:
        """Tell ``listener`` too from now on."""
        self._listeners.append(listener)
        self.listening = True

    def remove_listener(self, listener: KeyListener) -> None:
        """Tell ``listener`` no more."""
        self._listeners.remove(listener)
        self.listening = len(self._listeners) > 0

    def modified(self, database: i64, key: bytes) -> None:
        """A key was changed."""
        if self.watching > 0:
            place = (int(database), key)
            for watcher in self._watchers.get(place, ()):
                watcher.changed(place)
        if self.listening:
            for listener in self._listeners:
                listener.modified(database, key)

    def notify(self, kind: i64, name: bytes, database: i64, key: bytes) -> None:
        """A named event happened to a key."""
        if self.listening:
            for listener in self._listeners:
                listener.event(kind, name, database, key)

    def mark_watchers(self, database: i64, key: bytes, is_replaced: bool) -> None:
        """A change of a whole database deleted or replaced a key: only WATCH gets to know of the key."""
        place = (int(database), key)
        for watcher in self._watchers.get(place, ()):
            if is_replaced:
                watcher.dirty = True
            else:
                watcher.changed(place)

    def flushed(self, databases: list[int]) -> None:
        """Databases were emptied as a whole by one command."""
        for listener in self._listeners:
            listener.flushed(databases)

    def swapped(self, first: i64, second: i64) -> None:
        """Two databases exchanged all their keys."""
        for listener in self._listeners:
            listener.swapped(first, second)

    def watch(self, watcher: Watcher, database: i64, key: bytes) -> None:
        """Mark ``watcher`` when the key changes."""
        self._watchers.setdefault((int(database), key), []).append(watcher)
        self.watching += 1

    def unwatch(self, watcher: Watcher, database: i64, key: bytes) -> None:
        """Stop that."""
        watchers = self._watchers[int(database), key]
        watchers.remove(watcher)
        if not watchers:
            del self._watchers[int(database), key]
        self.watching -= 1

    def watched_keys(self, database: i64) -> list[bytes]:
        """The keys of a database that someone watches."""
        return [key for index, key in self._watchers if index == database]
