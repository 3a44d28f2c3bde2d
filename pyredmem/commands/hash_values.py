"""Commands of the group *hash* that get or set values and also delete the fields or set their expire times (8.0)."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.base.numbers import parse_integer
from pyredmem.commands.c_strings import c_string
from pyredmem.commands.hash_expiry import (
    PER_FIELD,
    counted_fields,
    event_at_once,
    hash_and_fields,
    moment,
    reads_as_valkey,
    set_times,
)
from pyredmem.commands.hashes import (
    delete_fields,
    existing_or_new,
    fields_changed,
    hash_to_write,
    living_values,
    reply_values,
)
from pyredmem.commands.string_options import EXPIRY_SYNTAX
from pyredmem.commands.valkey_fields import FieldOptions, fields_from
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import ACCESS, DELETE, DENYOOM, FAST, READ_WRITE, UPDATE, WRITE, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.keyspace.field_expiry import fields_expired, is_field_expired, note_due
from pyredmem.objects.hash import HashObject

hash_values: Final = Group("hash")

#: The options that set an expire time: the unit in milliseconds, and whether it counts from now.
_TIMES: Final = {b"EX": (1000, True), b"PX": (1, True), b"EXAT": (1000, False), b"PXAT": (1, False)}
#: The options that exclude each other, where they are read as in Valkey.
_GROUPS_TO_GET: Final = ((*_TIMES, b"PERSIST"),)
_GROUPS_TO_SET: Final = ((b"NX", b"XX"), (b"FNX", b"FXX"), (*_TIMES, b"KEEPTTL"))
_UNKNOWN_TIME: Final = -1
#: The word FIELDS of HSETEX is followed at least by a number, a field and a value.
_FEWEST_AFTER_FIELDS: Final = 3
#: The most fields that one call may set.
_MOST_FIELDS: Final = (1 << 31) - 1

_ONE_TIME: Final = b"ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
_ONE_CONDITION: Final = b"ERR Only one of FXX or FNX arguments can be specified"
_NO_TIME: Final = b"ERR missing expire time"
_BAD_COUNT: Final = b"ERR invalid number of fields"


def _time(context: Context, option: bytes, argument: bytes, command: bytes) -> int:
    """The expire time that an option such as EX gives, in unix milliseconds."""
    unit_ms, relative = _TIMES[option]
    return moment(context, argument, command, unit_ms, relative)


@hash_values.command(
    "hgetdel",
    arity=-5,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE),),
    acl="hash",
    since="8.0.0",
    complexity=PER_FIELD,
    summary="Returns the values of fields of a hash and deletes the fields.",
    syntax="key FIELDS numfields:integer field [field ...]",
)
def hgetdel(context: Context, argv: list[bytes]) -> None:
    key = argv[1]
    value, fields = hash_and_fields(context, argv, hash_to_write)
    _reply_last_values(context, key, value, fields)
    value = _unless_deleted(value)
    if value is not None:
        deleted = delete_fields(context, key, value, fields)
        if deleted > 0 and context.is_recording:
            context.record_instead([b"HDEL", key, *fields])


def _reply_last_values(context: Context, key: bytes, value: HashObject | None, fields: list[bytes]) -> None:
    """Reply with the values of fields that are about to be deleted; the second time, a repeated field is null."""
    if value is None or len(set(fields)) == len(fields):
        reply_values(context, key, value, fields)
        return
    reply = context.reply
    reply.array(len(fields))
    replied: set[bytes] = set()
    for field, found in zip(fields, living_values(context, key, value, fields), strict=True):
        if found is None or field in replied:
            reply.null()
        else:
            reply.bulk(found)
        replied.add(field)


@hash_values.command(
    "hgetex",
    arity=-5,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE, notes="RW and UPDATE because it changes the TTL"),),
    acl="hash",
    since="8.0.0",
    complexity=PER_FIELD,
    summary="Returns the values of fields of a hash and sets or removes their expire times.",
    syntax=f"key [{EXPIRY_SYNTAX} | PERSIST] FIELDS numfields:integer field [field ...]",
)
def hgetex(context: Context, argv: list[bytes]) -> None:
    key = argv[1]
    if reads_as_valkey(context):
        options = FieldOptions(argv, _GROUPS_TO_GET, _TIMES)
        argv, at = options.argv, options.end
        fields = fields_from(argv, at)
        value = hash_to_write(context, key)
        when_ms = _UNKNOWN_TIME
        if options.time_at > 0:
            when_ms = _time(context, options.chosen[0], argv[options.time_at + 1], b"hgetex")
    else:
        value = hash_to_write(context, key)
        when_ms, at = _time_to_get(context, argv)
        fields = counted_fields(argv, at)
    if when_ms > _UNKNOWN_TIME and context.keyspace.is_past(when_ms):
        _reply_last_values(context, key, value, fields)
    else:
        reply_values(context, key, value, fields)
    value = _unless_deleted(value)
    if value is None or at == 2:
        return
    value.prepare_times()
    found = [field for field in fields if value.get(field) is not None]
    if when_ms == _UNKNOWN_TIME:
        if _persist(context, key, value, found) and context.is_recording:
            context.record_instead([b"HPERSIST", key, *argv[at:]])
    elif found:
        is_past = context.keyspace.is_past(when_ms)
        set_times(context, key, value, found, when_ms)
        if is_past:
            _record_deleted(context, key, list(dict.fromkeys(found)))
        elif context.is_recording:
            context.record_instead([b"HPEXPIREAT", key, b"%d" % when_ms, *argv[at:]])


def _time_to_get(context: Context, argv: list[bytes]) -> tuple[int, int]:
    """The expire time of HGETEX, and the place of FIELDS."""
    option = argv[2].upper()
    when_ms = _UNKNOWN_TIME
    at = 2
    if option in _TIMES:
        when_ms = _time(context, option, argv[3], b"hgetex")
        at = 4
    elif option == b"PERSIST":
        at = 3
    if at + 1 == len(argv):
        raise errors.wrong_arity(b"hgetex")
    return when_ms, at


def _record_deleted(context: Context, key: bytes, fields: list[bytes]) -> None:
    """Record the deletion of fields whose new expire time has passed."""
    if context.is_recording:
        for field in fields:
            context.record_instead([b"HDEL", key, field])


def _unless_deleted(value: HashObject | None) -> HashObject | None:
    """The hash; None if there is none, or if it was deleted because its last fields had expired."""
    return None if value is None or value.refcount == 0 else value


def _persist(context: Context, key: bytes, value: HashObject, fields: list[bytes]) -> bool:
    """Remove the expire times of fields; False if none had one."""
    persisted = 0
    for field in fields:
        if value.persist(field):
            persisted += 1
    if persisted > 0:
        note_due(context.db, key, value)
        context.changed(key, events.HASH, b"hpersist", persisted)
    return persisted > 0


class _Setting:
    """The arguments of HSETEX."""

    def __init__(self, context: Context, argv: list[bytes]) -> None:
        self.argv = argv
        self.condition = b""
        self.key_condition = b""
        self.keeps_times = False
        self.when_ms = _UNKNOWN_TIME
        self.time_at: i64 = 0  # the place of the option that gives the expire time
        self.pairs: list[bytes] = []
        if reads_as_valkey(context):
            self._read_as_valkey()
        else:
            self._read(context)
        self.fields = self.pairs[::2]

    def _read_as_valkey(self) -> None:
        """Read everything but the time, which matters only if the condition for the key holds."""
        options = FieldOptions(self.argv, _GROUPS_TO_SET, _TIMES)
        self.argv = options.argv
        self.key_condition, self.condition, time = options.chosen
        self.keeps_times = time == b"KEEPTTL"
        self.time_at = options.time_at
        self.pairs = fields_from(self.argv, options.end, words=2)

    def _read(self, context: Context) -> None:
        argv = self.argv
        arguments = Arguments(argv, 2)
        while True:
            word = arguments.next()
            option = word.upper()
            if option == b"FIELDS":
                break
            if option in (b"FNX", b"FXX"):
                if self.condition:
                    raise CommandError(_ONE_CONDITION)
                self.condition = option
            elif option == b"KEEPTTL" or option in _TIMES:
                if self.keeps_times or self.when_ms != _UNKNOWN_TIME:
                    raise CommandError(_ONE_TIME)
                if option == b"KEEPTTL":
                    self.keeps_times = True
                elif arguments.left() == 0:
                    raise CommandError(_NO_TIME)
                else:
                    self.time_at = arguments.at - 1
                    self.when_ms = _time(context, option, arguments.next(), b"hsetex")
            else:
                raise CommandError(b"ERR unknown argument: " + c_string(word))
        if arguments.left() < _FEWEST_AFTER_FIELDS:
            raise errors.wrong_arity(b"hsetex")
        count = parse_integer(arguments.next())
        if count is None or not 1 <= count <= _MOST_FIELDS:
            raise CommandError(_BAD_COUNT)
        self.pairs = arguments.rest()
        if len(self.pairs) != 2 * count:
            raise errors.wrong_arity(b"hsetex")

    def allows_key(self, value: HashObject | None) -> bool:
        """Whether the condition for the key holds: it exists (XX), or not (NX)."""
        return not self.key_condition or (value is not None) == (self.key_condition == b"XX")

    def read_time(self, context: Context) -> None:
        """Read the expire time, unless it is known."""
        if self.time_at > 0 and self.when_ms == _UNKNOWN_TIME:
            option, argument = self.argv[self.time_at : self.time_at + 2]
            self.when_ms = _time(context, option.upper(), argument, b"hsetex")

    def allows(self, context: Context, key: bytes, value: HashObject | None) -> bool:
        """Whether the condition for the fields holds: all exist (FXX), or none does (FNX)."""
        if not self.condition or value is None:
            return self.condition != b"FXX"
        expired = 0
        allowed = True
        for field in self.fields:  # one by one, until a field decides
            is_there = value.get(field) is not None
            if is_there and is_field_expired(value, field, context.keyspace.expiry_us()):
                is_there = False
                if not context.keyspace.stands_still:
                    context.db.modify(key)
                    value.remove(field)
                    context.keyspace.changes.field_expired(context.db.index, key, field)
                    expired += 1
            if is_there != (self.condition == b"FXX"):
                allowed = False
                break
        if expired > 0:
            fields_expired(context.db, key, value, expired, is_refilled=allowed)
        return allowed


@hash_values.command(
    "hsetex",
    arity=-6,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, UPDATE),),
    acl="hash",
    since="8.0.0",
    complexity=PER_FIELD,
    summary="Sets the values of fields of a hash and their expire time.",
    syntax=f"key [NX | XX] [FNX | FXX] [{EXPIRY_SYNTAX} | KEEPTTL] "
    "FIELDS numfields:integer field value [field value ...]",
)
def hsetex(context: Context, argv: list[bytes]) -> None:
    """With an expire time that has passed, the fields are set and then deleted.

    Only FNX and FXX check whether the fields exist, and so delete those that have expired. Without them, KEEPTTL
    keeps the expire time of an expired field too.
    """
    setting = _Setting(context, argv)
    key = argv[1]
    value = hash_to_write(context, key)
    if not setting.allows_key(value):
        context.reply.integer(0)
        return
    setting.read_time(context)
    if not setting.allows(context, key, value):
        context.reply.integer(0)
        return
    _set(context, key, existing_or_new(context, key, value), setting)
    if context.is_recording and setting.when_ms != _UNKNOWN_TIME:
        _record_setting(context, setting.argv, setting)
    context.reply.integer(1)


def _record_setting(context: Context, argv: list[bytes], setting: _Setting) -> None:
    """Record the call with an absolute expire time, or the deletion of the fields if that time has passed."""
    if context.keyspace.is_past(setting.when_ms):
        _record_deleted(context, argv[1], setting.fields)
    elif argv[setting.time_at].upper() != b"PXAT":
        when = b"%d" % setting.when_ms
        context.record_instead([*argv[: setting.time_at], b"PXAT", when, *argv[setting.time_at + 2 :]])


def _set(context: Context, key: bytes, value: HashObject, setting: _Setting) -> None:
    limits = context.keyspace.limits
    pairs = setting.pairs
    has_passed = setting.when_ms > _UNKNOWN_TIME and context.keyspace.is_past(setting.when_ms)
    value.prepare(pairs, 0, limits)
    if setting.when_ms != _UNKNOWN_TIME:
        value.prepare_times()
    for index in range(0, len(pairs), 2):
        if setting.keeps_times:
            value.put(pairs[index], pairs[index + 1], limits)
        else:
            value.set(pairs[index], pairs[index + 1], limits)
        if has_passed:  # before the next field is set, so that the hash never holds them all
            value.remove(pairs[index])
    fields_changed(context, key, value)
    context.changed(key, events.HASH, b"hset", len(setting.fields))
    if has_passed:
        context.keyspace.expired_fields += len(setting.fields)
        event = event_at_once(context)
        if event != b"hdel":
            context.notify(events.HASH, b"hexpire", key)
        context.changed(key, events.HASH, event, len(setting.fields))
        if value.length() == 0:
            context.delete_emptied(key)
    elif setting.when_ms != _UNKNOWN_TIME:
        set_times(context, key, value, setting.fields, setting.when_ms)
