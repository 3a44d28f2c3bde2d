"""DEBUG: a look inside, and switches for tests; only for those whom ``enable-debug-command`` admits.

What crashes, restarts or corrupts a server is not there, nor what concerns files of data, which there are none of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pyredmem.base.errors import (
    DEBUG_NOT_ALLOWED,
    MUST_BE_POSITIVE,
    NO_SUCH_KEY,
    STRING_TOO_LONG,
    CommandError,
    bad_subcommand_call,
)
from pyredmem.base.glob import match
from pyredmem.base.numbers import parse_memory
from pyredmem.commands.debug_reports import listpack_report, object_report, quicklist_report, sds_report
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import ADMIN, LOADING, NOSCRIPT, PROTECTED, STALE, Group
from pyredmem.engine.context import Context
from pyredmem.engine.switches import NEVER, PEAK_RESET_MS
from pyredmem.keyspace.digest import add_value, keyspace_digest
from pyredmem.memory.layout import (
    DICT_ENTRY_SIZE,
    ROBJ_SIZE,
    SDS_TYPE_5,
    SDS_TYPE_8,
    SDS_TYPE_16,
    SDS_TYPE_32,
    SDS_TYPE_64,
)
from pyredmem.objects.digest import Digest
from pyredmem.objects.list import ListObject
from pyredmem.objects.object import RedisObject
from pyredmem.protocol.resp import Resp3Sink
from pyredmem.structures.dict_report import table_report

debug: Final = Group("server")

Action = Callable[[Context, list[bytes]], None]

_UNKNOWN_TYPE: Final = (
    b"ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|"
    b"attrib|push|verbatim|true|false"
)
_NO_PERSISTENCE: Final = b"ERR DEBUG RELOAD needs a snapshot of the data on disk, which this server does not write"
_NOTHING_TO_SWITCH: Final = b"ERR there is nothing here that DEBUG %b would change"
_NO_ROOM: Final = b"ERR OOM in dictTryExpand"
_NO_TABLE: Final = b"ERR The value stored at the specified key is not represented using an hash table"
_PACKED_THRESHOLD: Final = b"ERR argument must be a memory value bigger than 1 and smaller than 4gb"
_NO_BOUND: Final = 1 << 30
_MOST_KEYS: Final = 1 << 27  # that POPULATE makes room for
_HIGHEST_PACKED_THRESHOLD: Final = (1 << 32) - (1 << 20)  # quicklist.c
_LONGEST_SLEEP_S: Final = 86400.0


class _Subcommand:
    """A word after DEBUG: how many arguments there may be, DEBUG and the word included; what HELP says of it."""

    def __init__(self, least: int, most: int, action: Action, arguments: str, summary: str) -> None:
        self.least = least
        self.most = most
        self.action: Action = action
        self.arguments = arguments
        self.summary = summary


@debug.command(
    "debug",
    arity=-2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | PROTECTED,
    since="1.0.0",
    complexity="Depends on subcommand.",
    summary="A container for commands that look inside the server or prepare a test.",
)
def debug_(context: Context, argv: list[bytes]) -> None:
    """DEBUG."""
    if not context.engine.clients.may_debug(context.session):
        raise CommandError(DEBUG_NOT_ALLOWED)
    subcommand = _SUBCOMMANDS.get(argv[1].lower())
    if subcommand is None or not subcommand.least <= len(argv) <= subcommand.most:
        raise bad_subcommand_call(b"debug", argv[1])
    subcommand.action(context, argv)


def _flag(argument: bytes) -> bool:
    """An argument as C's atoi reads it: true if it is a number other than zero."""
    digits = argument.strip().lstrip(b"+-")
    return digits[:1].isdigit() and digits.lstrip(b"0")[:1].isdigit()


def _count(argument: bytes) -> int:
    """An argument that is a number and not negative."""
    number = integer(argument, MUST_BE_POSITIVE)
    if number < 0:
        raise CommandError(MUST_BE_POSITIVE)
    return number


def _length(context: Context, argument: bytes) -> int:
    """An argument that is the length of a string."""
    length = _count(argument)
    if length > context.keyspace.strings.max_length:
        raise CommandError(STRING_TOO_LONG)
    return length


def _value(context: Context, key: bytes) -> RedisObject:
    """The value of a key, expired or not; an error if there is no such key."""
    value = context.db.stored_value(key)
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    return value


# Objects.


