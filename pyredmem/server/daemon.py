"""What a server does to its own process: going into the background, the pid file, the limit on open files.

`daemonize` forks, so it must run before an event loop or a thread exists.
"""

import contextlib
import os
import resource
from typing import Final

# Descriptors the process needs besides its clients: listeners, log, loop, standard streams; Redis's own reserve.
RESERVED_FILES: Final = 32


def daemonize() -> None:
    """Continue as a background process without a terminal; the process that was started exits with status 0.

    The second fork leaves a process that leads no session and so can never acquire a terminal again.
    """
    _continue_in_child()
    os.setsid()
    _continue_in_child()
    _silence_standard_streams()


def write_pid_file(path: str) -> None:
    """Write this process's id, one line."""
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")


def remove_pid_file(path: str) -> None:
    """Remove the pid file, which may have been removed already."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def reserve_open_files(maxclients: int) -> int:
    """Raise the limit on open files to what `maxclients` clients need; return how many clients it now allows.

    An unprivileged process may raise its soft limit up to the hard one, a privileged one both.
    """
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
