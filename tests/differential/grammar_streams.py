"""The stream group. Ids are given and not taken from the clock; fields with times from the clock are not compared."""

from __future__ import annotations

from tests.differential.grammar import INTEGER, KEY, VALUE, Part, form, one_of, option, options, some, words
from tests.differential.grammar import sequence as seq
from tests.differential.rules import exactly, same_type
from tests.differential.state import without_clocks
from tests.support.wire import Array, Bulk, Integer, Map, Reply

_GOOD = [b"%d-%d" % (milliseconds, sequence) for milliseconds in (1, 2, 3, 5, 77) for sequence in (0, 1, 2)]
_ODD = [
    *(b"0", b"1", b"2", b"5", b"0-0", b"0-1", b"007-01", b"300-18446744073709551615"),
    *(b"18446744073709551615", b"18446744073709551615-18446744073709551615", b"18446744073709551615-0"),
]
_BAD = [b"", b"-", b"+", b"(", b"$", b">", b"*", b"x", b"1-", b"-1", b"1-x", b"1-2-3", b"1 ", b"1-*", b"(1-1"]
ID = one_of(words(*_GOOD), words(*_GOOD), words(*_ODD), words(*_GOOD, *_BAD))
NEW_ID = one_of(
    words(b"1-*", b"2-*", b"3-*", b"77-*", b"0-*", b"100-1", b"100-*", b"101-*", b"200-5"),
    words(*[b"%d-%d" % (milliseconds, 1) for milliseconds in range(1, 40)]),
    words(*[b"%d-0" % (milliseconds * 1000) for milliseconds in range(1, 9)], b"18446744073709551615-*"),
    words(b"300-18446744073709551615", b"0-0", b"0", b"x", b"-", b"+", b"1-", b"*-1", b"1-2-*", b"", b"1-1\x00x"),
)
BOUND = one_of(
    words(b"-", b"+", b"1", b"3"),
    words(*_GOOD),
    words(*[b"(" + good for good in _GOOD], b"(1", b"(0-0", b"(18446744073709551615-18446744073709551615"),
    ID,
)
FIELDS = one_of(
    words([b"f", b"v"], [b"f", b"1"], [b"f", b"v", b"g", b"w"], [b"", b""]),
    some(seq(words(b"f", b"g", b"\x00\xff"), VALUE), least=1, most=3),
    seq(words(b"f"), VALUE),
)
THRESHOLD = one_of(words(b"0", b"1", b"2", b"3", b"10", b"100"), INTEGER, ID)
TRIM = seq(words(b"MAXLEN", b"MINID", b"maxlen"), words([], [b"="], [b"~"], [b"~"]), THRESHOLD)
LIMIT = one_of(words([]), words([]), option("LIMIT", one_of(words(b"0", b"1", b"3", b"100"), INTEGER)))
COUNT = option("COUNT", one_of(words(b"1", b"2", b"3", b"10"), INTEGER))
# Names that make a deep radix tree: prefixes of each other, and long ones.
GROUP = words(b"g", b"g", b"g", b"h", b"gg", b"", b"none")
CONSUMER = words(b"c", b"c", b"d", b"cc", b"consumer-0001", b"\x00\xff")
MIN_IDLE = words(b"0", b"0", b"0", b"-5", b"1000000", b"x", b"9223372036854775807")


def _without_idle_times(reply: Reply) -> Reply:
    """The pending entries of XPENDING, without the times since they were delivered."""
    if not isinstance(reply, Array):
        return reply
    if len(reply.items) == 4 and all(isinstance(item, Integer) for item in reply.items[2:]):
        return Array((*reply.items[:2], reply.items[3]))
    return Array(tuple(_without_idle_times(item) for item in reply.items))


def pending(theirs: Reply, ours: Reply) -> str | None:
    return exactly(_without_idle_times(theirs), _without_idle_times(ours))


def _busy_consumers(reply: Reply) -> Reply:
    """XINFO CONSUMERS without times, and without consumers that have nothing pending: 7.2 creates those earlier."""
    if not isinstance(reply, Array):
        return reply
    found: list[Reply] = []
    for item in reply.items:
        parts = [part for pair in item.pairs for part in pair] if isinstance(item, Map) else []
        if isinstance(item, Array):
            parts = list(item.items)
        name, count = parts[1], parts[3]
        assert isinstance(name, Bulk)
        if count != Integer(0):
            found += [name, count]
    return Array(tuple(found))


def consumers(theirs: Reply, ours: Reply) -> str | None:
    return exactly(_busy_consumers(theirs), _busy_consumers(ours))


def _without_consumers(reply: Reply) -> Reply:
    """XINFO GROUPS without the number of consumers: 7.2 creates some earlier."""
    if not isinstance(reply, Array):
        return reply
    found: list[Reply] = []
    for item in reply.items:
        pairs = list(item.pairs) if isinstance(item, Map) else []
        if isinstance(item, Array):
            pairs = list(zip(item.items[::2], item.items[1::2], strict=True))
        found.append(Array(tuple(part for pair in pairs if pair[0] != Bulk(b"consumers") for part in pair)))
    return Array(tuple(found))


