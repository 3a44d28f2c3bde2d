"""The classes of key events, and the listeners that are notified of changes and events.

Who raises them and who passes them on: `keyspace/changes.py`.
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
#: The classes that the letter A stands for.
ALL: Final = GENERIC | STRING | LIST | SET | HASH | SORTED_SET | EXPIRED | EVICTED | STREAM | MODULE


@mypyc_attr(allow_interpreted_subclasses=True)
class KeyListener:
    """Is notified of all changes and events; a subclass overrides the methods it needs."""

    def modified(self, database: i64, key: bytes) -> None:
        """A key's value was changed, or the key was created or deleted."""

    def modified_by_server(self, database: i64, key: bytes) -> None:
        """The server changed or deleted a key by itself: it, or a field of it, had expired, or it was evicted."""
        self.modified(database, key)

    def event(self, kind: i64, name: bytes, database: i64, key: bytes) -> None:
        """An event such as ``set`` or ``expired`` happened to a key; ``kind`` is one of the classes above."""

    def flushed(self, databases: list[int]) -> None:
        """Databases were emptied as a whole by one command, without an event per key."""

    def swapped(self, first: i64, second: i64) -> None:
        """Two databases exchanged all their keys (SWAPDB)."""
