"""What a command handler sees: the client that calls, its database, where the reply goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy_extensions import i64

from pyredmem.keyspace import events as key_events
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.protocol.reply import ReplySink

if TYPE_CHECKING:
    from pyredmem.engine.engine import Engine
    from pyredmem.engine.session import Session


class Context:
    """Handed to every handler; one per session, and one per script that runs."""

    def __init__(self, engine: Engine, session: Session, reply: ReplySink) -> None:
        self.engine = engine
        self.session = session
        self.keyspace: Keyspace = engine.keyspace
        self.db: Database = engine.keyspace.databases[0]
        self.reply: ReplySink = reply

    def changed(self, key: bytes, kind: int, event: bytes, changes: i64 = 1) -> None:
        """Tell that a command has changed a key: once per key, when the change is done.

        ``changes`` is what Redis counts it as since the last save: mostly the elements that were changed.
        """
        keyspace = self.keyspace
        events = keyspace.events
        keyspace.dirty += changes
        if events.watching > 0 or events.listening:
            index = self.db.index
            events.modified(index, key)
            events.notify(kind, event, index, key)

    @property
    def is_recording(self) -> bool:
        """Whether somebody records the changes: only then is there a use for `record_instead`."""
        return self.keyspace.recorder is not None

    def record_instead(self, argv: list[bytes]) -> None:
        """Record this command instead of the one that runs; several are recorded in the order of the calls."""
        if self.keyspace.recorder is not None:
            self.keyspace.recorder.instead(argv)

    def record_deletion(self, key: bytes, lazily: bool) -> None:
        """Record that the command has deleted a key, instead of the command."""
        if self.keyspace.recorder is not None:
            self.keyspace.recorder.instead([b"UNLINK" if lazily else b"DEL", key])

    def record_nothing(self) -> None:
        """Record nothing for the command that runs, but what `record_instead` says."""
        if self.keyspace.recorder is not None:
            self.keyspace.recorder.nothing()

    def notify(self, kind: int, event: bytes, key: bytes) -> None:
        """Tell one more event of a key that has been told to be changed."""
        self.keyspace.events.notify(kind, event, self.db.index, key)

    def delete_emptied(self, key: bytes) -> None:
        """Delete a collection whose last element was taken out, and tell."""
        self.db.delete(key, self.keyspace.lazy_server_del)
        self.notify(key_events.GENERIC, b"del", key)
