"""Commands of the group *sorted-set* that iterate over members or draw random ones: ZSCAN and ZRANDMEMBER."""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from pyredmem.base.errors import SYNTAX_ERROR, CommandError
from pyredmem.base.numbers import format_double
from pyredmem.base.rng import Random
from pyredmem.commands.counts import check_count_of_pairs, sample_count
from pyredmem.commands.sampling import distinct_numbers
from pyredmem.commands.scan import ScanOptions, reply_scan, scan_cursor, scan_table
from pyredmem.commands.sorted_sets import reply_members, sorted_set_to_read
from pyredmem.config.profiles import ZSCAN_NOSCORES
from pyredmem.engine.command import ACCESS, READ_ONLY, READONLY, Group, key_at
from pyredmem.engine.context import Context
from pyredmem.objects.sorted_set import SortedSetObject

sorted_set_walks: Final = Group("sorted-set")

#: For more than a third of the members, the others are drawn instead (Redis 7.2 ZRANDMEMBER_SUB_STRATEGY_MUL).
_LEAVE_OUT_FACTOR: Final = 3


@sorted_set_walks.command(
    "zscan",
    arity=-3,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="2.8.0",
    complexity="O(1) for every call, O(N) for all calls until the cursor is 0, with N being the number of members.",
    summary="Iterates over the members of a sorted set with their scores, some of them per call.",
    syntax="key cursor [MATCH pattern] [COUNT count] [NOSCORES]",
    tips=("nondeterministic_output",),
)
def zscan(context: Context, argv: list[bytes]) -> None:
    """A listpack is returned at once. If there is no sorted set, the options are not checked."""
    cursor = scan_cursor(context, argv[2])
    found = sorted_set_to_read(context, argv[1])
    if found is None:
        reply_scan(context.reply, 0, [])
        return
    options = ScanOptions(argv, 3, omitting=b"NOSCORES" if context.engine.profile.has(ZSCAN_NOSCORES) else b"")
    table = found.content.table()
    parts: list[bytes] = []
    if table is None:
        cursor = 0
        for member, score in found.items():
            if options.pattern is None or options.pattern.matches(member):
                parts += [member] if options.omits_values else [member, format_double(score)]
    else:
        cursor, slots = scan_table(table, cursor, options)
        for slot in slots:
            member = table.keys[slot]
            if options.pattern is None or options.pattern.matches(member):
                parts += [member] if options.omits_values else [member, b"%.17g" % table.scores[slot]]
    reply_scan(context.reply, cursor, parts)


@sorted_set_walks.command(
    "zrandmember",
    arity=-2,
    flags=READONLY,
    keys=(key_at(READ_ONLY, ACCESS),),
    acl="sortedset",
    since="6.2.0",
    complexity="O(N) where N is the number of returned members.",
    summary="Returns random members of a sorted set; with a negative count members may repeat.",
    syntax="key [count [WITHSCORES]]",
    tips=("nondeterministic_output",),
)
def zrandmember(context: Context, argv: list[bytes]) -> None:
    if len(argv) > 2:
        _draw_many(context, argv)
        return
    found = sorted_set_to_read(context, argv[1])
    if found is None:
        context.reply.null()
    else:
        context.reply.bulk(_draw(found, context.keyspace.rng))


def _draw(found: SortedSetObject, rng: Random) -> bytes:
    """A random member; all are equally likely."""
    table = found.content.table()
    at = rng.below(found.length())
    return found.order().member_at(at) if table is None else table.keys[at]


def _draw_many(context: Context, argv: list[bytes]) -> None:
    """ZRANDMEMBER with a count."""
    count = sample_count(argv[2])
    with_scores = len(argv) > 3
    if with_scores and (len(argv) > 4 or argv[3].upper() != b"WITHSCORES"):
        raise CommandError(SYNTAX_ERROR)
    if with_scores:
        check_count_of_pairs(count)
    found = sorted_set_to_read(context, argv[1])
    if found is None or count == 0:
        context.reply.array(0)
    elif count < 0:
        _reply_independent(context, found, -count, with_scores)
    else:
        members = _draw_different(found, count, context.keyspace.rng)
        scores = [found.content.score(member) for member in members] if with_scores else None
        reply_members(context, members, scores)


def _reply_independent(context: Context, found: SortedSetObject, count: i64, with_scores: bool) -> None:
    """Reply with ``count`` independently drawn members; each is written at once, since there may be very many."""
    reply = context.reply
    nested = with_scores and reply.protocol > 2
    reply.array(2 * count if with_scores and not nested else count)
    rng = context.keyspace.rng
    while count > 0 and not context.client_is_gone():
        member = _draw(found, rng)
        if nested:
            reply.array(2)
        reply.bulk(member)
        if with_scores:
            reply.double(found.content.score(member))
        count -= 1


def _draw_different(found: SortedSetObject, count: int, rng: Random) -> list[bytes]:
    """``count`` different members; or all, in descending order, if there are no more."""
    length = found.length()
    order = found.order()
    if count >= length:
        members = order.members(0, length)
        members.reverse()
        return members
    if count * _LEAVE_OUT_FACTOR > length:
        left_out = distinct_numbers(length - count, length, rng)
        return [member for at, member in enumerate(order.members(0, length)) if at not in left_out]
    return [order.member_at(at) for at in distinct_numbers(count, length, rng)]
