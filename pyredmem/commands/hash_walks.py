"""Commands of the group *hash* that return all fields, random ones, or some per call: HGETALL, HRANDFIELD, HSCAN."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.base.numbers import INT64_MAX
from pyredmem.base.rng import Random
from pyredmem.commands.counts import check_count_of_pairs, sample_count
from pyredmem.commands.hashes import hash_to_read
from pyredmem.commands.sampling import distinct_numbers, shuffled_front
from pyredmem.commands.scan import ScanOptions, reply_scan, scan_cursor
from pyredmem.config.profiles import HSCAN_NOVALUES
from pyredmem.engine.command import ACCESS, READ_ONLY, READONLY, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.keyspace.field_expiry import delete_all_expired, is_field_expired
from pyredmem.objects.hash import HashObject
from pyredmem.objects.hash_table import FieldTable
from pyredmem.protocol.reply import ReplySink

hash_walks: Final = Group("hash")

_UNORDERED: Final = ("nondeterministic_output_order",)
#: If more than a third of the fields are drawn, shuffling all of them is cheaper than drawing until enough differ.
_DENSE_SHARE: Final = 3


def _reply_all(context: Context, value: HashObject, with_fields: bool, with_values: bool) -> None:
    """Reply with the fields of a hash that have not expired, with their values, or with both: pairs."""
    reply = context.reply
    now_us = context.keyspace.expiry_us()
    fields = value.fields
    table = fields.hash_table()
    if isinstance(table, FieldTable) and value.due_us >= now_us:
        _start_all(reply, table.used, with_fields and with_values)
        table.reply_all(reply, with_fields, with_values)
        return
    names, contents = fields.names(), fields.contents()
    indexes = [
        index
        for index, field in enumerate(names)
        if value.due_us >= now_us or not is_field_expired(value, field, now_us)
    ]
    _start_all(reply, len(indexes), with_fields and with_values)
    for index in indexes:
        if with_fields:
            reply.bulk(names[index])
        if with_values:
            reply.bulk(contents[index])


def _start_all(reply: ReplySink, count: i64, in_pairs: bool) -> None:
    if in_pairs:
        reply.map(count)
    else:
        reply.array(count)


# All fields.


@hash_walks.command(
    "hgetall",
    arity=2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields of the hash.",
    summary="Returns all fields of a hash with their values.",
    syntax="key",
    tips=_UNORDERED,
)
def hgetall(context: Context, argv: list[bytes]) -> None:
    value = hash_to_read(context, argv[1])
    if value is None:
        context.reply.map(0)
    else:
        _reply_all(context, value, True, True)


@hash_walks.command(
    "hkeys",
    arity=2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields of the hash.",
    summary="Returns all fields of a hash.",
    syntax="key",
    tips=_UNORDERED,
)
def hkeys(context: Context, argv: list[bytes]) -> None:
    value = hash_to_read(context, argv[1])
    if value is None:
        context.reply.array(0)
    else:
        _reply_all(context, value, True, False)


@hash_walks.command(
    "hvals",
    arity=2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="2.0.0",
    complexity="O(N) where N is the number of fields of the hash.",
    summary="Returns all values of a hash.",
    syntax="key",
    tips=_UNORDERED,
)
def hvals(context: Context, argv: list[bytes]) -> None:
    value = hash_to_read(context, argv[1])
    if value is None:
        context.reply.array(0)
    else:
        _reply_all(context, value, False, True)


# Random fields.


@hash_walks.command(
    "hrandfield",
    arity=-2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="6.2.0",
    complexity="O(N) where N is the number of returned fields.",
    summary="Returns one or more random fields of a hash.",
    syntax="key [count [WITHVALUES]]",
    tips=("nondeterministic_output",),
)
def hrandfield(context: Context, argv: list[bytes]) -> None:
    """All expired fields are deleted first."""
    if len(argv) == 2:
        value = _drawable(context, argv[1])
        if value is None:
            context.reply.null()
        else:
            context.reply.bulk(value.fields.random_field(context.keyspace.rng))
        return
    count = sample_count(argv[2])
    if len(argv) > 4 or (len(argv) == 4 and argv[3].upper() != b"WITHVALUES"):
        raise CommandError(errors.SYNTAX_ERROR)
    with_values = len(argv) == 4
    if with_values:
        check_count_of_pairs(count)
    value = _drawable(context, argv[1])
    if value is None or count == 0:
        context.reply.array(0)
        return
    drawn = _Drawn(value, with_values)
    if count < 0:
        _reply_with_replacement(context, drawn, -count, with_values)
        return
    _start(context.reply, min(count, drawn.total), with_values)
    for index in _distinct(count, drawn.total, context.keyspace.rng):
        drawn.reply(index, context.reply)


def _drawable(context: Context, key: bytes) -> HashObject | None:
    """The hash of a key after its expired fields were deleted; None if no others are left."""
    value = hash_to_read(context, key)
    if value is None or value.due_us >= context.keyspace.now_us or context.keyspace.stands_still:
        return value
    return None if delete_all_expired(context.db, key, value) else value


def _start(reply: ReplySink, count: i64, with_values: bool) -> None:
    reply.array(count * 2 if with_values and reply.protocol == 2 else count)


class _Drawn:
    """The fields of a hash by index, for replies with some of them."""

    def __init__(self, value: HashObject, with_values: bool) -> None:
        self.total: i64 = value.length()
        self._with_values = with_values
        table = value.fields.hash_table()
        self._table: FieldTable | None = table if isinstance(table, FieldTable) else None
        self._names: list[bytes] = value.fields.names() if table is None else []
        self._contents: list[bytes] = value.fields.contents() if table is None else []

    def reply(self, index: i64, reply: ReplySink) -> None:
        """Reply with a field and perhaps its value: a pair in RESP3, two elements in RESP2."""
        table = self._table
        if self._with_values and reply.protocol == 3:
            reply.array(2)
        reply.bulk(self._names[index] if table is None else table.key(index))
        if not self._with_values:
            return
        if table is None:
            reply.bulk(self._contents[index])
        else:
            table.reply_value(index, reply)


def _reply_with_replacement(context: Context, drawn: _Drawn, count: i64, with_values: bool) -> None:
    """Reply with ``count`` fields, each drawn from all fields."""
    rng = context.keyspace.rng
    _start(context.reply, count, with_values)
    while count > 0 and not context.client_is_gone():
        count -= 1
        drawn.reply(rng.below(drawn.total), context.reply)


def _distinct(count: i64, total: i64, rng: Random) -> list[int]:
    """``count`` different indexes below ``total``, or all of them if there are fewer; each is equally likely."""
    if count >= total:
        return list(range(total))
    if count * _DENSE_SHARE > total:
        return shuffled_front(list(range(total)), count, rng)
    return list(distinct_numbers(count, total, rng))


# Some fields at a time.


@hash_walks.command(
    "hscan",
    arity=-3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="hash",
    since="2.8.0",
    complexity="O(1) for every call, O(N) for all calls until the cursor is 0, with N being the number of fields.",
    summary="Iterates over the fields of a hash with their values, some of them per call.",
    syntax="key cursor [MATCH pattern] [COUNT count] [NOVALUES]",
    tips=("nondeterministic_output",),
)
def hscan(context: Context, argv: list[bytes]) -> None:
    """The options are not checked if there is no hash."""
    cursor: i64 = scan_cursor(context, argv[2]) & INT64_MAX  # only the bits below the table's size count
    value = hash_to_read(context, argv[1])
    found: list[bytes] = []
    if value is None:
        cursor = 0
    else:
        options = ScanOptions(argv, 3, omitting=b"NOVALUES" if context.engine.profile.has(HSCAN_NOVALUES) else b"")
        cursor = _scan(context, value, cursor, options, found)
    reply_scan(context.reply, int(cursor), found)


def _scan(context: Context, value: HashObject, cursor: i64, options: ScanOptions, found: list[bytes]) -> i64:
    """Add the fields that one call returns to ``found``; returns the cursor of the next call."""
    fields: list[bytes] = []
    values: list[bytes] = []
    cursor = value.fields.scan(cursor, options.count, fields, values)
    pattern = options.pattern
    has_expired = value.due_us < context.keyspace.now_us
    for index, field in enumerate(fields):
        if pattern is not None and not pattern.matches(field):
            continue
        if has_expired and is_field_expired(value, field, context.keyspace.expiry_us()):
            continue
        found.append(field)
        if not options.omits_values:
            found.append(values[index])
    return cursor
