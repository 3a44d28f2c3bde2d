"""The command line, which is redis-server's: reads the configuration, sets up the process, runs the server.

Tools that spawn a `redis-server` find the options, the output, the log lines and the exit statuses they know.
"""

import os
import sys
from typing import Final

from pyredmem import __version__
from pyredmem.base.build import COMPILED
from pyredmem.config import command_line
from pyredmem.config.command_line import USAGE, Invocation
from pyredmem.config.file import ConfigFileError, Directives, MissingFileError, load_file, read
from pyredmem.config.quoting import decode
from pyredmem.config.settings import Settings
from pyredmem.server.app import Server
from pyredmem.server.logs import Log, complain
from pyredmem.server.process import ProcessError, ProcessSettings

OK: Final = 0
FAILED: Final = 1


def main(arguments: list[str]) -> int:
    """Do what `arguments` (with the program's name first) ask for; the exit status."""
    invocation = command_line.parse(arguments[1:])
    if invocation.action == command_line.VERSION:
        print(version_line(Settings().text("redis-version")))
        return OK
    if invocation.action == command_line.HELP:
        complain(USAGE.format(program=program_name(arguments[0])))
        return FAILED
    if invocation.action == command_line.CHECK_SYSTEM:
        print("Nothing to check: the server depends on no setting of the kernel.")
        return OK
    if invocation.action == command_line.REFUSED:
        complain(invocation.message)
        return FAILED
    return serve(invocation)


def program_name(path: str) -> str:
    """What to call the program in its own help."""
    name = os.path.basename(path)
    return "python -m pyredmem" if name == "__main__.py" else f"./{name}"


def build_name() -> str:
    """How the core runs."""
    return "compiled" if COMPILED else "interpreted"


def version_line(redis_version: str) -> str:
    """One line that tools parse (`v=...`), with pyredmem's own version at its end."""
    bits = 64 if sys.maxsize > 2**32 else 32
    return (
        f"Redis server v={redis_version} sha=00000000:0 malloc=jemalloc-5.3.0 bits={bits} build=0 "
        f"(pyredmem {__version__}, {build_name()}, Python {sys.version.split()[0]})"
    )


def serve(invocation: Invocation) -> int:
    """Start a server as asked and run it to its end."""
    log = Log()
    settings = Settings()
    try:
        configure(invocation, settings, log)
        config_path = os.path.abspath(invocation.path) if invocation.path else ""  # before the change of directory
        process = ProcessSettings(settings, log)
        process.apply()
    except MissingFileError as error:
        log.warning(str(error))
        return FAILED
    except ConfigFileError as error:
        complain(error.report(settings.text("redis-version")))
        return FAILED
    except ProcessError as error:
        complain(ConfigFileError(str(error)).report(settings.text("redis-version")))
        return FAILED
    process.detach()
    greet(invocation, settings, log)
    process.write_pid_file()
    try:
        return Server(settings, log, config_path).run()
    finally:
        process.finish()


def configure(invocation: Invocation, settings: Settings, log: Log) -> Directives:
    """Read the file, standard input and the options into `settings`, in that order."""
    file_text = load_file(invocation.path) if invocation.path else ""
    stdin_text = ""
    if invocation.from_stdin:
        log.warning("Reading config from stdin")
        stdin_text = decode(sys.stdin.buffer.read())
    return read(invocation.configuration(file_text, stdin_text), settings, load_file)


def greet(invocation: Invocation, settings: Settings, log: Log) -> None:
    """The first lines of the log."""
    log.warning(
        f"pyredmem {__version__} ({build_name()}) is starting as Redis version={settings.text('redis-version')}, "
        f"bits=64, pid={os.getpid()}, just started"
    )
    if invocation.path or invocation.from_stdin or invocation.options:
        log.warning("Configuration loaded")
    else:
        log.warning("No configuration given, using the defaults. A file is given as the first argument.")
