"""Clients that are blocked: they wait for a key, or for nothing but the time (WAIT on a server without replicas).

A command that finds nothing to take calls :meth:`Blocking.block` and returns without a reply. From then on the events
of the keyspace are listened to: a key that someone waits for and that comes to be is *ready*. When the command that
made it is over (a transaction or script as a whole), the keys are served in the order in which they became ready,
and the clients of each in the order in which they came: their command is simply run again. Either it finds something
now and replies, or it blocks again, which leaves it where it stands in all queues. (Redis 7.2 blocked.c does the
same.)

Who is answered in the middle of another client's command goes on with its further requests when that one's batch is
over.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Final

from mypy_extensions import i64

from pyredmem.engine import figures
from pyredmem.engine.session import BLOCKED, Session
from pyredmem.keyspace.events import NEW, KeyListener

if TYPE_CHECKING:
    from pyredmem.engine.context import Context
    from pyredmem.engine.engine import Engine

UNBLOCKED: Final = b"UNBLOCKED client unblocked via CLIENT UNBLOCK"

#: Events behind which clients that wait for a stream look at it again.
_WORTH_A_LOOK: Final = (b"xadd", b"xgroup-destroy")

#: A key in a database.
_Place = tuple[int, bytes]


class _Blocked:
    """A session, what it waits for, and what it is told if that does not come."""

    def __init__(self, session: Session, deadline_ms: i64) -> None:
        self.session = session
        self.deadline_ms: i64 = deadline_ms  # unix ms; 0: never
        self.unanswered = session.reply_mark >= 0  # CLIENT REPLY OFF or SKIP
        self.reached: list[int] = []  # one figure for WAIT, two for WAITAOF
        # Of who waits for keys:
        self.argv: list[bytes] = []
        self.places: list[_Place] = []
        self.type_name = b""
        self.without_key = False  # it also wants to know that the key is gone

    def deadline(self) -> tuple[int, int]:
        """When its time is over, and whose."""
        return int(self.deadline_ms), int(self.session.id)

    def give_up(self) -> None:
        """Reply that its time is over."""
        reply = self.session.context.reply
        if self.places:
            reply.null_array()
            return
        if len(self.reached) > 1:
            reply.array(len(self.reached))
        for figure in self.reached:
            reply.integer(figure)


class _ReadyKeys(KeyListener):
    """Notes which of the keys that someone waits for are worth a look, in the order in which they became so.

    As in Redis these are keys that came to be, and streams with a new entry. A key that is overwritten by a value of
    the awaited type (SORT with STORE, ZUNIONSTORE ...) is not noticed. Who also wants to know that a key is gone has it
    looked at after every change.
    """

    def __init__(self) -> None:
        self.queues: dict[_Place, dict[int, _Blocked]] = {}  # who waits for a key, by session, in order of arrival
        self.ready: dict[_Place, None] = {}

    def modified(self, database: i64, key: bytes) -> None:
        """A key's value was changed, or the key came or went."""
        place = (int(database), key)
        queue = self.queues.get(place)
        if queue is not None and any(blocked.without_key for blocked in queue.values()):
            self.ready[place] = None

    def event(self, kind: i64, name: bytes, database: i64, key: bytes) -> None:
        """Something happened to a key."""
        if kind == NEW or name in _WORTH_A_LOOK:
            place = (int(database), key)
            if place in self.queues:
                self.ready[place] = None

    def flushed(self, database: i64) -> None:
        """A database was emptied as a whole."""
        for place in self.queues:
            if place[0] == database:
                self.ready[place] = None

    def swapped(self, first: i64, second: i64) -> None:
        """Two databases exchanged all their keys."""
        self.flushed(first)
        self.flushed(second)


