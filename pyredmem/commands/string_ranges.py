"""Commands of the group *string* on parts of strings: APPEND, ranges, and LCS, which compares two strings.

The first change of a part makes the string raw, with spare room, so that more changes take place in it. Reading a part
never copies the whole string.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import OFFSET_OUT_OF_RANGE, STRING_TOO_LONG, SYNTAX_ERROR, CommandError
from pyredmem.engine.arguments import Arguments, integer
from pyredmem.engine.command import (
    ACCESS,
    DENYOOM,
    FAST,
    INSERT,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    UPDATE,
    WRITE,
    Group,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.keyspace.lookups import NO_STRING
from pyredmem.objects.lcs import CommonRange, common_length, common_ranges
from pyredmem.objects.string import StringObject
from pyredmem.protocol.reply import ReplySink

string_ranges: Final = Group("string")

#: Bytes per cell in Redis's table for LCS; proto-max-bulk-len limits the size of the table.
_LCS_CELL: Final = 4
_LCS_NOT_STRINGS: Final = b"ERR The specified keys must contain string values"
_LCS_TOO_LARGE: Final = b"ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
_LCS_LENGTH_AND_RANGES: Final = b"ERR If you want both the length and indexes, please just use IDX."


def _check_length(context: Context, length: i64, added: i64) -> None:
    """Refuse a string longer than proto-max-bulk-len."""
    if length > context.keyspace.strings.max_length - added:
        raise CommandError(STRING_TOO_LONG)


@string_ranges.command(
    "append",
    arity=3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, INSERT),),
    acl="string",
    since="2.0.0",
    complexity="O(1) amortized, for short additions.",
    summary="Appends to the string value of a key; creates the key if it does not exist.",
    syntax="key value",
)
def append(context: Context, argv: list[bytes]) -> None:
    db = context.db
    data = argv[2]
    added: i64 = len(data)
    length = db.write_string(argv[1])
    if length == NO_STRING:
        length = 0
        db.add_string(argv[1], data)
    else:
        _check_length(context, length, added)
        db.set_string_part(length, data)
    context.changed(argv[1], events.STRING, b"append")
    context.reply.integer(length + added)


@string_ranges.command(
    "setrange",
    arity=4,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="string",
    since="2.2.0",
    complexity="O(N) where N is the length of the value plus the number of bytes by which the string grows.",
    summary="Overwrites a part of the string value of a key; a gap is filled with zero bytes.",
    syntax="key offset value",
)
def setrange(context: Context, argv: list[bytes]) -> None:
    """An empty value changes nothing."""
    offset: i64 = integer(argv[2])
    if offset < 0:
        raise CommandError(OFFSET_OUT_OF_RANGE)
    db = context.db
    data = argv[3]
    length = db.write_string(argv[1])
    if not data:
        context.reply.integer(0 if length == NO_STRING else length)
        return
    _check_length(context, offset, len(data))
    if length == NO_STRING:
        buffer = bytearray(offset)
        buffer += data
        db.add(argv[1], context.keyspace.strings.create_buffer(buffer))
    else:
        db.set_string_part(offset, data)
    end = offset + len(data)
    context.changed(argv[1], events.STRING, b"setrange")
    context.reply.integer(end if end > length else length)


@string_ranges.command(
    "getrange",
    arity=4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="string",
    since="2.4.0",
    complexity="O(N) where N is the length of the result.",
    summary="Returns a part of the string value of a key.",
    syntax="key start end",
)
def getrange(context: Context, argv: list[bytes]) -> None:
    start: i64 = integer(argv[2])
    end: i64 = integer(argv[3])
    length = context.db.read_string(argv[1])
    if length == NO_STRING or (start < 0 and end < 0 and start > end):
        context.reply.bulk(b"")
        return
    if start < 0:
        start = start + length if start + length > 0 else 0
    if end < 0:
        end = end + length if end + length > 0 else 0
    if end >= length:
        end = length - 1
    context.reply.bulk(context.db.string_part(start, end + 1 - start) if start <= end else b"")


@string_ranges.command(
    "substr",
    arity=4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="string",
    since="1.0.0",
    complexity="O(N) where N is the length of the result.",
    summary="Returns a part of the string value of a key.",
    syntax="key start end",
    deprecated=("2.0.0", "`GETRANGE`"),
)
def substr(context: Context, argv: list[bytes]) -> None:
    getrange(context, argv)


@string_ranges.command(
    "lcs",
    arity=-3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS, last=1),),
    acl="string",
    since="7.0.0",
    complexity="O(N*M) where N and M are the lengths of the strings.",
    summary="Finds the longest common subsequence of two string values.",
    syntax="key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
)
def lcs(context: Context, argv: list[bytes]) -> None:
    first, second = _lcs_strings(context, argv)
    arguments = Arguments(argv, 3)
    length_only = ranges = with_lengths = False
    shortest: i64 = 0
    while arguments.left() > 0:
        if arguments.take(b"IDX"):
            ranges = True
        elif arguments.take(b"LEN"):
            length_only = True
        elif arguments.take(b"WITHMATCHLEN"):
            with_lengths = True
        elif arguments.left() > 1 and arguments.take(b"MINMATCHLEN"):
            shortest = arguments.integer()
        else:
            raise CommandError(SYNTAX_ERROR)
    if ranges and length_only:
        raise CommandError(_LCS_LENGTH_AND_RANGES)
    if (len(first) + 1) * (len(second) + 1) * _LCS_CELL > context.keyspace.strings.max_length:
        raise CommandError(_LCS_TOO_LARGE)
    if length_only:
        context.reply.integer(common_length(first, second))
        return
    found = common_ranges(first, second)
    if ranges:
        _reply_ranges(context.reply, found, shortest, with_lengths)
    else:
        parts = [first[run.first_start : run.first_start + run.length] for run in reversed(found)]
        context.reply.bulk(b"".join(parts))


def _lcs_strings(context: Context, argv: list[bytes]) -> tuple[bytes, bytes]:
    first = context.db.read(argv[1])
    second = context.db.read(argv[2])
    if first is not None and not isinstance(first, StringObject):
        raise CommandError(_LCS_NOT_STRINGS)
    if second is not None and not isinstance(second, StringObject):
        raise CommandError(_LCS_NOT_STRINGS)
    return b"" if first is None else first.data(), b"" if second is None else second.data()


def _reply_ranges(reply: ReplySink, found: list[CommonRange], shortest: i64, with_lengths: bool) -> None:
    """The reply for IDX: the common ranges, the last one first, and their total length."""
    shown = [run for run in found if run.length >= shortest]
    reply.map(2)
    reply.bulk(b"matches")
    reply.array(len(shown))
    for run in shown:
        reply.array(3 if with_lengths else 2)
        for start in (run.first_start, run.second_start):
            reply.array(2)
            reply.integer(start)
            reply.integer(start + run.length - 1)
        if with_lengths:
            reply.integer(run.length)
    reply.bulk(b"len")
    reply.integer(sum([run.length for run in found]))
