"""The hash group, as far as the installed server has it; expire times of fields came later."""

from __future__ import annotations

from tests.differential.grammar import FLOAT, INTEGER, KEY, PATTERN, VALUE, form, one_of, option, options, some, words
from tests.differential.grammar import sequence as seq
from tests.differential.rules import exactly, in_any_order, scanned
from tests.support.wire import Array, Reply

FIELD = one_of(
    words(b"f", b"g", b"h", b"1", b"01", b"-1", b"", b"field:0000001", b"\x00\xff\r\n", b"9223372036854775807"),
    words(b"f", b"g", b"h", b"x" * 64, b"x" * 65, b"127", b"128", b"4096", b"-4097"),
)
# Few of them are large: with a negative count the reply has that many elements, whatever the hash holds.
COUNT = words(b"0", b"1", b"2", b"3", b"5", b"100", b"-1", b"-2", b"-10", b"9223372036854775807", b"x", b"", b"+1")
FAR = words(b"-9223372036854775808", b"4611686018427387904", b"-4611686018427387904", b"9223372036854775808")


def drawn(theirs: Reply, ours: Reply) -> str | None:
    """Replies with the same number of random elements, in the same form."""
    if not (isinstance(theirs, Array) and isinstance(ours, Array)):
        return "different types" if type(theirs) is not type(ours) else None
    if len(theirs.items) != len(ours.items):
        return "different numbers"
    return "different items" if {type(x) for x in theirs.items} != {type(x) for x in ours.items} else None


def drawn_or_error(theirs: Reply, ours: Reply) -> str | None:
    """As `drawn`; any other reply must be equal to the byte."""
    return drawn(theirs, ours) if isinstance(theirs, Array) else exactly(theirs, ours)


HASHES = [
    form("HSET", KEY, FIELD, VALUE, weight=6),
    # No more pairs than the lower limit: 7.2 counts pairs even if they repeat a field, 7.0 does not.
    form("HSET", KEY, some(seq(FIELD, VALUE)), weight=4),
    form("HMSET", KEY, some(seq(FIELD, VALUE)), weight=2),
    form("HSETNX", KEY, FIELD, VALUE, weight=2),
    form("HGET", KEY, FIELD, weight=2),
    form("HMGET", KEY, some(FIELD)),
    form("HDEL", KEY, some(FIELD), weight=3),
    form("HLEN", KEY),
    form("HSTRLEN", KEY, FIELD),
    form("HEXISTS", KEY, FIELD),
    form("HKEYS", KEY, rule=in_any_order),
    form("HVALS", KEY, rule=in_any_order),
    form("HGETALL", KEY, rule=in_any_order, weight=2),
    form("HINCRBY", KEY, FIELD, INTEGER, weight=3),
    form("HINCRBYFLOAT", KEY, FIELD, FLOAT, weight=3),
    form("HRANDFIELD", KEY, rule=drawn),
    form("HRANDFIELD", KEY, COUNT, options(["WITHVALUES"], ["x"]), rule=drawn_or_error, weight=2),
    form("HRANDFIELD", KEY, FAR, words([b"WITHVALUES"])),
    form(
        "HSCAN",
        KEY,
        words(b"0", b"0", b"0", b"x", b"", b"0 "),
        options(option("MATCH", PATTERN), option("COUNT", words(b"1000", b"0", b"x")), ["x"]),
        words([b"COUNT", b"1000"]),
        rule=scanned,
    ),
    form("TYPE", KEY),
    form("DEL", KEY),
    form("COPY", KEY, KEY),
    form("RENAME", KEY, KEY),
]
