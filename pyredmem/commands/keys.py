"""Commands of the group *generic* that work on whole keys of any type: delete, look up, rename, move, copy."""

from __future__ import annotations

from typing import Final

from pyredmem.base import errors
from pyredmem.base.errors import CommandError
from pyredmem.commands.databases import database_at
from pyredmem.engine.arguments import Arguments
from pyredmem.engine.command import (
    ACCESS,
    ALWAYS_TOUCHES,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
    OVERWRITE,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    REMOVE,
    TOUCHES_ARBITRARY_KEYS,
    UPDATE,
    WRITE,
    Group,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.keyspace.database import Database

keys: Final = Group("generic")

_MULTI_SHARD: Final = ("request_policy:multi_shard", "response_policy:agg_sum")


# Deleting and looking up.


@keys.command(
    "del",
    arity=-2,
    flags=WRITE,
    keys=(key_at(REMOVE, DELETE, last=-1),),
    acl="keyspace",
    since="1.0.0",
    complexity="O(N) with N being the number of keys, plus O(M) for each key that holds a collection of M elements.",
    summary="Deletes keys and returns how many of them existed.",
    syntax="key [key ...]",
    tips=_MULTI_SHARD,
)
def del_(context: Context, argv: list[bytes]) -> None:
    _delete(context, argv, context.keyspace.lazy_user_del)


@keys.command(
    "unlink",
    arity=-2,
    flags=WRITE | FAST,
    keys=(key_at(REMOVE, DELETE, last=-1),),
    acl="keyspace",
    since="4.0.0",
    complexity="O(1) for each key; the memory is freed in the background in O(N), N being its number of allocations.",
    summary="Deletes keys and frees the memory of large values in the background.",
    syntax="key [key ...]",
    tips=_MULTI_SHARD,
)
def unlink(context: Context, argv: list[bytes]) -> None:
    _delete(context, argv, True)


def _delete(context: Context, argv: list[bytes], lazily: bool) -> None:
    deleted = 0
    for at in range(1, len(argv)):
        key = argv[at]
        context.db.prepare(argv, at, 1)
        if context.db.delete(key, lazily):
            context.changed(key, events.GENERIC, b"del")
            deleted += 1
    context.reply.integer(deleted)


@keys.command(
    "exists",
    arity=-2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, last=-1),),
    acl="keyspace",
    since="1.0.0",
    complexity="O(N) with N being the number of keys.",
    summary="Returns how many of the keys exist; a repeated key counts every time.",
    syntax="key [key ...]",
    history=(("3.0.3", "Accepts multiple `key` arguments."),),
    tips=_MULTI_SHARD,
)
def exists(context: Context, argv: list[bytes]) -> None:
    found = 0
    for key in argv[1:]:
        if context.db.finds(key):
            found += 1
    context.reply.integer(found)


@keys.command(
    "touch",
    arity=-2,
    flags=READONLY | FAST | ALWAYS_TOUCHES,
    keys=(key_at(READ_ONLY, last=-1),),
    acl="keyspace",
    since="3.2.1",
    complexity="O(N) with N being the number of keys.",
    summary="Marks keys as used now and returns how many of them exist.",
    syntax="key [key ...]",
    tips=_MULTI_SHARD,
)
def touch(context: Context, argv: list[bytes]) -> None:
    found = 0
    for key in argv[1:]:
        if context.db.touch(key):
            found += 1
    context.reply.integer(found)


@keys.command(
    "type",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY),),
    acl="keyspace",
    since="1.0.0",
    complexity="O(1)",
    summary="Returns the type of the value of a key.",
    syntax="key",
)
def type_(context: Context, argv: list[bytes]) -> None:
    value = context.db.inspect(argv[1])
    context.reply.simple(b"none" if value is None else value.type_name())


@keys.command(
    "randomkey",
    arity=1,
    flags=READONLY | TOUCHES_ARBITRARY_KEYS,
    acl="keyspace",
    since="1.0.0",
    complexity="O(1)",
    summary="Returns a random key.",
    tips=("request_policy:all_shards", "response_policy:special", "nondeterministic_output"),
)
def randomkey(context: Context, argv: list[bytes]) -> None:
    key = context.db.random_key()
    if key is None:
        context.reply.null()
    else:
        context.reply.bulk(key)


# Renaming, moving and copying.


