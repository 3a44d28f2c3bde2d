"""Where the output of a command goes, and what is said beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

from pyredmem.rdb.options import Options
from pyredmem.rdb.progress import Progress, progress_on
from pyredmem.rdb.report import Write

OK: Final = 0
FAILED: Final = 1

#: What a command does with an output; its result is the exit status. It may raise OSError.
Work = Callable[[Write], int]

#: These write nothing before they have read everything.
_WRITE_AT_END: Final = ("report",)


def complain(message: str) -> None:
    """Say something on the standard error output."""
    sys.stdout.flush()
    print(message, file=sys.stderr)


def progress_for(options: Options, name: str, total: int, unit: str) -> Progress:
    """What is shown on the standard error output; nothing where it would be among the output of the command."""
    is_among = not options.output and sys.stdout.isatty() and options.command not in _WRITE_AT_END
    if is_among or not options.shows_progress:
        return Progress()
    return progress_on(sys.stderr, name, total, unit)


def write_out(options: Options, work: Work) -> int:
    """Let the work write to where the output goes; returns the exit status, which is that of the work."""
    return _write_to_file(options, work) if options.output else _write_to_stdout(options, work)


def _write_to_file(options: Options, work: Work) -> int:
    try:
        with open(options.output, "wb") as output:
            return work(output.write)
    except OSError as error:
        what = f"open file {error.filename}"
        if error.filename is None:
            what = f"read {options.path}, or write {options.output}"
        complain(f"Cannot {what}: {error.strerror}")
        return FAILED


def _write_to_stdout(options: Options, work: Work) -> int:
    """Whoever reads the output may close the pipe when it has enough."""
    try:
        status = work(sys.stdout.buffer.write)
        sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer goes nowhere
        if isinstance(error, BrokenPipeError):
            return OK
        complain(f"Cannot read {options.path}, or write the output: {error.strerror}")
        return FAILED
    return status
