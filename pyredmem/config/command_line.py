"""Parses the arguments of the command line as redis-server does.

    [/path/redis.conf] [--option value ...] ... [-]

The options become lines of configuration that are read after the file, so they override it and their errors look
like those of a file. A `-` at the end (or alone) means that more configuration comes from standard input. Nothing
else is checked here: the file reader reports an unknown option as an unknown directive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pyredmem.config.quoting import quote, split_words

RUN: Final = "run"
VERSION: Final = "version"
HELP: Final = "help"
CHECK_SYSTEM: Final = "check-system"
CHECK_RDB: Final = "check-rdb"
CHECK_AOF: Final = "check-aof"
RDB: Final = "rdb"
REPORT: Final = "report"
CHECK: Final = "check"
ALERTS: Final = "alerts"
TOP: Final = "top"
MONITOR: Final = "monitor"
LAB: Final = "lab"
REFUSED: Final = "refused"

# The option that may have no value; it then gets an empty one.
_MAY_LACK_A_VALUE: Final = "--save"

USAGE: Final = """\
Usage: {program} [/path/to/redis.conf] [options] [-]
       {program} -                  (reads the configuration from standard input)
       {program} -v | --version
       {program} -h | --help
       {program} --check-system
       {program} check-rdb FILE     (checks an RDB file)
       {program} check-aof FILE     (checks an append-only file; FILE is its manifest)
       {program} rdb COMMAND FILE   (report, memory, diff, keys, json or protocol of an RDB file)
       {program} report URL         (where the memory of a running server goes)
       {program} check URL          (whether there is something that somebody should know of, now)
       {program} alerts             (what that is; --prometheus: as rules for Prometheus)
       {program} top URL            (its memory and its work, live in the terminal)
       {program} monitor URL        (a web page that shows the memory of a running server)
       {program} lab COMMAND        (make or replay a trace: which policy, how much memory)

Every setting of redis.conf is an option; options override the file:
       {program} --port 7777 --maxmemory 100mb --maxmemory-policy allkeys-lru
       {program} --port 0 --unixsocket /tmp/redis.sock
       {program} /etc/redis.conf --save '' --loglevel verbose
       printf 'port 7777' | {program} -
"""


@dataclass(frozen=True)
class Invocation:
    """What the arguments ask for."""

    action: str
    message: str = ""  # why it is refused
    path: str = ""  # the configuration file, if one was named, or the RDB file
    from_stdin: bool = False
    options: str = ""  # lines of configuration
    arguments: tuple[str, ...] = ()  # those of a tool

    def configuration(self, file_text: str, stdin_text: str = "") -> str:
        """The whole configuration text; its line numbers are the ones Redis reports."""
        # Redis too puts an empty line before the options, and counts it.
        text = file_text + stdin_text
        return f"{text}\n{self.options}" if self.options else text


def parse(arguments: list[str]) -> Invocation:
    """Parse `arguments`, which are without the program's name."""
    special = _special(arguments)
    if special is not None:
        return special
    rest = arguments
    path = ""
    if rest and not rest[0].startswith("-"):
        path, rest = rest[0], rest[1:]
    from_stdin = bool(rest) and rest[-1] == "-"
    lines = _lines(rest[:-1] if from_stdin else rest)
    return Invocation(RUN, path=path, from_stdin=from_stdin, options="\n".join(lines))


def _special(arguments: list[str]) -> Invocation | None:
    """The invocations that do not start a server."""
    first = arguments[0] if arguments else ""
    if first in {"-v", "--version"}:
        return Invocation(VERSION)
    if first in {"-h", "--help"}:
        return Invocation(HELP)
    if first == "--test-memory":
        return Invocation(REFUSED, "This server does not test the memory of the machine.")
    if first == "--check-system":
        return Invocation(CHECK_SYSTEM)
    if first == CHECK_RDB:
        return _check_rdb(arguments[1:])
    if first == CHECK_AOF:
        return _check_aof(arguments[1:])
    if first in {RDB, REPORT, CHECK, ALERTS, TOP, MONITOR, LAB}:
        return Invocation(first, arguments=tuple(arguments[1:]))
    if "--sentinel" in [argument.lower() for argument in arguments]:
        return Invocation(REFUSED, "This server has no Sentinel mode.")
    return None


def _check_rdb(arguments: list[str]) -> Invocation:
    """A check of the one file that is named; without a path it ends with the usage, as redis-check-rdb does."""
    if arguments in (["-v"], ["--version"]):
        return Invocation(VERSION)
    if len(arguments) != 1 or arguments[0] in {"-h", "--help"}:
        return Invocation(CHECK_RDB)
    return Invocation(CHECK_RDB, path=arguments[0])


def _check_aof(arguments: list[str]) -> Invocation:
    """A check of an append-only file; the tool reads its arguments itself."""
    if arguments in (["-v"], ["--version"]):
        return Invocation(VERSION)
    return Invocation(CHECK_AOF, arguments=tuple(arguments))


def _lines(arguments: list[str]) -> list[str]:
    """One line of configuration for each option and the values after it."""
    lines: list[str] = []
    name_expected = True  # the argument after an option is its value, even if it begins with dashes
    for at, argument in enumerate(arguments):
        if name_expected and argument.startswith("--"):
            lines.append(argument[2:] + " ")
            words = split_words(argument)
            if words is None or len(words) != 1:
                continue  # "--port 7777" in one argument
            if argument.lower() == _MAY_LACK_A_VALUE and _no_value_follows(arguments, at):
                lines[-1] += quote("")
            else:
                name_expected = False
        else:
            if not lines:
                lines.append("")
            lines[-1] += quote(argument) + " "
            name_expected = True
    return lines


def _no_value_follows(arguments: list[str], at: int) -> bool:
    """Whether the option at `at` is the last argument or is followed by another option."""
    return at + 1 == len(arguments) or arguments[at + 1].startswith("--")
