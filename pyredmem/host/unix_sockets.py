"""Unix sockets, which Python does not have on Windows."""

import errno
import socket


def unix_socket() -> socket.socket:
    """A new Unix socket. Raises OSError where there are none."""
    if not hasattr(socket, "AF_UNIX"):
        raise OSError(errno.EOPNOTSUPP, "this system has no Unix sockets")
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