def groups(theirs: Reply, ours: Reply) -> str | None:
    return exactly(_without_consumers(theirs), _without_consumers(ours))


def full(theirs: Reply, ours: Reply) -> str | None:
    return exactly(without_clocks(theirs), without_clocks(ours))


def _sources(least: Part, most: int) -> Part:
    """The keys and ids of one or a few streams."""
    return one_of(*[seq(words(b"STREAMS"), *[KEY] * count, *[least] * count) for count in range(1, most + 1)])


READ_FROM = one_of(words(b"0", b"0-0", b"1-1", b"$"), ID)
# A command that finds nothing blocks, until the harness unblocks its client.
WAIT = words(b"10", b"0", b"-1", b"x", b"1.5")
READ_FOR = one_of(words(b">", b">", b">", b"0", b"1-1"), ID)

STREAMS = [
    form("XADD", KEY, NEW_ID, FIELDS, weight=10),
    form("XADD", words(b"a"), words(*[b"%d-*" % milliseconds for milliseconds in range(1, 9)]), FIELDS, weight=8),
    form("XADD", KEY, options(["NOMKSTREAM"], TRIM), LIMIT, NEW_ID, FIELDS, weight=4),
    form("XLEN", KEY),
    form("XRANGE", KEY, BOUND, BOUND, options(COUNT), weight=2),
    form("XREVRANGE", KEY, BOUND, BOUND, options(COUNT), weight=2),
    form("XDEL", KEY, some(ID), weight=3),
    form("XTRIM", KEY, TRIM, LIMIT, weight=2),
    form("XREAD", options(COUNT), _sources(READ_FROM, 2), weight=2),
    form("XREAD", options(COUNT, ["NOACK"], ["BLOCK"]), some(words(b"STREAMS", b"a", b"0"), least=2, most=4)),
    form(
        "XREADGROUP",
        *(words(b"GROUP"), GROUP, CONSUMER, options(COUNT, ["NOACK"]), _sources(READ_FOR, 2)),
        weight=6,
    ),
    form("XREAD", words([b"BLOCK"]), WAIT, options(COUNT), _sources(READ_FROM, 2)),
    form("XREADGROUP", words(b"GROUP"), GROUP, CONSUMER, words(b"BLOCK"), WAIT, options(COUNT), _sources(READ_FOR, 1)),
    form(
        "XREADGROUP", words([b"GROUP", b"g", b"c"], [b"GROUP", b"g", b"d"]), words([b"STREAMS", b"a", b">"]), weight=4
    ),
    form("XGROUP CREATE", KEY, GROUP, one_of(words(b"$", b"0"), ID), options(["MKSTREAM"], ["MKSTREAM"]), weight=3),
    form("XGROUP CREATE", words(b"a"), words(b"g"), words(b"0"), words(b"MKSTREAM"), weight=4),
    form("XGROUP CREATE", KEY, GROUP, ID, options(["MKSTREAM"], option("ENTRIESREAD", INTEGER))),
    form("XGROUP SETID", KEY, GROUP, one_of(words(b"$"), ID), options(option("ENTRIESREAD", INTEGER)), weight=2),
    form("XGROUP DESTROY", KEY, GROUP),
    form("XGROUP CREATECONSUMER", KEY, GROUP, CONSUMER, rule=same_type),
    form("XGROUP DELCONSUMER", KEY, GROUP, CONSUMER),
    form("XACK", KEY, GROUP, some(ID), weight=3),
    form("XPENDING", KEY, GROUP, rule=pending, weight=2),
    form("XPENDING", KEY, GROUP, BOUND, BOUND, INTEGER, options(CONSUMER), rule=pending),
    form("XPENDING", KEY, GROUP, words(b"IDLE"), MIN_IDLE, BOUND, BOUND, words(b"10", b"1"), rule=pending),
    form(
        "XCLAIM",
        *(KEY, GROUP, CONSUMER, MIN_IDLE, some(ID)),
        options(
            ["FORCE"],
            ["JUSTID"],
            option("IDLE", INTEGER),
            option("TIME", INTEGER),
            option("RETRYCOUNT", INTEGER),
            option("LASTID", ID),
        ),
        weight=3,
    ),
    form("XAUTOCLAIM", KEY, GROUP, CONSUMER, MIN_IDLE, BOUND, options(COUNT, ["JUSTID"]), weight=3),
    form("XINFO STREAM", KEY, weight=2),
    form("XINFO STREAM", KEY, words([b"FULL"]), options(COUNT), rule=full),
    form("XINFO GROUPS", KEY, rule=groups, weight=3),
    form("XINFO CONSUMERS", KEY, GROUP, rule=consumers),
    form(
        "XSETID",
        *(KEY, one_of(words(b"100-1", b"1000"), ID)),
        options(option("ENTRIESADDED", INTEGER), option("MAXDELETEDID", ID)),
    ),
    form("COPY", KEY, KEY),
    form("DEL", KEY),
]