def _object(context: Context, argv: list[bytes]) -> None:
    context.reply.simple(object_report(context, _value(context, argv[2])))


def _sdslen(context: Context, argv: list[bytes]) -> None:
    context.reply.simple(sds_report(context, argv[2], _value(context, argv[2])))


def _listpack(context: Context, argv: list[bytes]) -> None:
    value = _value(context, argv[2])
    if value.encoding() != b"listpack":
        raise CommandError(b"ERR Not a listpack encoded object.")
    _print(context, listpack_report(value))
    context.reply.simple(b"Listpack structure printed on stdout")


def _quicklist(context: Context, argv: list[bytes]) -> None:
    value = _value(context, argv[2])
    if not isinstance(value, ListObject) or value.encoding() != b"quicklist":
        raise CommandError(b"ERR Not a quicklist encoded object.")
    full = len(argv) > 3 and _flag(argv[3])
    _print(context, quicklist_report(value, full))
    context.reply.simple(b"Quicklist structure printed on stdout")


def _print(context: Context, lines: list[str]) -> None:
    """Write to the log, which is where the standard output of a server goes."""
    for line in lines:
        context.engine.host.log("notice", line)


def _quicklist_packed_threshold(context: Context, argv: list[bytes]) -> None:
    size = parse_memory(argv[2].decode("latin-1"))
    if size is None or not 0 <= size <= _HIGHEST_PACKED_THRESHOLD:
        raise CommandError(_PACKED_THRESHOLD)
    context.keyspace.limits.set_packed_threshold(size)
    context.reply.ok()


def _structsize(context: Context, argv: list[bytes]) -> None:
    context.reply.bulk(
        b"bits:64 robj:%d dictentry:%d sdshdr5:%d sdshdr8:%d sdshdr16:%d sdshdr32:%d sdshdr64:%d "
        % (ROBJ_SIZE, DICT_ENTRY_SIZE, SDS_TYPE_5, SDS_TYPE_8, SDS_TYPE_16, SDS_TYPE_32, SDS_TYPE_64)
    )


def _htstats(context: Context, argv: list[bytes]) -> None:
    index = integer(argv[2])
    databases = context.keyspace.databases
    if not 0 <= index < len(databases):
        raise CommandError(b"ERR Out of range database")
    full = len(argv) > 3 and argv[3].lower() == b"full"
    context.reply.verbatim(databases[index].tables_report(full).encode())


def _htstats_key(context: Context, argv: list[bytes]) -> None:
    table = _value(context, argv[2]).hash_table()
    if table is None:
        raise CommandError(_NO_TABLE)
    full = len(argv) > 3 and argv[3].lower() == b"full"
    context.reply.verbatim(table_report(table, full).encode())


# Digests, and data to try things on.


def _digest(context: Context, argv: list[bytes]) -> None:
    context.reply.simple(keyspace_digest(context.keyspace))


def _digest_value(context: Context, argv: list[bytes]) -> None:
    context.reply.array(len(argv) - 2)
    for key in argv[2:]:
        digest = Digest()
        value = context.db.peek(key)
        if value is not None:
            add_value(digest, context.db, key, value)
        context.reply.simple(digest.text())


def _populate(context: Context, argv: list[bytes]) -> None:
    count = _count(argv[2])
    prefix = argv[3] if len(argv) > 3 else b"key"
    size = _length(context, argv[4]) if len(argv) > 4 else 0
    db, strings = context.db, context.keyspace.strings
    if count > _MOST_KEYS:
        raise CommandError(_NO_ROOM)
    db.expand(count)
    for number in range(count):
        key = b"%b:%d" % (prefix, number)
        if db.exists(key):
            continue
        text = b"value:%d" % number
        db.add(key, strings.create_text(text[:size].ljust(size, b"\0") if size else text))
        context.keyspace.events.modified(db.index, key)
    context.reply.ok()


def _reload(context: Context, argv: list[bytes]) -> None:
    raise CommandError(_NO_PERSISTENCE)


# Replies.


def _protocol(context: Context, argv: list[bytes]) -> None:
    shape = _SHAPES.get(argv[2].lower())
    if shape is None:
        raise CommandError(_UNKNOWN_TYPE)
    shape(context)


def _string_reply(context: Context) -> None:
    context.reply.bulk(b"Hello World")


def _integer_reply(context: Context) -> None:
    context.reply.integer(12345)


