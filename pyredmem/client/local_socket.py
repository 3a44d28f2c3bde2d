"""What redis-py has in place of a socket: one client's end of a connection to an engine in this process.

It has the methods of a socket that redis-py calls. Requests run in the thread that sends them, before `sendall`
returns. Output stays with the session until `recv` takes it, so what a client does not read is accounted for as in a
server. Bytes on both ways are those of a real connection.
"""

from __future__ import annotations

import errno
import os

from librt.time import time  # freezegun does not find it, so timeouts end while it has frozen the time
from mypy_extensions import i64

from pyredmem.client.driver import Driver, Waiter
from pyredmem.client.socket_file import SocketFile
from pyredmem.engine.session import Session


class LocalSocket:
    """A connected socket; ``host`` and ``port`` are the address of the server as the client knows it."""

    def __init__(self, driver: Driver, host: str, port: int, timeout: float | None) -> None:
        self._driver = driver
        self._timeout: float | None = timeout
        self._peer = (host, port)
        self._rest = b""  # output that the reader has not read to its end, and where it goes on
        self._at: i64 = 0
        self._waiter: Waiter | None = None
        self._file: SocketFile | None = None  # for those who ask for it
        self._is_closed = False
        driver.enter()
        try:
            session = driver.open_session(port)
            session.on_output = self._output_ready
            session.count_unsent = self._unread
            self._session: Session | None = session  # None when the server sends nothing more than what there is
            self._name = ("127.0.0.1", int(session.address.rpartition(":")[2]))
            self._note_end()  # it was refused
        finally:
            driver.leave()

    # What the engine calls, with the driver entered.

    def _output_ready(self) -> None:
        """Wake the thread that waits for output, or account for output that nobody reads yet."""
        self._note_end()
        session = self._session
        waiter = self._waiter
        if waiter is not None and (session is None or not session.is_unread):
            waiter.wake()
        elif session is not None:
            self._driver.limit_output(session, len(self._rest) - self._at)
        if self._file is not None:
            self._update_file()

    def _unread(self) -> int:
        """How many bytes the client has not read, besides those in the session's output."""
        return len(self._rest) - self._at

    def _note_end(self) -> None:
        """See whether the engine has closed the connection."""
        session = self._session
        if session is not None and session.is_closing():
            self._session = None
            if not session.aborted:
                self._rest = self._rest[self._at :] + session.take_output()
                self._at = 0
            self._driver.forget(session)

    # What redis-py calls.

    def sendall(self, data: bytes | bytearray | memoryview) -> None:
        """Send requests, and run them."""
        requests = data if isinstance(data, bytes) else bytes(data)
        if self._is_closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        driver = self._driver
        driver.enter()
        try:
            session = self._session
            if session is not None:
                session.receive(requests)
                if session.is_closing():
                    self._note_end()
                if self._waiter is not None:  # another thread reads
                    self._waiter.wake()
                if self._file is not None:
                    self._update_file()
        finally:
            driver.leave()

    def recv_into(self, buffer: bytearray) -> int:
        """Read into a buffer; returns the number of bytes, 0 at the end of the connection."""
        data = self.recv(len(buffer))
        size = len(data)
        buffer[:size] = data
        return size

    def recv(self, size: i64, flags: i64 = 0) -> bytes:
        """Read at most ``size`` bytes; empty at the end of the connection. Raises TimeoutError or BlockingIOError."""
        driver = self._driver
        driver.enter()
        try:
            if not self._is_readable():
                self._wait(self._timeout)
            data = self._rest
            session = self._session
            if not data and session is not None:
                data = session.take_output()
                if len(data) <= size:
                    return data
                self._rest = data
            at = self._at
            self._at = at + size
            if self._at >= len(data):
                self._rest = b""
                self._at = 0
            return data[at : at + size]
        finally:
            if self._file is not None:
                self._update_file()
            driver.leave()

    def take_output(self) -> bytes:
        """Read what there is, before anything that is due runs; empty if there is nothing, or only the end."""
        driver = self._driver
        driver.hold()
        try:
            session = self._session
            if len(self._rest) > 0:
                data = self._rest[self._at :]
                self._rest = b""
                self._at = 0
            elif session is not None and not session.is_unread:
                data = session.take_output()
            else:
                return b""
            if self._file is not None:
                self._update_file()
            return data
        finally:
            driver.leave()

    def can_read(self, timeout: float | None) -> bool:
        """Whether there is something to read, or the end of the connection, within ``timeout`` seconds."""
        driver = self._driver
        if timeout == 0 and not driver.is_due():
            return self._is_readable()
        driver.enter()
        try:
            if not self._is_readable():
                if timeout == 0:
                    return False
                self._wait(timeout)
            return True
        except TimeoutError:
            return False
        finally:
            driver.leave()

    def _is_readable(self) -> bool:
        session = self._session
        if len(self._rest) > 0 or session is None:
            return True
        return session.output.size() > 0 and not session.is_unread

    def _update_file(self) -> None:
        """Let the file be readable if this socket is."""
        file = self._file
        if file is not None:
            file.show(self._is_readable())
            if self._session is None:  # another thread may have ended it meanwhile
                file.show(True)

    def is_usable(self) -> bool:
        """Whether requests can be sent: this end was not closed, and the server belongs to this process."""
        return not self._is_closed and not self._driver.is_foreign

    def is_at_end(self) -> bool:
        """Whether everything was read, and nothing more can come."""
        return self._session is None and not self._rest

    def _wait(self, timeout: float | None) -> None:
        """Wait for output or the end. The driver is entered, and left while the thread sleeps."""
        until = 0.0
        left = -1.0
        if timeout is not None:
            until = time() + timeout
        waiter = Waiter()
        self._waiter = waiter
        try:
            while not self._is_readable():
                if self._is_closed:
                    raise OSError(errno.EBADF, os.strerror(errno.EBADF))
                if timeout == 0:
                    raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK))
                if timeout is not None:
                    left = until - time()
                    if left <= 0:
                        raise TimeoutError("timed out")
                self._driver.wait(waiter, left)
        finally:
            self._waiter = None

    def settimeout(self, timeout: float | None) -> None:
        """The longest time (seconds) that `recv` waits; None: for ever, 0: not at all."""
        self._timeout = timeout

    def gettimeout(self) -> float | None:
        return self._timeout

    def setblocking(self, blocking: bool) -> None:
        self._timeout = None if blocking else 0.0

    def getpeername(self) -> tuple[str, int]:
        return self._peer

    def getsockname(self) -> tuple[str, int]:
        return self._name

    def fileno(self) -> int:
        """A file to poll, which can be read while this socket can; -1 if it is closed. It is made when asked for."""
        if self._is_closed:
            return -1
        driver = self._driver
        driver.enter()
        try:
            if self._file is None:
                self._file = SocketFile(driver)
                self._update_file()
            return self._file.fileno()
        finally:
            driver.leave()

    def shutdown(self, how: int) -> None:
        """Say that nothing more will be sent or read."""
        self.close()

    def close(self) -> None:
        """End the connection."""
        if not self._is_closed:
            self._is_closed = True
            self.end()
            if self._file is not None:
                self._file.close()

    def end(self) -> None:
        """Have the server close the connection."""
        session = self._session
        if session is not None:
            self._session = None
            self._driver.forget(session)
        waiter = self._waiter
        if waiter is not None:  # another thread reads
            waiter.wake()
        self._update_file()
