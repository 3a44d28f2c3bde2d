"""What a command handler sees: the client that calls, its database, where the reply goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

    def changed(self, key: bytes, kind: int, event: bytes) -> None:
        """Tell that a command has changed a key: once per key, when the change is done."""
        keyspace = self.keyspace
        events = keyspace.events
        keyspace.dirty += 1
        if events.watching > 0 or events.listening:
            index = self.db.index
            events.modified(index, key)
            events.notify(kind, event, index, key)
