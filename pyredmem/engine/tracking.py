"""Tracking, for caches in clients: a client gets an invalidation message when a key that it has read changes.

    default     the table remembers which clients have read a key; the first change of it notifies them, and only once
    broadcast   every change of a key that begins with one of the client's prefixes notifies the client, once per batch

Messages are RESP3 pushes of ``invalidate`` to the client itself or to the client that it redirects them to. A RESP2
client gets them only if it is subscribed. When a client's own command changes a key, the message comes after the reply,
and after the other messages that the command causes. Keys of the same name in several databases count as one (Redis 7.2
tracking.c). While no client tracks and the table is empty, this module is not called.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import CommandError
from pyredmem.engine import figures
from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_SUBSCRIBED, GATE_TRACKED, GATE_TRACKING
from pyredmem.engine.key_extraction import tracked_keys
from pyredmem.engine.session import Session
from pyredmem.engine.spec import KEEPS_CACHING, READONLY, RUNS_SCRIPT, Command
from pyredmem.engine.tracked_keys import TrackedPrefixes, TrackingTables
from pyredmem.keyspace.events import KeyListener
from pyredmem.structures.radix import RadixTree

INVALIDATIONS: Final = b"__redis__:invalidate"
OPT_IN: Final = 1
OPT_OUT: Final = 2
#: What tot-mem in CLIENT LIST includes for a node of the tree of the client's prefixes (bytes).
_PREFIX_NODE_BYTES: Final = 32
#: How many keys are dropped at once when the table has too many: this many the first time, twice as many the second.
_DROPPED_AT_ONCE: Final = 100

BAD_PREFIX: Final = b"ERR Prefix '%b' overlaps with %b prefix '%b'. Prefixes for a single client must not overlap."
MODE_FIXED: Final = (
    b"ERR You can't switch %b before disabling tracking for this client, and then re-enabling it with a different mode."
)


class ClientTracking:
    """How one client tracks keys."""

    def __init__(self, redirect: int, broadcast: bool, choice: int, no_loop: bool) -> None:
        self.redirect = redirect  # id of the client that gets the messages, 0: this one
        self.broadcast = broadcast
        self.choice = choice  # OPT_IN, OPT_OUT or neither
        self.no_loop = no_loop
        self.prefix_tree: RadixTree[bool] | None = None  # if it broadcasts
        self.caching = False  # CLIENT CACHING was the last command
        self.broken = False  # the client that got the messages has disconnected

    def prefixes(self) -> list[bytes]:
        """The prefixes for whose keys the client waits, in order."""
        return self.prefix_tree.all_keys() if self.prefix_tree is not None else []

    def prefix_bytes(self) -> i64:
        """What tot-mem in CLIENT LIST includes for the prefixes."""
        return self.prefix_tree.nodes * _PREFIX_NODE_BYTES if self.prefix_tree is not None else 0

    def remembers(self) -> bool:
        """Whether the table must remember the keys that the next command reads."""
        if self.choice == OPT_IN:
            return self.caching
        return self.choice != OPT_OUT or not self.caching


class _Waiting:
    """An invalidation message that waits for the end of its client's command."""

    def __init__(self, session: Session, tracking: ClientTracking, keys: list[bytes] | None) -> None:
        self.session = session
        self.tracking = tracking
        self.keys = keys


