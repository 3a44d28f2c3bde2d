"""The command line of `python -m pyredmem` and of the console script: it is that of redis-server.

Tools that start a `redis-server` find the options, the output, the log lines and the exit statuses that they know.
"""

import os
import sys
from importlib import import_module
from typing import Final

from pyredmem import __version__
from pyredmem.config import command_line
from pyredmem.config.settings import Settings
from pyredmem.server.collector import Collector
from pyredmem.server.logs import complain
from pyredmem.server.startup import build_name, serve

OK: Final = 0
FAILED: Final = 1

#: The tools that get the rest of the command line, and are loaded when they are asked for.
TOOLS: Final = {
    command_line.CHECK_AOF: "pyredmem.rdb.check_aof",
    command_line.RDB: "pyredmem.rdb.tool",
    command_line.REPORT: "pyredmem.rdb.server_report",
    command_line.CHECK: "pyredmem.monitor.check",
    command_line.ALERTS: "pyredmem.monitor.alerts_tool",
    command_line.TOP: "pyredmem.monitor.top.tool",
    command_line.MONITOR: "pyredmem.monitor.monitor_tool",
    command_line.LAB: "pyredmem.lab.tool",
}
#: The extras that have the libraries without which a tool cannot be loaded.
EXTRAS: Final = {command_line.LAB: "lab"}


def run(arguments: list[str]) -> int:
    """Do what `arguments` ask for, of which the first is the name of the program; returns the exit status."""
    invocation = command_line.parse(arguments[1:])
    if invocation.action == command_line.VERSION:
        print(version_line(Settings().profile().version))
        return OK
    if invocation.action == command_line.HELP:
        complain(command_line.USAGE.format(program=program_name(arguments[0])))
        return FAILED
    if invocation.action == command_line.CHECK_SYSTEM:
        print("Nothing to check: the server does not depend on any settings of the kernel.")
        return OK
    if invocation.action == command_line.CHECK_RDB:
        status: int = import_module("pyredmem.rdb.check").run(invocation.path, program_name(arguments[0]))
        return status
    if invocation.action in TOOLS:
        Collector().turn_off()  # nor do values of files contain cycles
        try:
            tool = import_module(TOOLS[invocation.action])
        except ModuleNotFoundError as error:
            if invocation.action not in EXTRAS:
                raise
            extra = EXTRAS[invocation.action]
            complain(f"pyredmem {invocation.action} needs {error.name}: pip install 'pyredmem[{extra}]'")
            return FAILED
        done: int = tool.run(list(invocation.arguments), program_name(arguments[0]))
        return done
    if invocation.action == command_line.REFUSED:
        complain(invocation.message)
        return FAILED
    return serve(invocation)


def program_name(path: str) -> str:
    """The name of the program in its own help."""
    name = os.path.basename(path)
    return "python -m pyredmem" if name == "__main__.py" else f"./{name}"


def version_line(redis_version: str) -> str:
    """The line for --version, which tools parse (`v=...`), with the version of pyredmem at its end."""
    bits = 64 if sys.maxsize > 2**32 else 32
    return (
        f"Redis server v={redis_version} sha=00000000:0 malloc=jemalloc-5.3.0 bits={bits} build=0 "
        f"(pyredmem {__version__}, {build_name()}, Python {sys.version.split()[0]})"
    )


def main() -> None:
    """Run the command line, and exit without finalizing the interpreter.

    The interpreter would need seconds to free a data set of a million keys object by object. The operating system
    takes all the memory back at once.
    """
    status = run(sys.argv)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
