"""Commands of the group *string* that only Valkey has: DELIFEQ deletes a key that has a value, MSETEX sets several."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import parse_integer
from pyredmem.commands.string_options import EXPIRY, EXPIRY_SYNTAX, KEEP_TTL, MSETEX_OPTIONS, NX, XX, StringOptions
from pyredmem.commands.strings import string_value
from pyredmem.config.kinds import INT_MAX
from pyredmem.engine.command import DELETE, DENYOOM, FAST, OVERWRITE, REMOVE, UPDATE, WRITE, Group, KeySpec, key_at
from pyredmem.engine.context import Context
from pyredmem.keyspace import events

conditional_strings: Final = Group("string")

_BAD_COUNT: Final = b"ERR invalid numkeys value or out of range"


@conditional_strings.command(
    "delifeq",
    arity=3,
    flags=WRITE | FAST,
    keys=(key_at(REMOVE, DELETE),),
    acl="string",
    since="9.0.0",
    complexity="O(1)",
    summary="Deletes a key if its string value is the given one.",
    syntax="key value",
)
def delifeq(context: Context, argv: list[bytes]) -> None:
    key = argv[1]
    value = context.db.write(key)
    if value is None or string_value(value).data() != argv[2]:
        context.reply.integer(0)
        return
    context.db.delete(key)
    context.changed(key, events.GENERIC, b"del")
    context.record_deletion(key, context.keyspace.lazy_user_del)
    context.reply.integer(1)


@conditional_strings.command(
    "msetex",
    arity=-4,
    flags=WRITE | DENYOOM,
    keys=(KeySpec(flags=(OVERWRITE, UPDATE), index=1, count_at=0, step=2),),
    acl="string",
    since="9.1.0",
    complexity="O(N) where N is the number of keys.",
    summary="Sets the string values of several keys, and their expire time, if all exist or none does.",
    syntax=f"numkeys key value [key value ...] [NX | XX] [{EXPIRY_SYNTAX} | KEEPTTL]",
    tips=("request_policy:multi_shard", "response_policy:all_succeeded"),
)
def msetex(context: Context, argv: list[bytes]) -> None:
    """An expire time that has passed is set too: the keys expire when somebody meets them."""
    end = 2 + 2 * _count(argv)
    options = StringOptions(argv, end, MSETEX_OPTIONS)
    deadline_ms: i64 = options.deadline_ms(context, b"msetex") if options.given & EXPIRY else 0
    if options.given & (NX | XX):
        wanted = options.given & XX != 0
        if any((context.db.write(key) is not None) != wanted for key in argv[2:end:2]):
            context.reply.integer(0)
            return
    keeps_ttl = options.given & (KEEP_TTL | EXPIRY) != 0
    for at in range(2, end, 2):
        context.db.store_string(argv[at], argv[at + 1], keeps_ttl)
        context.changed(argv[at], events.STRING, b"set")
        if deadline_ms > 0:
            context.db.expire_at(argv[at], deadline_ms)
            context.notify(events.GENERIC, b"expire", argv[at])
    if deadline_ms > 0 and context.is_recording:
        context.record_instead([*argv[:end], b"PXAT", b"%d" % int(deadline_ms)])
    context.reply.integer(1)


def _count(argv: list[bytes]) -> int:
    """The number of keys, which must all have values."""
    count = parse_integer(argv[1])
    if count is None or not 1 <= count <= INT_MAX:
        raise CommandError(_BAD_COUNT)
    if 2 * count > len(argv) - 2:
        raise CommandError(SYNTAX_ERROR)
    return count
