"""Endpoints: where the server listens, and how their sockets are opened.

An `Endpoint` says where to listen. `open_endpoint` opens the listening socket, or raises OSError at once. It needs no
event loop for this, and that is the point: CONFIG SET must reply at once whether the server can listen on a new port.
"""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pyredmem.host.unix_sockets import unix_socket

TCP: Final = "tcp"
TLS: Final = "tls"
METRICS: Final = "metrics"  # HTTP, as the next one
MONITOR: Final = "monitor"
UNIX: Final = "unix"
#: Kinds for browsers and the like: a server that listens for nothing else has no clients.
HTTP_KINDS: Final = (METRICS, MONITOR)

# The errors for an address of a family that this machine does not have: as Redis does, listen on the others and go on.
MISSING_FAMILY: Final = frozenset(
    {errno.ENOPROTOOPT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EPFNOSUPPORT, errno.EAFNOSUPPORT}
)


@dataclass(frozen=True)
class Endpoint:
    """A place to listen: an address and a port, or the path of a unix socket (port and optional are then unused)."""

    kind: str
    address: str
    port: int = 0
    optional: bool = False

    def __str__(self) -> str:
        return self.address if self.kind == UNIX else f"{self.address}:{self.port}"

    def may_fail_with(self, error: OSError) -> bool:
        """Whether the server may go on without this endpoint after `error`."""
        if error.errno in MISSING_FAMILY:
            return True
        return self.optional and error.errno == errno.EADDRNOTAVAIL


def network_endpoints(kind: str, bind: str, port: int) -> list[Endpoint]:
    """The endpoints for a `bind` list: a leading `-` makes an address optional; `*` and `::*` mean all addresses."""
    if port == 0:
        return []
    endpoints = []
    for word in dict.fromkeys(bind.split()):
        address = word.removeprefix("-")
        endpoints.append(Endpoint(kind, address, port, optional=word.startswith("-")))
    return endpoints


def open_endpoint(endpoint: Endpoint, backlog: int, keepalive_seconds: int, permissions: int) -> socket.socket:
    """A listening, non-blocking socket. Raises OSError if the server cannot listen there."""
    if endpoint.kind == UNIX:
        return _open_unix(endpoint.address, backlog, permissions)
    return _open_network(endpoint, backlog, keepalive_seconds)


def set_keepalive(listener: socket.socket, keepalive_seconds: int) -> None:
    """Probe idle clients after `keepalive_seconds` (0: never).

    The options are set on the listening socket, and accepted connections inherit them, so that accepting costs no
    further system calls. As in Redis there are three probes, a third of the interval apart. An interval that the system
    refuses (Linux: more than nine hours) is no error: the system keeps its own interval.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1 if keepalive_seconds else 0)
    if keepalive_seconds and hasattr(socket, "TCP_KEEPIDLE"):
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, keepalive_seconds)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, keepalive_seconds // 3))
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


def remove_unix_socket(path: str) -> None:
    """Remove the file at `path` if it is a socket."""
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)


def describe(error: OSError) -> str:
    """The operating system's text for `error`, without what Python adds."""
    return error.strerror or str(error)


def _open_unix(path: str, backlog: int, permissions: int) -> socket.socket:
    # A server that was killed has left its socket file, and bind() refuses a path that exists.
    remove_unix_socket(path)
    listener = unix_socket()
    try:
        listener.setblocking(False)
        listener.bind(path)
        if permissions:
            os.chmod(path, permissions)
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener


def _open_network(endpoint: Endpoint, backlog: int, keepalive_seconds: int) -> socket.socket:
    failure = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    for family, address in _resolve(endpoint):
        try:
            return _listen(family, address, backlog, keepalive_seconds)
        except OSError as error:
            failure = error
    raise failure


def _resolve(endpoint: Endpoint) -> Iterable[tuple[int, tuple[str, int]]]:
    """The families and numeric addresses that the written address means."""
    written = endpoint.address
    if written == "*":
        return [(socket.AF_INET, ("0.0.0.0", endpoint.port))]
    if written == "::*":
        return [(socket.AF_INET6, ("::", endpoint.port))]
    family = socket.AF_INET6 if ":" in written else socket.AF_INET
    flags = socket.AI_PASSIVE
    found = socket.getaddrinfo(written, endpoint.port, family, socket.SOCK_STREAM, flags=flags)
    return [(entry[0], entry[4]) for entry in found]  # type: ignore[misc]  # stream addresses begin with text


def _listen(family: int, address: tuple[str, int], backlog: int, keepalive_seconds: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR would share the port with others
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # Otherwise `::` would take the IPv4 port too, and the usual pair `* -::*` could not be bound.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        set_keepalive(listener, keepalive_seconds)
        listener.bind(address)
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener
