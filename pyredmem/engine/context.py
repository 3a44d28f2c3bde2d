"""The context of a call, which its handler gets: the client, its database, the sink for the reply, what is allowed.

A context belongs to one running call. All plain requests share one context, which the dispatcher points at each of them
in turn. A call inside another call (from EXEC or a script, or for a blocked client that is served) has a context of its
own, so calls nest.
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
    """A runner that also runs commands inside other commands; the dispatcher is one."""

    @abstractmethod
    def call(self, caller: Context, command: Command, argv: list[bytes]) -> None:
        """Run a command inside the call ``caller``, with the client, database and sink of that call."""

    @abstractmethod
    def replay(self, context: Context, command: Command, argv: list[bytes]) -> None:
        """Run a command that has run before, from an append-only file; it is not counted."""


class Context:
    """One call of a command, as its handler sees it."""

    def __init__(self, runner: CallRunner, engine: Engine, session: Session, reply: ReplySink) -> None:
        self.runner: CallRunner = runner
        self.engine = engine
        self.keyspace: Keyspace = engine.keyspace
        self.session = session
        self.db: Database = session.db
        self.reply: ReplySink = reply
        self.may_block = True  # false in a transaction or script: a command that would block replies at once
        self.is_retry = False  # the command of a blocked client runs again
        self.blocked_again = False  # such a command still found nothing

    def select(self, index: i64) -> None:
        """Select another database for this client (SELECT)."""
        self.db = self.keyspace.databases[index]
        self.session.db = self.db

    def set_protocol(self, protocol: i64) -> None:
        """Speak RESP2 or RESP3 with the client from now on, beginning with the reply to this command."""
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
        """Block the client until one of the keys holds a value of the type, then run the command ``argv`` again.

        At ``deadline_ms`` (unix ms, 0: never) the client gets a null array. With ``without_key`` the command also runs
        again when a key is deleted or gets a value of another type. Where a client must not be blocked, such as in a
        transaction, it gets a null array at once, or a null if ``denied_null``.
        """
        if self.is_retry:
            self.blocked_again = True  # the client keeps its place in the queues
        elif self.may_block:
            wish = Wish(argv, self.db.index, keys, type_name, without_key)
            self.engine.blocking.block(self.session, self.reply, wish, deadline_ms)
        elif denied_null:
            self.reply.null()
        else:
            self.reply.null_array()

    def changed(self, key: bytes, kind: int, event: bytes, changes: i64 = 1) -> None:
        """Report that the command has changed a key: once for each key, when the change is complete.

        ``changes`` is what Redis adds to its dirty counter for the change: mostly the number of elements.
        """
        self.keyspace.changes.changed(self.db.index, key, kind, event, changes)

    def removed(self, key: bytes, kind: int, event: bytes, changes: i64, is_emptied: bool) -> None:
        """Report that the command has removed elements of a key, and delete the key if it is empty now.

        Unlike with `changed`, listeners are notified of the events before the change (Redis 7.2's order for some
        commands, mostly those that pop or trim).
        """
        everything = self.keyspace.changes
        everything.count(changes)
        if everything.listening:
            everything.notify(kind, event, self.db.index, key)
        if is_emptied:
            self.delete_emptied(key)
        if everything.watching > 0 or everything.listening:
            everything.modified(self.db.index, key)

    @property
    def is_recording(self) -> bool:
        """Whether anything records the writes; if not, `record_instead` has no effect."""
        return self.keyspace.changes.recorder is not None

    def record_instead(self, argv: list[bytes]) -> None:
        """Record ``argv`` instead of the running command. After several calls all of them are recorded, in order."""
        if self.keyspace.changes.recorder is not None:
            self.keyspace.changes.recorder.instead(argv)

    def record_deletion(self, key: bytes, lazily: bool) -> None:
        """Record a DEL or UNLINK of ``key`` instead of the running command."""
        if self.keyspace.changes.recorder is not None:
            self.keyspace.changes.recorder.instead([b"UNLINK" if lazily else b"DEL", key])

    def record_nothing(self) -> None:
        """Do not record the running command; only what `record_instead` was given is recorded."""
        if self.keyspace.changes.recorder is not None:
            self.keyspace.changes.recorder.nothing()

    def notify(self, kind: int, event: bytes, key: bytes) -> None:
        """Notify of one more event of a key, after :meth:`changed` has reported the change."""
        self.keyspace.changes.notify(kind, event, self.db.index, key)

    def delete_emptied(self, key: bytes) -> None:
        """Delete a collection whose last element was removed, and notify of that."""
        self.db.delete_found(key, self.keyspace.lazy_server_del)
        self.notify(key_events.GENERIC, b"del", key)
