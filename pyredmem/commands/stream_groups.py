"""XGROUP: commands of the group *stream* that create and delete consumer groups and consumers."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import CommandError, bad_subcommand_call
from pyredmem.commands.c_strings import c_string
from pyredmem.commands.help import declare_help
from pyredmem.commands.streams import state_changed, stream_to_write
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import DELETE, DENYOOM, INSERT, READ_WRITE, UPDATE, WRITE, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.objects.stream import Stream, new_stream
from pyredmem.objects.stream_group import UNKNOWN, StreamConsumer, StreamGroup
from pyredmem.objects.stream_id import id_key, id_text, parse_bound, parse_id

stream_groups: Final = Group("stream")

_KEY_REQUIRED: Final = (
    b"ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM "
    b"option to create an empty stream automatically."
)
_GROUP_EXISTS: Final = b"BUSYGROUP Consumer Group name already exists"

# The number of arguments with each option once. More are refused, but only after all other checks.
_LONGEST_CREATE: Final = 8
_LONGEST_SETID: Final = 7
_ENTRIES_READ: Final = (("7.0.0", "Added the `ENTRIESREAD` option."),)

stream_groups.container("xgroup", since="5.0.0", summary="A container for commands about consumer groups.")
declare_help(stream_groups, "xgroup", since="5.0.0", acl="stream")


def no_group(group: bytes, key: bytes) -> CommandError:
    """The error for a group that a stream does not have."""
    return CommandError(b"NOGROUP No such consumer group '%b' for key name '%b'" % (c_string(group), c_string(key)))


def no_key_or_group(key: bytes, group: bytes, where: bytes = b"") -> CommandError:
    """The error for a stream or a group that does not exist."""
    return CommandError(b"NOGROUP No such key '%b' or consumer group '%b'" % (c_string(key), c_string(group)) + where)


def _stream(context: Context, key: bytes) -> Stream:
    stream = stream_to_write(context, key)
    if stream is None:
        raise CommandError(_KEY_REQUIRED)
    return stream


def _group(context: Context, argv: list[bytes]) -> StreamGroup:
    group = _stream(context, argv[2]).group(argv[3])
    if group is None:
        raise no_group(argv[3], argv[2])
    return group


class _Options:
    """The options of XGROUP CREATE and SETID."""

    def __init__(self, argv: list[bytes], may_make: bool) -> None:
        self.mkstream = False
        self.entries_read = UNKNOWN
        arguments = Arguments(argv, 5)
        while arguments.left() > 0:
            option = arguments.word()
            if may_make and option == b"MKSTREAM":
                self.mkstream = True
            elif option == b"ENTRIESREAD" and arguments.left() > 0:
                self.entries_read = arguments.integer()
                if self.entries_read < UNKNOWN:
                    raise CommandError(b"ERR value for ENTRIESREAD must be positive or -1")
            else:
                raise bad_subcommand_call(argv[0], argv[1])


def _entries_read(context: Context, stream: Stream, options: _Options) -> int:
    """How many entries a group is said to have read."""
    if context.engine.profile.limits_entries_read:
        return min(options.entries_read, stream.entries_added)
    return options.entries_read


@stream_groups.command(
    "xgroup|create",
    arity=-5,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_WRITE, INSERT, index=2),),
    acl="stream",
    since="5.0.0",
    complexity="O(1)",
    summary="Creates a consumer group that reads the entries after an id.",
    syntax="key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read:integer]",
    history=_ENTRIES_READ,
)
def xgroup_create(context: Context, argv: list[bytes]) -> None:
    options = _Options(argv, True)
    key = argv[2]
    stream = stream_to_write(context, key)
    if stream is None and not options.mkstream:
        raise CommandError(_KEY_REQUIRED)
    if len(argv) > _LONGEST_CREATE:
        raise bad_subcommand_call(argv[0], argv[1])
    if argv[4] == b"$":
        last_id = 0 if stream is None else stream.last_id
    else:
        last_id = parse_id(argv[4], 0)
    if stream is None:
        created = new_stream(context.keyspace.allocator)
        context.db.add(key, created)
        stream = created.stream
        context.keyspace.changes.modified(context.db.index, key)
    elif stream.group(argv[3]) is not None:
        raise CommandError(_GROUP_EXISTS)
    stream.add_group(argv[3], last_id, _entries_read(context, stream, options))
    state_changed(context, key, b"xgroup-create")
    context.reply.ok()


@stream_groups.command(
    "xgroup|setid",
    arity=-5,
    flags=WRITE,
    keys=(key_at(READ_WRITE, UPDATE, index=2),),
    acl="stream",
    since="5.0.0",
    complexity="O(1)",
    summary="Sets the id after which a consumer group reads.",
    syntax="key group <id | $> [ENTRIESREAD entries-read:integer]",
    history=_ENTRIES_READ,
)
def xgroup_setid(context: Context, argv: list[bytes]) -> None:
    options = _Options(argv, False)
    group = _group(context, argv)
    if len(argv) > _LONGEST_SETID:
        raise bad_subcommand_call(argv[0], argv[1])
    last_id = _stream(context, argv[2]).last_id if argv[4] == b"$" else parse_bound(argv[4], 0)
    group.last_id = last_id
    group.entries_read = _entries_read(context, _stream(context, argv[2]), options)
    state_changed(context, argv[2], b"xgroup-setid")
    context.reply.ok()


@stream_groups.command(
    "xgroup|destroy",
    arity=4,
    flags=WRITE,
    keys=(key_at(READ_WRITE, DELETE, index=2),),
    acl="stream",
    since="5.0.0",
    complexity="O(N) where N is the number of the group's pending entries.",
    summary="Deletes a consumer group.",
    syntax="key group",
)
def xgroup_destroy(context: Context, argv: list[bytes]) -> None:
    stream = _stream(context, argv[2])
    group = stream.group(argv[3])
    if group is None:
        context.reply.integer(0)
        return
    stream.delete_group(group)
    state_changed(context, argv[2], b"xgroup-destroy")
    context.reply.integer(1)


def consumer_of(context: Context, key: bytes, group: StreamGroup, consumer: bytes) -> StreamConsumer:
    """A consumer of a group, created if it does not exist; it counts as seen now."""
    now_ms = context.keyspace.now_ms()
    found = group.consumers.get(consumer)
    if found is None:
        found = group.add_consumer(consumer, now_ms)
        state_changed(context, key, b"xgroup-createconsumer")
    found.seen_ms = now_ms
    return found


def record_claim(context: Context, key: bytes, group: StreamGroup, entry_id: int) -> None:
    """Record the owner of a pending entry, when it was delivered last and how often."""
    entry = group.pending.get(id_key(entry_id))
    if entry is None:
        return
    words = [b"XCLAIM", key, group.name, entry.consumer.name, b"0", id_text(entry_id)]
    words += [b"TIME", b"%d" % int(entry.delivered_ms), b"RETRYCOUNT", b"%d" % int(entry.deliveries)]
    context.record_instead([*words, b"FORCE", b"JUSTID", b"LASTID", id_text(group.last_id)])


def record_last_id(context: Context, key: bytes, group: StreamGroup) -> None:
    """Record the last id that a group has read."""
    last_id = id_text(group.last_id)
    context.record_instead([b"XGROUP", b"SETID", key, group.name, last_id, b"ENTRIESREAD", b"%d" % group.entries_read])


@stream_groups.command(
    "xgroup|createconsumer",
    arity=5,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_WRITE, INSERT, index=2),),
    acl="stream",
    since="6.2.0",
    complexity="O(1)",
    summary="Creates a consumer in a consumer group.",
    syntax="key group consumer",
)
def xgroup_createconsumer(context: Context, argv: list[bytes]) -> None:
    group = _group(context, argv)
    if group.consumers.get(argv[4]) is not None:
        context.reply.integer(0)
        return
    consumer_of(context, argv[2], group, argv[4])
    context.reply.integer(1)


@stream_groups.command(
    "xgroup|delconsumer",
    arity=5,
    flags=WRITE,
    keys=(key_at(READ_WRITE, DELETE, index=2),),
    acl="stream",
    since="5.0.0",
    complexity="O(1)",
    summary="Deletes a consumer and its pending entries.",
    syntax="key group consumer",
)
def xgroup_delconsumer(context: Context, argv: list[bytes]) -> None:
    group = _group(context, argv)
    consumer = group.consumers.get(argv[4])
    if consumer is None:
        context.reply.integer(0)
        return
    pending = group.delete_consumer(consumer)
    state_changed(context, argv[2], b"xgroup-delconsumer")
    context.reply.integer(pending)
