"""Tracking, for caches in clients: a client gets an invalidation message when a key that it has read changes.

    default     the table remembers which clients have read a key; the first change of it notifies them, and only once
    broadcast   every change of a key that begins with one of the client's prefixes notifies the client, once per batch

Messages are RESP3 pushes of ``invalidate`` to the client itself or to the client that it redirects them to. A RESP2
client gets them only if it is subscribed. When a client's own command changes a key, the message comes after the reply.
Keys of the same name in several databases count as one (Redis 7.2 tracking.c). While no client tracks, this module is
not called.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import CommandError
from pyredmem.engine import figures
from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_SUBSCRIBED, GATE_TRACKED, GATE_TRACKING
from pyredmem.engine.key_extraction import keys_of
from pyredmem.engine.session import Session
from pyredmem.engine.spec import KEEPS_CACHING, READONLY, RUNS_SCRIPT, Command
from pyredmem.keyspace.events import KeyListener

INVALIDATIONS: Final = b"__redis__:invalidate"
OPT_IN: Final = 1
OPT_OUT: Final = 2
#: What tot-mem in CLIENT LIST includes for a prefix (bytes).
_PREFIX_BYTES: Final = 32
#: The most keys that the timer drops at once when the table has too many.
_FORGET_AT_ONCE: Final = 1000

BAD_PREFIX: Final = b"ERR Prefix '%b' overlaps with %b prefix '%b'. Prefixes for a single client must not overlap."
MODE_FIXED: Final = (
    b"ERR You can't switch %b before disabling tracking for this client, and then re-enabling it with a different mode."
)


class ClientTracking:
    """How one client tracks keys."""

    def __init__(self, redirect: int, broadcast: bool, choice: int, no_loop: bool, prefixes: list[bytes]) -> None:
        self.redirect = redirect  # id of the client that gets the messages, 0: this one
        self.broadcast = broadcast
        self.choice = choice  # OPT_IN, OPT_OUT or neither
        self.no_loop = no_loop
        self.prefixes = prefixes
        self.caching = False  # CLIENT CACHING was the last command
        self.broken = False  # the client that got the messages has disconnected

    def remembers(self) -> bool:
        """Whether the table must remember the keys that the next command reads."""
        if self.choice == OPT_IN:
            return self.caching
        return self.choice != OPT_OUT or not self.caching


class _Prefix:
    """The clients of a prefix, and the keys that have changed since they were notified last."""

    def __init__(self) -> None:
        self.clients: dict[int, bool] = {}
        self.changed: dict[bytes, int] = {}  # by key: the client that changed it last, 0 for none


class Tracking(KeyListener):
    """Knows which clients to notify of a change of a key, and notifies them."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._clients: dict[int, ClientTracking] = {}
        self._table: dict[bytes, dict[int, bool]] = {}
        self._prefixes: dict[bytes, _Prefix] = {}
        self._items: i64 = 0
        self._broadcast_due = False
        self._max_keys: i64 = 0
        core.settings.follow(["tracking-table-max-keys"], self._max_keys_changed)
        core.cron.every(0, self._limit_table)
        core.figures.provide(figures.TRACKING_CLIENTS, lambda: len(self._clients))
        core.figures.provide(figures.TRACKED_KEYS, lambda: len(self._table))
        core.figures.provide(figures.TRACKED_ITEMS, self._item_count)
        core.figures.provide(figures.TRACKED_PREFIXES, lambda: len(self._prefixes))

    def _max_keys_changed(self) -> None:
        self._max_keys = self._core.settings.integer("tracking-table-max-keys")

    def _item_count(self) -> int:
        return int(self._items)

    def of(self, session: Session) -> ClientTracking | None:
        """How a client tracks keys; None if it does not."""
        return self._clients.get(int(session.id))

    # Switching on and off.

    def enable(self, session: Session, asked: ClientTracking) -> None:
        """Let a client track keys; new prefixes are added to those that it has."""
        number = int(session.id)
        old = self._clients.get(number)
        if not self._clients:
            self._core.keyspace.changes.add_listener(self)
            self._core.gates.set(GATE_TRACKED, True)
        self._clients[number] = asked
        session.set_gate(GATE_TRACKING, True)
        if not asked.broadcast:
            return
        had = old.prefixes if old is not None else []
        wanted = asked.prefixes or [b""]
        asked.prefixes = had + [prefix for prefix in wanted if prefix not in had]
        for prefix in asked.prefixes:
            self._prefixes.setdefault(prefix, _Prefix()).clients[number] = True
        session.memory.other_bytes += _PREFIX_BYTES * (len(asked.prefixes) - len(had))

    def disable(self, session: Session) -> None:
        """End the tracking of a client. Its entries in the table stay, and are ignored when their keys change."""
        number = int(session.id)
        tracking = self._clients.pop(number, None)
        if tracking is None:
            return
        session.set_gate(GATE_TRACKING, False)
        for prefix in tracking.prefixes if tracking.broadcast else []:
            entry = self._prefixes[prefix]
            del entry.clients[number]
            if not entry.clients:
                del self._prefixes[prefix]
            session.memory.other_bytes -= _PREFIX_BYTES
        if not self._clients:
            self._core.keyspace.changes.remove_listener(self)
            self._core.gates.set(GATE_TRACKED, False)
            self._table = {}
            self._items = 0

    def check_prefixes(self, session: Session, prefixes: list[bytes]) -> None:
        """Raise an error if prefixes overlap with others of the client, or with one another."""
        old = self.of(session)
        for at, prefix in enumerate(prefixes):
            for had in old.prefixes if old is not None else []:
                if _overlap(prefix, had):
                    raise CommandError(BAD_PREFIX % (prefix, b"an existing", had))
            for other in prefixes[at + 1 :]:
                if _overlap(prefix, other):
                    raise CommandError(BAD_PREFIX % (prefix, b"another provided", other))

    # After commands.

    def remember(self, session: Session, command: Command, argv: list[bytes]) -> None:
        """Remember the keys that a command of a tracking client has read."""
        tracking = self._clients.get(int(session.id))
        if tracking is None:
            return
        reads = command.flags & (READONLY | RUNS_SCRIPT) == READONLY  # a script reads by its own commands
        if reads and not tracking.broadcast and tracking.remembers():
            for key in keys_of(command.spec, argv):
                ids = self._table.setdefault(key, {})
                if int(session.id) not in ids:
                    ids[int(session.id)] = True
                    self._items += 1
        if not (command.flags & KEEPS_CACHING or session.transaction.active or self._core.is_in_script):
            tracking.caching = False

    # Changes.

    def modified(self, database: i64, key: bytes) -> None:
        """Notify the clients that have read a key of its change; broadcast messages follow after the batch."""
        for prefix, entry in self._prefixes.items():
            if key.startswith(prefix):
                entry.changed[key] = int(self._core.acting_id)
                if not self._broadcast_due:
                    self._broadcast_due = True
                    self._core.chores.defer(self._broadcast)
        ids = self._table.pop(key, None)
        if ids is None:
            return
        self._items -= len(ids)
        for number in ids:
            tracking = self._clients.get(number)
            if tracking is None or tracking.broadcast:
                continue
            if not (tracking.no_loop and number == self._core.acting_id):
                self._invalidate(number, [key])

    def flushed(self, databases: list[int]) -> None:
        """After databases were emptied, notify every tracking client that all keys are invalid."""
        self._table = {}
        self._items = 0
        for number in self._clients:
            self._invalidate(number, None)

    def _broadcast(self) -> None:
        """Notify the clients of all prefixes of the keys that have changed."""
        self._broadcast_due = False
        for prefix in sorted(self._prefixes):
            entry = self._prefixes[prefix]
            changed = entry.changed
            entry.changed = {}
            for number in list(entry.clients) if changed else []:
                no_loop = self._clients[number].no_loop
                keys = [key for key in sorted(changed) if not (no_loop and changed[key] == number)]
                if keys:
                    self._invalidate(number, keys)

    def _limit_table(self) -> None:
        """Drop keys beyond the limit from the table, and notify their clients as if the keys had changed."""
        excess = len(self._table) - self._max_keys
        if self._max_keys == 0 or excess <= 0:
            return
        for key in list(self._table)[: min(excess, _FORGET_AT_ONCE)]:
            ids = self._table.pop(key)
            self._items -= len(ids)
            for number in ids:
                tracking = self._clients.get(number)
                if tracking is not None and not tracking.broadcast:
                    self._invalidate(number, [key])

    # Messages.

    def _invalidate(self, number: int, keys: list[bytes] | None) -> None:
        """Send an invalidation message for ``keys``, or for all keys if None, to a client or to its redirection."""
        session = self._core.sessions.get(number)
        tracking = self._clients.get(number)
        if session is None or tracking is None:
            return
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
