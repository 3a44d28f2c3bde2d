"""OBJECT: how the value of a key is stored and when it was used; these commands do not count as a use."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.commands.help import declare_help
from pyredmem.engine.command import READ_ONLY, READONLY, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.keyspace import access
from pyredmem.objects.object import RedisObject

objects: Final = Group("generic")
objects.container("object", since="2.2.3", summary="A container for commands about how values are stored.")

_TIPS: Final = ("nondeterministic_output",)


def _value(context: Context, argv: list[bytes]) -> RedisObject | None:
    """The value of the key in ``argv``; if there is none, reply with null."""
    value = context.db.inspect(argv[2], notifies_miss=False)
    if value is None:
        context.reply.null()
    return value


@objects.command(
    "object|encoding",
    arity=3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, index=2),),
    acl="keyspace",
    since="2.2.3",
    complexity="O(1)",
    summary="Returns the encoding of the value of a key.",
    syntax="key",
    tips=_TIPS,
)
def encoding(context: Context, argv: list[bytes]) -> None:
    value = _value(context, argv)
    if value is not None:
        context.reply.bulk(value.encoding())


@objects.command(
    "object|freq",
    arity=3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, index=2),),
    acl="keyspace",
    since="4.0.0",
    complexity="O(1)",
    summary="Returns the logarithmic counter of how often a key was used; needs an LFU policy.",
    syntax="key",
    tips=_TIPS,
)
def freq(context: Context, argv: list[bytes]) -> None:
    value = _value(context, argv)
    if value is None:
        return
    keyspace = context.keyspace
    if not keyspace.lfu_policy:
        raise CommandError(errors.LFU_NOT_SELECTED)
    context.reply.integer(access.lfu_decayed(i64(value.lru), keyspace.lfu_minutes, keyspace.lfu_decay_time))


@objects.command(
    "object|idletime",
    arity=3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, index=2),),
    acl="keyspace",
    since="2.2.3",
    complexity="O(1)",
    summary="Returns the seconds since a key was last used; not available under an LFU policy.",
    syntax="key",
    tips=_TIPS,
)
def idletime(context: Context, argv: list[bytes]) -> None:
    value = _value(context, argv)
    if value is None:
        return
    keyspace = context.keyspace
    if keyspace.lfu_policy:
        raise CommandError(errors.LFU_SELECTED)
    context.reply.integer(access.idle_ms(i64(keyspace.lru_clock), i64(value.lru)) // 1000)


@objects.command(
    "object|refcount",
    arity=3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, index=2),),
    acl="keyspace",
    since="2.2.3",
    complexity="O(1)",
    summary="Returns the number of references to the value of a key.",
    syntax="key",
    tips=_TIPS,
)
def refcount(context: Context, argv: list[bytes]) -> None:
    value = _value(context, argv)
    if value is not None:
        context.reply.integer(i64(value.refcount))


declare_help(objects, "object", since="6.2.0", acl="keyspace")
