"""The spec of a command: what the command declares about itself, once, beside its handler.

A :class:`CommandSpec` never changes, and all engines of the process share it. It holds no handler, so every part of the
engine may know specs without knowing what runs them. The handlers are in `engine/command.py`, the counters of an engine
in `engine/command_counters.py`.

The spec says what a command may do; nothing guesses it from the command's name. It says whether the command runs at
once in MULTI, whether EXEC may run it when memory is short, which clients may call it, how its keys are found, and
which of its arguments are secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mypy_extensions import i64

from pyredmem.config.settings import Settings

# Flags with the names of COMMAND INFO (Redis 7.2 server.h CMD_*).
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
ASKING: Final = 1 << 21

# Our own flags, which COMMAND INFO does not show.
IMMEDIATE_IN_MULTI: Final = 1 << 32  # runs at once where other commands are queued
QUEUED_OUT_OF_MEMORY: Final = 1 << 33  # a client in MULTI may send it although memory is short
ALLOWED_SUBSCRIBED: Final = 1 << 34  # a RESP2 client that is subscribed may send it
RUNS_QUEUE: Final = 1 << 35  # runs the queued commands, so it is subject to their flags (EXEC)
ALWAYS_TOUCHES: Final = 1 << 36  # marks keys as used even under CLIENT NO-TOUCH
KEEPS_CACHING: Final = 1 << 37  # leaves CLIENT CACHING in force for the next command
RUNS_SCRIPT: Final = 1 << 38  # runs a script or a function
SYSTEM: Final = 1 << 39  # for other servers, or to debug: COMMAND DOCS calls it a system command

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
    (ASKING, b"asking"),
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
    """Which arguments are keys, and what the command does with them.

    The keys begin at argument ``index``, or after the word ``keyword``. This is searched from argument ``index`` on; a
    negative ``index`` counts from the end, and the search then goes backward. ``last`` is the position of the last key
    relative to the first one; if it is negative, it counts from the end of the arguments. Every ``step``-th argument is
    a key. With a ``limit`` of n only the first 1/n of the remaining arguments can be keys. If ``count_at`` is not
    negative, the number of keys stands ``count_at`` positions after the beginning, and the first key ``first``
    positions after it.
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


def key_at(*flags: str, index: int = 1, last: int = 0, step: int = 1, limit: int = 0, notes: str = "") -> KeySpec:
    """Keys at fixed positions."""
    return KeySpec(flags=flags, index=index, last=last, step=step, limit=limit, notes=notes)


def counted_keys(*flags: str, index: int) -> KeySpec:
    """Keys that follow argument ``index``, which is the number of keys."""
    return KeySpec(flags=flags, index=index, count_at=0)


@dataclass(frozen=True)
class ChannelSpec:
    """Which arguments are channels that the command publishes or subscribes to; ACL rules permit them or not.

    They are the argument ``index`` or, if ``to_end``, that and all after it.
    """

    index: int = 1
    to_end: bool = False
    are_patterns: bool = False


class FoundKey:
    """A key among the arguments of a call: its position, and what the command does with it."""

    def __init__(self, place: int, flags: tuple[str, ...]) -> None:
        self.place = place
        self.flags = flags


#: Finds the keys of a call if the options decide where they are or how they are used, so that no specification can.
KeyFinder = Callable[[list[bytes]], list[FoundKey]]
#: Finds the positions of the secret arguments of a call, which neither the slow log nor MONITOR may show.
SecretFinder = Callable[[list[bytes], Settings], list[int]]


