"""A file that can be read while a client in this process has something to read: for `select`, `poll` and event loops.

Libraries that wait for several connections at once, as Celery's kombu does, ask a socket for its file. Nothing goes
through the file but one byte, which is there as long as there is something to read.

Who polls does not enter the driver, so a thread runs what is due as long as there are such files. redis-py itself never
asks for one.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Final

from pyredmem.client.driver import Alarm, Driver, Waiter

#: How long the thread sleeps until it looks whether it is still needed (seconds).
_LOOK_S: Final = 0.1


class SocketFile:
    """One end of a pair of sockets, for who polls, and the other one, which says whether there is something to read."""

    def __init__(self, driver: Driver) -> None:
        """The driver is entered."""
        self._polled, self._told = socket.socketpair()
        self._polled.setblocking(False)
        self._told.setblocking(False)
        self._lock = threading.Lock()
        self._shows = False
        self._timekeeper = _timekeeper_of(driver)
        self._timekeeper.add(self)

    def fileno(self) -> int:
        return self._polled.fileno()

    def show(self, is_readable: bool) -> None:
        """Let the file be readable, or not."""
        with self._lock, suppress(OSError):  # it is closed
            if is_readable == self._shows:
                return
            self._shows = is_readable
            if is_readable:
                self._told.send(b"!")
            else:
                self._polled.recv(16)

    def close(self) -> None:
        """Close the file. This is safe in any thread."""
        self._timekeeper.remove(self)
        self._polled.close()
        self._told.close()


class _Timekeeper(Alarm):
    """A thread that runs what is due as long as there are files."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._files: set[SocketFile] = set()

    def add(self, file: SocketFile) -> None:
        """Begin to run what is due. The driver is entered."""
        self._files.add(file)
        if self not in self._driver.alarms:
            self._driver.alarms.append(self)
            threading.Thread(target=self._run, name="pyredmem timekeeper", daemon=True).start()

    def remove(self, file: SocketFile) -> None:
        """End soon, if this is the last file."""
        self._files.discard(file)

    def _run(self) -> None:
        driver = self._driver
        waiter = Waiter()
        driver.enter()
        try:
            while self._files and not driver.is_closed:
                driver.wait(waiter, _LOOK_S)
        finally:
            driver.alarms.remove(self)
            driver.leave()


def _timekeeper_of(driver: Driver) -> _Timekeeper:
    """The one of a driver, which is among its alarms. The driver is entered."""
    for alarm in driver.alarms:
        if isinstance(alarm, _Timekeeper):
            return alarm
    return _Timekeeper(driver)
