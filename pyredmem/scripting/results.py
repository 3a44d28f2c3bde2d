"""What a script returns, as the reply of its command."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import CommandError
from pyredmem.engine.command_counters import CommandCounters
from pyredmem.engine.context import Context
from pyredmem.protocol.reply import ReplySink
from pyredmem.scripting.sink import ARRAY, BIG_NUMBER, DOUBLE, ERROR, MAP, NULL, SET, STATUS, VERBATIM

# The kinds of parts after None that only a result has, as lua/runner.lua has them.
_FAILED: Final = 10
_FAILED_WITHOUT_TABLE: Final = 11

_MIN_INTEGER: Final = -(2**63)
_LINE_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")
#: How much of an error that is no table is shown (bytes).
_SHOWN: Final = 100


def reply_value(reply: ReplySink, value: object, protocol: i64) -> None:
    """Reply with a string, number or boolean, or with a null; ``protocol`` is the one that the script has set."""
    if isinstance(value, bytes):
        reply.bulk(value)
    elif value is True or value is False:
        if protocol == 3:
            reply.boolean(value is True)
        elif value is True:
            reply.integer(1)
        else:
            reply.null()
    elif isinstance(value, int):
        reply.integer(value if _MIN_INTEGER <= value < -_MIN_INTEGER else _MIN_INTEGER)
    elif isinstance(value, float):
        reply.integer(int(value) if -9223372036854775808.0 <= value < 9223372036854775808.0 else _MIN_INTEGER)
    else:
        reply.null()


def reply_parts(context: Context, parts: list[object], protocol: i64, name: bytes, counters: CommandCounters) -> None:
    """Reply with a result that is a stream of parts; ``name`` is that of the script, ``counters`` of the command."""
    errors = context.engine.stats.error_replies
    place = 0
    size = len(parts)
    is_whole = True
    while place < size:
        value = parts[place]
        if value is not None:
            reply_value(context.reply, value, protocol)
            place += 1
        else:
            kind = parts[place + 1]
            assert isinstance(kind, int)
            place = _reply_part(context, parts, place + 2, kind, name, is_whole, counters)
        is_whole = False
    if context.engine.stats.error_replies != errors:
        counters.failed += 1


def _reply_part(
    context: Context,
    parts: list[object],
    place: int,
    kind: int,
    name: bytes,
    is_whole: bool,
    counters: CommandCounters,
) -> int:
    """Reply with the part of a kind, whose arguments are at ``place``; returns the place after it."""
    reply = context.reply
    argument = parts[place]
    if isinstance(argument, bytes):
        if kind == STATUS:
            reply.simple(argument.translate(_LINE_BREAKS))
        elif kind == ERROR:
            _reply_error(context, argument, parts[place + 1] is True, is_whole, counters)
            return place + 2
        elif kind == BIG_NUMBER:
            reply.big_number(argument.translate(_LINE_BREAKS))
        elif kind == VERBATIM:
            reply_format = parts[place + 1]
            assert isinstance(reply_format, bytes)
            reply.verbatim(argument, reply_format[:3].ljust(3))
            return place + 2
        elif kind == _FAILED:
            _reply_error(context, _failure(context, parts, place, name), parts[place + 3] is True, True, counters)
            return place + 4
        else:
            assert kind == _FAILED_WITHOUT_TABLE
            message = b"ERR Error running script " + name + b", " + argument[:_SHOWN]
            _reply_error(context, message, True, True, counters)
        return place + 1
    if kind == DOUBLE:
        assert isinstance(argument, (float, int))
        reply.double(float(argument))
    elif kind == NULL:
        reply.null()
    else:
        assert isinstance(argument, int)
        if kind == ARRAY:
            reply.array(argument)
        elif kind == MAP:
            reply.map(argument)
        else:
            assert kind == SET
            reply.set(argument)
    return place + 1


def _failure(context: Context, parts: list[object], place: int, name: bytes) -> bytes:
    """The error of a script that failed: its message and, if they are known, the script, its source and the line."""
    message, source, line = parts[place], parts[place + 1], parts[place + 2]
    assert isinstance(message, bytes)
    if isinstance(source, bytes) and isinstance(line, bytes):
        named = name + b", " if context.engine.profile.names_redis_in_scripts else b""
        return message + b" script: " + named + b"on " + source + b":" + line + b"."
    return message


def _reply_error(context: Context, message: bytes, is_counted: bool, is_whole: bool, counters: CommandCounters) -> None:
    """Reply with an error, which counts unless the command that caused it was counted already; the call has failed."""
    message = message.strip(b"\r\n")
    if is_counted and is_whole:
        raise CommandError(message)
    if is_counted:
        context.engine.stats.count_error(message)
    else:
        counters.failed += 1
    context.reply.error(message)
