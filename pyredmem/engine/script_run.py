"""The script or function that is running, and how the server keeps answering while it runs for long.

A command that may run a script runs in a greenlet, a second stack inside the engine's one thread. While Lua works it
calls :meth:`ScriptRun.tick` every 100,000 instructions. Once the script has run for ``busy-reply-threshold`` the
greenlet is suspended in the middle of the script, and the command returns to the event loop as if its client was
blocked. From then on the script goes on in slices between other requests::

    a client's EVAL --> greenlet: before, handler, after          (usually it ends here)
                           tick: too long --> suspended, GATE_BUSY set, the client is held
    event loop      --> other requests: refused with BUSY, except SCRIPT KILL and the like
                    --> task: a slice of the script, until it ends; then the client goes on

While a script is suspended nothing else may change the data set: no timer, no expire cycle and no eviction runs, and
blocked clients are not served. The time that the script sees stands still.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from greenlet import GreenletExit, getcurrent, greenlet
from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.base.limits import NEVER
from pyredmem.engine.core import Core
from pyredmem.engine.gates import GATE_BUSY
from pyredmem.engine.session import HOLD_SCRIPT, Session
from pyredmem.engine.spec import Command
from pyredmem.engine.tasks import DONE

#: How long a suspended script works before other clients get their turn (microseconds).
_SLICE_US: Final = 5000


class Work:
    """What a greenlet is to run next, and what came of it. It knows nothing of the engine, which it must not keep."""

    def __init__(self, waiting: greenlet) -> None:
        self.waiting = waiting  # for its end, or until it is suspended: the greenlet of the event loop
        self.body: Callable[[], None] | None = None  # None: it has ended
        self.fault: BaseException | None = None  # what it has raised


def work_for_ever(work: Work) -> None:
    """Run one command after another. A greenlet costs ten times as much to make as to switch to."""
    while True:
        body = work.body
        assert body is not None
        try:
            body()
        except GreenletExit:
            raise
        except BaseException as fault:
            work.fault = fault
        body = None
        work.body = None
        work.waiting.switch()


class ScriptRun:
    """Runs at most one script at a time."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._threshold_us: i64 = 0
        core.settings.follow(("busy-reply-threshold",), self._threshold_changed)
        self._task = core.tasks.create(self._go_on)
        #: The flags of a call that runs a script, which may declare flags of its own.
        self.find_flags: Callable[[Command, list[bytes]], i64] | None = None
        #: Disconnects a client that left while its script was running.
        self.disconnect: Callable[[Session], None] | None = None
        # The script, while `name` is not empty.
        self.name = b""  # the SHA1 of a script, or the name of a function
        self.is_function = False
        self.argv: list[bytes] = []
        self.start_us: i64 = 0
        self.has_written = False  # it cannot be killed any more
        self._is_killed = False
        # The greenlet of the command that runs it.
        self._greenlet: greenlet | None = None  # while such a command is running
        self._idle: greenlet | None = None  # a greenlet that waits for the next one
        self._work = Work(getcurrent())
        self._session: Session | None = None
        self._client_left = False
        self._slice_end_us: i64 = 0

    def close(self) -> None:
        """Drop what refers to the other parts. No script runs, and none will."""
        self.find_flags = None
        self.disconnect = None
        self._session = None

    def _threshold_changed(self) -> None:
        self._threshold_us = 1000 * self._core.settings.integer("busy-reply-threshold")

    # Commands that may run a script.

    def is_suspended(self) -> bool:
        """Whether a script waits for its next slice."""
        return self._core.gates.bits & GATE_BUSY != 0

    def is_mine(self) -> bool:
        """Whether the suspended script belongs to the thread that calls: no other one can run its slices."""
        return self._work.waiting is getcurrent()

    def is_inside(self) -> bool:
        """Whether a command that may run a script is running, suspended or not."""
        return self._greenlet is not None

    def execute(self, session: Session, body: Callable[[], None]) -> None:
        """Run the command of a client; if a script in it takes too long, the rest runs later and holds the client."""
        self._session = session
        self._greenlet = self._take_idle()
        self._work.body = body
        self._switch()
        if self._greenlet is not None:
            self._suspend(session)

    def _switch(self) -> None:
        """Run the greenlet until it is suspended or ends; it raises here what the command raises."""
        running = self._greenlet
        work = self._work
        assert running is not None
        running.switch()
        if work.body is None:
            self._greenlet = None
            self._idle = running
            fault = work.fault
            if fault is not None:
                work.fault = None
                raise fault

    def _take_idle(self) -> greenlet:
        """A greenlet that runs what is in `_work` when this greenlet switches to it: no other one may."""
        idle = self._idle
        self._idle = None
        if idle is None or self._work.waiting is not getcurrent():
            work = Work(getcurrent())
            self._work = work
            idle = greenlet(lambda: work_for_ever(work))
        return idle

    def _suspend(self, session: Session) -> None:
        core = self._core
        session.holds |= HOLD_SCRIPT
        core.gates.set(GATE_BUSY, True)
        core.tasks.run_only(self._task)
        kill = "FUNCTION KILL" if self.is_function else "SCRIPT KILL"
        core.host.log(
            "warning",
            f"Slow script detected: still in execution after {self._threshold_us // 1000} milliseconds. You can try "
            f"killing the script using the {kill} command. Script name is: {self.name.decode('utf-8', 'replace')}.",
        )
        self._task.wake()

    def _go_on(self) -> int:
        """Run the next slice."""
        if self._greenlet is None:  # it was abandoned
            return DONE
        self._slice_end_us = self._core.clock.now_us() + _SLICE_US
        try:
            self._switch()
        finally:
            if self._greenlet is None:
                self._end_suspension()
        return 0 if self._greenlet is not None else DONE

    def _end_suspension(self) -> None:
        """The command has ended: let its client go on, and everybody else."""
        core = self._core
        session = self._session
        assert session is not None
        self._session = None
        core.gates.set(GATE_BUSY, False)
        core.tasks.run_only(None)
        if self._client_left:
            self._client_left = False
            session.holds &= ~HOLD_SCRIPT
            assert self.disconnect is not None
            self.disconnect(session)
        else:
            session.resume(HOLD_SCRIPT)

    def keeps(self, session: Session) -> bool:
        """Whether a client that is to be disconnected must stay, because its script is suspended."""
        if session.holds & HOLD_SCRIPT == 0:
            return False
        session.close()
        self._client_left = True
        return True

    def abandon(self) -> None:
        """End a suspended script at once: the server ends, or nobody is left who would run its slices."""
        self.doom()
        while self._greenlet is not None:
            self._go_on()

    def doom(self) -> None:
        """Let the script end in its next slice, whatever it has done."""
        self._is_killed = True

    # The script itself.

    def begin(self, name: bytes, is_function: bool, argv: list[bytes]) -> None:
        """Note that a script begins."""
        self.name = name
        self.is_function = is_function
        self.argv = argv
        self.start_us = self._core.clock.now_us()
        self.has_written = False
        self._is_killed = False
        self._slice_end_us = NEVER
        if self._greenlet is not None and self._threshold_us > 0:
            self._slice_end_us = self.start_us + self._threshold_us

    def end(self) -> None:
        """Note that the script has ended."""
        self.name = b""
        self.argv = []

    def tick(self) -> bool:
        """The script calls this while it works; true if it must end because it was killed."""
        if not self._is_killed and self._core.clock.now_us() >= self._slice_end_us:
            keyspace = self._core.keyspace
            now_us = keyspace.now_us
            self._work.waiting.switch()
            keyspace.now_us = now_us
        return self._is_killed

    def kill(self, is_function: bool) -> None:
        """Kill the running script or function (SCRIPT KILL, FUNCTION KILL). Raises an error if that is not possible."""
        if not self.name:
            raise CommandError(errors.NO_SCRIPT_RUNS)
        if self.has_written:
            raise CommandError(errors.SCRIPT_HAS_WRITTEN)
        if is_function != self.is_function:
            raise CommandError(self.busy_error())
        self._is_killed = True

    def busy_error(self) -> bytes:
        """The error for a command that must wait for the end of the script."""
        return errors.BUSY_FUNCTION if self.is_function else errors.BUSY_SCRIPT
