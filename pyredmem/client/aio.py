"""redis-py's asyncio connection to a server in this process.

Requests run when they are written, in the thread of the event loop. A genuine `asyncio.StreamReader` gets the output:
at once, or through the loop if another thread has caused it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Any, Final
from weakref import ref

from redis.asyncio.connection import Connection

from pyredmem.client.driver import Alarm, Driver
from pyredmem.engine.session import Session

#: How long the tasks of a loop may go on with commands before other tasks get their turn (seconds).
TURN_S: Final = 0.001


class LoopDriver(Alarm):
    """Calls the driver from an event loop when something is due, as long as the loop has connections."""

    def __init__(self, driver: Driver, loop: asyncio.AbstractEventLoop) -> None:
        self.driver = driver
        self.loop = loop
        self._thread = threading.get_ident()
        self._connections = 0
        self._handle: asyncio.TimerHandle | None = None
        self._turn_began = loop.time()

    def is_here(self) -> bool:
        """Whether the calling thread is that of the loop."""
        return threading.get_ident() == self._thread

    def add_connection(self) -> None:
        """Count a connection. The driver is entered."""
        self._connections += 1
        if self._connections == 1:
            self.driver.alarms.append(self)
            self._arm()

    def remove_connection(self) -> None:
        """Count a connection that has ended. The driver is entered."""
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

    def call_soon(self, action: Any) -> None:
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
        if self._connections and delay_s >= 0:
            self._handle = self.loop.call_later(delay_s, self._ring)

    def _ring(self) -> None:
        self.driver.enter()  # runs what is due
        self.driver.leave()
        self._arm()

    def turn_is_over(self) -> bool:
        """Whether other tasks of the loop should get their turn now."""
        now = self.loop.time()
        if now - self._turn_began < TURN_S:
            return False
        self._turn_began = now
        return True


def loop_driver_of(driver: Driver) -> LoopDriver:
    """What calls the driver from the loop that is running. The driver is entered."""
    loop = asyncio.get_running_loop()
    for alarm in driver.alarms:
        if isinstance(alarm, LoopDriver) and alarm.loop is loop:
            return alarm
    return LoopDriver(driver, loop)


def _tell(writer: ref[LocalWriter]) -> None:
    """Tell a writer that output is ready, if it is still there."""
    alive = writer()
    if alive is not None:
        alive.output_ready()


class LocalWriter:
    """One client's end of a connection: what redis-py has in place of an `asyncio.StreamWriter`."""

    def __init__(self, driver: Driver, reader: asyncio.StreamReader, host: str, port: int) -> None:
        self._driver = driver
        self._reader = reader
        self._peer = (host, port)
        self._has_ended = True  # until it has begun
        self._is_closed = False
        self._will_collect = False
        driver.enter()
        try:
            self._loop_driver = loop_driver_of(driver)
            self._session: Session = driver.open_session(port)
            self._name = ("127.0.0.1", int(self._session.address.rpartition(":")[2]))
            writer = ref(self)  # the session must not keep it: redis-py drops connections that it has not closed
            self._session.on_output = lambda: _tell(writer)
            self._loop_driver.add_connection()
            self._has_ended = False
            self._collect()
        finally:
            driver.leave()

    # What the engine calls, with the driver entered.

    def output_ready(self) -> None:
        if self._loop_driver.is_here():
            self._collect()
        elif not self._will_collect:
            self._will_collect = True
            self._loop_driver.call_soon(self._collect_later)

    def _collect_later(self) -> None:
        self._driver.enter()
        try:
            self._will_collect = False
            self._collect()
        finally:
            self._driver.leave()

    def _collect(self) -> None:
        """Give the output of the session to the reader."""
        session = self._session
        output = session.take_output()
        if output and not self._is_closed:
            self._reader.feed_data(output)
        if session.is_closing():
            self._end()

    def _end(self) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        if not self._loop_driver.loop.is_closed():
            self._reader.feed_eof()
        self._loop_driver.remove_connection()
        self._driver.forget(self._session)

    def end(self) -> None:
        """Have the server close the connection."""
        if self._loop_driver.is_here() or self._loop_driver.loop.is_closed():
            self._end()
        else:
            self._loop_driver.call_soon(self._end)

    def __del__(self) -> None:
        self.close()

    # What redis-py calls.

    def writelines(self, parts: Iterable[bytes]) -> None:
        self.write(b"".join(parts))

    def write(self, data: bytes) -> None:
        """Send requests, and run them."""
        driver = self._driver
        driver.enter()
        try:
            if not self._has_ended:
                self._session.receive(data)
                self._collect()
        finally:
            driver.leave()

    async def drain(self) -> None:
        """Let other tasks of the loop have their turn from time to time."""
        if self._loop_driver.turn_is_over():
            await asyncio.sleep(0)

    def close(self) -> None:
        """End the connection."""
        self._is_closed = True
        if not self._has_ended:
            self.end()

    def is_closing(self) -> bool:
        return self._is_closed

    async def wait_closed(self) -> None:
        """The connection ends at once."""

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"peername": self._peer, "sockname": self._name}.get(name, default)

    @property
    def transport(self) -> LocalWriter:
        """There is no transport below the writer."""
        return self


def open_stream(driver: Driver, host: str, port: int) -> tuple[asyncio.StreamReader, Any]:
    """A connection for the loop that is running: a reader, and a `LocalWriter` as the writer."""
    reader = asyncio.StreamReader(loop=asyncio.get_running_loop())
    return reader, LocalWriter(driver, reader, host, port)


class AsyncLocalConnection(Connection):
    """A genuine connection whose writer is a `LocalWriter`. Its pool passes ``driver`` with the options."""

    def __init__(self, *args: Any, driver: Driver, **options: Any) -> None:
        self._driver = driver
        super().__init__(*args, **options)

    async def _connect(self) -> None:
        self._reader, self._writer = open_stream(self._driver, str(self.host), int(self.port))
