"""``pyredmem top URL``: the memory and the work of a running server in a terminal."""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from typing import Final

from pyredmem.alerts.rules import AlertFileError
from pyredmem.monitor.check import alerts_of
from pyredmem.monitor.server_reading import ServerError, WatchedServer
from pyredmem.monitor.top.plain import plain_text
from pyredmem.monitor.top.watch import Watch

OK: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2

#: The shortest and the longest interval (seconds).
_SHORTEST_S: Final = 0.1
_LONGEST_S: Final = 3600.0

_EPILOG: Final = """\
Keys are listed by `?`. If the output is no terminal, the tool does as with --once. The exit status is 1 if the server
cannot be asked.
"""


def run(arguments: list[str], program: str) -> int:
    """Do what the arguments after ``top`` ask for; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=f"{program} top", description=(__doc__ or "").split("\n", maxsplit=1)[0], epilog=_EPILOG
    )
    parser.add_argument("url", nargs="?", default="redis://localhost:6379", metavar="URL")
    parser.add_argument("--interval", type=_interval, default=1.0, metavar="SECONDS", help="default: %(default)s")
    parser.add_argument("--once", action="store_true", help="print one frame of plain text")
    parser.add_argument("--alerts", metavar="FILE", help="a table of alerts in place of the usual one")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as ended:
        return OK if ended.code == 0 else WRONG_USE
    try:
        watch = Watch(WatchedServer(options.url), alerts_of(options.alerts), options.interval)
        if options.once or not sys.stdout.isatty():
            return _print_once(watch)
        return _show(watch)
    except (ServerError, AlertFileError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED


def _interval(text: str) -> float:
    seconds = float(text)
    if not _SHORTEST_S <= seconds <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"must be from {_SHORTEST_S:g} to {_LONGEST_S:g} seconds")
    return seconds


def _print_once(watch: Watch) -> int:
    """Rates need two readings."""
    try:
        watch.read()
        time.sleep(watch.interval_s)
        text = plain_text(watch.read())
    finally:
        watch.server.close()
    # A terminal of another alphabet gets a question mark for the Greek letter.
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    return OK


def _show(watch: Watch) -> int:
    """The first reading comes before the screen is cleared, so that its error is a plain line."""
    try:
        module = import_module("pyredmem.monitor.top.app")
    except ImportError as error:
        print(f"`pyredmem top` needs {error.name}: pip install 'pyredmem[monitor]'", file=sys.stderr)
        return FAILED
    try:
        module.Top(watch, watch.read()).run()
    finally:
        watch.server.close()
    return OK
