"""Changes to the server's own process: going into the background, the pid file, the limit on open files.

`daemonize` forks, so it must run before there is an event loop or a second thread.
"""

import contextlib
import os
from typing import Final

from pyredmem.base.optional import optional_module

resource: Final = optional_module("resource")  # not on Windows

# The descriptors that the process needs for listeners, log, loop and standard streams. Redis reserves as many.
RESERVED_FILES: Final = 32


def can_daemonize() -> bool:
    """Whether the system can fork a process; Windows cannot."""
    return hasattr(os, "fork")


def daemonize() -> None:
    """Continue as a background process without a terminal. The process that was started exits with status 0.

    After the second fork the process is not the leader of its session, so it can never acquire a terminal again.
    """
    _continue_in_child()
    os.setsid()
    _continue_in_child()
    _silence_standard_streams()


def write_pid_file(path: str) -> None:
    """Write the id of this process as one line."""
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")


def remove_pid_file(path: str) -> None:
    """Remove the pid file. It is no error if it does not exist any more."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def reserve_open_files(maxclients: int) -> int:
    """Raise the limit on open files to what `maxclients` clients need; returns how many clients it then allows.

    A process without privileges may raise its soft limit up to the hard limit. A privileged process may raise both.
    """
    if resource is None:
        return maxclients  # the system knows no such limit
    needed = maxclients + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _covers(soft, needed):
        return maxclients
    attempts = [(needed, hard)] if _covers(hard, needed) else [(needed, needed), (hard, hard)]
    for limits in attempts:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            break
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return maxclients if _covers(soft, needed) else max(1, soft - RESERVED_FILES)


def _covers(limit: int, needed: int) -> bool:
    return limit == resource.RLIM_INFINITY or limit >= needed


def _continue_in_child() -> None:
    if os.fork() > 0:
        os._exit(0)


def _silence_standard_streams() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    if null > 2:
        os.close(null)
