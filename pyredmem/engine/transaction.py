"""A client's MULTI: the queued commands, and the keys under WATCH."""

from __future__ import annotations

from mypy_extensions import i64

from pyredmem.engine.client_memory import ClientMemory
from pyredmem.engine.spec import RUNS_QUEUE, Command
from pyredmem.keyspace.changes import Changes, Watcher


class QueuedCommand:
    """A command that waits for EXEC."""

    def __init__(self, command: Command, argv: list[bytes]) -> None:
        self.command = command
        self.argv = argv


class Transaction:
    """State of MULTI and WATCH; lives as long as its session."""

    def __init__(self, changes: Changes, memory: ClientMemory) -> None:
        self._changes = changes
        self._queue_blocks = memory.queued_commands
        self._watch_blocks = memory.watched_keys
        self.active = False  # MULTI was given; stays set while EXEC runs the queue
        self.aborted = False  # a command could not be queued: EXEC will refuse
        self.queue: list[QueuedCommand] = []
        self._queue_flags: i64 = 0  # all flags of the queued commands
        self.watcher = Watcher()
        self.watched: list[tuple[int, bytes]] = []  # (database, key)

    def begin(self) -> None:
        """MULTI."""
        self.active = True

    def enqueue(self, command: Command, argv: list[bytes]) -> None:
        """Keep a command for EXEC, unless it is clear that EXEC will not run it."""
        if not self.aborted and not self.watcher.dirty:
            self.queue.append(QueuedCommand(command, argv))
            self._queue_flags |= command.flags
            self._queue_blocks.add(argv)

    def flags_of_call(self, command: Command) -> i64:
        """The flags of a command; those of the queued commands too if it runs them."""
        return command.flags | self._queue_flags if command.flags & RUNS_QUEUE else command.flags

    def start(self) -> list[QueuedCommand]:
        """EXEC begins: nothing is watched any more; returns the commands to run."""
        self.unwatch()
        return self.queue

    def reset(self) -> None:
        """End the transaction, whether or not it ran; WATCH ends too."""
        self.active = False
        self.aborted = False
        self._queue_flags = 0
        if self.queue:
            self.queue = []
            self._queue_blocks.clear()
        self.unwatch()

    def give_queue_away(self) -> list[QueuedCommand]:
        """The queued commands, whose ledger blocks are now the caller's; nothing is queued any more."""
        queue = self.queue
        self.queue = []
        return queue

    def watch(self, database: int, key: bytes, is_expired: bool = False) -> None:
        """Let EXEC fail if the key is changed before it; to delete a key that has expired by now is no change."""
        if (database, key) not in self.watched:
            if is_expired:
                self.watcher.expired.add((database, key))
            self.watched.append((database, key))
            self._changes.watch(self.watcher, database, key)
            self._watch_blocks.add(key)

    def unwatch(self) -> None:
        """Forget all watched keys."""
        for database, key in self.watched:
            self._changes.unwatch(self.watcher, database, key)
        if self.watched:
            self.watched = []
            self._watch_blocks.clear()
        self.watcher.forget()
