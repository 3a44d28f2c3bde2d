"""``pyredmem report URL``: the report on a running server."""

from __future__ import annotations

from pyredmem.base.clock import SystemClock
from pyredmem.rdb.options import HelpRequest, OptionError, Options, parse_server
from pyredmem.rdb.output import FAILED, OK, complain, progress_for, write_out
from pyredmem.rdb.progress import KEYS
from pyredmem.rdb.report import Write
from pyredmem.rdb.running import RunningServer, ServerError
from pyredmem.rdb.tool import write_report


def run(arguments: list[str], program: str) -> int:
    """Do what the arguments after ``report`` ask for; returns the exit status."""
    try:
        options = parse_server(arguments, program)
    except HelpRequest as wanted:
        print(wanted)
        return OK
    except OptionError as error:
        complain(str(error))
        return FAILED
    try:
        server = RunningServer(options.path, options.selection, SystemClock(), options.rate)
    except ServerError as error:
        complain(str(error))
        return FAILED
    try:
        return write_out(options, lambda write: _report(server, options, write))
    except ServerError as error:
        complain(str(error))
        return FAILED
    finally:
        server.close()


def _report(server: RunningServer, options: Options, write: Write) -> int:
    total = sum(server.databases().values())
    server.progress = progress_for(options, server.name, total, KEYS)
    try:
        return write_report(server, options, write, server.progress)
    finally:
        server.progress.close()
