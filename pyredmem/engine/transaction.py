"""The transaction of a client: the commands that are queued since MULTI, and the keys under WATCH."""

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
    """The state of MULTI and WATCH; it exists as long as its session."""

    def __init__(self, changes: Changes, memory: ClientMemory) -> None:
        self._changes = changes
        self._queue_blocks = memory.queued_commands
        self._watch_blocks = memory.watched_keys
        self.active = False  # since MULTI, and until EXEC has run the queue
        self.aborted = False  # a command could not be queued, so EXEC will refuse
        self.queue: list[QueuedCommand] = []
        self._queue_flags: i64 = 0  # the flags of all queued commands together
        self.watcher = Watcher()
        self.watched: list[tuple[int, bytes]] = []  # (database, key)

    def begin(self) -> None:
        self.active = True

    def enqueue(self, command: Command, argv: list[bytes]) -> None:
        """Queue a command, unless it is clear already that EXEC will not run it."""
        if not self.aborted and not self.watcher.dirty:
            self.queue.append(QueuedCommand(command, argv))
            self._queue_flags |= command.flags
            self._queue_blocks.add(argv)

    def flags_of_call(self, command: Command) -> i64:
        """The flags of a command, and those of the queued commands too if it is EXEC."""
        return command.flags | self._queue_flags if command.flags & RUNS_QUEUE else command.flags

    def start(self) -> list[QueuedCommand]:
        """Begin EXEC: stop watching, and return the commands to run."""
        self.unwatch()
        return self.queue

    def reset(self) -> None:
        """End the transaction, whether or not it ran, and stop watching."""
        self.active = False
        self.aborted = False
        self._queue_flags = 0
        if self.queue:
            self.queue = []
            self._queue_blocks.clear()
        self.unwatch()

    def give_queue_away(self) -> list[QueuedCommand]:
        """Empty the queue without freeing its ledger blocks, which the caller must free; returns the commands."""
        queue = self.queue
        self.queue = []
        return queue

    def watch(self, database: int, key: bytes, is_expired: bool = False) -> None:
        """Let EXEC fail if the key changes before it. If the key has expired already, its deletion is no change."""
        if (database, key) not in self.watched:
            if is_expired:
                self.watcher.expired.add((database, key))
            self.watched.append((database, key))
            self._changes.watch(self.watcher, database, key)
            self._watch_blocks.add(key)

    def unwatch(self) -> None:
        """Stop watching all keys."""
        for database, key in self.watched:
            self._changes.unwatch(self.watcher, database, key)
        if self.watched:
            self.watched = []
            self._watch_blocks.clear()
        self.watcher.forget()