class Tracking(KeyListener):
    """Knows which clients to notify of a change of a key, and notifies them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._clients: dict[int, ClientTracking] = {}
        self._tables: TrackingTables | None = None  # from the first client that tracks on
        self._broadcast_due = False
        self.waiting: list[_Waiting] = []  # the messages that the running command's own client gets after the reply
        self._max_keys: i64 = 0
        self._attempts: i64 = 0  # how often in a row the table was not brought within its limit
        core.settings.follow(("tracking-table-max-keys",), self._max_keys_changed)
        core.cron.every(0, self.limit_table)
        core.owners.register("tracking", self.addresses)
        core.figures.provide(figures.TRACKING_CLIENTS, lambda: len(self._clients))
        core.figures.provide(figures.TRACKED_KEYS, self._count_keys)
        core.figures.provide(figures.TRACKED_ITEMS, lambda: int(self._tables.keys.items) if self._tables else 0)
        core.figures.provide(figures.TRACKED_PREFIXES, lambda: len(self._tables.prefixes.all) if self._tables else 0)

    def _max_keys_changed(self) -> None:
        self._max_keys = self._core.settings.integer("tracking-table-max-keys")

    def _count_keys(self) -> int:
        return self._tables.keys.count() if self._tables is not None else 0

    def of(self, session: Session) -> ClientTracking | None:
        """How a client tracks keys; None if it does not."""
        return self._clients.get(int(session.id))

    def addresses(self) -> list[int]:
        owned = self._tables.addresses() if self._tables is not None else []
        for tracking in self._clients.values():
            if tracking.prefix_tree is not None:
                owned += tracking.prefix_tree.addresses()
        return owned

    # Switching on and off.

    def enable(self, session: Session, asked: ClientTracking, prefixes: list[bytes]) -> None:
        """Let a client track keys; new prefixes are added to those that it has."""
        if self._tables is None:
            self._tables = TrackingTables(INVALIDATIONS, self._core.allocator)
        number = int(session.id)
        old = self._clients.get(number)
        if old is not None:
            asked.caching = old.caching
            asked.prefix_tree = old.prefix_tree
        self._clients[number] = asked
        self._clients_changed()
        session.set_gate(GATE_TRACKING, True)
        if asked.broadcast:
            self._add_prefixes(session, asked, self._tables.prefixes, prefixes or [b""])

    def _add_prefixes(
        self, session: Session, tracking: ClientTracking, table: TrackedPrefixes, prefixes: list[bytes]
    ) -> None:
        session.memory.other_bytes -= tracking.prefix_bytes()
        tree = tracking.prefix_tree
        if tree is None:
            tree = RadixTree[bool](self._core.allocator)
            tracking.prefix_tree = tree
        for prefix in prefixes:
            tree.insert(prefix, True)
            table.add(prefix, int(session.id))
        session.memory.other_bytes += tracking.prefix_bytes()

    def disable(self, session: Session) -> None:
        """End the tracking of a client. Its entries in the table stay, and are ignored when their keys change."""
        number = int(session.id)
        tracking = self._clients.pop(number, None)
        if tracking is None:
            return
        assert self._tables is not None
        session.set_gate(GATE_TRACKING, False)
        session.memory.other_bytes -= tracking.prefix_bytes()
        for prefix in tracking.prefixes():
            self._tables.prefixes.remove(prefix, number)
        if tracking.prefix_tree is not None:
            tracking.prefix_tree.free()
        self._clients_changed()

    def _clients_changed(self) -> None:
        """Listen to changes while there is a client to notify, or a key in the table, which leaves it by a change."""
        self._core.gates.set(GATE_TRACKED, len(self._clients) > 0)
        listens = len(self._clients) > 0 or self._count_keys() > 0
        self._core.keyspace.changes.set_listener(self, listens)

    def check_prefixes(self, session: Session, prefixes: list[bytes]) -> None:
        """Raise an error if prefixes overlap with others of the client, or with one another."""
        old = self.of(session)
        existing = old.prefixes() if old is not None else []
        for at, prefix in enumerate(prefixes):
            for had in existing:
                if _overlap(prefix, had):
                    raise CommandError(BAD_PREFIX % (prefix, b"an existing", had))
            for other in prefixes[at + 1 :]:
                if _overlap(prefix, other):
                    raise CommandError(BAD_PREFIX % (prefix, b"another provided", other))

    # Commands.

    def remember(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Remember the keys that a command of a tracking client has read."""
        number = int(session.id)
        tracking = self._clients.get(number)
        tables = self._tables
        if tracking is None or tables is None:
            return
        reads = command.flags & (READONLY | RUNS_SCRIPT) == READONLY  # a script reads by its own commands
        if reads and not tracking.broadcast and tracking.remembers():
            for key in tracked_keys(command.spec, argv):
                tables.keys.add(key, number)

    def end_caching(self, session: Session, command: Command | None) -> None:
        """End CLIENT CACHING after any other command, even one that was refused; None for an unknown one."""
        if session.transaction.active or self._core.is_in_script:
            return
        if command is not None and command.flags & KEEPS_CACHING:
            return
        tracking = self._clients.get(int(session.id))
        if tracking is not None:
            tracking.caching = False

    def limit_table(self) -> None:
        """Drop keys beyond the limit from the table, and notify their clients as if the keys had changed.

        This happens before each command, and at each run of the timer. If the table still has too many keys, the next
        time drops more of them.
        """
        if self._tables is None or self._max_keys == 0 or not self._clients:
            return
        table = self._tables.keys
        if table.count() > self._max_keys:
            for _ in range(int(_DROPPED_AT_ONCE * (self._attempts + 1))):
                key = table.random_key(self._core.rng)
                self._notify(key, table.take(key))
                if table.count() <= self._max_keys:
                    break
            else:
                self._attempts += 1
                return
        self._attempts = 0

    # Changes.

    def modified(self, database: i64, key: bytes) -> None:
        """Notify the clients that have read a key of its change; broadcast messages follow after the batch."""
        self._changed(key, self._core.acting_id)

    def modified_by_server(self, database: i64, key: bytes) -> None:
        """Do the same for a change that no client has made, though a client's command may have caused it."""
        self._changed(key, 0)

    def _changed(self, key: bytes, changer: i64) -> None:
        tables = self._tables
        if tables is None:
            return
        for entry in tables.prefixes.all:
            if key.startswith(entry.prefix):
                entry.note_change(key, changer)
                if not self._broadcast_due:
                    self._broadcast_due = True
                    self._core.chores.defer(self._broadcast)
        numbers = tables.keys.take(key)
        if numbers:
            self._notify(key, numbers)
            if not self._clients:
                self._clients_changed()

    def _notify(self, key: bytes, numbers: list[int]) -> None:
        """Notify the clients that have read a key."""
        for number in numbers:
            tracking = self._clients.get(number)
            if tracking is None or tracking.broadcast:
                continue
            if not (tracking.no_loop and number == self._core.acting_id):
                self._invalidate(number, [key])

    def flushed(self, databases: list[int]) -> None:
        """After databases were emptied, notify every tracking client that all keys are invalid."""
        if self._tables is not None:
            self._tables.keys.clear()
        for number in self._clients:
            self._invalidate(number, None)
        self._clients_changed()

    def _broadcast(self) -> None:
        """Notify the clients of all prefixes of the keys that have changed."""
        self._broadcast_due = False
        if self._tables is None:
            return
        for entry in self._tables.prefixes.all:
            changes = entry.take_changes()
            everything = [key for key, _ in changes]
            for number in entry.clients() if changes else []:
                keys = everything
                if self._clients[number].no_loop:
                    keys = [key for key, changer in changes if changer != number]
                if keys:
                    self._invalidate(number, keys)

    # Messages.

    def _invalidate(self, number: int, keys: list[bytes] | None) -> None:
        """Let a client have an invalidation message for ``keys``, or for all keys if None."""
        session = self._core.sessions.get(number)
        tracking = self._clients.get(number)
        if session is None or tracking is None:
            return
        if session.is_replying():
            self.waiting.append(_Waiting(session, tracking, keys))
        else:
            self._send(session, tracking, keys)

    def send_waiting(self) -> None:
        """At the end of a command, send the messages that its own client gets."""
        waiting = self.waiting
        self.waiting = []
        for message in waiting:
            self._send(message.session, message.tracking, message.keys)

    def _send(self, session: Session, tracking: ClientTracking, keys: list[bytes] | None) -> None:
        """Send an invalidation message to a client or to its redirection."""
        if tracking.redirect != 0:
            target = self._core.sessions.get(tracking.redirect)
            if target is None:
                self._redirection_broken(session, tracking)
                return
            session = target
        message = session.messages()
        if message.protocol == 3:
            message.push(2)
            message.bulk(b"invalidate")
        elif tracking.redirect != 0 and session.gates & GATE_SUBSCRIBED:
            message.push(3)
            message.bulk(b"message")
            message.bulk(INVALIDATIONS)
        else:
            return
        if keys is None:
            message.null()
        else:
            message.bulks(keys)
        session.wake()

    def _redirection_broken(self, session: Session, tracking: ClientTracking) -> None:
        tracking.broken = True
        message = session.messages()
        if message.protocol == 3:
            message.push(2)
            message.bulk(b"tracking-redir-broken")
            message.integer(tracking.redirect)
            session.wake()


def _overlap(one: bytes, other: bytes) -> bool:
    return one.startswith(other) or other.startswith(one)
