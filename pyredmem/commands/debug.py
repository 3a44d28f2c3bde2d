"""DEBUG: subcommands that show the inside of the server or prepare a test; ``enable-debug-command`` allows them.

Subcommands that crash, restart or corrupt the server are left out, as are those about append-only files.

The subcommands are declared like those of a container, in a group of their own that is no part of the command table:
for Redis, DEBUG is a single command, both in COMMAND and in the statistics, and its handler parses the subcommand.
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
from pyredmem.base.limits import NEVER
from pyredmem.base.numbers import parse_memory
from pyredmem.commands.c_strings import leading_integer
from pyredmem.commands.counts import at_least
from pyredmem.commands.debug_protocol import reply_example
from pyredmem.commands.debug_reports import listpack_report, object_report, quicklist_report, sds_report
from pyredmem.commands.help import reply_help
from pyredmem.engine.arguments import integer
from pyredmem.engine.command import ADMIN, LOADING, NOSCRIPT, PROTECTED, STALE, SYSTEM, Group, Handler
from pyredmem.engine.context import Context
from pyredmem.engine.switches import PEAK_RESET_MS
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
from pyredmem.persistence.loading import LoadError
from pyredmem.persistence.persistence import persistence_of
from pyredmem.structures.dict_report import table_report

debug: Final = Group("server")
_subcommands: Final = Group("server")

_RELOAD_OPTIONS: Final = (b"MERGE", b"NOFLUSH", b"NOSAVE")
_BAD_RELOAD_OPTION: Final = b"ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."
_CANNOT_LOAD_LOG: Final = b"ERR Error trying to load the AOF files, check server logs."
_CANNOT_LOAD: Final = b"ERR Error trying to load the RDB dump, check server logs."
_NOTHING_TO_SWITCH: Final = b"ERR this server has nothing that DEBUG %b would change"
_NO_ROOM: Final = b"ERR OOM in dictTryExpand"
_NO_TABLE: Final = b"ERR The value stored at the specified key is not represented using an hash table"
_PACKED_THRESHOLD: Final = b"ERR argument must be a memory value bigger than 1 and smaller than 4gb"
_MOST_KEYS: Final = 1 << 27  # POPULATE refuses to expand the table for more
_HIGHEST_PACKED_THRESHOLD: Final = (1 << 32) - (1 << 20)  # quicklist.c
_LONGEST_SLEEP_S: Final = 86400.0

_ON_OFF: Final = "<0 | 1>"
_REFUSED: Final = "Refused: this server has nothing that the switch would change."


@debug.command(
    "debug",
    arity=-2,
    flags=ADMIN | NOSCRIPT | LOADING | STALE | PROTECTED | SYSTEM,
    since="1.0.0",
    complexity="Depends on subcommand.",
    summary="A container for commands that look inside the server or prepare a test.",
)
def debug_(context: Context, argv: list[bytes]) -> None:
    # Dispatch checks this too, so that MULTI refuses to queue the command, but only for clients that pass a gate.
    if not context.engine.clients.may_debug(context.session):
        raise CommandError(DEBUG_NOT_ALLOWED)
    subcommand, handler = _BY_WORD.get(argv[1].lower(), (None, None))
    if subcommand is None or handler is None or not subcommand.accepts(len(argv)):
        raise bad_subcommand_call(argv[0], argv[1])
    handler(context, argv)


def _subcommand(name: str, arity: int, summary: str, syntax: str = "") -> Callable[[Handler], Handler]:
    """Declare a subcommand over its handler; ``arity`` counts DEBUG too, as in the specs of containers."""
    return _subcommands.command(
        f"debug|{name}", arity=arity, flags=0, since="", complexity="", summary=summary, syntax=syntax
    )


def _refuse_more_than(most: int, argv: list[bytes]) -> None:
    """Refuse a call with more than ``most`` arguments, which an arity cannot say."""
    if len(argv) > most:
        raise bad_subcommand_call(argv[0], argv[1])


def _flag(argument: bytes) -> bool:
    """A switch: on for any number other than zero."""
    return leading_integer(argument) != 0


def _length(context: Context, argument: bytes) -> int:
    length = at_least(0, argument, MUST_BE_POSITIVE)
    if length > context.keyspace.strings.max_length:
        raise CommandError(STRING_TOO_LONG)
    return length


def _value(context: Context, key: bytes) -> RedisObject:
    """The value of a key, even if it has expired; an error if there is no such key."""
    value = context.db.stored_value(key)
    if value is None:
        raise CommandError(NO_SUCH_KEY)
    return value


# Objects.


@_subcommand("object", 3, "Describes how a value is stored.", "key")
def _object(context: Context, argv: list[bytes]) -> None:
    context.reply.simple(object_report(context, _value(context, argv[2])))


@_subcommand("sdslen", 3, "Shows the length, spare bytes and block size of a key and of its string.", "key")
def _sdslen(context: Context, argv: list[bytes]) -> None:
    context.reply.simple(sds_report(context, argv[2], _value(context, argv[2])))


@_subcommand("listpack", 3, "Writes the elements of a listpack to the log.", "key")
def _listpack(context: Context, argv: list[bytes]) -> None:
    value = _value(context, argv[2])
    if value.encoding() != b"listpack":
        raise CommandError(b"ERR Not a listpack encoded object.")
    _print(context, listpack_report(value))
    context.reply.simple(b"Listpack structure printed on stdout")


@_subcommand("quicklist", -3, "Writes the nodes of a quicklist to the log; with 1, their elements too.", "key [0 | 1]")
def _quicklist(context: Context, argv: list[bytes]) -> None:
    _refuse_more_than(4, argv)
    value = _value(context, argv[2])
    if not isinstance(value, ListObject) or value.encoding() != b"quicklist":
        raise CommandError(b"ERR Not a quicklist encoded object.")
    full = len(argv) > 3 and _flag(argv[3])
    _print(context, quicklist_report(value, full))
    context.reply.simple(b"Quicklist structure printed on stdout")


def _print(context: Context, lines: list[str]) -> None:
    """Write to the log. Redis prints to its standard output, which usually is the log of a server."""
    for line in lines:
        context.engine.host.log("notice", line)


@_subcommand("quicklist-packed-threshold", 3, "Sets the size from which a list element gets a node of its own.", "size")
def _quicklist_packed_threshold(context: Context, argv: list[bytes]) -> None:
    size = parse_memory(argv[2].decode("latin-1"))
    if size is None or not 0 <= size <= _HIGHEST_PACKED_THRESHOLD:
        raise CommandError(_PACKED_THRESHOLD)
    context.keyspace.limits.set_packed_threshold(size)
    context.reply.ok()


@_subcommand("structsize", 2, "Shows the sizes of basic structures.")
def _structsize(context: Context, argv: list[bytes]) -> None:
    context.reply.bulk(
        b"bits:64 robj:%d dictentry:%d sdshdr5:%d sdshdr8:%d sdshdr16:%d sdshdr32:%d sdshdr64:%d "
        % (ROBJ_SIZE, DICT_ENTRY_SIZE, SDS_TYPE_5, SDS_TYPE_8, SDS_TYPE_16, SDS_TYPE_32, SDS_TYPE_64)
    )


def _is_full(argv: list[bytes]) -> bool:
    return len(argv) > 3 and argv[3].lower() == b"full"


@_subcommand("htstats", -3, "Describes the hash tables of a database.", "dbid [FULL]")
def _htstats(context: Context, argv: list[bytes]) -> None:
    index = integer(argv[2])
    databases = context.keyspace.databases
    if not 0 <= index < len(databases):
        raise CommandError(b"ERR Out of range database")
    report = databases[index].tables_report(_is_full(argv), context.engine.profile.tells_of_empty_tables)
    context.reply.verbatim(report.encode())


@_subcommand("htstats-key", -3, "Describes the hash table of a value.", "key [FULL]")
def _htstats_key(context: Context, argv: list[bytes]) -> None:
    table = _value(context, argv[2]).hash_table()
    if table is None:
        raise CommandError(_NO_TABLE)
    context.reply.verbatim(table_report(table, _is_full(argv)).encode())


# Digests, and data for tests.


@_subcommand("digest", 2, "Shows a digest of all data; equal data gives equal digests.")
def _digest(context: Context, argv: list[bytes]) -> None:
    context.reply.simple(keyspace_digest(context.keyspace, context.engine.profile.digests_short_scores))


@_subcommand("digest-value", -2, "Shows the digests of values.", "key [key ...]")
def _digest_value(context: Context, argv: list[bytes]) -> None:
    context.reply.array(len(argv) - 2)
    for key in argv[2:]:
        digest = Digest(context.engine.profile.digests_short_scores)
        value = context.db.peek(key)
        if value is not None:
            add_value(digest, context.db, key, value)
        context.reply.simple(digest.text())


@_subcommand("populate", -3, "Creates string keys named key:0, key:1 and so on.", "count [prefix [size]]")
def _populate(context: Context, argv: list[bytes]) -> None:
    _refuse_more_than(5, argv)
    count = at_least(0, argv[2], MUST_BE_POSITIVE)
    prefix = argv[3] if len(argv) > 3 else b"key"
    size = _length(context, argv[4]) if len(argv) > 4 else 0
    db, strings = context.db, context.keyspace.strings
    if count > _MOST_KEYS:
        raise CommandError(_NO_ROOM)
    db.expand(count, 0)
    for number in range(count):
        key = b"%b:%d" % (prefix, number)
        if db.exists(key):
            continue
        text = b"value:%d" % number
        db.add(key, strings.create_text(text[:size].ljust(size, b"\0") if size else text))
        context.keyspace.changes.modified(db.index, key)
    context.reply.ok()


@_subcommand("reload", -2, "Saves the dataset, deletes it, and loads it again.", "[MERGE | NOFLUSH | NOSAVE ...]")
def _reload(context: Context, argv: list[bytes]) -> None:
    """MERGE replaces keys that exist, NOFLUSH deletes nothing before, NOSAVE loads what was saved earlier."""
    options = {word.upper() for word in argv[2:]}
    if not options.issubset(_RELOAD_OPTIONS):
        raise CommandError(_BAD_RELOAD_OPTION)
    persistence = persistence_of(context.engine)
    if b"NOSAVE" not in options and not persistence.snapshots.save():
        raise CommandError(b"ERR")
    try:
        persistence.reload(b"NOFLUSH" not in options, b"MERGE" in options, b"NOSAVE" not in options)
    except LoadError as error:
        context.engine.host.log("warning", str(error))
        raise CommandError(_CANNOT_LOAD) from None
    context.engine.host.log("warning", "DB reloaded by DEBUG RELOAD")
    context.reply.ok()


@_subcommand("loadaof", 2, "Deletes the dataset, and loads it from the append-only file.")
def _load_append_only_file(context: Context, argv: list[bytes]) -> None:
    try:
        persistence_of(context.engine).reload_append_only()
    except LoadError as error:
        context.engine.host.log("warning", str(error))
        raise CommandError(_CANNOT_LOAD_LOG) from None
    context.engine.host.log("warning", "Append Only File loaded by DEBUG LOADAOF")
    context.reply.ok()


# Replies.


@_subcommand("protocol", 3, "Replies with an example of a type.", "type")
def _protocol(context: Context, argv: list[bytes]) -> None:
    reply_example(context.reply, argv[2].lower())


@_subcommand("error", 3, "Replies with an error with this text.", "string")
def _error(context: Context, argv: list[bytes]) -> None:
    # Written directly to the reply, so that the error statistics do not count it.
    context.reply.error(argv[2].replace(b"\r", b" ").replace(b"\n", b" "))


@_subcommand("log", 3, "Writes a message to the log.", "message")
def _log(context: Context, argv: list[bytes]) -> None:
    context.engine.host.log("warning", "DEBUG LOG: " + argv[2].decode(errors="replace"))
    context.reply.ok()


# The server.


@_subcommand("sleep", 3, "Stops the whole server for a number of seconds, which may be a fraction.", "seconds")
def _sleep(context: Context, argv: list[bytes]) -> None:
    try:
        seconds = float(argv[2])
    except ValueError:
        seconds = 0.0
    if seconds > 0:
        context.engine.host.sleep(min(seconds, _LONGEST_SLEEP_S))
    context.reply.ok()


@_subcommand("change-repl-id", 2, "Changes the replication id.")
def _change_repl_id(context: Context, argv: list[bytes]) -> None:
    context.engine.identity.change_replication_id()
    context.reply.ok()


@_subcommand("set-active-expire", 3, "Turns the active expiration of keys off or on.", _ON_OFF)
def _set_active_expire(context: Context, argv: list[bytes]) -> None:
    context.engine.switches.active_expire = _flag(argv[2])
    context.reply.ok()


@_subcommand("set-disable-deny-scripts", 3, "Accepted, but without effect: there are no scripts.", _ON_OFF)
def _set_disable_deny_scripts(context: Context, argv: list[bytes]) -> None:
    context.reply.ok()


@_subcommand("set-skip-checksum-validation", 3, "Makes RESTORE accept payloads with a wrong checksum.", _ON_OFF)
def _set_skip_checksum_validation(context: Context, argv: list[bytes]) -> None:
    context.engine.switches.payloads_need_checksums = not _flag(argv[2])
    context.reply.ok()


@_subcommand("pause-cron", 3, "Pauses or resumes the periodic jobs of the server.", _ON_OFF)
def _pause_cron(context: Context, argv: list[bytes]) -> None:
    context.engine.cron.paused = _flag(argv[2])
    context.reply.ok()


@_subcommand(
    "replybuffer",
    4,
    "Sets how reply buffers are resized: PEAK-RESET-TIME takes ms, NEVER or RESET; RESIZING 0 or 1.",
    "<PEAK-RESET-TIME | RESIZING> value",
)
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
        raise bad_subcommand_call(argv[0], argv[1])
    context.reply.ok()


@_subcommand("aof-flush-sleep", 3, "Sleeps before each write to the append-only file.", "microseconds")
def _aof_flush_sleep(context: Context, argv: list[bytes]) -> None:
    context.engine.switches.aof_flush_sleep_us = leading_integer(argv[2])
    context.reply.ok()


@_subcommand("drop-cluster-packet-filter", 3, _REFUSED, "packet-type")
def _nothing(context: Context, argv: list[bytes]) -> None:
    """Refuse a switch for something that this server does not have: the cluster bus."""
    raise CommandError(_NOTHING_TO_SWITCH % argv[1].upper())


@_subcommand("help", 2, "Describes the subcommands.")
def _help(context: Context, argv: list[bytes]) -> None:
    reply_help(context, argv[0].decode(errors="replace"), [spec for spec, _ in _subcommands.declared])


_BY_WORD: Final = {spec.name.partition("|")[2].encode(): (spec, handler) for spec, handler in _subcommands.declared}
