"""Clients that are blocked: they wait for a key, or (WAIT on a server without replicas) for the timeout alone.

A command that finds nothing to take calls :meth:`Context.block` and returns without a reply. From then on the events
of the keyspace are listened to: a key that a client waits for and that is created is *ready*. When the command that
created it has ended (a transaction or script as a whole), the ready keys are served in the order in which they became
ready, and the clients of each key in the order in which they came: their command simply runs again. Either it finds
something now and replies, or it blocks again, which leaves the client where it is in all queues. (Redis 7.2 blocked.c
does the same.)

A client that is served in the middle of another client's command goes on with its further requests after that
client's batch.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

from mypy_extensions import i64

from pyredmem.engine import figures
from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_KEYS_AWAITED
from pyredmem.engine.session import HOLD_BLOCKED, Session
from pyredmem.engine.slow_commands import SlowCommands
from pyredmem.keyspace.events import NEW, KeyListener
from pyredmem.protocol.reply import ReplySink

UNBLOCKED: Final = b"UNBLOCKED client unblocked via CLIENT UNBLOCK"

#: Events after which clients that wait for a stream look at it again.
_WORTH_A_LOOK: Final = (b"xadd", b"xgroup-destroy")

#: A key in a database.
_Place = tuple[int, bytes]


class Wish:
    """What a client waits for: one of ``keys``, holding a value of a type; then ``argv`` runs again.

    ``without_key``: it also runs again when a key was deleted or has another type.
    """

    def __init__(
        self, argv: list[bytes], database: i64, keys: list[bytes], type_name: bytes, without_key: bool
    ) -> None:
        self.argv = argv
        self.places: list[_Place] = list(dict.fromkeys([(int(database), key) for key in keys]))
        self.type_name = type_name
        self.without_key = without_key


class _Blocked:
    """A session, what it waits for, and where its reply goes."""

    def __init__(self, session: Session, reply: ReplySink, wish: Wish | None, deadline_ms: i64) -> None:
        self.session = session
        self.reply: ReplySink = reply
        self.wish = wish  # None for WAIT and WAITAOF
        self.places: list[_Place] = wish.places if wish is not None else []
        self.deadline_ms: i64 = deadline_ms  # unix ms; 0: never
        self.worked_us: i64 = 0  # the time that the command took so far, without the time that it waited
        self.sent: list[bytes] = []  # the command as the client sent it
        self.reached: list[int] = []  # one figure for WAIT, two for WAITAOF

    def deadline(self) -> tuple[int, int]:
        """The deadline, and the id of the session."""
        return int(self.deadline_ms), int(self.session.id)

    def wants_to_know_of_removal(self) -> bool:
        """Whether the command also runs again when a key was deleted."""
        return self.wish is not None and self.wish.without_key

    def time_out(self) -> None:
        """Reply that nothing came in time."""
        if self.wish is not None:
            self.reply.null_array()
            return
        if len(self.reached) > 1:
            self.reply.array(len(self.reached))
        for figure in self.reached:
            self.reply.integer(figure)


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
        if queue is not None and any(blocked.wants_to_know_of_removal() for blocked in queue.values()):
            self.ready[place] = None

    def event(self, kind: i64, name: bytes, database: i64, key: bytes) -> None:
        """Something happened to a key."""
        if kind == NEW or name in _WORTH_A_LOOK:
            place = (int(database), key)
            if place in self.queues:
                self.ready[place] = None

    def flushed(self, databases: list[int]) -> None:
        """Databases were emptied as a whole."""
        for place in self.queues:
            if place[0] in databases:
                self.ready[place] = None

    def swapped(self, first: i64, second: i64) -> None:
        """Two databases exchanged all their keys."""
        self.flushed([int(first), int(second)])


class Blocking:
    """All blocked clients."""

    def __init__(self, core: Core, slow_commands: SlowCommands) -> None:
        self._core = core
        self._slow_commands = slow_commands
        self._blocked: dict[int, _Blocked] = {}  # by session
        self._deadlines: list[tuple[int, int]] = []  # (unix ms, session), the next one first
        self._keys = _ReadyKeys()
        core.cron.every(0, self.run)
        core.figures.provide(figures.CLIENTS_IN_TIMEOUT_TABLE, self._timeouts)
        core.figures.provide(figures.BLOCKING_KEYS, self._awaited_keys)
        core.figures.provide(figures.BLOCKING_KEYS_ON_NO_KEY, self._keys_without_key)

    def __len__(self) -> int:
        return len(self._blocked)

    def _timeouts(self) -> int:
        return len(self._deadlines)

    def _awaited_keys(self) -> int:
        return len(self._keys.queues)

    def _keys_without_key(self) -> int:
        queues = self._keys.queues.values()
        return sum([1 for queue in queues if any(blocked.wants_to_know_of_removal() for blocked in queue.values())])

    def check(self) -> None:
        """Assert the invariants."""
        timed = [blocked.deadline() for blocked in self._blocked.values() if blocked.deadline_ms > 0]
        assert self._deadlines == sorted(timed)
        for number, blocked in self._blocked.items():
            assert blocked.session.holds & HOLD_BLOCKED
            assert all(self._keys.queues[place][number] is blocked for place in blocked.places)
        assert sum(map(len, self._keys.queues.values())) == sum(
            [len(blocked.places) for blocked in self._blocked.values()]
        )

    # Into the queues.

    def wait(self, session: Session, reply: ReplySink, reached: list[int], deadline_ms: i64) -> None:
        """Let a session wait until ``deadline_ms`` (0: until it is released), then reply with ``reached``."""
        blocked = _Blocked(session, reply, None, deadline_ms)
        blocked.reached = reached
        self._enter(blocked)

    def block(self, session: Session, reply: ReplySink, wish: Wish, deadline_ms: i64) -> None:
        """Let a session wait until its wish can be granted; at ``deadline_ms`` (0: never) it gets a null array."""
        self._enter(_Blocked(session, reply, wish, deadline_ms))

    def _enter(self, blocked: _Blocked) -> None:
        session = blocked.session
        number = int(session.id)
        self._blocked[number] = blocked
        session.holds |= HOLD_BLOCKED
        if blocked.deadline_ms > 0:
            insort(self._deadlines, blocked.deadline())
        queues = self._keys.queues
        if blocked.places and not queues:
            self._core.keyspace.changes.add_listener(self._keys)
            self._core.gates.set(GATE_KEYS_AWAITED, True)
        for place in blocked.places:
            queues.setdefault(place, {})[number] = blocked

    def note_sent(self, session: Session, argv: list[bytes], duration_us: i64) -> None:
        """Remember the command that blocked a session as its client sent it, and how long it took until it blocked."""
        blocked = self._blocked.get(int(session.id))
        if blocked is not None:
            blocked.sent = argv
            blocked.worked_us = duration_us

    # Out of them.

    def _leave(self, session: Session) -> _Blocked | None:
        number = int(session.id)
        blocked = self._blocked.pop(number, None)
        if blocked is None:
            return None
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
            self._core.keyspace.changes.remove_listener(self._keys)
            self._core.gates.set(GATE_KEYS_AWAITED, False)
        return blocked

    def _end(self, blocked: _Blocked) -> None:
        """A blocked session has its reply: count its command, with the time it took at work, and let it go on."""
        session = blocked.session
        command = session.command
        assert command is not None
        duration_us = blocked.worked_us
        self._core.statistics.record(command, duration_us)
        if duration_us >= self._core.statistics.notice_us:
            self._slow_commands.notice(session, command, blocked.sent, duration_us)
        session.resume_soon(HOLD_BLOCKED)

    def release(self, session: Session, with_error: bool = False) -> bool:
        """Unblock a session now, as if it had timed out, or with an error; False if it is not blocked."""
        blocked = self._leave(session)
        if blocked is None:
            return False
        if with_error:
            self._core.stats.count_error(UNBLOCKED)
            if session.command is not None:
                self._core.statistics.of(session.command).failed += 1
            blocked.reply.error(UNBLOCKED)
        else:
            blocked.time_out()
        self._end(blocked)
        return True

    def forget(self, session: Session) -> None:
        """A session is gone."""
        self._leave(session)

    def run(self) -> None:
        """Release the sessions that have timed out, and serve those for which a key has expired at a tick."""
        self.serve()
        now_ms = int(self._core.keyspace.now_ms())
        timed_out = self._deadlines[: bisect_left(self._deadlines, (now_ms + 1, 0))]
        for _, number in timed_out:
            self.release(self._blocked[number].session)

    # Serving.

    def serve(self) -> None:
        """Run the commands of the sessions whose keys are ready; what that makes ready is served too."""
        while self._keys.ready:
            ready = self._keys.ready
            self._keys.ready = {}
            for place in ready:
                self._serve_key(place)

    def _serve_key(self, place: _Place) -> None:
        """Serve the queue of a key in its order, as long as there may be something for the next session."""
        queue = self._keys.queues.get(place)
        if queue is None:
            return
        database = self._core.keyspace.databases[place[0]]
        for blocked in list(queue.values()):
            if self._blocked.get(int(blocked.session.id)) is not blocked:
                continue
            wish = blocked.wish
            assert wish is not None
            value = database.peek(place[1])
            if wish.without_key or (value is not None and value.type_name() == wish.type_name):
                self._retry(blocked, wish)

    def _retry(self, blocked: _Blocked, wish: Wish) -> None:
        session = blocked.session
        command = session.command
        assert command is not None
        start_us = self._core.clock.now_us()
        is_served = session.runner.run_again(session, command, wish.argv, blocked.reply)
        blocked.worked_us += max(self._core.clock.now_us() - start_us, 0)
        if is_served:
            self._leave(session)
            self._end(blocked)
