"""The one door for "this write happened": every change of a key passes here.

A command says so through its context, the keyspace says so itself when a key expires or is evicted. From here the
change goes to whoever has to know of it::

    a command       changed ------.        .--> the count of changes since the last save
    an expired key  key_expired ---+-------+--> WATCH: transactions that must fail
    an evicted key  key_evicted --'        +--> listeners: blocked clients, client-side caching, notifications
                                           `--> the recorder: the stream of commands that replays the change

While nobody watches, listens or records, a change costs an addition and two tests.
"""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.keyspace import events
from pyredmem.keyspace.events import KeyListener
from pyredmem.keyspace.recorder import Recorder, UnitListener


class Watcher:
    """A client's WATCH: ``dirty`` once one of its keys was changed."""

    def __init__(self) -> None:
        self.dirty = False
        self.expired: set[tuple[int, bytes]] = set()  # had expired when WATCH was called: deleting them is no change

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


class Changes:
    """Passes on what happens to the keys of all databases, and counts it."""

    def __init__(self) -> None:
        self._dirty: i64 = 0
        self.watching: i64 = 0  # (client, key) pairs under WATCH, in all databases
        self._watchers: dict[tuple[int, bytes], list[Watcher]] = {}
        self._listeners: list[KeyListener] = []
        self.listening = False
        self.recorder: Recorder | None = None  # while somebody records
        self._units: i64 = 0  # that earlier recorders had

    def count_watched_keys(self) -> int:
        """The number of keys that at least one client watches, in all databases."""
        return len(self._watchers)

    # The count.

    def since_save(self) -> i64:
        """The number of changes since the last save, as Redis counts them (``rdb_changes_since_last_save``)."""
        return self._dirty

    def count(self, changes: i64) -> None:
        """Count changes that no key shows: neither WATCH nor a listener gets to know of them."""
        self._dirty += changes

    def mark_saved(self, changes: i64) -> None:
        """A file has been saved that has the first ``changes`` of the changes since the save before."""
        self._dirty -= changes

    # Keys.

    def changed(self, database: i64, key: bytes, kind: i64, event: bytes, changes: i64) -> None:
        """A command has changed a key: count it, mark its watchers, notify of the change and of the event."""
        self._dirty += changes
        if self.watching > 0 or self.listening:
            self.modified(database, key)
            self.notify(kind, event, database, key)

    def modified(self, database: i64, key: bytes) -> None:
        """A key was changed: mark its watchers and notify the listeners, but do not count it."""
        if self.watching > 0:
            self._mark(database, key)
        if self.listening:
            for listener in self._listeners:
                listener.modified(database, key)

    def modified_by_server(self, database: i64, key: bytes) -> None:
        """The same for a key, or a part of it, that had expired or was evicted: no client has changed it."""
        if self.watching > 0:
            self._mark(database, key)
        if self.listening:
            for listener in self._listeners:
                listener.modified_by_server(database, key)

    def _mark(self, database: i64, key: bytes) -> None:
        place = (int(database), key)
        for watcher in self._watchers.get(place, ()):
            watcher.changed(place)

    def notify(self, kind: i64, name: bytes, database: i64, key: bytes) -> None:
        """Notify the listeners of an event of a key."""
        if self.listening:
            for listener in self._listeners:
                listener.event(kind, name, database, key)

    def key_expired(self, database: i64, key: bytes, lazily: bool) -> None:
        """An expired key was deleted; ``lazily``: its value is freed in the background."""
        self.notify(events.EXPIRED, b"expired", database, key)
        self.modified_by_server(database, key)
        self._record_deletion(database, key, lazily)

    def key_evicted(self, database: i64, key: bytes, lazily: bool) -> None:
        """A key was evicted; ``lazily``: its value is freed in the background."""
        self.modified_by_server(database, key)
        self.notify(events.EVICTED, b"evicted", database, key)
        self._record_deletion(database, key, lazily)

    def _record_deletion(self, database: i64, key: bytes, lazily: bool) -> None:
        if self.recorder is not None:
            self.recorder.deleted(database, [b"UNLINK" if lazily else b"DEL", key])

    def field_expired(self, database: i64, key: bytes, field: bytes) -> None:
        """An expired field of a hash was deleted; the key follows by itself with its last field."""
        if self.recorder is not None:
            self.recorder.deleted(database, [b"HDEL", key, field])

    # Recording.

    def record_to(self, listener: UnitListener) -> None:
        """Let ``listener`` have the commands that replay every write from now on."""
        if self.recorder is None:
            self.recorder = Recorder(self._units)
        self.recorder.listeners.append(listener)

    def stop_recording(self, listener: UnitListener) -> None:
        """Let ``listener`` have no more commands; when nobody else listens, nothing is recorded any more."""
        recorder = self.recorder
        assert recorder is not None
        recorder.listeners.remove(listener)
        if not recorder.listeners:
            self._units = recorder.units
            self.recorder = None

    # Whole databases.

    def flushed(self, databases: list[int], keys: i64) -> None:
        """One command emptied databases, which held ``keys`` keys."""
        self.count(keys)
        for listener in self._listeners:
            listener.flushed(databases)

    def swapped(self, first: i64, second: i64) -> None:
        """Two databases exchanged all their keys."""
        for listener in self._listeners:
            listener.swapped(first, second)

    # WATCH and listeners.

    def set_listener(self, listener: KeyListener, listens: bool) -> None:
        """Notify ``listener`` of changes and events from now on, or no longer.

        It may ask for this while it is being notified, and also if nothing changes by that.
        """
        if (listener in self._listeners) == listens:
            return
        others = [other for other in self._listeners if other is not listener]
        self._listeners = [*others, listener] if listens else others
        self.listening = len(self._listeners) > 0

    def watch(self, watcher: Watcher, database: i64, key: bytes) -> None:
        """Mark ``watcher`` when the key changes."""
        self._watchers.setdefault((int(database), key), []).append(watcher)
        self.watching += 1

    def unwatch(self, watcher: Watcher, database: i64, key: bytes) -> None:
        """Do not mark ``watcher`` for this key any more."""
        watchers = self._watchers[int(database), key]
        watchers.remove(watcher)
        if not watchers:
            del self._watchers[int(database), key]
        self.watching -= 1

    def watched_keys(self, database: i64) -> list[bytes]:
        """The keys of a database that are under WATCH."""
        return [key for index, key in self._watchers if index == database]

    def mark_watchers(self, database: i64, key: bytes, is_replaced: bool) -> None:
        """A change of a whole database deleted or replaced a key: only WATCH gets to know of the key."""
        place = (int(database), key)
        for watcher in self._watchers.get(place, ()):
            if is_replaced:
                watcher.dirty = True
            else:
                watcher.changed(place)
