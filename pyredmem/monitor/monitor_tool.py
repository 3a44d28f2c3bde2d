"""``pyredmem monitor [URL]``: a web page on which one sees the memory of a running server."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from importlib import import_module
from typing import Final

from pyredmem.base.optional import optional_module
from pyredmem.host.loops import new_event_loop

OK: Final = 0
FAILED: Final = 2
#: The page of the server at port 6379 is at 6380 by default.
PORT: Final = 6380
_MOST_PORT: Final = 65535

_EPILOG: Final = """\
The page asks the server at most once a second for each browser that is open, and only reads. Whoever can connect to
the port can read what the URL's user can, so it is bound to this machine unless --host says otherwise. Ctrl+C ends it.
"""


def run(arguments: list[str], program: str) -> int:
    """Do what the arguments after ``monitor`` ask for; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=f"{program} monitor", description=(__doc__ or "").split("\n", maxsplit=1)[0], epilog=_EPILOG
    )
    parser.add_argument("url", nargs="?", default="redis://localhost:6379", metavar="URL")
    parser.add_argument("--port", type=_port, default=PORT, help="of the page, 0 for a free one; default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="address that it is bound to; default: %(default)s")
    try:
        options = parser.parse_args(arguments)
    except SystemExit as ended:
        return OK if ended.code == 0 else FAILED
    if optional_module("aiohttp") is None:
        print("pyredmem monitor needs aiohttp: pip install 'pyredmem[monitor]'", file=sys.stderr)
        return FAILED
    page = import_module("pyredmem.monitor.page")
    loop = new_event_loop()
    try:
        loop.run_until_complete(page.serve(options.url, options.host, options.port, _end_of(loop)))
    except page.PageError as error:
        print(error, file=sys.stderr)
        return FAILED
    finally:
        loop.close()
    return OK


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _MOST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {_MOST_PORT}")
    return port


def _end_of(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Set when somebody wants the tool to end."""
    end = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, end.set)
        except NotImplementedError:  # on Windows
            signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(end.set))
    return end
