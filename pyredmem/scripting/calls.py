"""redis.call and redis.pcall: what a script calls, from Lua back into the dispatcher.

Lua calls :meth:`Calls.perform` for every command, so little may be done here: the arguments are bytes already, the name
of the command is looked up by its exact spelling, and most replies are one value, which is given back as it is. The
forms of the others are listed in lua/api.lua.

No function that Lua calls may raise: an exception would become an object of Python inside the script. What must not
happen is kept as :attr:`Calls.fault`, and raised when the script has ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from hashlib import sha1
from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.numbers import format_double
from pyredmem.config.profiles import Profile
from pyredmem.engine.context import Context
from pyredmem.engine.engine import Engine
from pyredmem.engine.gates import GATE_ACL
from pyredmem.engine.spec import DENYOOM, NOSCRIPT, WRITE, Command
from pyredmem.scripting.sink import ARRAY, ERROR, STATUS, LuaSink
from pyredmem.scripting.wrapped import call_libraries

# The forms of results, as lua/api.lua has them.
_STATUS: Final = 1
_FAILURE: Final = 2
_MISUSE: Final = 3
_LIST: Final = 4
_STREAM: Final = 5
_CHUNKS: Final = 6
_OUTSIDE: Final = 7

#: The most values that are given to Lua at once.
CHUNK: Final = 240
#: A reply of at least this many bytes, or parts, is given to Lua only after a look at the room that Lua has.
_LARGE_BYTES: Final = 65536

_NO_SCRIPT: Final = (b"ERR redis.call/pcall can only be called inside a script invocation", _OUTSIDE)
_NO_ROOM: Final = (b"ERR not enough memory", _MISUSE)
_FAULT: Final = (b"ERR Internal error", _OUTSIDE)
_READ_ONLY: Final = b"ERR Write commands are not allowed from read-only scripts."
_NOT_CHECKABLE: Final = b"ERR Invalid command passed to redis.acl_check_cmd()"

#: Whole numbers up to this size are written without an exponent.
_LARGEST_WHOLE: Final = 2**62

_LEVELS: Final = ("debug", "verbose", "notice", "warning")
#: redis.REPL_ALL, and the bit of it for replicas.
REPLICATE_ALL: Final = 3
_TO_REPLICAS: Final = 2


class Texts:
    """The errors of calls whose words depend on the name of the server."""

    def __init__(self, profile: Profile) -> None:
        redis = b"Redis " if profile.names_redis_in_scripts else b""
        server = profile.title.encode() + b" "
        call = b"redis lib call" if redis else b"call"
        arguments = b"Lua redis lib command arguments" if redis else b"Command arguments"
        self.no_arguments = (b"ERR Please specify at least one argument for this " + call, _MISUSE)
        self.bad_argument = (b"ERR " + arguments + b" must be strings or integers", _MISUSE)
        self.unknown = b"ERR Unknown " + redis + b"command called from script"
        self.wrong_arity = b"ERR Wrong number of args calling " + redis + b"command from script"
        self.not_allowed = b"ERR This " + server + b"command is not allowed from script"


class Calls:
    """The calls of one Lua state, and the script that makes them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._access = engine.access
        self._table = engine.commands
        self._commands: dict[bytes, Command] = {}  # by the spelling that a script used
        self._run = engine.script_run
        self._texts = Texts(engine.profile)
        self.sink = LuaSink()
        #: The memory of the Lua state, once there is one, and the most that may be in use when a large reply comes.
        self.memory_used: Callable[[], int] | None = None
        self.memory_limit: i64 = 0
        self.collect: Callable[[], None] | None = None  # collects Lua's garbage
        # The running script.
        self.context: Context | None = None
        self.is_read_only = False
        self.is_out_of_memory = False  # memory was short when it began, and it may not ignore that
        self.replication: i64 = REPLICATE_ALL
        self.fault: BaseException | None = None
        self._waiting: list[object] = []  # the parts of a long reply that Lua has not taken yet
        self._taken: i64 = 0

    # Functions that Lua calls.

    def perform(self, *arguments: object) -> object:
        """Run a command."""
        try:
            return self._perform(arguments)
        except BaseException as fault:
            return self._failed(fault)

    def more(self) -> object:
        """The next parts of a long reply, after their number."""
        start = self._taken
        chunk = self._waiting[start : start + CHUNK]
        self._taken = start + len(chunk)
        return (len(chunk), *chunk)

    def may_run(self, *arguments: object) -> object:
        """redis.acl_check_cmd."""
        try:
            argv = _texts(arguments)
            if argv is None:
                return self._texts.bad_argument if arguments else self._texts.no_arguments
            command = self._find(argv)
            context = self.context
            if command is None or context is None:
                return (_NOT_CHECKABLE, _MISUSE)
            return self._access.would_permit(context.session, command, argv)
        except BaseException as fault:
            return self._failed(fault)

    def call_libraries(self, compiled: bytes) -> bytes | None:
        """What `wrapped.call_libraries` makes of a chunk that a script has compiled; None if Lua has no room for it."""
        try:
            return call_libraries(compiled) if self._has_room(len(compiled)) else None
        except BaseException as fault:
            self._failed(fault)
            return None

    def log(self, level: int, line: bytes) -> None:
        """redis.log."""
        try:
            self._engine.host.log(_LEVELS[level], line.decode("utf-8", "surrogateescape"))
        except BaseException as fault:
            self._failed(fault)

    def sha1hex(self, text: bytes) -> bytes:
        """redis.sha1hex."""
        return sha1(text, usedforsecurity=False).hexdigest().encode()

    def set_protocol(self, version: int) -> None:
        """redis.setresp."""
        self.sink.protocol = version

    def set_replication(self, targets: int) -> None:
        """redis.set_repl."""
        self.replication = targets

    def _failed(self, fault: BaseException) -> object:
        if self.fault is None:
            self.fault = fault
        return _FAULT

    # Running a command.

    def _perform(self, arguments: tuple[object, ...]) -> object:
        context = self.context
        if context is None:
            return _NO_SCRIPT
        argv: list[bytes] = []
        for argument in arguments:
            if isinstance(argument, bytes):
                argv.append(argument)
            else:
                text = _number_text(argument)
                if text is None:
                    return self._texts.bad_argument
                argv.append(text)
        if not argv:
            return self._texts.no_arguments
        command = self._commands.get(argv[0])
        if command is None:
            command = self._find(argv)
            if command is None:
                return self._refuse(None, self._texts.unknown)
        count: i64 = len(argv)
        arity = command.arity
        if count != arity and (arity > 0 or count < -arity):
            return self._refuse(command, self._texts.wrong_arity)
        message = self._refusal(context, command, argv)
        if message is not None:
            return self._refuse(command, message)
        sink = self.sink
        sink.begin()
        if self.replication & _TO_REPLICAS:
            context.runner.call(context, command, argv)
        else:
            self._call_unrecorded(context, command, argv)
        return self._result(sink)

    def _find(self, argv: list[bytes]) -> Command | None:
        """A command by its name and the name of its subcommand."""
        command = self._table.lookup(argv)
        if command is None:
            return None
        if command.is_container:
            # The subcommand is unknown, or missing.
            if len(argv) > 1:
                return None
        elif self._table.commands.get(argv[0].lower()) is command:
            self._commands[argv[0]] = command
        return command

    def _refusal(self, context: Context, command: Command, argv: list[bytes]) -> bytes | None:
        """The error if this script may not run a command (Redis 7.2 scriptCall, in its order)."""
        flags = command.flags
        if flags & NOSCRIPT:
            return self._texts.not_allowed
        if context.session.gates & GATE_ACL:
            message = self._access.refusal_in_script(context.session, command, argv)
            if message is not None:
                return message
        if flags & WRITE:
            if self.is_read_only:
                return _READ_ONLY
            disk_error = self._engine.core.gates.disk_error()
            if disk_error is not None:
                return disk_error
            if self.is_out_of_memory and flags & DENYOOM and not self._run.has_written:
                return errors.OUT_OF_MEMORY
            self._run.has_written = True
        elif self.is_out_of_memory and flags & DENYOOM and not self._run.has_written:
            return errors.OUT_OF_MEMORY
        return None

    def _refuse(self, command: Command | None, message: bytes) -> object:
        self._engine.stats.count_error(message)
        if command is not None:
            self._engine.statistics.of(command).rejected += 1
        return (message, _FAILURE)

    def _call_unrecorded(self, context: Context, command: Command, argv: list[bytes]) -> None:
        """Run a command that redis.set_repl keeps from replicas."""
        recorder = self._engine.keyspace.changes.recorder
        was_muted = recorder is not None and recorder.is_muted
        if recorder is not None:
            recorder.is_muted = True
        try:
            context.runner.call(context, command, argv)
        finally:
            if recorder is not None:
                recorder.is_muted = was_muted

    # Results.

    def _result(self, sink: LuaSink) -> object:
        """The reply in the sink, in one of the forms that Lua knows."""
        parts = sink.parts
        size: i64 = len(parts)
        first = parts[0]
        if size == 1:
            if isinstance(first, bytes) and len(first) >= _LARGE_BYTES and not self._has_room(len(first)):
                return _NO_ROOM
            return first
        if sink.markers == 1:
            kind = parts[1]
            if kind == STATUS:
                return (parts[2], _STATUS)
            if kind == ERROR:
                return (parts[2], _FAILURE)
        if not self._has_room(_bytes_in(parts)):
            return _NO_ROOM
        if size > CHUNK:
            self._waiting = parts
            self._taken = 0
            return (int(size), _CHUNKS)
        if sink.markers == 1 and parts[1] == ARRAY:
            return (parts[2], _LIST, *parts[3:])
        return (int(size), _STREAM, *parts)

    def _has_room(self, size: i64) -> bool:
        """Whether Lua has room for values of this size."""
        if self.memory_used is None or self.collect is None or self.memory_used() + size <= self.memory_limit:
            return True
        self.collect()
        return self.memory_used() + size <= self.memory_limit


def _bytes_in(parts: list[object]) -> i64:
    """About how much memory the parts of a reply will take in Lua."""
    total: i64 = 0
    for part in parts:
        total += 40
        if isinstance(part, bytes):
            total += len(part)
    return total


def _texts(arguments: tuple[object, ...]) -> list[bytes] | None:
    """The arguments of a call as bytes; None if there are none, or one is neither a string nor a number."""
    argv: list[bytes] = []
    for argument in arguments:
        text = argument if isinstance(argument, bytes) else _number_text(argument)
        if text is None:
            return None
        argv.append(text)
    return argv or None


def _number_text(value: object) -> bytes | None:
    """A number as the text of an argument; None if it is no number."""
    if value is True or value is False:
        return None
    if isinstance(value, int):
        if -_LARGEST_WHOLE <= value <= _LARGEST_WHOLE:
            return b"%d" % value
        return format_double(float(value))
    if isinstance(value, float):
        if math.isnan(value):
            return b"-nan" if math.copysign(1.0, value) < 0 else b"nan"
        return format_double(value)
    return None