def _double_reply(context: Context) -> None:
    context.reply.double(3.141)


def _big_number_reply(context: Context) -> None:
    context.reply.big_number(b"1234567999999999999999999999999999999")


def _null_reply(context: Context) -> None:
    context.reply.null()


def _array_reply(context: Context) -> None:
    context.reply.array(3)
    for number in range(3):
        context.reply.integer(number)


def _set_reply(context: Context) -> None:
    context.reply.set(3)
    for number in range(3):
        context.reply.integer(number)


def _map_reply(context: Context) -> None:
    context.reply.map(3)
    for number in range(3):
        context.reply.integer(number)
        context.reply.boolean(number == 1)


def _attribute_reply(context: Context) -> None:
    reply = context.reply
    if isinstance(reply, Resp3Sink):
        reply.attribute(1)
        reply.bulk(b"key-popularity")
        reply.array(2)
        reply.bulk(b"key:123")
        reply.integer(90)
    reply.bulk(b"Some real reply following the attribute")


def _push_reply(context: Context) -> None:
    reply = context.reply
    if reply.protocol < 3:
        raise CommandError(b"ERR RESP2 is not supported by this command")
    reply.push(2)
    reply.bulk(b"server-cpu-usage")
    reply.integer(42)
    reply.bulk(b"Some real reply following the push reply")


def _verbatim_reply(context: Context) -> None:
    context.reply.verbatim(b"This is a verbatim\nstring")


def _true_reply(context: Context) -> None:
    context.reply.boolean(True)


def _false_reply(context: Context) -> None:
    context.reply.boolean(False)


_SHAPES: Final[dict[bytes, Callable[[Context], None]]] = {
    b"string": _string_reply,
    b"integer": _integer_reply,
    b"double": _double_reply,
    b"bignum": _big_number_reply,
    b"null": _null_reply,
    b"array": _array_reply,
    b"set": _set_reply,
    b"map": _map_reply,
    b"attrib": _attribute_reply,
    b"push": _push_reply,
    b"verbatim": _verbatim_reply,
    b"true": _true_reply,
    b"false": _false_reply,
}


def _error(context: Context, argv: list[bytes]) -> None:
    # Written past the counters of errors.
    context.reply.error(argv[2].replace(b"\r", b" ").replace(b"\n", b" "))


def _log(context: Context, argv: list[bytes]) -> None:
    context.engine.host.log("warning", "DEBUG LOG: " + argv[2].decode(errors="replace"))
    context.reply.ok()


# The server.


def _sleep(context: Context, argv: list[bytes]) -> None:
    try:
        seconds = float(argv[2])
    except ValueError:
        seconds = 0.0
    if seconds > 0:
        context.engine.host.sleep(min(seconds, _LONGEST_SLEEP_S))
    context.reply.ok()


def _change_repl_id(context: Context, argv: list[bytes]) -> None:
    context.engine.identity.change_replication_id()
    context.reply.ok()


def _stringmatch_len(context: Context, argv: list[bytes]) -> None:
    length = _length(context, argv[2])
    context.reply.integer(1 if match(argv[3], b"a" * length) else 0)


def _set_active_expire(context: Context, argv: list[bytes]) -> None:
    context.engine.switches.active_expire = _flag(argv[2])
    context.reply.ok()


def _set_disable_deny_scripts(context: Context, argv: list[bytes]) -> None:
    context.engine.switches.scripts_obey_noscript = not _flag(argv[2])
    context.reply.ok()


def _set_skip_checksum_validation(context: Context, argv: list[bytes]) -> None:
    context.engine.switches.payloads_need_checksums = not _flag(argv[2])
    context.reply.ok()


def _pause_cron(context: Context, argv: list[bytes]) -> None:
    context.engine.cron.paused = _flag(argv[2])
    context.reply.ok()


def _replybuffer(context: Context, argv: list[bytes]) -> None:
    word = argv[2].lower()
    switches = context.engine.switches
    if word == b"peak-reset-time":
        if argv[3].lower() == b"never":
            switches.reply_buffer_peak_reset_ms = NEVER
        elif argv[3].lower() == b"reset":
            switches.reply_buffer_peak_reset_ms = PEAK_RESET_MS
        else:
            switches.reply_buffer_peak_reset_ms = integer(argv[3])
    elif word == b"resizing":
        switches.reply_buffer_resizing = _flag(argv[3])
    else:
        raise bad_subcommand_call(b"debug", argv[1])
    context.reply.ok()


