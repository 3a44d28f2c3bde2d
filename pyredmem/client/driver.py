"""Runs one engine for all threads of a process: one thread at a time, and the timer by whoever calls or waits.

No thread of its own goes with an engine. Its time passes when somebody looks: each call first runs what is due, and a
thread that waits for a message wakes up for the timer. Of several threads that wait, one does this, the *leader*; event
loops have an alarm instead. So an idle server costs nothing, and nobody who looks can tell. Only clients that
are polled have a thread; see `socket_file`.

A method that needs the driver *entered* is called between `enter` and `leave`.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import deque
from time import sleep
from typing import Any, Final

from mypy_extensions import i64, mypyc_attr

from pyredmem.base.clock import Clock
from pyredmem.base.limits import NEVER
from pyredmem.client.clock import ControlledClock
from pyredmem.engine.engine import Engine
from pyredmem.engine.gates import GATE_FAULTY
from pyredmem.engine.session import HOLD_SCRIPT, Session
from pyredmem.keyspace.snapshot import KeyspaceSnapshot

#: The ports of clients, as Linux gives them: the first one, and how many there are.
_FIRST_PORT: Final = 32768
_PORTS: Final = 28232
#: The descriptor of the first client: a redis-server has a few files open before it comes.
_FIRST_DESCRIPTOR: Final = 8

#: When a long time passes at once, the timer ticks at most once a second before the last ten seconds (microseconds),
#: and at most so often.
_FINE_US: Final = 10_000_000
_COARSE_TICK_US: Final = 1_000_000
_MOST_COARSE_TICKS: Final = 20_000

_BLOCKING: Final = (True,)

#: How long to wait until another thread may have ended its script (seconds).
_SCRIPT_PAUSE_S: Final = 0.001

#: How long a thread pauses between two slices of its script, so that threads that wait to enter get in (seconds).
_TURN_S: Final = 0.0002


class Waiter:
    """A thread that waits for output."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> None:
        """Let the thread go on. The driver is entered."""
        if self._lock.locked():
            self._lock.release()

    def sleep(self, seconds: float) -> None:
        """Wait until the thread is woken, at most so long; -1 means for ever."""
        self._lock.acquire(True, seconds)


@mypyc_attr(allow_interpreted_subclasses=True)
class Alarm:
    """An event loop that enters the driver when something is due; see `aio`."""

    def due_changed(self) -> None:
        """Something is due earlier than it was. The driver is entered."""


