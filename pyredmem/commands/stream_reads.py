"""Commands of the group *stream* that read the entries after an id and can block: XREAD, XREADGROUP.

The command of a blocked client runs again when an entry is added. Before the client is blocked, ``$`` in its arguments
is therefore replaced by the last id at that time.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.commands.stream_groups import consumer_of, no_key_or_group, record_claim, record_last_id
from pyredmem.commands.streams import reply_entries, reply_entry, stream_to_read
from pyredmem.config.profiles import Profile
from pyredmem.engine.arguments import Arguments, deadline_ms
from pyredmem.engine.command import (
    ACCESS,
    BLOCKING,
    MOVABLE_KEYS,
    READ_ONLY,
    READONLY,
    WRITE,
    FoundKey,
    Group,
    KeySpec,
)
from pyredmem.engine.context import Context
from pyredmem.objects.stream import Stream
from pyredmem.objects.stream_group import StreamConsumer, StreamGroup, entries_from
from pyredmem.objects.stream_id import MAX_ID, id_key, id_text, parse_id
from pyredmem.protocol.reply import ReplySink

stream_reads: Final = Group("stream")

#: Stands for ``>``; no entry has an id above it.
_NEW_ENTRIES: Final = MAX_ID

_NO_GROUP_OPTION: Final = b"ERR Missing GROUP option for XREADGROUP"
_LAST_ID_OF_GROUP: Final = (
    b"ERR The %b ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by "
    b"specifying a proper ID, or use the > ID to get new messages. The %b ID would just return an empty result set."
)
_NEW_ENTRIES_WITHOUT_GROUP: Final = (
    b"ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
)


class _Source:
    """One of the streams to read: after which id, and for which group."""

    def __init__(self, key: bytes, stream: Stream | None, group: StreamGroup | None, after: int) -> None:
        self.key = key
        self.stream = stream
        self.group = group
        self.after = after


class _Request:
    """The arguments of XREAD and XREADGROUP before the streams."""

    def __init__(self, argv: list[bytes], for_group: bool, now_ms: int, profile: Profile) -> None:
        self.has_last_entry = profile.has_last_entry  # + may stand for the last entry of a stream
        self._names_last_entry = profile.names_last_entry
        self.count: i64 = -1  # entries per stream; all if negative
        self.blocks = False
        self.deadline_ms: i64 = 0
        self.no_ack = False
        self.group: bytes | None = None
        self.consumer = b""
        self.keys_at: i64 = 0
        self.streams: i64 = 0
        self._read(Arguments(argv), for_group, now_ms)

    def _read(self, arguments: Arguments, for_group: bool, now_ms: int) -> None:
        while arguments.left() > 0 and self.keys_at == 0:
            self._take(arguments, for_group, now_ms)
        if self.keys_at == 0:
            raise CommandError(SYNTAX_ERROR)
        if for_group and self.group is None:
            raise CommandError(_NO_GROUP_OPTION)

    def _take(self, arguments: Arguments, for_group: bool, now_ms: int) -> None:
        more = arguments.left() - 1
        option = arguments.word()
        if option == b"BLOCK" and more > 0:
            self.deadline_ms = deadline_ms(arguments.next(), now_ms)
            self.blocks = True
        elif option == b"COUNT" and more > 0:
            self.count = arguments.integer()
            if self.count <= 0:
                self.count = -1
        elif option == b"STREAMS" and more > 0:
            self._take_streams(arguments, for_group)
        elif option == b"GROUP" and more > 1:
            _check_option(b"GROUP", for_group)
            self.group = arguments.next()
            self.consumer = arguments.next()
        elif option == b"NOACK":
            _check_option(b"NOACK", for_group)
            self.no_ack = True
        else:
            raise CommandError(SYNTAX_ERROR)

    def _take_streams(self, arguments: Arguments, for_group: bool) -> None:
        self.keys_at = arguments.at
        if arguments.left() % 2 == 1:
            raise CommandError(
                b"ERR Unbalanced '%b' list of streams: for each stream key an ID%b must be specified."
                % ((b"xreadgroup", b" or '>'") if for_group else (b"xread", self._special_ids()))
            )
        self.streams = arguments.left() // 2

    def _special_ids(self) -> bytes:
        return b", '+', or '$'" if self._names_last_entry else b" or '$'"


def _check_option(option: bytes, for_group: bool) -> None:
    if not for_group:
        raise CommandError(b"ERR The %b option is only supported by XREADGROUP. You called XREAD instead." % option)


def _sources(context: Context, argv: list[bytes], request: _Request) -> list[_Source]:
    """The streams; all of them are looked up, and all ids parsed, before any is read.

    Redis looks each of them up once more when it reads it, so a call counts two hits or misses for each key.
    """
    sources: list[_Source] = []
    at: i64
    for at in range(request.keys_at, request.keys_at + request.streams):
        key = argv[at]
        stream = stream_to_read(context, key)
        group: StreamGroup | None = None
        if request.group is not None:
            group = None if stream is None else stream.group(request.group)
            if group is None:
                raise no_key_or_group(key, request.group, b" in XREADGROUP with GROUP option")
        after = _after(argv[at + request.streams], stream, request)
        sources.append(_Source(key, stream, group, after))
    return sources


def _after(argument: bytes, stream: Stream | None, request: _Request) -> int:
    """The id after which to read."""
    for_group = request.group is not None
    if argument == b"$" or (argument == b"+" and request.has_last_entry):
        if for_group:
            raise CommandError(_LAST_ID_OF_GROUP % (argument, argument))
        if stream is None:
            return 0
        # To read the last entry is to read what comes after the id before it.
        return stream.last_valid_id() - 1 if argument == b"+" and stream.length > 0 else stream.last_id
    if argument == b">":
        if not for_group:
            raise CommandError(_NEW_ENTRIES_WITHOUT_GROUP)
        return _NEW_ENTRIES
    return parse_id(argument, 0)


#: The options before STREAMS, and how many words each of them takes.
_OPTION_WORDS: Final = {b"BLOCK": 2, b"COUNT": 2, b"GROUP": 3, b"NOACK": 1}


def _tracked_keys(argv: list[bytes]) -> list[FoundKey]:
    """The keys of XREAD that client-side caching remembers: none if there are not as many ids as keys."""
    at = 1
    while at < len(argv) and (word := argv[at].upper()) != b"STREAMS":
        if word not in _OPTION_WORDS:
            return []
        at += _OPTION_WORDS[word]
    count = len(argv) - at - 1
    if count < 0 or count % 2 == 1:
        return []
    return [FoundKey(place, (READ_ONLY, ACCESS)) for place in range(at + 1, at + 1 + count // 2)]


@stream_reads.command(
    "xread",
    arity=-4,
    flags=READONLY | BLOCKING | MOVABLE_KEYS,
    keys=(KeySpec((READ_ONLY, ACCESS), keyword="STREAMS", last=-1, limit=2),),
    acl="stream",
    since="5.0.0",
    complexity="",
    summary="Returns the entries of streams after given ids; can block until there are some.",
    syntax="[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]",
    find_tracked_keys=_tracked_keys,
)
def xread(context: Context, argv: list[bytes]) -> None:
    request = _Request(argv, False, context.keyspace.now_ms(), context.engine.profile)
    sources = _sources(context, argv, request)
    ready: list[_Source] = []
    for source in sources:
        stream = source.stream
        context.db.read(source.key)
        if stream is not None and stream.length > 0 and stream.last_valid_id() > source.after:
            ready.append(source)
    if not ready:
        _wait(context, argv, request, sources)
        return
    reply = context.reply
    _announce(context, len(ready))
    for source in ready:
        stream = source.stream
        assert stream is not None
        _reply_key(context, source)
        reply_entries(reply, stream.range(source.after + 1, MAX_ID, request.count))


def _announce(context: Context, count: i64) -> None:
    """Begin a reply with ``count`` streams: a map in RESP3, an array of pairs in RESP2."""
    if context.reply.protocol == 2:
        context.reply.array(count)
    else:
        context.reply.map(count)


def _reply_key(context: Context, source: _Source) -> None:
    if context.reply.protocol == 2:
        context.reply.array(2)
    context.reply.bulk(source.key)


def _wait(context: Context, argv: list[bytes], request: _Request, sources: list[_Source]) -> None:
    """There is nothing to read: block the client if it asked for that, else reply with null."""
    if not request.blocks:
        context.reply.null_array()
        return
    keys = [source.key for source in sources]
    again = argv.copy()
    for at, source in enumerate(sources):
        place = request.keys_at + request.streams + at
        if argv[place] == b"$":
            again[place] = id_text(source.after)
    for_group = request.group is not None
    context.block(again, keys, b"stream", request.deadline_ms, without_key=for_group)


@stream_reads.command(
    "xreadgroup",
    arity=-7,
    flags=WRITE | BLOCKING | MOVABLE_KEYS,
    keys=(KeySpec((READ_ONLY, ACCESS), index=4, keyword="STREAMS", last=-1, limit=2),),
    acl="stream",
    since="5.0.0",
    complexity="O(M) for each stream, where M is the number of entries in the reply.",
    summary="Returns new entries to a consumer of a group, or its pending ones; can block until there are some.",
    syntax="GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]",
)
def xreadgroup(context: Context, argv: list[bytes]) -> None:
    """A request for pending entries never blocks, even if the consumer has none."""
    request = _Request(argv, True, context.keyspace.now_ms(), context.engine.profile)
    sources = _sources(context, argv, request)
    given: list[_Given] = []
    context.record_nothing()
    for source in sources:
        stream = source.stream
        group = source.group
        assert stream is not None
        assert group is not None
        context.db.read(source.key)
        context.db.modify(source.key)
        if request.no_ack and group.consumers.get(request.consumer) is None and context.is_recording:
            context.record_instead([b"XGROUP", b"CREATECONSUMER", source.key, group.name, request.consumer])
        consumer = consumer_of(context, source.key, group, request.consumer)
        if source.after != _NEW_ENTRIES:
            given.append(_pending_of(context, source, stream, consumer, request.count))
        elif stream.length > 0 and stream.last_valid_id() > group.last_id:
            given.append(_new_for(context, source, stream, group, consumer, request))
    if not given:
        _wait(context, argv, request, sources)
        return
    _announce(context, len(given))
    for part in given:
        _reply_key(context, part.source)
        part.reply(context.reply)


class _Given:
    """The entries that a consumer gets from one stream; None for an entry that was deleted."""

    def __init__(self, source: _Source) -> None:
        self.source = source
        self.ids: list[int] = []
        self.entries: list[list[bytes] | None] = []

    def add(self, entry_id: int, entry: list[bytes] | None) -> None:
        """Add an entry."""
        self.ids.append(entry_id)
        self.entries.append(entry)

    def reply(self, reply: ReplySink) -> None:
        """Reply with an array of ids and their entries."""
        reply.array(len(self.ids))
        for at, entry_id in enumerate(self.ids):
            entry = self.entries[at]
            if entry is not None:
                reply_entry(reply, entry_id, entry)
            else:
                reply.array(2)
                reply.bulk(id_text(entry_id))
                reply.null_array()


def _new_for(
    context: Context,
    source: _Source,
    stream: Stream,
    group: StreamGroup,
    consumer: StreamConsumer,
    request: _Request,
) -> _Given:
    """Read new entries for the group; they become pending for the consumer."""
    given = _Given(source)
    found = stream.range(group.last_id + 1, MAX_ID, request.count)
    now_ms = context.keyspace.now_ms()
    is_exact = context.engine.profile.has_exact_lag
    for at, entry_id in enumerate(found.ids):
        stream.advance(group, entry_id, is_exact)
        if not request.no_ack:
            group.deliver(id_key(entry_id), consumer, now_ms)
            consumer.active_ms = now_ms
        given.add(entry_id, found.entries[at])
        if not request.no_ack and context.is_recording:
            record_claim(context, source.key, group, entry_id)
    context.keyspace.changes.count(1)
    if context.is_recording:
        record_last_id(context, source.key, group)
    return given


def _pending_of(context: Context, source: _Source, stream: Stream, consumer: StreamConsumer, count: i64) -> _Given:
    """Read the pending entries of the consumer; each counts as delivered once more."""
    given = _Given(source)
    now_ms = context.keyspace.now_ms()
    for entry_id, pending in entries_from(consumer.pending, source.after + 1, MAX_ID, int(count)):
        entry = stream.entry(entry_id)
        if entry is not None:
            pending.delivered_ms = now_ms
            pending.deliveries += 1
        given.add(entry_id, entry)
    return given
