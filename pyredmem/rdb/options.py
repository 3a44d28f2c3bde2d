"""The arguments of ``pyredmem rdb``: a command, its options, and a file."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field, replace
from typing import Final, NoReturn

from pyredmem.config.settings import SettingError, Settings
from pyredmem.memory.size_classes import PROFILE_NAMES
from pyredmem.objects.limits import ENCODING_SETTINGS
from pyredmem.rdb.dataset import MODULE, Selection
from pyredmem.rdb.memory import FORMATS
from pyredmem.rdb.survey.options import HTML, LARGEST, NODES, SEPARATORS, TEXT, SurveyOptions
from pyredmem.rdb.survey.versions import Place, places_of

USAGE: Final = """\
Usage: {program} rdb COMMAND [options] FILE
       {program} rdb --command COMMAND [options] FILE

Commands:
  memory    how much memory each key takes on a Redis 7.2 that has loaded the file
  report    where the memory goes: by type, prefix, size and time, and what could be better
  diff      how another file differs
  keys      the keys, one per line
  json      keys and values
  protocol  the commands that make the dataset, for redis-cli --pipe

{program} rdb COMMAND --help tells the options."""

#: The commands, with the description in their help.
COMMANDS: Final = {
    "memory": "Tells how much memory each key takes: what MEMORY USAGE says, with SAMPLES 0, on a Redis 7.2 that has "
    "just loaded the file. The nodes of a skiplist have random heights; there the size is the average, which the table "
    "marks with ~ and JSON with size_is_average.",
    "report": "Tells where the memory of a whole dataset goes: by database, type, encoding, prefix, size and time "
    "left; the largest keys and elements; what other limits of the encodings would change; copies of equal strings; "
    "overhead; and fragmentation. Sizes are those of the command memory.",
    "diff": "Tells how another file differs: keys that only one of them has, and keys that differ in type, value or "
    "expire time. The first file is read first; of each key 48 to 96 bytes are kept.",
    "keys": "Lists the keys, one per line.",
    "json": "Writes keys and values as JSON, with one object per database. A byte that is not UTF-8 is a character "
    "from U+DC80 to U+DCFF.",
    "protocol": "Writes the commands that make the dataset, for redis-cli --pipe.",
}
SERVER_REPORT: Final = (
    "Tells where the memory of a running server goes: the report of rdb report, by SCAN, DUMP and PTTL. Keys that "
    "vanish meanwhile are left out."
)
_SELECTABLE: Final = ("string", "list", "hash", "set", "sortedset", "stream", MODULE)
_HELP: Final = ("-h", "--help")


class OptionError(Exception):
    """The arguments cannot be used."""


class HelpRequest(Exception):  # noqa: N818 - it is no error
    """Help is wanted, which is the text of the exception."""


@dataclass(frozen=True)
class Options:
    """What is to be done."""

    command: str
    path: str  # or the address of the server
    output: str = ""  # the file to write; empty for the standard output
    selection: Selection = field(default_factory=Selection)
    shows_progress: bool = True
    other: str = ""  # the file to compare with
    rate: int = 0  # keys per second that are read of a server; 0: as many as there are
    least: int = 0
    largest: int = 0
    layout: str = "csv"
    allocator: str = "jemalloc"
    settings: Settings = field(default_factory=Settings)  # of the encodings
    survey: SurveyOptions = field(default_factory=SurveyOptions)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message}\n{self.format_usage().strip()}")


def parse(arguments: list[str], program: str) -> Options:
    """Read the arguments after ``rdb``. Raises OptionError or HelpRequest, with the text to show."""
    command, rest = _command(arguments)
    usage = USAGE.format(program=program)
    if command in _HELP:
        raise HelpRequest(usage)
    if not command:
        raise OptionError(usage)
    if command not in COMMANDS:
        raise OptionError(f"Unknown command '{command}'\n{usage}")
    parser = _parser(command, f"{program} rdb {command}")
    if any(argument in _HELP for argument in rest):
        raise HelpRequest(parser.format_help().strip())
    return _options(command, parser.parse_args(rest))


def _command(arguments: list[str]) -> tuple[str, list[str]]:
    """The command, and the other arguments. redis-rdb-tools has it as an option anywhere among them."""
    for at, argument in enumerate(arguments):
        if argument in {"-c", "--command"}:
            return "".join(arguments[at + 1 : at + 2]), arguments[:at] + arguments[at + 2 :]
        if argument.startswith("--command="):
            return argument.removeprefix("--command="), arguments[:at] + arguments[at + 1 :]
    return "".join(arguments[:1]), arguments[1:]


def parse_server(arguments: list[str], program: str) -> Options:
    """Read the arguments after ``report``, which name a server. Raises OptionError or HelpRequest."""
    parser = _Parser(f"{program} report", description=SERVER_REPORT, add_help=False, allow_abbrev=False)
    parser.add_argument("path", metavar="URL", help="redis://user:password@host:port/database, rediss:// or unix://")
    rate = "how many keys may be read per second"
    parser.add_argument("--rate", type=_positive, default=0, metavar="KEYS_PER_SECOND", help=rate)
    _add_common(parser)
    _add_report(parser)
    if any(argument in _HELP for argument in arguments):
        raise HelpRequest(parser.format_help().strip())
    return _options("report", parser.parse_args(arguments))


def _parser(command: str, program: str) -> _Parser:
    parser = _Parser(program, description=COMMANDS[command], add_help=False, allow_abbrev=False)
    add = parser.add_argument
    add("path", metavar="FILE", help="an RDB file of Redis or Valkey")
    if command == "diff":
        add("other", metavar="OTHER", help="the file to compare it with")
    _add_common(parser)
    if command == "memory":
        add("-b", "--bytes", type=_natural, default=0, metavar="N", help="only keys of at least N bytes")
        add("-l", "--largest", type=_positive, default=0, metavar="N", help="only the N largest keys, in their order")
        add("--format", choices=tuple(FORMATS), default="csv", help="default: csv")
        _add_server(parser)
    elif command == "diff":
        add("--format", choices=("text", "json"), default="text", help="default: text")
        _add_server(parser)
    elif command == "report":
        _add_report(parser)
    return parser


def _add_common(parser: _Parser) -> None:
    """Add the options that all commands have."""
    add = parser.add_argument
    add("-k", "--key", type=_pattern, metavar="REGEX", help="only keys whose beginning matches")
    add("-t", "--type", type=_type, action="append", help=f"only keys of a type: {', '.join(_SELECTABLE)}; repeatable")
    add("-n", "--db", type=_natural, action="append", metavar="N", help="only keys of a database; repeatable")
    add("-f", "--file", default="", metavar="OUTFILE", help="write to a file")
    add("--no-progress", action="store_true", help="do not show how far the work is")


def _add_server(parser: _Parser) -> None:
    """Add the options about the server on which keys have their sizes."""
    allocator = "of the server; default: %(default)s"
    parser.add_argument("--allocator", choices=PROFILE_NAMES, default="jemalloc", help=allocator)
    limits = "a setting of the server that decides on encodings, such as hash-max-listpack-entries 128; repeatable"
    parser.add_argument("--set", nargs=2, action="append", metavar=("NAME", "VALUE"), help=limits)


def _add_report(parser: _Parser) -> None:
    """Add the options of a report."""
    add = parser.add_argument
    add("--html", default="", metavar="OUTFILE", help="write an HTML page to a file")
    add("-l", "--largest", type=_positive, default=LARGEST, metavar="N", help="the N largest; default: %(default)s")
    separators = "the characters at which parts of a key end; default: %(default)s"
    add("--separators", type=_separators, default=SEPARATORS, metavar="CHARACTERS", help=separators)
    nodes = "keep at most N prefixes; default: %(default)s"
    add("--nodes", type=_positive, default=NODES, metavar="N", help=nodes)
    versions = "measure the dataset in other versions too: all, or some such as redis-7.2,redis-8.2:libc"
    add("--versions", type=_versions, default=(), metavar="VERSIONS", help=versions)
    exact = "keep all prefixes, and count all copies, whatever memory that takes"
    add("--exact", action="store_true", help=exact)
    _add_server(parser)


def _options(command: str, found: argparse.Namespace) -> Options:
    selection = Selection(
        databases=None if found.db is None else frozenset(found.db),
        types=None if found.type is None else frozenset(found.type),
        key=found.key,
    )
    options = Options(command, found.path, found.file, selection, not found.no_progress)
    if command == "report":
        return _with_survey(options, found)
    if command not in {"memory", "diff"}:
        return options
    options = replace(options, layout=found.format, allocator=found.allocator, settings=_settings(found.set or []))
    if command == "diff":
        return replace(options, other=found.other)
    return replace(options, least=found.bytes, largest=found.largest)


def _with_survey(options: Options, found: argparse.Namespace) -> Options:
    if found.html and found.file:
        raise OptionError("--html and --file cannot be used together")
    survey = SurveyOptions(
        allocator=found.allocator,
        settings=_settings(found.set or []),
        separators=found.separators.encode(),
        nodes=found.nodes,
        exact=found.exact,
        largest=found.largest,
        layout=HTML if found.html else TEXT,
        versions=found.versions,
    )
    return replace(options, output=found.html or found.file, survey=survey, rate=getattr(found, "rate", 0))


def _settings(pairs: list[list[str]]) -> Settings:
    """The settings with some encoding limits changed."""
    settings = Settings()
    for name, value in pairs:
        parameter = settings.parameter(name)
        if parameter is None or parameter.name not in ENCODING_SETTINGS:
            raise OptionError(f"--set: '{name}' is none of {', '.join(ENCODING_SETTINGS)}")
        try:
            settings.start_with(name, value)
        except SettingError as refused:
            raise OptionError(f"--set {name}: {refused.reason}") from None
    return settings


def _pattern(text: str) -> re.Pattern[bytes]:
    try:
        return re.compile(text.encode("utf-8", "surrogateescape"))
    except re.error as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no regular expression: {error}") from None


def _type(text: str) -> str:
    kind = "sortedset" if text == "zset" else text
    if kind not in _SELECTABLE:
        raise argparse.ArgumentTypeError(f"'{text}' is none of {', '.join(_SELECTABLE)}")
    return kind


def _versions(text: str) -> tuple[Place, ...]:
    try:
        return places_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _separators(text: str) -> str:
    if not text or not text.isascii():
        raise argparse.ArgumentTypeError(f"'{text}' must be one or more ASCII characters")
    return text


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"'{text}' is no number")
    return int(text)


def _positive(text: str) -> int:
    number = _natural(text)
    if number == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