class Driver:
    """The one that calls an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine: Engine | None = engine  # None when the server is closed
        self._clock: Clock = engine.clock
        self._lock: Any = threading.Lock()
        self._tick_us: i64 = self._clock.now_us() + 1000 * engine.cron.interval_ms()
        self._alarm_us: i64 = NEVER  # when the engine's tasks want to run
        self._due_us: i64 = self._tick_us  # the earlier one of the two
        self._waiters: list[Waiter] = []  # the first one is the leader
        self.alarms: list[Alarm] = []
        self._leavers: deque[Session] = deque()  # their connections were closed while the driver was entered
        self._unused_snapshots: deque[KeyspaceSnapshot] = deque()  # nobody has them any more
        self._ports: i64 = 0  # how many were given to clients
        self.skips_time = False  # time passes at once: the figures of the process need not be read again
        self.is_foreign = False  # it belongs to the process from which this one was forked, see `forks`

    @property
    def engine(self) -> Engine:
        """The engine. Raises RuntimeError if the server is closed."""
        if self._engine is None:
            raise RuntimeError("the server is closed")
        return self._engine

    def require_open(self) -> None:
        """Raise RuntimeError if the server is closed."""
        if self._engine is None:
            raise RuntimeError("the server is closed")

    @property
    def is_closed(self) -> bool:
        """Whether the server is closed, for this process at least."""
        return self._engine is None or self.is_foreign

    # One thread at a time.

    def enter(self) -> None:
        """Wait until no other thread is inside, then run what is due."""
        self._lock.acquire()
        try:
            if self.is_due():
                self._catch_up()
        except BaseException:
            self._lock.release()
            raise

    def hold(self) -> None:
        """Wait until no other thread is inside, and then be inside until `leave`; what is due does not run."""
        self._lock.acquire()

    def is_due(self) -> bool:
        """Whether there is something to do that a thread does when it enters."""
        return self._clock.now_us() >= self._due_us or len(self._leavers) > 0

    def leave(self) -> None:
        """Let other threads in."""
        self._lock.release()

    def _catch_up(self) -> None:
        self._run_due()
        self._release_leavers()
        self._drop_unused_snapshots()

    # Snapshots.

    def drop_snapshot(self, snapshot: KeyspaceSnapshot) -> None:
        """Let a snapshot keep nothing any more, at once or soon. This is safe in a finalizer."""
        self._unused_snapshots.append(snapshot)
        if self._lock.acquire(False):
            try:
                self._drop_unused_snapshots()
            finally:
                self._lock.release()
        else:
            self._due_us = 0  # whoever enters next does it

    def _drop_unused_snapshots(self) -> None:
        while self._unused_snapshots:
            self._unused_snapshots.popleft().drop()

    # Connections.

    def open_session(self, port: int) -> Session:
        """The engine's side of a new connection to ``port``. The driver is entered. Raises OSError if it is refused."""
        if self.is_closed:
            raise ConnectionRefusedError("the server is closed")
        if self.engine.core.gates.bits & GATE_FAULTY and self.engine.faults.refuses_connection():
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        client_port = _FIRST_PORT + self._ports % _PORTS
        self._ports += 1
        session = self.engine.connect("tcp", f"127.0.0.1:{client_port}", f"127.0.0.1:{port}")
        session.descriptor = _FIRST_DESCRIPTOR + session.id - 1
        return session

    def limit_output(self, session: Session, unread: i64) -> None:
        """Account for output that a client does not read, besides ``unread`` bytes. The driver is entered."""
        size = session.output.size()
        if unread + size > session.memory.reply_buffer.size:
            self.engine.clients.limit_output(session, unread + size, session.output.largest_part())

    def forget(self, session: Session) -> None:
        """Disconnect a client. This is safe anywhere, in a finalizer inside a command of the same thread, too."""
        self._leavers.append(session)
        if self._lock.acquire(False):
            try:
                self._release_leavers()
            finally:
                self._lock.release()

    def _release_leavers(self) -> None:
        if self._engine is None:
            self._leavers.clear()
        while self._leavers:
            session = self._leavers.popleft()
            self.engine.release(session)
            if session.holds & HOLD_SCRIPT and self.engine.script_run.is_mine():
                self.engine.script_run.abandon()  # its thread is the only one that could run the rest
                self.clock_changed()

    def close(self) -> None:
        """Disconnect all clients, and let go of the engine. Nobody can connect any more."""
        if self.is_foreign:
            return
        self.enter()
        try:
            self._await_script()
            engine = self._engine
            if engine is None:
                return
            self._due_us = NEVER
            engine.script_run.abandon()
            for session in list(engine.sessions.values()):
                engine.clients.drop(session)
                engine.release(session)
            self._engine = None
            self._leavers.clear()
            engine.links.close_all()
            engine.close()
        finally:
            self.leave()

    def disown(self, lock: Any) -> None:
        """Get out of use, in a forked process. To enter is up to ``lock`` now."""
        self._lock = lock
        self.is_foreign = True

    def disconnect_all(self) -> None:
        """Disconnect all clients, which may still read what they were sent. They can connect again."""
        self.enter()
        try:
            self._await_script()
            self.engine.script_run.abandon()
            for session in list(self.engine.sessions.values()):
                session.close()
                session.output_ready()
            self._release_leavers()
        finally:
            self.leave()

    def _await_script(self) -> None:
        """Have another thread end its script. The driver is entered, and left meanwhile."""
        while self._engine is not None and self._is_anothers():
            self.engine.script_run.doom()
            for waiter in self._waiters:
                waiter.wake()
            self._lock.release()
            sleep(_SCRIPT_PAUSE_S)
            self._lock.acquire()

    # Time.

    def _run_due(self) -> None:
        """Run the tasks and the timer, as far as they are due."""
        engine = self._engine
        if engine is None or self._is_anothers():
            return
        was_suspended = engine.script_run.is_suspended()
        now_us = self._clock.now_us()
        if now_us >= self._alarm_us:
            self._alarm_us = NEVER
            engine.run_tasks()
        if now_us >= self._tick_us:
            engine.tick(now_us // 1000)
            self._tick_us = now_us + 1000 * engine.cron.interval_ms()
        self._find_due()
        if was_suspended and not engine.script_run.is_suspended():
            self.clock_changed()

    def _is_anothers(self) -> bool:
        """Whether a script is suspended that only another thread can go on with. Nothing else happens meanwhile."""
        script_run = self.engine.script_run
        return script_run.is_suspended() and not script_run.is_mine()

    def _find_due(self) -> None:
        self._due_us = self._alarm_us if self._alarm_us < self._tick_us else self._tick_us

    def wake_after(self, delay_us: i64) -> None:
        """The engine's tasks want to run in ``delay_us`` microseconds. The driver is entered."""
        self._alarm_us = self._clock.now_us() + delay_us
        is_earlier = self._alarm_us < self._due_us
        self._find_due()
        if is_earlier:
            if self._waiters:
                self._waiters[0].wake()
            for alarm in self.alarms:
                alarm.due_changed()

    def due_in_s(self) -> float:
        """In how many real seconds something is due: 0 if it is due now, -1 if never, because time stands still."""
        if self._due_us == NEVER or self._is_anothers():
            return -1.0
        return self._clock.seconds_until(self._due_us)

    def clock_changed(self) -> None:
        """Let everybody who waits look at the time again. The driver is entered."""
        if self._engine is None:
            return
        now_us = self._clock.now_us()
        if self._tick_us - now_us > 1000 * self.engine.cron.interval_ms():  # the clock was set back
            self._tick_us = now_us
            self._find_due()
        if self._waiters:
            self._waiters[0].wake()
        for alarm in self.alarms:
            alarm.due_changed()

    def clock_was_set_back(self) -> None:
        """Look at everything anew at the next occasion: what is due was to come at times that are far away now."""
        self._tick_us = 0
        self._due_us = 0

    def pass_time(self, clock: ControlledClock, until_us: i64) -> None:
        """Let time pass up to ``until_us``, and run everything when it is due. The driver is entered."""
        coarse_us = max(_COARSE_TICK_US, (until_us - self._clock.now_us()) // _MOST_COARSE_TICKS)
        try:
            while self._due_us <= until_us:
                start_us = self._clock.now_us()
                clock.show(self._due_us if self._due_us > start_us else start_us)
                tick_us = self._tick_us
                self._run_due()
                self.skips_time = True
                left_us = until_us - self._clock.now_us()
                # No need to tick ten times a second all through a long time.
                if self._tick_us != tick_us and left_us > _FINE_US:
                    self._tick_us += min(left_us - _FINE_US, coarse_us)
                    self._find_due()
        finally:
            self.skips_time = False
        clock.show(until_us)

    # Waiting.

    def wait(self, waiter: Waiter, seconds: float) -> None:
        """Leave, wait until the waiter is woken or ``seconds`` have passed (-1: for ever), and enter again.

        The leader returns earlier, whenever something is due.
        """
        try:
            self._waiters.append(waiter)
            self._sleep(waiter, self._until_due(waiter, seconds))
        finally:
            was_leader = self._waiters[0] is waiter
            try:
                self._waiters.remove(waiter)
            finally:
                if was_leader and self._waiters:
                    self._waiters[0].wake()
        self._catch_up()

    def _until_due(self, waiter: Waiter, seconds: float) -> float:
        """How long a thread that wants to wait for ``seconds`` may wait."""
        has_script = self.engine.script_run.is_suspended() and self.engine.script_run.is_mine()
        if self._waiters[0] is waiter or has_script:
            due_s = self.due_in_s()
            if due_s >= 0 and (seconds < 0 or due_s < seconds):
                return _TURN_S if has_script and due_s < _TURN_S else due_s
        return seconds

    def _sleep(self, waiter: Waiter, seconds: float) -> None:
        """Leave, wait, and enter again, even if a signal's handler raises an exception meanwhile.

        An interpreted handler runs when a call has returned. So the lock is free wherever the first `try` is left; and
        in the loop a list notes, within one call, that the lock is held again.
        """
        entered: list[bool] = []
        interruption: BaseException | None = None
        try:
            self._lock.release()
            waiter.sleep(seconds)
        except BaseException as error:
            interruption = error
        while not entered:
            try:
                entered.extend(map(self._lock.acquire, _BLOCKING))
            except BaseException as error:
                interruption = error
                if self.is_foreign:  # the handler has forked the process
                    break
        if interruption is not None:
            raise interruption
