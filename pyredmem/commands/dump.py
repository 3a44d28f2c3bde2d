"""Commands of the group *generic* that serialize a value and create a key from such a payload: DUMP and RESTORE."""

from __future__ import annotations

from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.base.numbers import INT64_MAX
from pyredmem.engine.arguments import Arguments, integer
from pyredmem.engine.command import (
    ACCESS,
    ASKING,
    DENYOOM,
    OVERWRITE,
    READ_ONLY,
    READONLY,
    SYSTEM,
    UPDATE,
    WRITE,
    Group,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.keyspace.field_expiry import note_due
from pyredmem.keyspace.rdb_load import mark_used
from pyredmem.objects.hash import HashObject
from pyredmem.objects.object import RedisObject, decr_ref_count
from pyredmem.objects.rdb_images import Builder
from pyredmem.objects.rdb_loader import read_value
from pyredmem.objects.rdb_reader import PayloadError, is_intact
from pyredmem.objects.rdb_writer import RdbWriter

dumping: Final = Group("generic")
migrated_keys: Final = Group("server")

_NOT_GIVEN: Final = -1
_HIGHEST_FREQUENCY: Final = 255

_INVALID_TTL: Final = b"ERR Invalid TTL value, must be >= 0"
_INVALID_IDLE_TIME: Final = b"ERR Invalid IDLETIME value, must be >= 0"
_INVALID_FREQUENCY: Final = b"ERR Invalid FREQ value, must be >= 0 and <= 255"
_BUSY_KEY: Final = b"BUSYKEY Target key name already exists."
_BAD_FORMAT: Final = b"ERR Bad data format"


@dumping.command(
    "dump",
    arity=2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="keyspace",
    since="2.6.0",
    complexity="O(1) to find the key and O(N*M) to serialize the value, N being its elements and M their average size.",
    summary="Returns the value of a key, serialized for RESTORE.",
    syntax="key",
    tips=("nondeterministic_output",),
)
def dump(context: Context, argv: list[bytes]) -> None:
    value = context.db.read(argv[1])
    if value is None:
        context.reply.null()
        return
    context.reply.bulk(payload_of(context, value))


def payload_of(context: Context, value: RedisObject) -> bytes:
    """A value in the form that RESTORE reads."""
    writer = RdbWriter(context.engine.settings.flag("rdbcompression"))
    writer.raise_version(context.engine.profile.rdb_version)
    value.save(writer)
    return writer.payload()


class _Options:
    """The options of RESTORE."""

    def __init__(self) -> None:
        self.replace = False
        self.absolute = False
        self.idle_s = _NOT_GIVEN
        self.frequency = _NOT_GIVEN


def _options(argv: list[bytes]) -> _Options:
    """Read the options; only one of IDLETIME and FREQ may be given."""
    found = _Options()
    arguments = Arguments(argv, 4)
    while arguments.left() > 0:
        option = arguments.word()
        if option == b"REPLACE":
            found.replace = True
        elif option == b"ABSTTL":
            found.absolute = True
        elif option == b"IDLETIME" and arguments.left() > 0 and found.frequency == _NOT_GIVEN:
            found.idle_s = arguments.integer()
            if found.idle_s < 0:
                raise CommandError(_INVALID_IDLE_TIME)
        elif option == b"FREQ" and arguments.left() > 0 and found.idle_s == _NOT_GIVEN:
            found.frequency = arguments.integer()
            if not 0 <= found.frequency <= _HIGHEST_FREQUENCY:
                raise CommandError(_INVALID_FREQUENCY)
        else:
            raise CommandError(errors.SYNTAX_ERROR)
    return found


_RESTORE_KEYS: Final = (key_at(OVERWRITE, UPDATE),)
_RESTORE_COMPLEXITY: Final = (
    "O(1) to create the key and O(N*M) to read the value, N being its elements and M their average size; "
    "O(N*M*log(N)) for sorted sets."
)
_RESTORE_SYNTAX: Final = (
    "key ttl:integer serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds:integer] [FREQ frequency:integer]"
)
_RESTORE_OPTIONS: Final = (
    ("5.0.0", "Added the `ABSTTL` option."),
    ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
)


@migrated_keys.command(
    "restore-asking",
    arity=-4,
    flags=WRITE | DENYOOM | ASKING | SYSTEM,
    keys=_RESTORE_KEYS,
    acl="keyspace dangerous",
    since="3.0.0",
    complexity=_RESTORE_COMPLEXITY,
    summary="Creates a key that another node of a cluster is migrating; the same as RESTORE here.",
    syntax=_RESTORE_SYNTAX,
    history=(("3.0.0", "Added the `REPLACE` modifier."), *_RESTORE_OPTIONS),
)
def restore_asking(context: Context, argv: list[bytes]) -> None:
    restore(context, argv)


@dumping.command(
    "restore",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=_RESTORE_KEYS,
    acl="keyspace dangerous",
    since="2.6.0",
    complexity=_RESTORE_COMPLEXITY,
    summary="Creates a key from a value that DUMP has serialized.",
    syntax=_RESTORE_SYNTAX,
    history=(("3.0.0", "Added the `REPLACE` option."), *_RESTORE_OPTIONS),
)
def restore(context: Context, argv: list[bytes]) -> None:
    options = _options(argv)
    key = argv[1]
    if not options.replace and context.db.write(key) is not None:
        raise CommandError(_BUSY_KEY)
    ttl_ms = integer(argv[2])
    if ttl_ms < 0:
        raise CommandError(_INVALID_TTL)
    value = _read(context, argv[3])
    deleted = options.replace and context.db.discard(key, context.keyspace.lazy_server_del)
    when_ms = ttl_ms if options.absolute or ttl_ms == 0 else ttl_ms + context.keyspace.now_ms()
    if ttl_ms > 0 and (when_ms > INT64_MAX or context.keyspace.is_past(when_ms)):
        decr_ref_count(value, context.keyspace.allocator)
        if deleted:
            context.changed(key, events.GENERIC, b"del")
            context.record_deletion(key, context.keyspace.lazy_server_del)
        context.reply.ok()
        return
    context.db.add(key, value)
    if ttl_ms > 0:
        context.db.expire_at(key, when_ms)
    if isinstance(value, HashObject):
        note_due(context.db, key, value)
    mark_used(context.db, key, options.idle_s, options.frequency)
    context.changed(key, events.GENERIC, b"restore")
    if ttl_ms > 0 and not options.absolute and context.is_recording:
        context.record_instead([*argv[:2], b"%d" % when_ms, *argv[3:], b"ABSTTL"])
    context.reply.ok()


def _read(context: Context, payload: bytes) -> RedisObject:
    """The value that a payload holds; an error if the payload is damaged."""
    if not is_intact(payload, context.engine.switches.payloads_need_checksums):
        raise CommandError(errors.PAYLOAD_NOT_INTACT)
    try:
        image = read_value(payload)
    except PayloadError:
        raise CommandError(_BAD_FORMAT) from None
    keyspace = context.keyspace
    return image.build(Builder(keyspace.strings, keyspace.limits, keyspace.rng))
