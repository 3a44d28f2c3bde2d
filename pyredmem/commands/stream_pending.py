"""Commands of the group *stream* on entries that were delivered but not acknowledged: XACK, XPENDING, XCLAIM."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import INT64_MAX
from pyredmem.commands.c_strings import c_string
from pyredmem.commands.stream_groups import consumer_of, no_key_or_group, record_claim, record_last_id
from pyredmem.commands.streams import reply_entry, stream_to_read, stream_value
from pyredmem.engine.arguments import Arguments, integer
from pyredmem.engine.command import ACCESS, DELETE, FAST, READ_ONLY, READ_WRITE, READONLY, UPDATE, WRITE, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.objects.object import RedisObject
from pyredmem.objects.stream import Stream
from pyredmem.objects.stream_group import PendingEntry, StreamConsumer, StreamGroup, entries_from
from pyredmem.objects.stream_id import MAX_ID, id_key, id_of_key, id_text, parse_high, parse_id, parse_low, try_parse_id
from pyredmem.protocol.reply import ReplySink
from pyredmem.structures.radix import RadixCursor

stream_pending: Final = Group("stream")

#: XAUTOCLAIM examines at most this many entries for each one that it may claim.
_ATTEMPTS_PER_CLAIM: Final = 10
_LONGEST_AUTOCLAIM: Final = INT64_MAX // 16
_DEFAULT_AUTOCLAIM: Final = 100


def _find(context: Context, argv: list[bytes]) -> tuple[Stream, StreamGroup]:
    """The stream and the group that the first two arguments name; an error if one of them does not exist."""
    return _group_of(argv, context.db.read(argv[1]))


def _group_of(argv: list[bytes], value: RedisObject | None) -> tuple[Stream, StreamGroup]:
    """The same, if the value of the key has been read already."""
    stream = None if value is None else stream_value(value)
    group = None if stream is None else stream.group(argv[2])
    if stream is None or group is None:
        raise no_key_or_group(argv[1], argv[2])
    return stream, group


@stream_pending.command(
    "xack",
    arity=-4,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="stream",
    since="5.0.0",
    complexity="O(1) for each id.",
    summary="Acknowledges entries of a stream: they are no longer pending in the group.",
    syntax="key group id [id ...]",
)
def xack(context: Context, argv: list[bytes]) -> None:
    stream = stream_to_read(context, argv[1])
    group = None if stream is None else stream.group(argv[2])
    if group is None:
        context.reply.integer(0)
        return
    context.db.modify(argv[1])
    acknowledged: i64 = 0
    for entry_id in [parse_id(argument, 0) for argument in argv[3:]]:
        if group.acknowledge(id_key(entry_id)):
            acknowledged += 1
    context.keyspace.changes.count(acknowledged)
    context.reply.integer(acknowledged)


# XPENDING.


@stream_pending.command(
    "xpending",
    arity=-3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="stream",
    since="5.0.0",
    complexity="O(N) where N is the number of examined entries; for the summary, the number of consumers.",
    summary="Returns a summary of the pending entries of a group, or those in a range.",
    syntax="key group [[IDLE min-idle-time:integer] start:string end:string count [consumer]]",
    history=(("6.2.0", "Added the `IDLE` option and exclusive ranges."),),
    tips=("nondeterministic_output",),
)
def xpending(context: Context, argv: list[bytes]) -> None:
    size: i64 = len(argv)
    if size == 3:
        _, group = _find(context, argv)
        _summary(context.reply, group)
        return
    if size < 6 or size > 9:
        raise CommandError(SYNTAX_ERROR)
    at: i64 = 3
    min_idle_ms = 0
    if argv[3].upper() == b"IDLE":
        min_idle_ms = integer(argv[4])
        if size < 8:
            raise CommandError(SYNTAX_ERROR)
        at = 5
    count = integer(argv[at + 2])
    low = parse_low(argv[at])
    high = parse_high(argv[at + 1])
    _, group = _find(context, argv)
    pending = group.pending
    if size > at + 3:
        consumer = group.consumers.get(argv[at + 3])
        if consumer is None:
            context.reply.array(0)
            return
        pending = consumer.pending
    now_ms = context.keyspace.now_ms()
    cursor = RadixCursor(pending)
    found: list[tuple[int, PendingEntry]] = []
    entry = cursor.seek(id_key(low))
    while entry is not None and len(found) < count:
        entry_id = id_of_key(cursor.key())
        if entry_id > high:
            break
        if min_idle_ms <= 0 or now_ms - entry.delivered_ms >= min_idle_ms:
            found.append((entry_id, entry))
        entry = cursor.next()
    _details(context.reply, found, now_ms)


def _summary(reply: ReplySink, group: StreamGroup) -> None:
    reply.array(4)
    reply.integer(group.pending.used)
    if group.pending.used == 0:
        reply.null()
        reply.null()
        reply.null_array()
        return
    cursor = RadixCursor(group.pending)
    cursor.first()
    reply.bulk(id_text(id_of_key(cursor.key())))
    cursor.last()
    reply.bulk(id_text(id_of_key(cursor.key())))
    consumers = [consumer for consumer in group.consumers.values() if consumer.pending.used > 0]
    reply.array(len(consumers))
    for consumer in consumers:
        reply.array(2)
        reply.bulk(consumer.name)
        reply.bulk(str(consumer.pending.used).encode())


def _details(reply: ReplySink, found: list[tuple[int, PendingEntry]], now_ms: i64) -> None:
    reply.array(len(found))
    for entry_id, entry in found:
        reply.array(4)
        reply.bulk(id_text(entry_id))
        reply.bulk(entry.consumer.name)
        reply.integer(max(now_ms - entry.delivered_ms, 0))
        reply.integer(entry.deliveries)


# Claiming.


def _min_idle_ms(argument: bytes, command: bytes) -> int:
    return max(integer(argument, b"ERR Invalid min-idle-time argument for " + command), 0)


class _Claim:
    """The ids and options of XCLAIM."""

    def __init__(self, argv: list[bytes], now_ms: int) -> None:
        self.key = argv[1]
        self.ids: list[int] = []
        self.delivered_ms = -1
        self.deliveries = -1
        self.force = False
        self.just_id = False
        self.last_id = 0
        arguments = Arguments(argv, 5)
        while arguments.left() > 0:
            entry_id = try_parse_id(argv[arguments.at], 0)
            if entry_id < 0:
                break
            self.ids.append(entry_id)
            arguments.at += 1
        while arguments.left() > 0:
            self._take(arguments, now_ms)
        if not 0 <= self.delivered_ms <= now_ms:
            self.delivered_ms = now_ms

    def _take(self, arguments: Arguments, now_ms: int) -> None:
        more = arguments.left() > 1
        option = arguments.word()
        if option == b"FORCE":
            self.force = True
        elif option == b"JUSTID":
            self.just_id = True
        elif option == b"IDLE" and more:
            self.delivered_ms = now_ms - arguments.integer(b"ERR Invalid IDLE option argument for XCLAIM")
        elif option == b"TIME" and more:
            self.delivered_ms = arguments.integer(b"ERR Invalid TIME option argument for XCLAIM")
        elif option == b"RETRYCOUNT" and more:
            self.deliveries = arguments.integer(b"ERR Invalid RETRYCOUNT option argument for XCLAIM")
        elif option == b"LASTID" and more:
            self.last_id = parse_id(arguments.next(), 0)
        else:
            shown = c_string(arguments.argv[arguments.at - 1])
            raise CommandError(b"ERR Unrecognized XCLAIM option '%b'" % shown)


@stream_pending.command(
    "xclaim",
    arity=-6,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="stream",
    since="5.0.0",
    complexity="O(log(N)) where N is the number of the group's pending entries.",
    summary="Changes the owner of pending entries to another consumer.",
    syntax="key group consumer min-idle-time:string id [id ...] [IDLE ms] [TIME unix-time-milliseconds] "
    "[RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]",
    tips=("nondeterministic_output",),
)
def xclaim(context: Context, argv: list[bytes]) -> None:
    stream, group = _find(context, argv)
    min_idle_ms = _min_idle_ms(argv[4], b"XCLAIM")
    now_ms = context.keyspace.now_ms()
    claim = _Claim(argv, now_ms)
    context.db.modify(argv[1])
    context.record_nothing()
    moves = claim.last_id > group.last_id
    if moves:
        group.last_id = claim.last_id
        context.keyspace.changes.count(1)
    consumer = consumer_of(context, argv[1], group, argv[3])
    dirty = context.keyspace.changes.since_save()
    claimed = [
        entry_id for entry_id in claim.ids if _claim_one(context, stream, group, consumer, claim, entry_id, min_idle_ms)
    ]
    if moves and context.keyspace.changes.since_save() == dirty and context.is_recording:  # no XCLAIM records it
        record_last_id(context, argv[1], group)
    _claimed(context.reply, stream, claimed, claim.just_id)


def _claim_one(
    context: Context,
    stream: Stream,
    group: StreamGroup,
    consumer: StreamConsumer,
    claim: _Claim,
    entry_id: int,
    min_idle_ms: int,
) -> bool:
    entry_key = id_key(entry_id)
    entry = group.pending.get(entry_key)
    if stream.entry(entry_id) is None:
        if entry is not None:
            if context.is_recording:
                record_claim(context, claim.key, group, entry_id)
            group.acknowledge(entry_key)
            context.keyspace.changes.count(1)
        return False
    now_ms = context.keyspace.now_ms()
    if entry is None:
        if not claim.force:
            return False
        entry = group.add_pending(entry_key, consumer, now_ms)
    else:
        if min_idle_ms > 0 and now_ms - entry.delivered_ms < min_idle_ms:
            return False
        group.hand_over(entry_key, entry, consumer)
    entry.delivered_ms = claim.delivered_ms
    if claim.deliveries >= 0:
        entry.deliveries = claim.deliveries
    elif not claim.just_id:
        entry.deliveries += 1
    consumer.active_ms = now_ms
    context.keyspace.changes.count(1)
    if context.is_recording:
        record_claim(context, claim.key, group, entry_id)
    return True


def _claimed(reply: ReplySink, stream: Stream, ids: list[int], just_id: bool) -> None:
    reply.array(len(ids))
    for entry_id in ids:
        if just_id:
            reply.bulk(id_text(entry_id))
        else:
            entry = stream.entry(entry_id)
            assert entry is not None
            reply_entry(reply, entry_id, entry)


@stream_pending.command(
    "xautoclaim",
    arity=-6,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="stream",
    since="6.2.0",
    complexity="O(1) for a small COUNT.",
    summary="Changes the owner of entries that have been pending for some time, beginning at an id.",
    syntax="key group consumer min-idle-time:string start:string [COUNT count] [JUSTID]",
    history=(("7.0.0", "Added the ids of deleted entries to the reply."),),
    tips=("nondeterministic_output",),
)
def xautoclaim(context: Context, argv: list[bytes]) -> None:
    """Entries that are no longer in the stream are removed from the pending ones."""
    value = context.db.read(argv[1])  # before the arguments are checked: the miss counts in any case
    min_idle_ms = _min_idle_ms(argv[4], b"XAUTOCLAIM")
    low = parse_low(argv[5])
    count, just_id = _autoclaim_options(argv)
    stream, group = _group_of(argv, value)
    context.db.modify(argv[1])
    context.record_nothing()
    consumer = consumer_of(context, argv[1], group, argv[3])
    now_ms = context.keyspace.now_ms()
    attempts = min(int(group.pending.used), count * _ATTEMPTS_PER_CLAIM)
    pending = entries_from(group.pending, low, MAX_ID, attempts + 1)
    claimed: list[int] = []
    deleted: list[int] = []
    looked: i64 = 0
    for entry_id, entry in pending[:attempts]:
        if len(claimed) + len(deleted) == count:
            break
        looked += 1
        if stream.entry(entry_id) is None:
            if context.is_recording:
                record_claim(context, argv[1], group, entry_id)
            group.acknowledge(id_key(entry_id))
            deleted.append(entry_id)
        elif min_idle_ms == 0 or now_ms - entry.delivered_ms >= min_idle_ms:
            group.hand_over(id_key(entry_id), entry, consumer)
            entry.delivered_ms = now_ms
            if not just_id:
                entry.deliveries += 1
            consumer.active_ms = now_ms
            claimed.append(entry_id)
            if context.is_recording:
                record_claim(context, argv[1], group, entry_id)
    context.keyspace.changes.count(len(claimed) + len(deleted))
    reply = context.reply
    reply.array(3)
    reply.bulk(id_text(pending[looked][0] if looked < len(pending) else 0))
    _claimed(reply, stream, claimed, just_id)
    reply.bulks([id_text(entry_id) for entry_id in deleted])


def _autoclaim_options(argv: list[bytes]) -> tuple[int, bool]:
    """The options: how many entries to claim, and whether to reply with their ids only."""
    count = _DEFAULT_AUTOCLAIM
    just_id = False
    arguments = Arguments(argv, 6)
    while arguments.left() > 0:
        more = arguments.left() > 1
        option = arguments.word()
        if option == b"COUNT" and more:
            error = b"ERR COUNT must be > 0"
            count = arguments.integer(error)
            if not 1 <= count <= _LONGEST_AUTOCLAIM:
                raise CommandError(error)
        elif option == b"JUSTID":
            just_id = True
        else:
            raise CommandError(SYNTAX_ERROR)
    return count, just_id
