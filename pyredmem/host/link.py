"""A connection to another server, whose user waits for it: the event loop stands still meanwhile, as Redis does."""

import contextlib
import errno
import selectors
import socket
import time

from pyredmem.engine.host import Link

#: Longer timeouts than this are cut, since the operating system does not take any (seconds).
_LONGEST_S = 1_000_000.0
#: The other server gets this much at a time, each part within the timeout (bytes).
_PART = 64 * 1024
_READ_SIZE = 16 * 1024


class SocketLink(Link):
    """A connection over a TCP socket, which never blocks for longer than a timeout."""

    def __init__(self, address: bytes, port: int, timeout_s: float) -> None:
        self._received = b""
        self._socket = _connecting(address.partition(b"\0")[0], port)
        if not _is_ready(self._socket, selectors.EVENT_WRITE, timeout_s):
            self._socket.close()
            raise TimeoutError

    def send(self, data: bytes, timeout_s: float) -> None:
        self._socket.settimeout(min(timeout_s, _LONGEST_S))
        for start in range(0, len(data), _PART):
            self._socket.sendall(data[start : start + _PART])

    def read_line(self, timeout_s: float) -> bytes:
        end = time.monotonic() + timeout_s
        while b"\n" not in self._received:
            self._socket.settimeout(min(max(end - time.monotonic(), 1e-6), _LONGEST_S))
            part = self._socket.recv(_READ_SIZE)
            if not part:
                raise ConnectionResetError(errno.ECONNRESET, "closed by the other server")
            self._received += part
        line, _, self._received = self._received.partition(b"\n")
        return line.removesuffix(b"\r")

    def close(self) -> None:
        self._socket.close()


def _connecting(address: bytes, port: int) -> socket.socket:
    """A socket that has begun to connect to the first address to which that is possible."""
    failure = OSError(errno.EADDRNOTAVAIL, "no address")
    for family, kind, protocol, _, place in socket.getaddrinfo(address, str(port), type=socket.SOCK_STREAM):
        connecting = socket.socket(family, kind, protocol)
        connecting.setblocking(False)
        code = connecting.connect_ex(place)
        if code in {0, errno.EINPROGRESS, errno.EWOULDBLOCK}:  # the last one on Windows
            with contextlib.suppress(OSError):
                connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connecting
        connecting.close()
        failure = OSError(code, "cannot connect")
    raise failure


def _is_ready(waiting: socket.socket, event: int, timeout_s: float) -> bool:
    """Whether a socket becomes ready, or fails, within the timeout."""
    with selectors.DefaultSelector() as selector:
        selector.register(waiting, event)
        return bool(selector.select(min(timeout_s, _LONGEST_S)))