@keys.command(
    "rename",
    arity=3,
    flags=WRITE,
    keys=(key_at(READ_WRITE, ACCESS, DELETE), key_at(OVERWRITE, UPDATE, index=2)),
    acl="keyspace",
    since="1.0.0",
    complexity="O(1)",
    summary="Renames a key and overwrites a key that has the new name.",
    syntax="key newkey",
)
def rename(context: Context, argv: list[bytes]) -> None:
    _rename(context, argv[1], argv[2], only_if_free=False)
    context.reply.ok()


@keys.command(
    "renamenx",
    arity=3,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE), key_at(OVERWRITE, INSERT, index=2)),
    acl="keyspace",
    since="1.0.0",
    complexity="O(1)",
    summary="Renames a key if no key has the new name.",
    syntax="key newkey",
    history=(("3.2.0", "No longer fails if both names are the same."),),
)
def renamenx(context: Context, argv: list[bytes]) -> None:
    context.reply.integer(1 if _rename(context, argv[1], argv[2], only_if_free=True) else 0)


def _rename(context: Context, key: bytes, new_key: bytes, only_if_free: bool) -> bool:
    """Rename a key; False if both names are the same, or if the new one is taken and ``only_if_free``."""
    db = context.db
    value = db.write(key)
    if value is None:
        raise CommandError(errors.NO_SUCH_KEY)
    if key == new_key:
        return False
    if db.write(new_key) is not None:
        if only_if_free:
            return False
        db.delete(new_key, context.keyspace.lazy_server_del)
    db.move_key(key, db, new_key)
    changes = context.keyspace.changes
    changes.modified(db.index, key)
    changes.modified(db.index, new_key)
    context.notify(events.GENERIC, b"rename_from", key)
    context.notify(events.GENERIC, b"rename_to", new_key)
    changes.count(1)
    return True


@keys.command(
    "move",
    arity=3,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, UPDATE),),
    acl="keyspace",
    since="1.0.0",
    complexity="O(1)",
    summary="Moves a key to another database, unless that already has the key.",
    syntax="key db",
)
def move(context: Context, argv: list[bytes]) -> None:
    key = argv[1]
    source = context.db
    target = database_at(context, argv[2])
    if target is source:
        raise CommandError(errors.SAME_OBJECT)
    value = source.write(key)
    if value is None or target.write(key) is not None:
        context.reply.integer(0)
        return
    source.move_key(key, target, key)
    changes = context.keyspace.changes
    changes.modified(source.index, key)
    changes.modified(target.index, key)
    context.notify(events.GENERIC, b"move_from", key)
    changes.notify(events.GENERIC, b"move_to", target.index, key)
    changes.count(1)
    context.reply.integer(1)


@keys.command(
    "copy",
    arity=-3,
    flags=WRITE | DENYOOM,
    keys=(key_at(READ_ONLY, ACCESS), key_at(OVERWRITE, UPDATE, index=2)),
    acl="keyspace",
    since="6.2.0",
    complexity="O(N) with N being the number of elements in the value; O(1) for strings.",
    summary="Copies the value of a key to another key, in this database or another.",
    syntax="source destination [DB destination-db] [REPLACE]",
)
def copy(context: Context, argv: list[bytes]) -> None:
    key, new_key = argv[1], argv[2]
    source = context.db
    target = source
    replace = False
    options = Arguments(argv, 3)
    while options.left() > 0:
        option = options.word()
        if option == b"REPLACE":
            replace = True
        elif option == b"DB":
            target = database_at(context, options.next())
        else:
            raise CommandError(errors.SYNTAX_ERROR)
    if source is target and key == new_key:
        raise CommandError(errors.SAME_OBJECT)
    value = source.read(key)
    if value is None or not _make_way(target, new_key, replace):
        context.reply.integer(0)
        return
    source.copy_key(key, value.duplicate(context.keyspace.allocator), target, new_key)
    context.keyspace.changes.changed(target.index, new_key, events.GENERIC, b"copy_to", 1)
    context.reply.integer(1)


def _make_way(target: Database, key: bytes, replace: bool) -> bool:
    """Delete a key that a copy replaces; returns whether the copy may be made."""
    if target.write(key) is None:
        return True
    if replace:
        target.delete(key, target.shared.lazy_server_del)
    return replace
