"""Hides parts of Python and of the system from a process, as if it ran where they do not exist.

Python loads this module at its start if the directory is on PYTHONPATH. `PYREDMEM_WITHOUT` names what to hide, with
commas between; see `HIDERS`.
"""

from __future__ import annotations

import asyncio
import asyncio.selector_events
import builtins
import concurrent.futures.process
import concurrent.futures.thread
import ctypes
import functools
import importlib
import io
import multiprocessing.connection
import os
import platform
import selectors
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable
from typing import Any

# They are loaded because the standard library asks at that moment which system it is on.
LOADED = (concurrent.futures, importlib, multiprocessing, platform, ssl, subprocess, tempfile, threading, uuid)


def module(name: str) -> Callable[[], None]:
    """What makes a module impossible to import."""

    def hide() -> None:
        for known in list(sys.modules):
            if known.partition(".")[0] == name:
                del sys.modules[known]
        sys.modules[name] = None  # type: ignore[assignment]

    return hide


def names(owner: Any, *hidden: str) -> Callable[[], None]:
    """What removes names that begin like these from a module."""

    def hide() -> None:
        for name in dir(owner):
            if name.startswith(hidden):
                delattr(owner, name)

    return hide


def c_functions(*hidden: str) -> Callable[[], None]:
    """What removes functions from the C library."""

    def hide() -> None:
        library: Any = ctypes.CDLL

        class Library(library):  # type: ignore[misc]
            def __getattr__(self, name: str) -> Any:
                if name in hidden:
                    raise AttributeError(name)
                return super().__getattr__(name)

        ctypes.CDLL = Library  # type: ignore[misc]

    return hide


def files_of_proc() -> None:
    """Hide what the system says in `/proc`."""
    for owner in (builtins, io, os):
        original = owner.open

        @functools.wraps(original)
        def opened(path: Any, *arguments: Any, _original: Any = original, **options: Any) -> Any:
            if str(path).startswith("/proc"):
                raise FileNotFoundError(2, "No such file or directory", path)
            return _original(path, *arguments, **options)

        owner.open = opened  # type: ignore[attr-defined]


def unix_sockets() -> None:
    """Hide the family of Unix sockets; pairs of sockets, in which loops wake themselves, go on with it."""
    socket.socketpair = functools.partial(socket.socketpair, socket.AF_UNIX)
    del socket.AF_UNIX
    refuse_in_loops("create_unix_server", "create_unix_connection")


def refuse_in_loops(*methods: str) -> None:
    """Let asyncio's loops refuse calls, as those on Windows do."""

    def refuse(*_: Any) -> Any:
        raise NotImplementedError

    for method in methods:
        setattr(asyncio.SelectorEventLoop, method, refuse)


def posix_signals() -> None:
    """Leave the signals that Windows has, and SIGKILL for `Popen.kill`, which has another way there."""
    for name in dir(signal):
        if name.startswith("SIG") and name not in {"SIGINT", "SIGTERM", "SIGABRT", "SIG_DFL", "SIG_IGN", "SIGKILL"}:
            delattr(signal, name)
    names(signal, "setitimer", "getitimer", "alarm", "pause", "siginterrupt", "pthread_", "sigwait", "sigpending")()
    refuse_in_loops("add_signal_handler", "remove_signal_handler")
    module("uvloop")()


def polls() -> None:
    """Leave `select.select` alone."""
    selectors.DefaultSelector = selectors.SelectSelector  # type: ignore[misc, assignment]
    module("uvloop")()
    names(sys.modules["select"], "poll", "epoll", "EPOLL", "POLL", "kqueue")()


def reading_in_loops() -> None:
    """Let loops watch no files, as the proactor of Windows."""
    refuse_in_loops("add_reader", "add_writer", "remove_reader", "remove_writer")
    module("uvloop")()


def identities() -> None:
    """Hide what a process on Windows does not have."""
    shutil._use_fd_functions = False  # type: ignore[attr-defined]  # it has found out already that there are directory files
    names(os, "getuid", "geteuid", "getgid", "getegid", "setuid", "setgid", "setsid", "getppid", "getpgid", "umask")()
    names(os, "nice", "chown", "getgroups", "getlogin", "memfd_create", "pread", "pwrite", "eventfd", "timerfd")()
    names(os, "O_CLOEXEC", "O_NONBLOCK", "O_DIRECTORY", "O_NOFOLLOW", "O_SYNC", "O_DSYNC")()


HIDERS: dict[str, Callable[[], None]] = {
    "uvloop": module("uvloop"),
    "hiredis": module("hiredis"),
    "resource": module("resource"),
    "fcntl": module("fcntl"),
    "pwd": module("pwd"),
    "grp": module("grp"),
    "termios": module("termios"),
    "timerfd": c_functions("timerfd_create", "timerfd_settime"),
    "malloc_trim": c_functions("malloc_trim", "mallopt", "madvise"),
    "ctypes": module("ctypes"),
    "proc": files_of_proc,
    "fork": names(os, "fork", "register_at_fork"),
    "unix_sockets": unix_sockets,
    "signals": posix_signals,
    "poll": polls,
    "readers": reading_in_loops,
    "sched": names(os, "sched_"),
    "uname": names(os, "uname"),
    "sysconf": names(os, "sysconf"),
    "identities": identities,
}


def hide(what: str) -> None:
    """Hide what a list of names says; `everything` hides all, and the name of the system with it."""
    wanted = what.split(",")
    for name, hider in HIDERS.items():
        if name in wanted or "everything" in wanted:
            hider()
    if "everything" in wanted:
        sys.platform = "win32"


if os.environ.get("PYREDMEM_WITHOUT"):
    hide(os.environ["PYREDMEM_WITHOUT"])
