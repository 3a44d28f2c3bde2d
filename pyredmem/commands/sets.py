"""Commands of the group *set* on one set, or on two at a time.

SADD with one member is among the shortest paths of the server. `set_random` has the commands on random members,
`set_operations` those that combine whole sets.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import WRONG_TYPE, CommandError
from pyredmem.commands.scan import ScanOptions, reply_scan, scan_cursor, scan_table
from pyredmem.engine.command import (
    ACCESS,
    DELETE,
    DENYOOM,
    FAST,
    INSERT,
    READ_ONLY,
    READ_WRITE,
    READONLY,
    WRITE,
    Group,
    key_at,
)
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.object import RedisObject
from pyredmem.objects.set import SetObject, new_set
from pyredmem.objects.table_reply import reply_keys

sets: Final = Group("set")

_SEVERAL_MEMBERS: Final = (("2.4.0", "Accepts multiple `member` arguments."),)


def set_value(value: RedisObject) -> SetObject:
    """The value as a set; an error if it has another type."""
    if isinstance(value, SetObject):
        return value
    raise CommandError(WRONG_TYPE)


def set_to_read(context: Context, key: bytes) -> SetObject | None:
    """The set of a key, for a command that reads it; None if there is no such key."""
    value = context.db.read(key)
    return None if value is None else set_value(value)


def set_to_write(context: Context, key: bytes) -> SetObject | None:
    """The set of a key, for a command that changes it; None if there is no such key."""
    value = context.db.write(key)
    return None if value is None else set_value(value)


# Changing.


@sets.command(
    "sadd",
    arity=-3,
    flags=WRITE | DENYOOM | FAST,
    keys=(key_at(READ_WRITE, INSERT),),
    acl="set",
    since="1.0.0",
    complexity="O(1) for each member added, so O(N) for N members.",
    summary="Adds members to a set; creates the set if it does not exist.",
    syntax="key member [member ...]",
    history=_SEVERAL_MEMBERS,
)
def sadd(context: Context, argv: list[bytes]) -> None:
    value = context.db.write(argv[1])
    limits = context.keyspace.limits
    added: i64 = 0
    if value is None:
        added = _add_to_new(context, argv)
    elif not isinstance(value, SetObject):
        raise CommandError(WRONG_TYPE)
    elif len(argv) == 3 and limits.set_entries > 0 and limits.set_intset_entries > 0:
        if value.add(argv[2], limits):  # a single member never makes a set too large to begin with
            added = 1
    else:
        value.prepare(len(argv) - 2, limits)
        for at in range(2, len(argv)):
            if value.add(argv[at], limits):
                added += 1
    if added > 0:
        context.changed(argv[1], events.SET, b"sadd", added)
    context.reply.integer(added)


def _add_to_new(context: Context, argv: list[bytes]) -> i64:
    """Create a set of the arguments under a key that does not exist; returns how many members it has."""
    limits = context.keyspace.limits
    made = new_set(argv[2], len(argv) - 2, context.keyspace.allocator, limits)
    context.db.add(argv[1], made)
    for at in range(2, len(argv)):
        made.add(argv[at], limits)
    return made.length()


@sets.command(
    "srem",
    arity=-3,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, DELETE),),
    acl="set",
    since="1.0.0",
    complexity="O(N) where N is the number of members to remove.",
    summary="Removes members from a set. A set without members is deleted.",
    syntax="key member [member ...]",
    history=_SEVERAL_MEMBERS,
)
def srem(context: Context, argv: list[bytes]) -> None:
    """Stop as soon as the set is empty."""
    found = set_to_write(context, argv[1])
    if found is None:
        context.reply.integer(0)
        return
    removed: i64 = 0
    found.pause_shrinking()
    for at in range(2, len(argv)):
        if found.remove(argv[at]):
            removed += 1
            if found.length() == 0:
                break
    found.resume_shrinking()
    if removed > 0:
        context.changed(argv[1], events.SET, b"srem", removed)
        if found.length() == 0:
            context.delete_emptied(argv[1])
    context.reply.integer(removed)


@sets.command(
    "smove",
    arity=4,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE), key_at(READ_WRITE, INSERT, index=2)),
    acl="set",
    since="1.0.0",
    complexity="O(1)",
    summary="Moves a member from one set to another.",
    syntax="source destination member",
)
def smove(context: Context, argv: list[bytes]) -> None:
    source_key, destination_key, member = argv[1], argv[2], argv[3]
    held = context.db.write(source_key)
    other = context.db.write(destination_key)
    if held is None:
        context.reply.integer(0)
        return
    source = set_value(held)
    destination = None if other is None else set_value(other)
    if source is destination:
        context.reply.integer(1 if source.contains(member) else 0)
        return
    if not source.remove(member):
        context.reply.integer(0)
        return
    changes = context.keyspace.changes
    changes.count(1)
    context.notify(events.SET, b"srem", source_key)
    if source.length() == 0:
        context.delete_emptied(source_key)
    limits = context.keyspace.limits
    if destination is None:
        destination = new_set(member, 1, context.keyspace.allocator, limits)
        context.db.add(destination_key, destination)
    changes.modified(context.db.index, source_key)
    if destination.add(member, limits):
        context.changed(destination_key, events.SET, b"sadd")
    context.reply.integer(1)


# Reading.


@sets.command(
    "scard",
    arity=2,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY),),
    acl="set",
    since="1.0.0",
    complexity="O(1)",
    summary="Counts the members of a set.",
    syntax="key",
)
def scard(context: Context, argv: list[bytes]) -> None:
    found = set_to_read(context, argv[1])
    context.reply.integer(0 if found is None else found.length())


@sets.command(
    "sismember",
    arity=3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY),),
    acl="set",
    since="1.0.0",
    complexity="O(1)",
    summary="Returns whether a value is a member of a set.",
    syntax="key member",
)
def sismember(context: Context, argv: list[bytes]) -> None:
    found = set_to_read(context, argv[1])
    context.reply.integer(1 if found is not None and found.contains(argv[2]) else 0)


@sets.command(
    "smismember",
    arity=-3,
    flags=READONLY | FAST,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="set",
    since="6.2.0",
    complexity="O(N) where N is the number of values.",
    summary="Returns whether each of several values is a member of a set.",
    syntax="key member [member ...]",
)
def smismember(context: Context, argv: list[bytes]) -> None:
    found = set_to_read(context, argv[1])
    reply = context.reply
    reply.array(len(argv) - 2)
    for at in range(2, len(argv)):
        reply.integer(1 if found is not None and found.contains(argv[at]) else 0)


@sets.command(
    "smembers",
    arity=2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="set",
    since="1.0.0",
    complexity="O(N) where N is the number of members.",
    summary="Returns all members of a set.",
    syntax="key",
    tips=("nondeterministic_output_order",),
)
def smembers(context: Context, argv: list[bytes]) -> None:
    found = set_to_read(context, argv[1])
    table = None if found is None else found.hash_table()
    if table is None:
        reply_set(context, [] if found is None else found.members())
        return
    context.reply.set(table.used)
    reply_keys(table, context.reply)


def reply_set(context: Context, members: list[bytes]) -> None:
    """Reply with members as a set, which RESP2 sends as an array."""
    reply = context.reply
    reply.set(len(members))
    for member in members:
        reply.bulk(member)


@sets.command(
    "sscan",
    arity=-3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="set",
    since="2.8.0",
    complexity="O(1) for every call, O(N) for all calls until the cursor is 0, with N being the number of members.",
    summary="Iterates over the members of a set, some of them per call.",
    syntax="key cursor [MATCH pattern] [COUNT count]",
    tips=("nondeterministic_output",),
)
def sscan(context: Context, argv: list[bytes]) -> None:
    """A small set is returned at once. If there is no set, the options are not checked."""
    cursor = scan_cursor(context, argv[2])
    found = set_to_read(context, argv[1])
    members: list[bytes] = []
    next_cursor = 0
    if found is not None:
        options = ScanOptions(argv, 3)
        table = found.hash_table()
        if table is None:
            members = found.members()
        else:
            next_cursor, slots = scan_table(table, cursor, options)
            members = [table.key(slot) for slot in slots]
        pattern = options.pattern
        if pattern is not None:
            members = [member for member in members if pattern.matches(member)]
    reply_scan(context.reply, next_cursor, members)
