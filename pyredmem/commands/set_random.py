"""Commands of the group *set* that choose random members: SPOP and SRANDMEMBER.

The members are random, but the *encoding* of the remaining set is not: an SPOP that leaves only a few members builds a
new set of those instead of removing the others, in the most compact encoding that they allow (Redis 7.2 t_set.c).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import MUST_BE_POSITIVE, SYNTAX_ERROR, WRONG_TYPE, CommandError
from pyredmem.base.rng import Random
from pyredmem.commands.counts import at_least, sample_count
from pyredmem.commands.sampling import shuffled_front
from pyredmem.commands.sets import reply_set, set_to_read, set_to_write
from pyredmem.engine.command import ACCESS, DELETE, FAST, READ_ONLY, READ_WRITE, READONLY, WRITE, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.keyspace import events
from pyredmem.objects.set import SetObject, new_integer_set, new_listpack_set
from pyredmem.objects.set_encodings import IntegerMembers, ListpackMembers

set_random: Final = Group("set")

#: SPOP moves the remaining members if they are fewer than a fifth of the popped ones (7.2 SPOP_MOVE_STRATEGY_MUL).
_MOVE_FACTOR: Final = 5
#: SPOP is recorded as SREM commands of at most this many members each (Redis 7.2 spopWithCountCommand).
_MEMBERS_PER_SREM: Final = 1024
#: SRANDMEMBER shuffles a copy if it returns more than a third (Redis 7.2 SRANDMEMBER_SUB_STRATEGY_MUL).
_COPY_FACTOR: Final = 3
#: SRANDMEMBER with a negative count draws and sends this many members at a time.
_DRAWN_AT_ONCE: Final = 1000


@set_random.command(
    "spop",
    arity=-2,
    flags=WRITE | FAST,
    keys=(key_at(READ_WRITE, ACCESS, DELETE),),
    acl="set",
    since="1.0.0",
    complexity="O(1) without a count, otherwise O(N) where N is the count.",
    summary="Removes and returns random members of a set. A set without members is deleted.",
    syntax="key [count]",
    history=(("3.2.0", "Added the `count` argument."),),
    tips=("nondeterministic_output",),
)
def spop(context: Context, argv: list[bytes]) -> None:
    if len(argv) > 2:
        _pop_many(context, argv)
        return
    value = context.db.write(argv[1])
    if value is None:
        context.reply.null()
        return
    if not isinstance(value, SetObject):
        raise CommandError(WRONG_TYPE)
    content = value.content
    member = content.pop(context.keyspace.rng)
    context.removed(argv[1], events.SET, b"spop", 1, content.length() == 0)
    if context.is_recording:
        context.record_instead([b"SREM", argv[1], member])
    context.reply.bulk(member)


def _pop_many(context: Context, argv: list[bytes]) -> None:
    """SPOP with a count."""
    if len(argv) > 3:
        raise CommandError(SYNTAX_ERROR)
    count: i64 = at_least(0, argv[2], MUST_BE_POSITIVE)
    key = argv[1]
    found = set_to_write(context, key)
    if found is None or count == 0:
        reply_set(context, [])
        return
    length = found.length()
    if count >= length:
        popped = found.members()
    elif (length - count) * _MOVE_FACTOR > count:
        popped = _take_out(found, count, context.keyspace.rng)
    else:
        popped = _keep(context, key, found, length - count)
    context.removed(key, events.SET, b"spop", len(popped), count >= length)
    if count >= length:
        context.record_deletion(key, False)
    elif context.is_recording:
        _record_popped(context, key, popped)
    reply_set(context, popped)


def _record_popped(context: Context, key: bytes, popped: list[bytes]) -> None:
    """Record which members SPOP chose."""
    for start in range(0, len(popped), _MEMBERS_PER_SREM):
        context.record_instead([b"SREM", key, *popped[start : start + _MEMBERS_PER_SREM]])


def _take_out(found: SetObject, count: i64, rng: Random) -> list[bytes]:
    """Remove and return ``count`` random members, fewer than there are."""
    content = found.content
    if isinstance(content, ListpackMembers):
        popped = content.draw_in_order(count, rng)
        content.remove_all(popped)
        return popped
    popped = []
    while count > 0:
        popped.append(content.pop(rng))
        count -= 1
    return popped


def _keep(context: Context, key: bytes, found: SetObject, count: i64) -> list[bytes]:
    """Replace the set by a new one of ``count`` random members; returns all other members."""
    keyspace = context.keyspace
    content = found.content
    numbers = isinstance(content, IntegerMembers)
    kept = new_integer_set(keyspace.allocator) if numbers else new_listpack_set(keyspace.allocator)
    for member in _take_out(found, count, keyspace.rng):
        kept.add(member, keyspace.limits)
    popped = content.members()
    context.db.replace_value(key, kept)
    return popped


@set_random.command(
    "srandmember",
    arity=-2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="set",
    since="1.0.0",
    complexity="O(1) without a count, otherwise O(N) where N is the absolute value of the count.",
    summary="Returns random members of a set; with a negative count members may repeat.",
    syntax="key [count]",
    history=(("2.6.0", "Added the optional `count` argument."),),
    tips=("nondeterministic_output",),
)
def srandmember(context: Context, argv: list[bytes]) -> None:
    if len(argv) > 2:
        _draw_many(context, argv)
        return
    found = set_to_read(context, argv[1])
    if found is None:
        context.reply.null()
    else:
        context.reply.bulk(found.draw(context.keyspace.rng))


def _draw_many(context: Context, argv: list[bytes]) -> None:
    """SRANDMEMBER with a count."""
    if len(argv) > 3:
        raise CommandError(SYNTAX_ERROR)
    count = sample_count(argv[2])
    found = set_to_read(context, argv[1])
    rng = context.keyspace.rng
    if found is None or count == 0:
        context.reply.array(0)
    elif count < 0:
        _reply_independent(context, found, -count)
    elif count >= found.length():
        context.reply.bulks(found.members())
    else:
        context.reply.bulks(_draw_different(found, count, rng))


def _reply_independent(context: Context, found: SetObject, count: i64) -> None:
    """Reply with ``count`` independently drawn members; stop if the client is disconnected meanwhile."""
    reply = context.reply
    rng = context.keyspace.rng
    reply.array(count)
    while count > 0 and not context.client_is_gone():
        members = found.content.draw_many(min(count, _DRAWN_AT_ONCE), rng)
        for member in members:
            reply.bulk(member)
        count -= len(members)


def _draw_different(found: SetObject, count: i64, rng: Random) -> list[bytes]:
    """``count`` different members, fewer than there are."""
    content = found.content
    if isinstance(content, ListpackMembers):
        return content.draw_in_order(count, rng)
    if count * _COPY_FACTOR > found.length():
        return shuffled_front(found.members(), count, rng)
    drawn: dict[bytes, None] = {}
    while len(drawn) < count:
        drawn[content.draw(rng)] = None
    return list(drawn)
