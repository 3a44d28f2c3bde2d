"""What a handler gets: the client that called, its database, where the reply goes, and what the command may do.

A context belongs to one running call. The dispatcher points one context at each plain request in turn; a call inside
another one (of EXEC, of a script, of a blocked client that is served) gets a context of its own, so calls nest.
"""

from __future__ import annotations

from abc import abstractmethod

from mypy_extensions import i64

from pyredmem.engine.blocking import Wish
from pyredmem.engine.engine import Engine
from pyredmem.engine.session import Runner, Session
from pyredmem.engine.spec import Command
from pyredmem.keyspace import events as key_events
from pyredmem.keyspace.database import Database
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.protocol.reply import ReplySink


class CallRunner(Runner):
    """A runner that also runs commands on behalf of others; the dispatcher is one."""

    @abstractmethod
    def call(self, caller: Context, command: Command, argv: list[bytes]) -> None:
        """Run a command inside the call ``caller``, with its client, database and sink."""


class Context:
    """One call of a command, as its handler sees it."""

    def __init__(self, runner: CallRunner, engine: Engine, session: Session, reply: ReplySink) -> None:
        self.runner: CallRunner = runner
        self.engine = engine
        self.keyspace: Keyspace = engine.keyspace
        self.session = session
        self.db: Database = session.db
        self.reply: ReplySink = reply
        self.may_block = True  # not in a transaction or script: a command that would block replies at once
        self.is_retry = False  # the client was blocked, and its command runs again
        self.blocked_again = False  # that command found nothing once more

    def select(self, index: i64) -> None:
        """Let the calls of this client work on another database from now on."""
        self.db = self.keyspace.databases[index]
        self.session.db = self.db

    def set_protocol(self, protocol: i64) -> None:
        """Let the client speak RESP2 or RESP3, the reply of this very command included."""
        self.session.set_protocol(protocol)
        self.reply = self.session.reply

    def client_is_gone(self) -> bool:
        """Whether the client was disconnected because of its output: nobody waits for the rest of the reply."""
        return self.session.aborted

    def block(
        self,
        argv: list[bytes],
        keys: list[bytes],
        type_name: bytes,
        deadline_ms: i64,
        without_key: bool = False,
        denied_null: bool = False,
    ) -> None:
        """Let the client wait until one of the keys holds a value of the type, then run the command ``argv`` again.

        At ``deadline_ms`` (unix ms, 0: never) it gets a null array. ``without_key``: the command also runs again when a
        key was deleted or has another type. Where the client must not be blocked (in a transaction) it gets a null
        array at once; a null instead if ``denied_null``.
        """
        if self.is_retry:
            self.blocked_again = True  # the client stays in the queues, where it is
        elif self.may_block:
            wish = Wish(argv, self.db.index, keys, type_name, without_key)
            self.engine.blocking.block(self.session, self.reply, wish, deadline_ms)
        elif denied_null:
            self.reply.null()
        else:
            self.reply.null_array()

    def changed(self, key: bytes, kind: int, event: bytes, changes: i64 = 1) -> None:
        """A command has changed a key: say so once per key, when the change is complete.

        ``changes`` is what Redis adds to its count of changes since the last save: mostly the number of elements.
        """
        self.keyspace.changes.changed(self.db.index, key, kind, event, changes)

    @property
    def is_recording(self) -> bool:
        """Whether somebody records the changes: only then is there a use for `record_instead`."""
        return self.keyspace.changes.recorder is not None

    def record_instead(self, argv: list[bytes]) -> None:
        """Record this command instead of the one that runs; several are recorded in the order of the calls."""
        if self.keyspace.changes.recorder is not None:
            self.keyspace.changes.recorder.instead(argv)

    def record_deletion(self, key: bytes, lazily: bool) -> None:
        """Record that the command has deleted a key, instead of the command."""
        if self.keyspace.changes.recorder is not None:
            self.keyspace.changes.recorder.instead([b"UNLINK" if lazily else b"DEL", key])

    def record_nothing(self) -> None:
        """Record nothing for the command that runs, but what `record_instead` says."""
        if self.keyspace.changes.recorder is not None:
            self.keyspace.changes.recorder.nothing()

    def notify(self, kind: int, event: bytes, key: bytes) -> None:
        """Raise one more event of a key, after :meth:`changed` said that the key has changed."""
        self.keyspace.changes.notify(kind, event, self.db.index, key)

    def delete_emptied(self, key: bytes) -> None:
        """Delete a collection whose last element was removed, and notify."""
        self.db.delete(key, self.keyspace.lazy_server_del)
        self.notify(key_events.GENERIC, b"del", key)