@dataclass(frozen=True)
class CommandSpec:
    """Everything that is known about a command before it runs; a subcommand is named ``container|subcommand``."""

    name: str
    group: str
    arity: int  # how many arguments it takes, its name included; -n: at least n
    flags: int
    keys: tuple[KeySpec, ...]
    acl: frozenset[str]
    since: str
    complexity: str
    summary: str
    syntax: str
    history: tuple[tuple[str, str], ...]  # (version, what changed)
    tips: tuple[str, ...]
    deprecated: tuple[str, str] | None  # (since, what to use instead)
    find_keys: KeyFinder | None
    find_secrets: SecretFinder | None
    channels: ChannelSpec | None = None
    find_tracked_keys: KeyFinder | None = None  # what client-side caching remembers, if not what the others find
    find_keys_since: tuple[str, KeyFinder] | None = None  # (version, what has taken the place of `find_keys` there)

    def accepts(self, count: int) -> bool:
        """Whether the command may be called with ``count`` arguments, its name included."""
        return count == self.arity or (self.arity < 0 and count >= -self.arity)


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


def acl_categories(explicit: str, flags: int) -> frozenset[str]:
    """The ACL categories of a command: those named in ``explicit``, and those that its flags imply."""
    names = set(explicit.split())
    names.update([name for flag, name in _FLAG_CATEGORIES if flags & flag])
    if "scripting" in names:
        names.discard("read")  # what a script does is decided by its commands
    if not flags & FAST:
        names.add("slow")
    return frozenset(names)


class Command:
    """A command in the table of commands: its spec, its index and its subcommands.

    It is created once per process and never changes afterwards. The handler in the dispatcher and the counters in the
    engine's :class:`CommandStatistics` are found by ``index``.
    """

    def __init__(self, spec: CommandSpec, index: i64, runs_alone: bool) -> None:
        self.spec = spec
        self.index: i64 = index
        self.name = spec.name  # "get", "config|get"
        self.full_name = spec.name.encode()
        self.arity: i64 = spec.arity
        self.flags: i64 = spec.flags
        self.runs_alone = runs_alone  # false for a container that can only be called with a subcommand
        self.is_container = False
        self.subcommands: dict[bytes, Command] = {}

    def has(self, flag: i64) -> bool:
        """Whether the command has at least one of the flags."""
        return self.flags & flag != 0


class RenameError(Exception):
    """A command cannot be renamed; ``number`` is the place of the pair of names that is at fault."""

    def __init__(self, reason: str, number: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.number = number


class CommandTable:
    """Commands by name, in upper or lower case."""

    def __init__(self, commands: list[Command]) -> None:
        #: Commands by their names in lower case and in upper case, so that the usual spellings need no conversion.
        self.by_spelling: dict[bytes, Command] = {}
        #: Commands without a container by their names in lower case, in the order of the names.
        self.commands: dict[bytes, Command] = {}
        for command in sorted(commands, key=_name):
            container, _, subcommand = command.name.partition("|")
            if subcommand:
                parent = self.commands[container.encode()]
                parent.is_container = True
                parent.subcommands[subcommand.encode()] = command
            else:
                self._add(command.full_name, command)

    def renamed(self, names: list[tuple[bytes, bytes]]) -> CommandTable:
        """A table in which commands are called by other names; a new name that is empty removes the command.

        In everything that is said of it the command keeps its name, as in Redis. Raises `RenameError`.
        """
        commands = self.commands.copy()
        for number, (old, new) in enumerate(names):
            command = commands.pop(old.lower(), None)
            if command is None:
                raise RenameError("No such command in rename-command", number)
            if new.lower() in commands:
                raise RenameError("Target command name already exists", number)
            if new:
                commands[new.lower()] = command
        table = CommandTable([])
        for name in sorted(commands):
            table._add(name, commands[name])
        return table

    def _add(self, name: bytes, command: Command) -> None:
        self.commands[name] = command
        self.by_spelling[name] = command
        self.by_spelling[name.upper()] = command

    def lookup(self, argv: list[bytes]) -> Command | None:
        """The command or subcommand that the arguments name; the container if the subcommand is unknown."""
        command = self.by_spelling.get(argv[0])
        if command is None:
            command = self.commands.get(argv[0].lower())
        if command is None or not command.subcommands or len(argv) < 2:
            return command
        subcommand = command.subcommands.get(argv[1].lower())
        return command if subcommand is None else subcommand

    def by_full_name(self, name: bytes) -> Command | None:
        """The command with a name such as ``get`` or ``config|get``, in upper or lower case."""
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
