"""What becomes of a server when its process forks: it stays with the parent.

The child has a copy of everything in memory, but not the threads, and a lock that another thread held stays locked for
ever. A copy that worked would be no better: each process would see its own writes only. So in the child whatever needs
a server of the parent raises `ForeignServerError`, which redis-py turns into its ConnectionError. The child's copies of
the sockets are put out of use, without a word to the event loop: it shares what it waits with (epoll) with the parent.
"""

from __future__ import annotations

import os
from typing import Any, Final
from weakref import WeakSet

from pyredmem.client.driver import Driver

_MESSAGE: Final = (
    "this server belongs to the process that was forked; "
    "let the child connect to the URL of server.listen(), or make a server of its own"
)


class ForeignServerError(RuntimeError, ConnectionError):
    """A server is used in a process that was forked from that of the server."""


class ForkAware:
    """Something that a forked process must not use."""

    def leave_behind(self) -> None:
        """Get out of use, in the child, which has just been forked."""
        raise NotImplementedError


class ForeignLock:
    """The lock of a driver in the wrong process."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Raise ForeignServerError. Only to try is no error: what ends connections does that, and can do without."""
        if blocking:
            raise ForeignServerError(_MESSAGE)
        return False

    def release(self) -> None:
        """Nobody holds it."""


def require_own(driver: Driver) -> None:
    """Raise ForeignServerError if the server belongs to another process."""
    if driver.is_foreign:
        raise ForeignServerError(_MESSAGE)


def give_up_if_gone(driver: Driver, connection: Any) -> None:
    """Let redis-py not try again to connect to a server that is closed, or belongs to another process."""
    if driver.is_closed:
        connection.retry._retries = 0


_watched: WeakSet[ForkAware] = WeakSet()
_left: list[ForkAware] = []  # kept for ever: their finalizers would disturb the parent


def watch(one: ForkAware) -> None:
    """Leave this behind when the process forks, if it still exists then."""
    _watched.add(one)


def _leave_all_behind() -> None:
    _left.extend(_watched)
    _watched.clear()
    for one in _left:
        one.leave_behind()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_leave_all_behind)
