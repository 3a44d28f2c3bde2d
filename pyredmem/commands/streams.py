"""Commands of the group *stream* that add, trim and delete entries, and read ranges of them.

`stream_trimming` has the options of XADD and XTRIM, `stream_reads` has XREAD, and `stream_groups` and `stream_pending`
have the consumer groups.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import NO_SUCH_KEY, SYNTAX_ERROR, WRONG_TYPE, CommandError, wrong_arity
from pyredmem.commands.stream_trimming import LIMIT_WITHOUT_STRATEGY, Trimming, automatic_ms
from pyredmem.config.profiles import XADD_REFERENCES, XTRIM_REFERENCES
from pyredmem.engine.arguments import Arguments, integer
from pyredmem.engine.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
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
from pyredmem.objects.object import RedisObject
from pyredmem.objects.stream import EntryRange, Stream, StreamObject, new_stream
from pyredmem.objects.stream_id import (
    MAX_ID,
    SEQUENCE_BITS,
    id_text,
    parse_high,
    parse_id,
    parse_low,
)
from pyredmem.protocol.reply import ReplySink

streams: Final = Group("stream")

_EXCLUSIVE_RANGES: Final = (("6.2.0", "Added exclusive ranges."),)
_REFERENCE_OPTIONS: Final = ("8.2.0", "Added the `KEEPREF`, `DELREF` and `ACKED` options.")
_ID_ZERO: Final = b"ERR The ID specified in XADD must be greater than 0-0"
_ID_TOO_SMALL: Final = b"ERR The ID specified in XADD is equal or smaller than the target stream top item"
_NO_STRATEGY: Final = b"ERR syntax error, XTRIM must be called with a trimming strategy"
_EXHAUSTED: Final = b"ERR The stream has exhausted the last possible ID, unable to add more items"


def stream_value(value: RedisObject) -> Stream:
    """The value as a stream; an error if it has another type."""
    if isinstance(value, StreamObject):
        return value.stream
    raise CommandError(WRONG_TYPE)


def stream_to_read(context: Context, key: bytes) -> Stream | None:
    """The stream of a key, for a command that reads it; None if there is no such key."""
    value = context.db.read(key)
    return None if value is None else stream_value(value)


def stream_to_write(context: Context, key: bytes) -> Stream | None:
    """The stream of a key, for a command that changes it; None if there is no such key."""
    value = context.db.write(key)
    return None if value is None else stream_value(value)


def reply_entry(reply: ReplySink, entry_id: int, entry: list[bytes]) -> None:
    """Reply with an entry: its id, and its fields and values."""
    reply.array(2)
    reply.bulk(id_text(entry_id))
    reply.bulks(entry)


def reply_entries(reply: ReplySink, found: EntryRange) -> None:
    """Reply with an array of entries."""
    reply.array(len(found.ids))
    at: i64
    for at in range(len(found.ids)):
        reply_entry(reply, found.ids[at], found.entries[at])


# Adding.


def _new_id(stream: Stream, argument: bytes, now_ms: i64) -> int:
    """The id of a new entry, from an argument of XADD; it must be above all ids of the stream."""
    if stream.last_id == MAX_ID:
        raise CommandError(_EXHAUSTED)
    if argument == b"*":
        return stream.next_id(now_ms)
    milliseconds = automatic_ms(argument)
    if milliseconds is None:
        entry_id = parse_id(argument, 0)
    else:
        entry_id = stream.next_id_at(parse_id(milliseconds, 0) >> SEQUENCE_BITS)
    if entry_id <= stream.last_id:
        raise CommandError(_ID_TOO_SMALL)
    return entry_id


@streams.command(
    "xadd",
    arity=-5,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, UPDATE, notes="UPDATE instead of INSERT because of the optional trimming feature"),),
    acl="stream",
    since="5.0.0",
    complexity="O(1); with trimming O(N) where N is the number of deleted entries.",
    summary="Adds an entry to a stream; creates the stream if it does not exist.",
    syntax="key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> "
    "field value [field value ...]",
    history=(
        ("6.2.0", "Added the `NOMKSTREAM`, `MINID` and `LIMIT` options."),
        ("7.0.0", "Accepts ids of the form `ms-*`."),
        _REFERENCE_OPTIONS,
    ),
    tips=("nondeterministic_output",),
)
def xadd(context: Context, argv: list[bytes]) -> None:
    limits = context.keyspace.limits
    trimming: Trimming | None = None
    id_at: i64 = 2
    if argv[2] != b"*":
        trimming = Trimming(context.engine.profile.has(XADD_REFERENCES))
        trimming.read(Arguments(argv, 2), True)
        trimming.check(limits.stream_node_entries)
        id_at = trimming.id_at
    fields: i64 = len(argv) - id_at - 1
    if fields < 2 or fields & 1 == 1:
        raise wrong_arity(b"xadd")
    asked = argv[id_at]
    if trimming is not None and asked != b"*" and _is_zero(asked):
        raise CommandError(_ID_ZERO)
    key = argv[1]
    stream = stream_to_write(context, key)
    if stream is None:
        if trimming is not None and trimming.no_mkstream:
            context.reply.null()
            return
        created = new_stream(context.keyspace.allocator)
        context.db.add(key, created)
        stream = created.stream
    entry_id = _new_id(stream, asked, context.keyspace.now_ms())
    stream.add(entry_id, argv[id_at + 1 :], limits)
    changes = context.keyspace.changes
    changes.count(1)
    context.notify(events.STREAM, b"xadd", key)
    if trimming is not None and trimming.trim(stream) > 0:
        context.notify(events.STREAM, b"xtrim", key)
    changes.modified(context.db.index, key)
    if context.is_recording:
        words = argv.copy() if trimming is None else trimming.exactly(argv, stream)
        if asked == b"*" or automatic_ms(asked) is not None:
            words[id_at] = id_text(entry_id)
        context.record_instead(words)
    context.reply.bulk(id_text(entry_id))


def _is_zero(argument: bytes) -> bool:
    """Whether an argument that is known to be an id is 0-0; ``0-*`` is not, since its sequence is not chosen yet."""
    return automatic_ms(argument) is None and parse_id(argument, 0) == 0


@streams.command(
    "xtrim",
    arity=-4,
    flags=WRITE,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="stream",
    since="5.0.0",
    complexity="O(N) where N is the number of deleted entries; whole nodes are deleted at once.",
    summary="Deletes the oldest entries of a stream.",
    syntax="key <MAXLEN | MINID> [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]",
    history=(("6.2.0", "Added the `MINID` and `LIMIT` options."), _REFERENCE_OPTIONS),
    tips=("nondeterministic_output",),
)
def xtrim(context: Context, argv: list[bytes]) -> None:
    trimming = Trimming(context.engine.profile.has(XTRIM_REFERENCES))
    trimming.read(Arguments(argv, 2), False)
    if trimming.strategy == 0:
        raise CommandError(LIMIT_WITHOUT_STRATEGY if trimming.limit > 0 else _NO_STRATEGY)
    trimming.check(context.keyspace.limits.stream_node_entries)
    key = argv[1]
    stream = stream_to_write(context, key)
    deleted: i64 = 0
    if stream is not None:
        deleted = trimming.trim(stream)
        if deleted > 0:
            context.removed(key, events.STREAM, b"xtrim", deleted, False)
            if trimming.approximately and context.is_recording:
                context.record_instead(trimming.exactly(argv, stream))
    context.reply.integer(deleted)


# Reading.


@streams.command(
    "xlen",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY),),
    acl="stream",
    since="5.0.0",
    complexity="O(1)",
    summary="Returns the number of entries in a stream.",
    syntax="key",
)
def xlen(context: Context, argv: list[bytes]) -> None:
    stream = stream_to_read(context, argv[1])
    context.reply.integer(0 if stream is None else stream.length)


def _count(argv: list[bytes]) -> i64:
    """The COUNT option of the range commands; -1 if it is missing, 0 if it is negative."""
    arguments = Arguments(argv, 4)
    count: i64 = -1
    while arguments.left() > 0:
        if arguments.left() == 1 or arguments.word() != b"COUNT":
            raise CommandError(SYNTAX_ERROR)
        count = arguments.integer()
        if count < 0:
            count = 0
    return count


def _range(context: Context, argv: list[bytes], low: int, high: int, backward: bool) -> None:
    count = _count(argv)
    stream = stream_to_read(context, argv[1])
    if stream is None:
        context.reply.array(0)
    elif count == 0:
        context.reply.null_array()
    else:
        found = stream.range_back(low, high, count) if backward else stream.range(low, high, count)
        reply_entries(context.reply, found)


@streams.command(
    "xrange",
    arity=-4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="stream",
    since="5.0.0",
    complexity="O(N) where N is the number of entries in the reply.",
    summary="Returns the entries of a stream between two ids.",
    syntax="key start:string end:string [COUNT count]",
    history=_EXCLUSIVE_RANGES,
)
def xrange(context: Context, argv: list[bytes]) -> None:
    low = parse_low(argv[2])
    high = parse_high(argv[3])
    _range(context, argv, low, high, False)


@streams.command(
    "xrevrange",
    arity=-4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="stream",
    since="5.0.0",
    complexity="O(N) where N is the number of entries in the reply.",
    summary="Returns the entries of a stream between two ids, the last one first.",
    syntax="key end:string start:string [COUNT count]",
    history=_EXCLUSIVE_RANGES,
)
def xrevrange(context: Context, argv: list[bytes]) -> None:
    low = parse_low(argv[3])
    high = parse_high(argv[2])
    _range(context, argv, low, high, True)


# Deleting, and setting the ids and counters.


@streams.command(
    "xdel",
    arity=-3,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="stream",
    since="5.0.0",
    complexity="O(1) for each entry, regardless of the size of the stream.",
    summary="Deletes entries of a stream by id.",
    syntax="key id [id ...]",
)
def xdel(context: Context, argv: list[bytes]) -> None:
    key = argv[1]
    stream = stream_to_write(context, key)
    if stream is None:
        context.reply.integer(0)
        return
    deleted: i64 = 0
    first_id = stream.first_id
    first_deleted = False
    for entry_id in [parse_id(argument, 0) for argument in argv[2:]]:
        if stream.delete(entry_id):
            deleted += 1
            first_deleted = first_deleted or entry_id == first_id
            stream.max_deleted_id = max(stream.max_deleted_id, entry_id)
    if deleted > 0:
        if stream.length == 0 or first_deleted:
            stream.update_first_id()
        context.changed(key, events.STREAM, b"xdel", deleted)
    context.reply.integer(deleted)


@streams.command(
    "xsetid",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="stream",
    since="5.0.0",
    complexity="O(1)",
    summary="Sets the last id and the counters of a stream, as replication needs it.",
    syntax="key last-id [ENTRIESADDED entries-added:integer] [MAXDELETEDID max-deleted-id]",
    history=(("7.0.0", "Added the `ENTRIESADDED` and `MAXDELETEDID` options."),),
)
def xsetid(context: Context, argv: list[bytes]) -> None:
    last_id = parse_id(argv[2], 0)
    entries_added = -1
    max_deleted_id = 0
    arguments = Arguments(argv, 3)
    while arguments.left() > 0:
        option = arguments.word()
        if option == b"ENTRIESADDED" and arguments.left() > 0:
            entries_added = integer(arguments.next())
            if entries_added < 0:
                raise CommandError(b"ERR entries_added must be positive")
        elif option == b"MAXDELETEDID" and arguments.left() > 0:
            max_deleted_id = parse_id(arguments.next(), 0)
            if last_id < max_deleted_id:
                raise CommandError(b"ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
        else:
            raise CommandError(SYNTAX_ERROR)
    key = argv[1]
    stream = stream_to_write(context, key)
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    _check_last_id(stream, last_id, entries_added)
    stream.last_id = last_id
    if entries_added != -1:
        stream.entries_added = entries_added
    if max_deleted_id != 0:
        stream.max_deleted_id = max_deleted_id
    state_changed(context, key, b"xsetid")
    context.reply.ok()


def _check_last_id(stream: Stream, last_id: int, entries_added: int) -> None:
    if last_id < stream.max_deleted_id:
        raise CommandError(b"ERR The ID specified in XSETID is smaller than current max_deleted_entry_id")
    if stream.length == 0:
        return
    if last_id < stream.last_valid_id():
        raise CommandError(b"ERR The ID specified in XSETID is smaller than the target stream top item")
    if entries_added != -1 and stream.length > entries_added:
        raise CommandError(b"ERR The entries_added specified in XSETID is smaller than the target stream length")


def state_changed(context: Context, key: bytes, event: bytes) -> None:
    """Count a change of ids, groups or consumers, and raise its event. To WATCH the key has not changed."""
    context.keyspace.changes.count(1)
    context.notify(events.STREAM, event, key)
