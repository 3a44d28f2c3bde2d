"""XINFO: describes a stream, its consumer groups and their consumers."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import NO_SUCH_KEY, CommandError, bad_subcommand_call
from pyredmem.commands.help import declare_help
from pyredmem.commands.stream_groups import no_group
from pyredmem.commands.streams import reply_entries, reply_entry, stream_to_read
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import ACCESS, READ_ONLY, READONLY, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.objects.stream import EntryRange, Stream
from pyredmem.objects.stream_group import UNKNOWN, StreamConsumer, StreamGroup, entries_from
from pyredmem.objects.stream_id import MAX_ID, id_text
from pyredmem.objects.stream_node import signed
from pyredmem.protocol.reply import ReplySink

stream_info: Final = Group("stream")

_DEFAULT_COUNT: Final = 10  # the number of entries that FULL shows

stream_info.container("xinfo", since="5.0.0", summary="A container for commands that describe streams.")
declare_help(stream_info, "xinfo", since="5.0.0", acl="stream")


def _stream(context: Context, key: bytes) -> Stream:
    stream = stream_to_read(context, key)
    if stream is None:
        raise CommandError(NO_SUCH_KEY)
    return stream


def _number(reply: ReplySink, name: bytes, number: int) -> None:
    reply.bulk(name)
    reply.integer(signed(number))


def _id(reply: ReplySink, name: bytes, entry_id: int) -> None:
    reply.bulk(name)
    reply.bulk(id_text(entry_id))


def _maybe_number(reply: ReplySink, name: bytes, number: int | None) -> None:
    reply.bulk(name)
    if number is None:
        reply.null()
    else:
        reply.integer(signed(number))


@stream_info.command(
    "xinfo|stream",
    arity=-3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS, index=2),),
    acl="stream",
    since="5.0.0",
    complexity="O(1)",
    summary="Describes a stream; with FULL, also its entries, groups and consumers.",
    syntax="key [FULL [COUNT count]]",
    history=(
        ("6.0.0", "Added the `FULL` option."),
        (
            "7.0.0",
            "Added `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` and `lag`.",
        ),
        ("7.2.0", "Added `active-time`; `seen-time` is when a consumer last tried to read."),
    ),
)
def xinfo_stream(context: Context, argv: list[bytes]) -> None:
    stream = _stream(context, argv[2])
    count: i64 = _DEFAULT_COUNT
    size: i64 = len(argv)
    if size > 3:
        if size not in (4, 6) or argv[3].upper() != b"FULL" or (size == 6 and argv[4].upper() != b"COUNT"):
            raise bad_subcommand_call(argv[0], argv[1])
        if size == 6:
            count = integer(argv[5])
            if count < 0:
                count = _DEFAULT_COUNT
    reply = context.reply
    reply.map(9 if size > 3 else 10)
    _number(reply, b"length", stream.length)
    _number(reply, b"radix-tree-keys", stream.tree.used)
    _number(reply, b"radix-tree-nodes", stream.tree.nodes)
    _id(reply, b"last-generated-id", stream.last_id)
    _id(reply, b"max-deleted-entry-id", stream.max_deleted_id)
    _number(reply, b"entries-added", stream.entries_added)
    _id(reply, b"recorded-first-entry-id", stream.first_id)
    if size > 3:
        _content(context, stream, count if count > 0 else -1)
        return
    _number(reply, b"groups", len(stream.group_list()))
    _edge(reply, b"first-entry", stream.range(0, MAX_ID, 1))
    _edge(reply, b"last-entry", stream.range_back(0, MAX_ID, 1))


def _edge(reply: ReplySink, name: bytes, found: EntryRange) -> None:
    reply.bulk(name)
    if found.ids:
        reply_entry(reply, found.ids[0], found.entries[0])
    else:
        reply.null()


def _content(context: Context, stream: Stream, count: i64) -> None:
    """Reply with the entries and groups that FULL adds."""
    reply = context.reply
    reply.bulk(b"entries")
    reply_entries(reply, stream.range(0, MAX_ID, count))
    reply.bulk(b"groups")
    groups = stream.group_list()
    reply.array(len(groups))
    for group in groups:
        reply.map(7)
        reply.bulk(b"name")
        reply.bulk(group.name)
        _id(reply, b"last-delivered-id", group.last_id)
        _progress(context, stream, group)
        _number(reply, b"pel-count", group.pending.used)
        reply.bulk(b"pending")
        pending = entries_from(group.pending, 0, MAX_ID, int(count))
        reply.array(len(pending))
        for entry_id, entry in pending:
            reply.array(4)
            reply.bulk(id_text(entry_id))
            reply.bulk(entry.consumer.name)
            reply.integer(entry.delivered_ms)
            reply.integer(entry.deliveries)
        reply.bulk(b"consumers")
        reply.array(group.consumers.used)
        for consumer in group.consumers.values():
            _consumer(reply, consumer, count)


def _progress(context: Context, stream: Stream, group: StreamGroup) -> None:
    """Reply with the number of entries that a group has read and has not read yet."""
    reply = context.reply
    _maybe_number(reply, b"entries-read", None if group.entries_read == UNKNOWN else group.entries_read)
    _maybe_number(reply, b"lag", stream.lag(group, context.engine.profile.has_exact_lag))


def _consumer(reply: ReplySink, consumer: StreamConsumer, count: i64) -> None:
    reply.map(5)
    reply.bulk(b"name")
    reply.bulk(consumer.name)
    _number(reply, b"seen-time", consumer.seen_ms)
    _number(reply, b"active-time", consumer.active_ms)
    _number(reply, b"pel-count", consumer.pending.used)
    reply.bulk(b"pending")
    pending = entries_from(consumer.pending, 0, MAX_ID, int(count))
    reply.array(len(pending))
    for entry_id, entry in pending:
        reply.array(3)
        reply.bulk(id_text(entry_id))
        reply.integer(entry.delivered_ms)
        reply.integer(entry.deliveries)


@stream_info.command(
    "xinfo|groups",
    arity=3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS, index=2),),
    acl="stream",
    since="5.0.0",
    complexity="O(1)",
    summary="Lists the consumer groups of a stream.",
    syntax="key",
    history=(("7.0.0", "Added the fields `entries-read` and `lag`."),),
)
def xinfo_groups(context: Context, argv: list[bytes]) -> None:
    stream = _stream(context, argv[2])
    reply = context.reply
    groups = stream.group_list()
    reply.array(len(groups))
    for group in groups:
        reply.map(6)
        reply.bulk(b"name")
        reply.bulk(group.name)
        _number(reply, b"consumers", group.consumers.used)
        _number(reply, b"pending", group.pending.used)
        _id(reply, b"last-delivered-id", group.last_id)
        _progress(context, stream, group)


@stream_info.command(
    "xinfo|consumers",
    arity=4,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS, index=2),),
    acl="stream",
    since="5.0.0",
    complexity="O(1)",
    summary="Lists the consumers of a group.",
    syntax="key group",
    history=(("7.2.0", "Added `inactive`; `idle` is the time since a consumer last tried to read."),),
    tips=("nondeterministic_output",),
)
def xinfo_consumers(context: Context, argv: list[bytes]) -> None:
    stream = _stream(context, argv[2])
    group = stream.group(argv[3])
    if group is None:
        raise no_group(argv[3], argv[2])
    reply = context.reply
    now_ms = context.keyspace.now_ms()
    consumers = group.consumers.values()
    reply.array(len(consumers))
    for consumer in consumers:
        reply.map(4)
        reply.bulk(b"name")
        reply.bulk(consumer.name)
        _number(reply, b"pending", consumer.pending.used)
        _number(reply, b"idle", max(now_ms - consumer.seen_ms, 0))
        inactive_ms: i64 = UNKNOWN
        if consumer.active_ms != UNKNOWN:
            inactive_ms = max(now_ms - consumer.active_ms, 0)
        _number(reply, b"inactive", inactive_ms)
