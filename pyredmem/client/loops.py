"""An event loop's part in a server inside the process: it runs what is due, and gives output to its connections.

Output may be caused by any thread. A connection takes it in the thread of its loop: at once, if that is the thread that
caused it.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final
from weakref import ref

from pyredmem.client.driver import Alarm, Driver
from pyredmem.engine.session import Session

#: How long, and for how many commands, tasks of a loop may go on before others get their turn (microseconds).
TURN_US: Final = 1000
TURN_COMMANDS: Final = 32


class LoopDriver(Alarm):
    """Enters the driver from an event loop when something is due, as long as the loop has connections."""

    def __init__(self, driver: Driver, loop: asyncio.AbstractEventLoop) -> None:
        self.driver = driver
        self.loop = loop
        self._thread = threading.get_ident()
        self._connections = 0
        self._handle: asyncio.TimerHandle | None = None
        self._clock = driver.engine.clock
        self._turn_began_us = self._clock.now_us()
        self._turn_commands = 0

    def is_here(self) -> bool:
        """Whether the calling thread is that of the loop, or the loop is closed: then any thread may end things."""
        return threading.get_ident() == self._thread or self.loop.is_closed()

    def add_connection(self) -> None:
        """Count a connection. The driver is entered."""
        self._connections += 1
        if self._connections == 1:
            self.driver.alarms.append(self)
            self._arm()

    def remove_connection(self) -> None:
        """Count a connection that has ended."""
        self._connections -= 1
        if self._connections == 0:
            self.driver.alarms.remove(self)
            if self._handle is not None:
                self._handle.cancel()
                self._handle = None

    def due_changed(self) -> None:
        if self.is_here():
            self._arm()
        else:
            self.call_soon(self._arm)

    def call_soon(self, action: Callable[[], object]) -> None:
        """Call ``action`` in the loop, from any thread; nothing happens if the loop is closed."""
        try:
            self.loop.call_soon_threadsafe(action)
        except RuntimeError:
            if not self.loop.is_closed():
                raise

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        delay_s = self.driver.due_in_s()
        if self._connections and delay_s >= 0 and not self.loop.is_closed():
            self._handle = self.loop.call_later(delay_s, self._ring)

    def _ring(self) -> None:
        self.driver.enter()  # runs what is due
        self.driver.leave()
        self._arm()

    def turn_is_over(self) -> bool:
        """Whether other tasks of the loop should get their turn now. If time is frozen, only commands count."""
        self._turn_commands += 1
        now_us = self._clock.now_us()
        if self._turn_commands < TURN_COMMANDS and 0 <= now_us - self._turn_began_us < TURN_US:
            return False
        self._turn_began_us = now_us
        self._turn_commands = 0
        return True


def loop_driver_of(driver: Driver) -> LoopDriver:
    """What enters the driver from the loop that is running. The driver is entered."""
    loop = asyncio.get_running_loop()
    for alarm in driver.alarms:
        if isinstance(alarm, LoopDriver) and alarm.loop is loop:
            return alarm
    return LoopDriver(driver, loop)


class LoopEnd(ABC):
    """One client's end of a connection, in an event loop."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.has_ended = True  # until it has begun
        self.is_paused = False  # the client does not read what there is: the rest stays with the session
        self._will_collect = False

    def is_usable(self) -> bool:
        """Whether requests can be sent: the connection has not ended, and the server belongs to this process."""
        return not self.has_ended and not self.driver.is_foreign

    def begin(self, session: Session) -> None:
        """Begin with the session of the client. The driver is entered, and the loop is running."""
        self.session = session
        self.loop_driver = loop_driver_of(self.driver)
        me = ref(self)  # the session must not keep it: redis-py drops connections that it has not closed
        session.on_output = lambda: _tell(me)
        self.loop_driver.add_connection()
        self.has_ended = False
        self.collect()  # it may have been refused

    @abstractmethod
    def take(self, output: bytes) -> None:
        """Take output, in the thread of the loop. The driver is entered."""

    @abstractmethod
    def take_end(self) -> None:
        """Take the end of the connection, in the thread of the loop; it comes once."""

    def output_ready(self) -> None:
        """Collect the output soon. The driver is entered."""
        if self.loop_driver.is_here():
            self.collect()
        elif not self._will_collect:
            self._will_collect = True
            self.loop_driver.call_soon(self._collect_later)

    def _collect_later(self) -> None:
        self.driver.enter()
        try:
            self._will_collect = False
            self.collect()
        finally:
            self.driver.leave()

    def resume(self) -> None:
        """Take what has stayed with the session during a pause."""
        self.is_paused = False
        self._collect_later()

    def collect(self) -> None:
        """Take the output of the session. The driver is entered."""
        if self.has_ended:
            return
        session = self.session
        if (session.is_unread or self.is_paused) and not session.is_closing():
            self.driver.limit_output(session, session.count_unsent() if session.count_unsent is not None else 0)
        else:
            output = session.take_output()
            if output:
                self.take(output)
        if session.is_closing():
            self.end()

    def receive(self, data: bytes) -> None:
        """Run requests."""
        self.driver.enter()
        try:
            if not self.has_ended:
                self.session.receive(data)
                self.collect()
        finally:
            self.driver.leave()

    def end(self) -> None:
        """Disconnect the client. This is safe in any thread."""
        if self.has_ended:
            return
        if not self.loop_driver.is_here():
            self.loop_driver.call_soon(self.end)
            return
        self.has_ended = True
        self.take_end()
        self.loop_driver.remove_connection()
        self.driver.forget(self.session)
        del self.session  # through which it would keep the data of a closed server


def _tell(me: ref[LoopEnd]) -> None:
    """Tell a connection that output is ready, if it is still there."""
    alive = me()
    if alive is not None:
        alive.output_ready()
