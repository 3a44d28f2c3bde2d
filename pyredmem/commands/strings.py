"""Commands of the group *string*."""

from __future__ import annotations

from typing import Final

from pyredmem.base.errors import WRONG_TYPE, CommandError
from pyredmem.engine.command import (
    ACCESS,
    DENYOOM,
    FAST,
    OVERWRITE,
    READ_ONLY,
    READONLY,
    UPDATE,
    WRITE,
    Group,
    key,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.string import BytesString, StringObject

strings: Final = Group("string")


@strings.command(
    "get",
    arity=2,
    flags=READONLY | FAST,
    keys=(key(READ_ONLY, ACCESS),),
    acl="string",
    since="1.0.0",
    complexity="O(1)",
    summary="Gives the string value of a key.",
    syntax="key",
)
def get(context: Context, argv: list[bytes]) -> None:
    """GET."""
    value = context.db.read(argv[1])
    if value is None:
        context.reply.null()
    elif isinstance(value, BytesString):
        context.reply.bulk(value.content)
    elif isinstance(value, StringObject):
        context.reply.bulk(value.data())
    else:
        raise CommandError(WRONG_TYPE)


@strings.command(
    "set",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(key(OVERWRITE, UPDATE),),
    acl="string",
    since="1.0.0",
    complexity="O(1)",
    summary="Sets the string value of a key, whatever it held before.",
    syntax="key value",
)
def set_(context: Context, argv: list[bytes]) -> None:
    """SET."""
    if len(argv) == 3:
        _set_plain(context, argv[1], argv[2])


def _set_plain(context: Context, name: bytes, data: bytes) -> None:
    """SET without options; an expire time that was there goes."""
    db = context.db
    keyspace = context.keyspace
    slot = db.keys.find(name)
    if slot >= 0 and db.expires.used > 0:
        slot = db.find(name)
        if slot >= 0:
            db.persist(name)
    if slot < 0:
        db.add(name, keyspace.strings.create(data))
    else:
        old = db.keys.values[slot]
        if keyspace.tracks_lru:
            old.lru = keyspace.lru_clock
        else:
            keyspace.touch(old)
        if not keyspace.strings.assign(old, data):
            db.replace(slot, keyspace.strings.create(data))
    context.changed(name, events.STRING, b"set")
    context.reply.ok()