class Blocking:
    """Everyone who is blocked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._blocked: dict[int, _Blocked] = {}  # by session
        self._deadlines: list[tuple[int, int]] = []  # (unix ms, session), the next one first
        self._keys = _ReadyKeys()
        self._retried: Session | None = None  # whose command is being run again, until it blocks again
        engine.cron.every(0, self.run)
        engine.figures.provide(figures.CLIENTS_IN_TIMEOUT_TABLE, lambda: len(self._deadlines))
        engine.figures.provide(figures.BLOCKING_KEYS, lambda: len(self._keys.queues))
        engine.figures.provide(figures.BLOCKING_KEYS_ON_NO_KEY, self._keys_without_key)

    def __len__(self) -> int:
        return len(self._blocked)

    def _keys_without_key(self) -> int:
        queues = self._keys.queues.values()
        return sum([1 for queue in queues if any(blocked.without_key for blocked in queue.values())])

    def check(self) -> None:
        """Assert the invariants."""
        timed = [blocked.deadline() for blocked in self._blocked.values() if blocked.deadline_ms > 0]
        assert self._deadlines == sorted(timed)
        for number, blocked in self._blocked.items():
            assert blocked.session.holds & BLOCKED
            assert all(self._keys.queues[place][number] is blocked for place in blocked.places)
        assert sum(map(len, self._keys.queues.values())) == sum(
            [len(blocked.places) for blocked in self._blocked.values()]
        )

    # Into the queues.

    def hold(self, session: Session, reached: list[int], deadline_ms: i64) -> None:
        """Let a session wait until ``deadline_ms`` (0: until it is released) and then tell it what was reached."""
        blocked = _Blocked(session, deadline_ms)
        blocked.reached = reached
        self._enter(blocked)

    def block(
        self,
        context: Context,
        argv: list[bytes],
        keys: list[bytes],
        type_name: bytes,
        deadline_ms: i64,
        without_key: bool = False,
        denied_null: bool = False,
    ) -> None:
        """Let the client wait until one of the keys holds a value of the type, then run its command again.

        At ``deadline_ms`` (unix ms, 0: never) it gets a null array. ``without_key``: the command is also run again
        when a key is gone or has another type. Where a client must not be blocked, in a transaction, it gets a null
        array at once; a null instead if ``denied_null``.
        """
        session = context.session
        if self._retried is session:
            self._retried = None  # it stays where it is
            return
        if session.transaction.running:
            if denied_null:
                context.reply.null()
            else:
                context.reply.null_array()
            return
        blocked = _Blocked(session, deadline_ms)
        blocked.argv = argv
        blocked.type_name = type_name
        blocked.without_key = without_key
        database = int(context.db.index)
        blocked.places = list(dict.fromkeys([(database, key) for key in keys]))
        self._enter(blocked)

    def _enter(self, blocked: _Blocked) -> None:
        session = blocked.session
        number = int(session.id)
        self._blocked[number] = blocked
        session.holds |= BLOCKED
        if session.command is not None:
            session.command.pending += 1
        if blocked.deadline_ms > 0:
            insort(self._deadlines, blocked.deadline())
        queues = self._keys.queues
        if blocked.places and not queues:
            self._engine.keyspace.events.add_listener(self._keys)
            self._engine.dispatcher.set_keys_awaited(True)
        for place in blocked.places:
            queues.setdefault(place, {})[number] = blocked

    # Out of them.

    def _leave(self, session: Session) -> _Blocked | None:
        number = int(session.id)
        blocked = self._blocked.pop(number, None)
        if blocked is None:
            return None
        if session.command is not None:
            session.command.pending -= 1
        if blocked.deadline_ms > 0:
            del self._deadlines[bisect_left(self._deadlines, blocked.deadline())]
        queues = self._keys.queues
        for place in blocked.places:
            queue = queues[place]
            del queue[number]
            if not queue:
                del queues[place]
        if blocked.places and not queues:
            self._keys.ready.clear()
            self._engine.keyspace.events.remove_listener(self._keys)
            self._engine.dispatcher.set_keys_awaited(False)
        return blocked

    def release(self, session: Session, with_error: bool = False) -> bool:
        """Answer a session now, as if its time were over, or with an error; False if it is not blocked."""
        blocked = self._leave(session)
        if blocked is None:
            return False
        if with_error:
            self._engine.stats.count_error(UNBLOCKED)
            if session.command is not None:
                session.command.failed += 1
        if not blocked.unanswered:
            if with_error:
                session.context.reply.error(UNBLOCKED)
            else:
                blocked.give_up()
        session.resume_soon(BLOCKED)
        return True

    def forget(self, session: Session) -> None:
        """A session is gone."""
        self._leave(session)

    def run(self) -> None:
        """Answer those whose time is over, and those for whom a key has expired at a tick."""
        self.serve()
        now_ms = int(self._engine.keyspace.now_ms())
        over = self._deadlines[: bisect_left(self._deadlines, (now_ms + 1, 0))]
        for _, number in over:
            self.release(self._blocked[number].session)

    # Serving.

    def serve(self) -> None:
        """Run the commands again of those whose keys are ready; what that makes ready is served too."""
        while self._keys.ready:
            ready = self._keys.ready
            self._keys.ready = {}
            for place in ready:
                self._serve_key(place)

    def _serve_key(self, place: _Place) -> None:
        """Serve the queue of a key in its order, as long as there may be something for the next one."""
        queue = self._keys.queues.get(place)
        if queue is None:
            return
        database = self._engine.keyspace.databases[place[0]]
        for blocked in list(queue.values()):
            if self._blocked.get(int(blocked.session.id)) is not blocked:
                continue
            value = database.peek(place[1])
            if blocked.without_key or (value is not None and value.type_name() == blocked.type_name):
                self._retry(blocked)

    def _blocked_again(self) -> bool:
        again = self._retried is None
        self._retried = None
        return again

    def _retry(self, blocked: _Blocked) -> None:
        session = blocked.session
        command = session.command
        assert command is not None
        mark = session.reply.size()
        self._retried = session
        self._engine.dispatcher.run_again(session, command, blocked.argv)
        if self._blocked_again():
            return
        if blocked.unanswered:
            session.reply.truncate(mark)
        self._leave(session)
        session.resume_soon(BLOCKED)
