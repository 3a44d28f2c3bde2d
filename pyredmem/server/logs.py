"""The log of a server: one line for each event, in Redis's layout.

    4810:M 21 Nov 2026 01:21:30.023 * Ready to accept connections tcp
    pid  role   local time           level

The role is `C` while the configuration is being read, and in a child that saves; it is `M` while the process serves.
The level is one of `. - * #` (debug, verbose, notice, warning). People read these lines, and tools match them, so the
layout is fixed; the words of most lines are ours.

A line is written with one `write` to a descriptor that was opened for appending. Nothing is buffered, so the last line
before a crash is in the file, and several processes can share a file. The standard `logging` package is not used: its
records, handlers and locks cost time at the start and are of no use to a single-threaded program with one destination.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import Final

DEBUG: Final = 0
VERBOSE: Final = 1
NOTICE: Final = 2
WARNING: Final = 3
NOTHING: Final = 4

LEVELS: Final = {"debug": DEBUG, "verbose": VERBOSE, "notice": NOTICE, "warning": WARNING, "nothing": NOTHING}

CONFIGURING: Final = "C"
CHILD: Final = "C"
MASTER: Final = "M"

# The names are written here because %b of strftime depends on the locale.
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SYMBOLS: Final = ".-*#"


def unix_now() -> float:
    """The unix time in seconds."""
    return time.time()


class Log:
    """Writes lines of at least a given level to standard output or to the end of a file."""

    def __init__(self, now: Callable[[], float] = unix_now) -> None:
        self.level = NOTICE
        self.role = CONFIGURING
        self._now = now
        self._file = -1

    def set_level(self, name: str) -> None:
        """Set the level to a value of `loglevel`."""
        self.level = LEVELS[name]

    def open_file(self, path: str) -> None:
        """Write to the end of `path` from now on, or to standard output if it is empty. May raise OSError."""
        opened = -1
        if path:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.close()
        self._file = opened

    def close(self) -> None:
        """Close the file, and write to standard output again."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def debug(self, message: str) -> None:
        """Log a detail that only helps those who work on the server."""
        self.write(DEBUG, message)

    def verbose(self, message: str) -> None:
        """Log an event of a frequent kind."""
        self.write(VERBOSE, message)

    def notice(self, message: str) -> None:
        """Log what an administrator wants to know."""
        self.write(NOTICE, message)

    def warning(self, message: str) -> None:
        """Log what an administrator must know."""
        self.write(WARNING, message)

    def write(self, level: int, message: str) -> None:
        """Write one line, unless `level` is below the level of the log."""
        if level < self.level:
            return
        line = self._layout(level, message).encode("utf-8", "surrogateescape")
        # A full disk or a closed pipe must not stop the server, and there is nowhere to report it.
        with contextlib.suppress(OSError):
            os.write(self._destination(), line)

    def _destination(self) -> int:
        return self._file if self._file >= 0 else 1

    def _layout(self, level: int, message: str) -> str:
        now = self._now()
        at = time.localtime(now)
        milliseconds = int(now * 1000) % 1000
        date = f"{at.tm_mday:02d} {MONTHS[at.tm_mon - 1]} {at.tm_year}"
        clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}.{milliseconds:03d}"
        return f"{os.getpid()}:{self.role} {date} {clock} {SYMBOLS[level]} {message}\n"


def complain(message: str) -> None:
    """Write to standard error what goes wrong before there is a log."""
    sys.stderr.write(message if message.endswith("\n") else message + "\n")
    sys.stderr.flush()
