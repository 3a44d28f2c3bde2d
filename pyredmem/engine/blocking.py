"""Blocked clients: they wait for a key or, after WAIT on a server without replicas, for their timeout.

A command that finds nothing to take calls :meth:`Context.block` and returns without a reply. From then on this module
listens to the events of the keyspace. When a key is created for which a client waits, the key is *ready*. Ready keys
are served when the command that created them has ended (a transaction or script as a whole), in the order in which they
became ready. The clients of a key are served in the order in which they came. To serve a client is to run its command
again: either the command now finds something and replies, or it blocks again, and then the client keeps its place in
all queues. Redis 7.2 does the same (blocked.c).

A client may be served while a command of another client is running. Its further requests then run after that other
client's batch.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Final

from mypy_extensions import i64

from pyredmem.engine import figures
from pyredmem.engine.command_log import LoggedCommand
from pyredmem.engine.core import Core
from pyredmem.engine.faults import Faults
from pyredmem.engine.gates import GATE_FAULTY, GATE_KEYS_AWAITED, GATE_TRACKING
from pyredmem.engine.session import HOLD_BLOCKED, Session
from pyredmem.engine.slow_commands import SlowCommands
from pyredmem.engine.tasks import DONE
from pyredmem.engine.tracking import Tracking
from pyredmem.keyspace.events import NEW, KeyListener
from pyredmem.keyspace.keyspace import Keyspace
from pyredmem.protocol.reply import ReplySink

UNBLOCKED: Final = b"UNBLOCKED client unblocked via CLIENT UNBLOCK"

#: Events that make a stream ready although it already exists.
_WORTH_A_LOOK: Final = (b"xadd", b"xgroup-destroy")

#: A key in a database.
_Place = tuple[int, bytes]


class Wish:
    """What a client waits for: that one of ``keys`` holds a value of the type. Then the command ``argv`` runs again.

    With ``without_key`` it also runs again when a key is deleted or gets a value of another type.
    """

    def __init__(
        self, argv: list[bytes], database: i64, keys: list[bytes], type_name: bytes, without_key: bool
    ) -> None:
        self.argv = argv
        self.places: list[_Place] = list(dict.fromkeys([(int(database), key) for key in keys]))
        self.type_name = type_name
        self.without_key = without_key


class Awaited:
    """What a client waits for after WAIT or WAITAOF: that servers have what it has written."""

    def reached(self) -> list[int]:
        """How many have it by now: one number for WAIT, two for WAITAOF."""
        return [0]

    def is_over(self) -> bool:
        """Whether these are as many as the client wants."""
        return False

    def error(self) -> bytes | None:
        """Why it will never happen; None if it may."""
        return None


class _Blocked:
    """A blocked session, what it waits for, and the sink for its reply."""

    def __init__(self, session: Session, reply: ReplySink, wish: Wish | None, deadline_ms: i64) -> None:
        self.session = session
        self.reply: ReplySink = reply
        self.wish = wish  # None if it waits for no key
        self.places: list[_Place] = wish.places if wish is not None else []
        self.deadline_ms: i64 = deadline_ms  # unix ms; 0: never
        self.worked_us: i64 = 0  # the time that the command took so far, without the time that it waited
        self.sent: list[bytes] = []  # the command as the client sent it
        self.logged: LoggedCommand | None = None  # in the command log, while it records
        self.awaited: Awaited | None = None  # None unless it is WAIT or WAITAOF

    def deadline(self) -> tuple[int, int]:
        """The entry in the list of deadlines: the deadline, and the id of the session."""
        return int(self.deadline_ms), int(self.session.id)

    def wants_removals(self) -> bool:
        """Whether the command also runs again when a key was deleted."""
        return self.wish is not None and self.wish.without_key

    def time_out(self) -> None:
        """Reply that nothing came in time."""
        if self.awaited is None:
            self.reply.null_array()
        else:
            reply_reached(self.reply, self.awaited)


def reply_reached(reply: ReplySink, awaited: Awaited) -> None:
    """Reply to WAIT or WAITAOF."""
    reached = awaited.reached()
    if len(reached) > 1:
        reply.array(len(reached))
    for figure in reached:
        reply.integer(figure)


class _ReadyKeys(KeyListener):
    """Collects the awaited keys that are ready, in the order in which they became ready.

    As in Redis a key is ready when it is created with a value of a type for which any client waits, and a stream also
    when it gets an entry or loses a group. A key whose value is overwritten by one of the awaited type (SORT with
    STORE, ZUNIONSTORE ...) is not ready. If a client also waits for the removal of a key, every change makes that key
    ready.
    """

    def __init__(self, keyspace: Keyspace) -> None:
        self._keyspace = keyspace
        self.types: dict[bytes, int] = {}  # how many clients wait for a value of a type, in any key
        self.queues: dict[_Place, dict[int, _Blocked]] = {}  # the clients of a key by session, in order of arrival
        self.ready: dict[_Place, None] = {}

    def modified(self, database: i64, key: bytes) -> None:
        """The value of a key was changed, or the key was created or deleted."""
        place = (int(database), key)
        queue = self.queues.get(place)
        if queue is not None and any(blocked.wants_removals() for blocked in queue.values()):
            self.ready[place] = None

    def event(self, kind: i64, name: bytes, database: i64, key: bytes) -> None:
        if kind == NEW or name in _WORTH_A_LOOK:
            place = (int(database), key)
            if place in self.queues and (kind != NEW or self._is_awaited_type(database, key)):
                self.ready[place] = None

    def _is_awaited_type(self, database: i64, key: bytes) -> bool:
        value = self._keyspace.databases[database].stored_value(key)
        return value is not None and self.types.get(value.type_name(), 0) > 0

    def count_type(self, type_name: bytes, change: int) -> None:
        """Note that a client begins (``change`` is 1) or ends (-1) to wait for a value of a type."""
        self.types[type_name] = self.types.get(type_name, 0) + change

    def flushed(self, databases: list[int]) -> None:
        for place in self.queues:
            if place[0] in databases:
                self.ready[place] = None

    def swapped(self, first: i64, second: i64) -> None:
        self.flushed([int(first), int(second)])


class Blocking:
    """The blocked clients of one engine, their deadlines and the queues of the keys that they wait for."""

    def __init__(self, core: Core, faults: Faults, slow_commands: SlowCommands, tracking: Tracking) -> None:
        self._core = core
        self._faults = faults
        self._slow_commands = slow_commands
        self._tracking = tracking
        self._blocked: dict[int, _Blocked] = {}  # by session
        self._waiting: dict[int, _Blocked] = {}  # those in WAIT and WAITAOF
        self._deadlines: list[tuple[int, int]] = []  # (unix ms, session), the next one first
        self._keys = _ReadyKeys(core.keyspace)
        self._task = core.tasks.create(self._time_out)
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
        return sum([1 for queue in queues if any(blocked.wants_removals() for blocked in queue.values())])

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

    # Blocking.

    def wait(self, session: Session, reply: ReplySink, awaited: Awaited, deadline_ms: i64) -> None:
        """Block a session until what it waits for has happened, or until ``deadline_ms`` (0: for ever)."""
        blocked = _Blocked(session, reply, None, deadline_ms)
        blocked.awaited = awaited
        self._enter(blocked)
        self._waiting[int(session.id)] = blocked

    def has_waiting(self) -> bool:
        """Whether there are clients in WAIT or WAITAOF."""
        return len(self._waiting) > 0

    def look_at_waiting(self) -> None:
        """Reply to the clients in WAIT and WAITAOF for which what they wait for has happened, or never will."""
        for blocked in list(self._waiting.values()):
            awaited = blocked.awaited
            assert awaited is not None
            error = awaited.error()
            if error is not None or awaited.is_over():
                self._release(blocked, error)

    def block(self, session: Session, reply: ReplySink, wish: Wish, deadline_ms: i64) -> None:
        """Block a session until its wish can be granted. At ``deadline_ms`` (0: never) it gets a null array."""
        self._enter(_Blocked(session, reply, wish, deadline_ms))

    def _enter(self, blocked: _Blocked) -> None:
        session = blocked.session
        number = int(session.id)
        self._blocked[number] = blocked
        session.holds |= HOLD_BLOCKED
        if self._core.gates.bits & GATE_FAULTY:
            blocked.reply = self._faults.sink_of_blocked(session, blocked.reply)
        if blocked.deadline_ms > 0:
            insort(self._deadlines, blocked.deadline())
            self._task.wake(max(blocked.deadline_ms * 1000 - self._core.clock.now_us(), 0))
        queues = self._keys.queues
        if blocked.places and not queues:
            self._core.keyspace.changes.set_listener(self._keys, True)
            self._core.gates.set(GATE_KEYS_AWAITED, True)
        if blocked.wish is not None:
            self._keys.count_type(blocked.wish.type_name, 1)
        for place in blocked.places:
            queues.setdefault(place, {})[number] = blocked

    def note_sent(self, session: Session, argv: list[bytes], duration_us: i64) -> None:
        """Note the command that blocked a session, as the client sent it, and how long it took until it blocked."""
        blocked = self._blocked.get(int(session.id))
        if blocked is not None:
            blocked.sent = argv
            blocked.worked_us = duration_us

    def log(self, session: Session, logged: LoggedCommand) -> None:
        """Note the command that blocked a session in the command log, which gets the reply in the end."""
        blocked = self._blocked.get(int(session.id))
        if blocked is not None:
            blocked.logged = logged

    # Unblocking.

    def _leave(self, session: Session) -> _Blocked | None:
        number = int(session.id)
        blocked = self._blocked.pop(number, None)
        if blocked is None:
            return None
        self._waiting.pop(number, None)
        if blocked.deadline_ms > 0:
            del self._deadlines[bisect_left(self._deadlines, blocked.deadline())]
        if blocked.wish is not None:
            self._keys.count_type(blocked.wish.type_name, -1)
        queues = self._keys.queues
        for place in blocked.places:
            queue = queues[place]
            del queue[number]
            if not queue:
                del queues[place]
        if blocked.places and not queues:
            self._keys.ready.clear()
            self._core.keyspace.changes.set_listener(self._keys, False)
            self._core.gates.set(GATE_KEYS_AWAITED, False)
        return blocked

    def _end(self, blocked: _Blocked) -> None:
        """Let a session that has its reply go on, and count its command with the time that it took, not waited."""
        session = blocked.session
        command = session.command
        assert command is not None
        if blocked.logged is not None:
            blocked.logged.end_reply(session)
        duration_us = blocked.worked_us
        self._core.statistics.record(command, duration_us)
        if duration_us >= self._core.statistics.notice_us:
            self._slow_commands.notice(session, command, blocked.sent, duration_us)
        if session.gates & GATE_TRACKING:
            self._tracking.end_caching(session, command)
        if self._core.gates.bits & GATE_FAULTY:
            self._faults.end_blocked(session)
        session.resume_soon(HOLD_BLOCKED)

    def release(self, session: Session, with_error: bool = False) -> bool:
        """Unblock a session, as if it had timed out or with an error; returns false if it is not blocked."""
        blocked = self._blocked.get(int(session.id))
        if blocked is None:
            return False
        self._release(blocked, UNBLOCKED if with_error else None)
        return True

    def _release(self, blocked: _Blocked, error: bytes | None) -> None:
        """Unblock a session with an error, or as if it had timed out."""
        session = blocked.session
        self._leave(session)
        if blocked.logged is not None:
            blocked.logged.begin_reply(session)
        if error is not None:
            self._core.stats.count_error(error)
            if session.command is not None:
                self._core.statistics.of(session.command).failed += 1
            blocked.reply.error(error)
        else:
            blocked.time_out()
        self._end(blocked)

    def forget(self, session: Session) -> None:
        """Take a disconnected session out of the queues."""
        self._leave(session)

    def _time_out(self) -> int:
        """Release the sessions that have timed out, after serving those whose keys are ready."""
        self.serve()
        now_us = int(self._core.clock.now_us())
        timed_out = self._deadlines[: bisect_left(self._deadlines, (now_us // 1000 + 1, 0))]
        for _, number in timed_out:
            self.release(self._blocked[number].session)
        return max(self._deadlines[0][0] * 1000 - now_us, 0) if self._deadlines else DONE

    # Serving.

    def serve(self) -> None:
        """Serve the clients of all ready keys, and of the keys that these clients' commands make ready."""
        while self._keys.ready:
            ready = self._keys.ready
            self._keys.ready = {}
            for place in ready:
                self._serve_key(place)

    def _serve_key(self, place: _Place) -> None:
        """Serve the clients of a key in their order, as long as the key may have something for the next one."""
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
        if blocked.logged is not None:
            blocked.logged.begin_reply(session)
        is_served = session.runner.run_again(session, command, wish.argv, blocked.reply)
        blocked.worked_us += max(self._core.clock.now_us() - start_us, 0)
        if is_served:
            self._leave(session)
            self._end(blocked)
