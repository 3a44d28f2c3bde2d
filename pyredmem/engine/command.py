"""A command's spec: everything that is known of it, declared once beside its handler.

A module of commands makes a :class:`Group` and decorates its handlers::

    strings = Group("string")

    @strings.command("get", arity=2, flags=READONLY | FAST, keys=(key(ACCESS),), acl="string", since="1.0.0",
                     complexity="O(1)", summary="Returns the value of a key.", syntax="key")
    def get(context: Context, argv: list[bytes]) -> None: ...

COMMAND, COMMAND DOCS, arity and memory checks, key extraction, ACL categories and the compatibility table all read
the spec. A subcommand is named ``container|subcommand``; its container is declared with :meth:`Group.container`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from librt.vecs import vec
from mypy_extensions import i64

from pyredmem.engine.latency_histogram import DIRECT, LatencyHistogram

if TYPE_CHECKING:
    from pyredmem.engine.context import Context

Handler = Callable[["Context", list[bytes]], None]

# Flags, with the names of COMMAND INFO (Redis 7.2 server.h CMD_*).
WRITE: Final = 1 << 0
READONLY: Final = 1 << 1
DENYOOM: Final = 1 << 2
ADMIN: Final = 1 << 3
PUBSUB: Final = 1 << 4
NOSCRIPT: Final = 1 << 5
BLOCKING: Final = 1 << 6
LOADING: Final = 1 << 7
STALE: Final = 1 << 8
SKIP_MONITOR: Final = 1 << 9
SKIP_SLOWLOG: Final = 1 << 10
FAST: Final = 1 << 11
NO_AUTH: Final = 1 << 12
MAY_REPLICATE: Final = 1 << 13
NO_ASYNC_LOADING: Final = 1 << 14
NO_MULTI: Final = 1 << 15
MOVABLE_KEYS: Final = 1 << 16
ALLOW_BUSY: Final = 1 << 17
NO_MANDATORY_KEYS: Final = 1 << 18
PROTECTED: Final = 1 << 19
TOUCHES_ARBITRARY_KEYS: Final = 1 << 20

FLAG_NAMES: Final = (
    (WRITE, b"write"),
    (READONLY, b"readonly"),
    (DENYOOM, b"denyoom"),
    (ADMIN, b"admin"),
    (PUBSUB, b"pubsub"),
    (NOSCRIPT, b"noscript"),
    (BLOCKING, b"blocking"),
    (LOADING, b"loading"),
    (STALE, b"stale"),
    (SKIP_MONITOR, b"skip_monitor"),
    (SKIP_SLOWLOG, b"skip_slowlog"),
    (FAST, b"fast"),
    (NO_AUTH, b"no_auth"),
    (MAY_REPLICATE, b"may_replicate"),
    (NO_ASYNC_LOADING, b"no_async_loading"),
    (NO_MULTI, b"no_multi"),
    (MOVABLE_KEYS, b"movablekeys"),
    (ALLOW_BUSY, b"allow_busy"),
    (NO_MANDATORY_KEYS, b"no_mandatory_keys"),
)

# What a command does with a key, as COMMAND INFO's key specifications name it.
READ_WRITE: Final = "RW"
READ_ONLY: Final = "RO"
OVERWRITE: Final = "OW"
REMOVE: Final = "RM"
ACCESS: Final = "access"
UPDATE: Final = "update"
INSERT: Final = "insert"
DELETE: Final = "delete"
NOT_KEY: Final = "not_key"
INCOMPLETE: Final = "incomplete"
VARIABLE_FLAGS: Final = "variable_flags"


@dataclass(frozen=True)
class KeySpec:
    """Where keys stand among the arguments, and what happens to them.

    They begin at argument ``index``, or behind the word ``keyword`` searched from argument ``index`` (from the end if
    negative). From there they reach to ``last`` (relative; negative: from the end of the arguments) by ``step``; with
    a ``limit`` of n only the first 1/n of the rest; or, if ``count_at`` is not negative, their number stands
    ``count_at`` places on and the first of them ``first`` places on.
    """

    flags: tuple[str, ...]
    index: int = 1
    keyword: str = ""
    last: int = 0
    step: int = 1
    limit: int = 0
    count_at: int = -1
    first: int = 1
    unknown: bool = False
    notes: str = ""


def key(*flags: str, index: int = 1, last: int = 0, step: int = 1, limit: int = 0, notes: str = "") -> KeySpec:
    """Keys at fixed places."""
    return KeySpec(flags=flags, index=index, last=last, step=step, limit=limit, notes=notes)


def counted_keys(*flags: str, index: int) -> KeySpec:
    """Keys behind their number, which is argument ``index``."""
    return KeySpec(flags=flags, index=index, count_at=0)


class Command:
    """One command or subcommand: its spec, its handler, its counters."""

    def __init__(
        self,
        name: str,
        group: str,
        handler: Handler,
        arity: i64,
        flags: i64,
        keys: tuple[KeySpec, ...],
        acl: frozenset[str],
        since: str,
        complexity: str,
        summary: str,
        syntax: str,
        history: tuple[tuple[str, str], ...],
        tips: tuple[str, ...],
        deprecated: tuple[str, str] | None,
    ) -> None:
        self.name = name  # "get", "config|get"
        self.full_name = name.encode()
        self.group = group
        self.handler: Handler = handler
        self.arity: i64 = arity  # arguments with the name; negative: at least so many
        self.flags: i64 = flags
        self.keys = keys
        self.acl = acl
        self.since = since
        self.complexity = complexity
        self.summary = summary
        self.syntax = syntax
        self.history = history  # (version, what changed)
        self.tips = tips
        self.deprecated = deprecated  # (since, what to use)
        self.is_container = False  # it has subcommands
        self.runs_alone = True  # false for a container that is nothing without a subcommand
        self.subcommands: dict[bytes, Command] = {}
        # Counters of INFO commandstats and latencystats. A call that took less than direct_limit microseconds is
        # counted by its duration alone, in the histogram's own array: one addition on the hot path for all the figures.
        self.rejected: i64 = 0
        self.failed: i64 = 0
        self.pending: i64 = 0  # calls of clients that are blocked; they count when they are over
        self.histogram: LatencyHistogram | None = None
        self.histogram_addresses: list[int] = []
        self.direct: vec[i64] = vec[i64]()
        self.direct_limit: i64 = 0
        self._other_calls: i64 = 0
        self._other_usec: i64 = 0

    def copy(self) -> Command:
        """The same command with counters of its own."""
        command = Command(
            self.name, self.group, self.handler, self.arity, self.flags, self.keys, self.acl, self.since,
            self.complexity, self.summary, self.syntax, self.history, self.tips, self.deprecated,
        )  # fmt: skip
        command.is_container = self.is_container
        command.runs_alone = self.runs_alone
        return command

    def calls(self) -> i64:
        """How often the command was run."""
        total = self._other_calls - self.pending
        for calls in self.direct:
            total += calls
        return total

    def usec(self) -> i64:
        """Microseconds of all calls."""
        total = self._other_usec
        for duration, calls in enumerate(self.direct):
            total += calls * duration
        return total

    def record(self, duration_us: i64, tracked: bool) -> None:
        """Count a call that the hot path does not; ``tracked``: in the histogram too."""
        histogram = self.histogram
        if histogram is not None and tracked:
            histogram.record_us(duration_us)
            if 0 <= duration_us < DIRECT:
                return
        self._other_calls += 1
        self._other_usec += duration_us

    def start_histogram(self, addresses: list[int]) -> None:
        """Keep a latency histogram from now on, with its blocks in the ledger."""
        self.histogram = LatencyHistogram()
        self.histogram_addresses = addresses
        self.direct = self.histogram.direct

    def reset_counters(self) -> list[int]:
        """Set all counters to zero and drop the histogram; returns its blocks, for the caller to free."""
        addresses = self.histogram_addresses
        self.rejected = 0
        self.failed = 0
        self.histogram = None
        self.histogram_addresses = []
        self.direct = vec[i64]()
        self.direct_limit = 0
        self._other_calls = 0
        self._other_usec = 0
        return addresses

    def has(self, flag: i64) -> bool:
        """Whether a flag is set."""
        return self.flags & flag != 0


#: ACL categories that follow from flags.
_FLAG_CATEGORIES: Final = (
    (WRITE, "write"),
    (READONLY, "read"),
    (ADMIN, "admin"),
    (ADMIN, "dangerous"),
    (PUBSUB, "pubsub"),
    (FAST, "fast"),
    (BLOCKING, "blocking"),
)


def _categories(explicit: str, flags: int) -> frozenset[str]:
    names = set(explicit.split())
    names.update([name for flag, name in _FLAG_CATEGORIES if flags & flag])
    if not flags & FAST:
        names.add("slow")
    return frozenset(names)


class Group:
    """The commands of one Redis group, such as ``string``; a module of handlers fills it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.commands: list[Command] = []

    def command(
        self,
        name: str,
        *,
        arity: int,
        flags: int,
        since: str,
        complexity: str,
        summary: str,
        syntax: str = "",
        keys: tuple[KeySpec, ...] = (),
        acl: str = "",
        history: tuple[tuple[str, str], ...] = (),
        tips: tuple[str, ...] = (),
        deprecated: tuple[str, str] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare a command over its handler; ``acl`` names the categories that do not follow from the flags."""
        categories = _categories(acl, flags)

        def declare(handler: Handler) -> Handler:
            self.commands.append(
                Command(
                    name, self.name, handler, arity, flags, keys, categories, since, complexity, summary, syntax,
                    history, tips, deprecated,
                )
            )  # fmt: skip
            return handler

        return declare

    def container(self, name: str, *, since: str, summary: str, complexity: str = "Depends on subcommand.") -> None:
        """Declare a command that only has subcommands."""
        command = Command(
            name, self.name, _no_handler, -2, 0, (), frozenset({"slow"}), since, complexity, summary, "", (), (), None
        )  # fmt: skip
        command.is_container = True
        command.runs_alone = False
        self.commands.append(command)


def _no_handler(context: Context, argv: list[bytes]) -> None:
    raise AssertionError("a container has no handler of its own")


class CommandTable:
    """All commands by name, in any case of letters."""

    def __init__(self, groups: Iterable[Group]) -> None:
        #: Lower- and upper-case names, so that the usual spellings need no conversion.
        self.by_spelling: dict[bytes, Command] = {}
        #: Top-level commands by lower-case name, in order of name.
        self.commands: dict[bytes, Command] = {}
        # Copies: groups are declarations that every engine of the process shares, counters are an engine's own.
        declared = sorted([command.copy() for group in groups for command in group.commands], key=_name)
        for command in declared:
            if "|" not in command.name:
                self.commands[command.full_name] = command
                self.by_spelling[command.full_name] = command
                self.by_spelling[command.full_name.upper()] = command
        for command in declared:
            container, _, subcommand = command.name.partition("|")
            if subcommand:
                parent = self.commands[container.encode()]
                parent.is_container = True
                parent.subcommands[subcommand.encode()] = command

    def lookup(self, argv: list[bytes]) -> Command | None:
        """The command or subcommand that the arguments call; a container if its subcommand is unknown."""
        command = self.by_spelling.get(argv[0])
        if command is None:
            command = self.commands.get(argv[0].lower())
        if command is None or not command.subcommands or len(argv) < 2:
            return command
        subcommand = command.subcommands.get(argv[1].lower())
        return command if subcommand is None else subcommand

    def by_full_name(self, name: bytes) -> Command | None:
        """A command by ``get`` or ``config|get``, in any case of letters."""
        container, bar, subcommand = name.lower().partition(b"|")
        command = self.commands.get(container)
        if command is None or not bar:
            return command
        return command.subcommands.get(subcommand)

    def all(self) -> list[Command]:
        """Commands and subcommands."""
        found: list[Command] = []
        for command in self.commands.values():
            found.append(command)
            found.extend(command.subcommands.values())
        return found


def _name(command: Command) -> str:
    return command.name