def _nothing(context: Context, argv: list[bytes]) -> None:
    """A switch of something that is not there: snapshots, the append-only file, the cluster."""
    raise CommandError(_NOTHING_TO_SWITCH % argv[1].upper())


def _help(context: Context, argv: list[bytes]) -> None:
    lines = ["DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"]
    for name, subcommand in _SUBCOMMANDS.items():
        lines.append(f"{name.decode().upper()} {subcommand.arguments}".rstrip())
        lines.append("    " + subcommand.summary)
    context.reply.array(len(lines))
    for line in lines:
        context.reply.simple(line.encode())


_ON_OFF: Final = "<0|1>"
_NOT_THERE: Final = "Refused: there is nothing here that it would change."

_SUBCOMMANDS: Final[dict[bytes, _Subcommand]] = {
    b"aof-flush-sleep": _Subcommand(3, 3, _nothing, "<microseconds>", _NOT_THERE),
    b"change-repl-id": _Subcommand(2, 2, _change_repl_id, "", "Takes another replication id."),
    b"digest": _Subcommand(2, 2, _digest, "", "Gives the digest of all data, the same for the same data."),
    b"digest-value": _Subcommand(2, _NO_BOUND, _digest_value, "<key> [<key> ...]", "Gives the digests of values."),
    b"drop-cluster-packet-filter": _Subcommand(3, 3, _nothing, "<packet-type>", _NOT_THERE),
    b"error": _Subcommand(3, 3, _error, "<string>", "Replies with an error of this text."),
    b"htstats": _Subcommand(3, 4, _htstats, "<dbid> [full]", "Describes the hash tables of a database."),
    b"htstats-key": _Subcommand(3, 4, _htstats_key, "<key> [full]", "Describes the hash table of a value."),
    b"listpack": _Subcommand(3, 3, _listpack, "<key>", "Writes the elements of a listpack to the log."),
    b"log": _Subcommand(3, 3, _log, "<message>", "Writes to the server's log."),
    b"object": _Subcommand(3, 4, _object, "<key>", "Tells how a value is stored."),
    b"pause-cron": _Subcommand(3, 3, _pause_cron, _ON_OFF, "Stops the work of the timer, or lets it go on."),
    b"populate": _Subcommand(3, 5, _populate, "<count> [<prefix>] [<size>]", "Makes string keys named key:<number>."),
    b"protocol": _Subcommand(
        3,
        3,
        _protocol,
        "<string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false>",
        "Replies with an example of a type.",
    ),
    b"quicklist": _Subcommand(
        3, 4, _quicklist, "<key> [<0|1>]", "Writes the nodes of a quicklist, and their elements, to the log."
    ),
    b"quicklist-packed-threshold": _Subcommand(
        3, 3, _quicklist_packed_threshold, "<size>", "Sets the size of list elements that have a node of their own."
    ),
    b"reload": _Subcommand(2, _NO_BOUND, _reload, "[option ...]", "Refused: there are no files to load from."),
    b"replybuffer": _Subcommand(
        4,
        4,
        _replybuffer,
        "<PEAK-RESET-TIME <NEVER|RESET|milliseconds> | RESIZING <0|1>>",
        "Sets how the timer fits reply buffers to their use.",
    ),
    b"sdslen": _Subcommand(3, 3, _sdslen, "<key>", "Tells lengths, room and blocks of a key and its string."),
    b"set-active-expire": _Subcommand(3, 3, _set_active_expire, _ON_OFF, "Stops the search for expired keys."),
    b"set-disable-deny-scripts": _Subcommand(
        3, 3, _set_disable_deny_scripts, _ON_OFF, "Lets scripts call what is denied to them."
    ),
    b"set-skip-checksum-validation": _Subcommand(
        3, 3, _set_skip_checksum_validation, _ON_OFF, "Lets RESTORE take values with a wrong checksum."
    ),
    b"sleep": _Subcommand(3, 3, _sleep, "<seconds>", "Stops the whole server for a while; fractions are allowed."),
    b"stringmatch-len": _Subcommand(
        4, 4, _stringmatch_len, "<length> <pattern>", "Matches a pattern against so many letters a."
    ),
    b"structsize": _Subcommand(2, 2, _structsize, "", "Gives the sizes of structures."),
    b"help": _Subcommand(2, 2, _help, "", "Prints this help."),
}
